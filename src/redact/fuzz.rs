//! What the fuzzer gives to a redaction.

use super::align::{Style, align};
use super::recode::recode;
use super::{Input, Pseudonyms, Redaction, checksum, redact};
use crate::capture::{CaptureError, FileId, Source, open_stream};
use std::io::{Cursor, Read as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that can be read while they are written.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn open(&self) -> Result<Box<dyn Source>, CaptureError> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        open_stream(Box::new(Cursor::new(bytes)), FileId(0))
    }
}

/// Redacts arbitrary bytes as a capture, and replaces parts of them in others: nothing may change its length.
#[doc(hidden)]
pub fn fuzz_redact(data: &[u8]) {
    let names = Pseudonyms::with_key([1; 32]);
    let (first, second) = data.split_at(data.len() / 2);
    for part in [first, second] {
        assert_eq!(names.plain(part).len(), part.len());
        assert_eq!(names.token(part).len(), part.len());
        assert_eq!(names.segment(part).len(), part.len());
    }
    let new = names.plain(second);
    if let Some(text) = recode(first, second, &new) {
        assert_eq!(text.len(), first.len());
    }
    for style in [Style::Double, Style::Plain] {
        if let Some(text) = align(first, style, second, &new) {
            assert_eq!(text.len(), first.len());
        }
    }
    let mut changed = names.plain(data);
    checksum::mend(data, &mut changed);
    let out = Shared::default();
    let this = Redaction {
        input: Input::Bytes(data),
        decode_as: &[],
        keyring: Default::default(),
        secrets: Default::default(),
    };
    if redact(&this, names, &mut out.clone(), || out.open()).is_ok() {
        let len = out.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        let mut plain = Vec::new();
        let read = this.input.plain().is_ok_and(|mut input| input.read_to_end(&mut plain).is_ok());
        assert!(!read || len <= plain.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_keep_their_length(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_redact(&data);
        }

        #[test]
        fn mutated_texts_keep_their_length(text in r#"[{}\[\]":,a-f\\%&;u0-9.=eyJ \n-]{0,200}"#) {
            fuzz_redact(text.as_bytes());
        }
    }
}
