//! permessage-deflate (RFC 7692): what the handshake agrees on, and one direction's decompressor.

use crate::limits;
use crate::message::Head;
use flate2::{Decompress, FlushDecompress, Status};

/// Whether the handshake agrees on it, and whether each side keeps its window from message to message. How large the
/// window is does not matter: the largest one serves for all.
pub(super) fn agreed(response: &Head<'_>) -> Option<[bool; 2]> {
    let is = |name: &[u8]| name.eq_ignore_ascii_case(b"sec-websocket-extensions");
    let fields = response.fields.iter().filter(|f| is(f.name)).flat_map(|f| f.value.split(|b| *b == b','));
    for offer in fields {
        let mut parts = offer.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        if parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"permessage-deflate")) {
            let mut keeps = [true; 2];
            for part in parts {
                let name = part.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii();
                keeps[0] &= !name.eq_ignore_ascii_case(b"client_no_context_takeover");
                keeps[1] &= !name.eq_ignore_ascii_case(b"server_no_context_takeover");
            }
            return Some(keeps);
        }
    }
    None
}

/// A decompressor with its window.
pub(super) struct Inflate {
    inflate: Decompress,
    buffer: Box<[u8]>,
    /// Bytes of the message in and out.
    taken: u64,
    given: u64,
}

/// The message cannot be decompressed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Malformed,
    /// Over [`limits::INFLATE_BYTES`] or [`limits::INFLATE_RATIO`].
    Bomb,
}

impl Inflate {
    /// What one takes: the window, tables, and the buffer.
    pub(super) const BYTES: usize = 48 << 10;
    const BUFFER: usize = 4 << 10;

    pub(super) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            buffer: vec![0; Self::BUFFER].into_boxed_slice(),
            taken: 0,
            given: 0,
        }
    }

    /// A message begins; `keep` says that it may refer to the ones before.
    pub(super) fn begin(&mut self, keep: bool) {
        (self.taken, self.given) = (0, 0);
        if !keep {
            self.inflate.reset(false);
        }
    }

    /// The next bytes of the message.
    pub(super) fn push(&mut self, mut input: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        loop {
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(input, &mut self.buffer, FlushDecompress::Sync);
            let taken = self.inflate.total_in() - taken;
            let given = self.inflate.total_out() - given;
            self.taken += taken;
            self.given += given;
            input = input.get(taken as usize..).unwrap_or_default();
            if given > 0 {
                out(self.buffer.get(..given as usize).unwrap_or_default());
            }
            let free = self.given <= limits::INFLATE_FREE;
            if self.given > limits::INFLATE_BYTES || !free && self.given / limits::INFLATE_RATIO > self.taken
            {
                return Err(Broken::Bomb);
            }
            match result {
                // A sender may end the stream with a message (RFC 7692 section 7.2.3.5).
                Ok(Status::StreamEnd) => self.inflate.reset(false),
                Ok(_) if given < Self::BUFFER as u64 && (input.is_empty() || taken == 0) => return Ok(()),
                Ok(_) => {}
                // Nothing to do is no error.
                Err(_) if taken == 0 && given == 0 && input.is_empty() => return Ok(()),
                Err(_) => return Err(Broken::Malformed),
            }
            if input.is_empty() && given == 0 {
                return Ok(());
            }
        }
    }

    /// The message is over: the bytes that its sender left out (RFC 7692 section 7.2.2).
    pub(super) fn end(&mut self, out: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        self.push(&[0, 0, 0xff, 0xff], out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Field, Start, Version};

    fn agreement(values: &[&str]) -> Option<[bool; 2]> {
        let field =
            |v: &&'static str| Field { name: b"Sec-WebSocket-Extensions", value: v.as_bytes(), at: 0 };
        let values: Vec<&'static str> = values.iter().map(|v| &*v.to_string().leak()).collect();
        let fields: Vec<_> = values.iter().map(field).collect();
        let start = Start::Response { status: 101 };
        agreed(&Head::new(Version::Http11, start, &fields))
    }

    #[test]
    fn agreements_are_read() {
        assert_eq!(agreement(&[]), None);
        assert_eq!(agreement(&["permessage-deflate"]), Some([true, true]));
        let both = "permessage-deflate; server_no_context_takeover; client_max_window_bits=9";
        assert_eq!(agreement(&["x-other", both]), Some([true, false]));
        assert_eq!(agreement(&["a, Permessage-Deflate;client_no_context_takeover"]), Some([false, true]));
    }

    #[test]
    fn the_examples_of_the_rfc_are_inflated() {
        // RFC 7692 sections 7.2.3.1 to 7.2.3.5.
        let mut inflate = Inflate::new();
        let mut say = |keep: bool, bytes: &[u8]| {
            let mut out = Vec::new();
            inflate.begin(keep);
            for piece in bytes.chunks(3) {
                inflate.push(piece, &mut |b| out.extend_from_slice(b)).unwrap();
            }
            inflate.end(&mut |b| out.extend_from_slice(b)).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(say(true, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]), "Hello");
        assert_eq!(say(true, &[0xf2, 0x00, 0x11, 0x00, 0x00]), "Hello", "with the window of the first");
        assert_eq!(say(false, &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]), "Hello");
        assert_eq!(say(false, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]), "Hello", "BFINAL");
        assert_eq!(say(false, &[0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0]), "Hello");
    }

    #[test]
    fn bombs_and_noise_are_told() {
        let mut encoder = flate2::Compress::new(flate2::Compression::best(), false);
        let mut bomb = Vec::with_capacity(1 << 20);
        encoder.compress_vec(&vec![0; 8 << 20], &mut bomb, flate2::FlushCompress::Sync).unwrap();
        let mut inflate = Inflate::new();
        inflate.begin(false);
        let mut len = 0;
        assert_eq!(inflate.push(&bomb, &mut |b| len += b.len()), Err(Broken::Bomb));
        assert!((1 << 20..3 << 20).contains(&len));
        inflate.begin(false);
        assert_eq!(inflate.push(&[0x07; 20], &mut |_| ()), Err(Broken::Malformed));
    }
}
