//! Entry of the fuzzer.

use super::qpack::Decoder;
use crate::protocol::fields::Fields;

/// Header blocks and instructions of one compression state: the first byte of each piece is its length, and the lowest
/// bit of that says which it is.
#[doc(hidden)]
pub fn fuzz_qpack(data: &[u8]) {
    let (mut decoder, mut fields) = (Decoder::default(), Fields::default());
    decoder.max_capacity = Some(1 << 12);
    let mut rest = data;
    while let Some((len, more)) = rest.split_first() {
        let (piece, next) = more.split_at(more.len().min((*len).into()));
        if len & 1 == 0 {
            let _ = decoder.instructions(piece);
        } else {
            for wait in [true, false] {
                let _ = decoder.decode(piece, wait, &mut fields);
                assert!(fields.list.len() <= crate::limits::HEAD_FIELDS);
            }
        }
        rest = next;
    }
}
