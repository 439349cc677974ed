//! The chunked transfer coding (RFC 9112 section 7.1) as a push parser that never copies data.

use memchr::memchr;

/// Where the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    /// In the chunk-size line; the size so far and whether an extension or CR was met.
    Size { size: u64, digits: u8, done: bool },
    /// In chunk data.
    Data { left: u64 },
    /// In the line end after chunk data.
    DataEnd,
    /// In the trailer section.
    Trailers,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `0..n` of the input is framing.
    Framing(usize),
    /// `0..n` of the input is body data.
    Data(usize),
    /// Not chunked coding.
    Malformed,
}

impl Chunked {
    pub(super) const START: Self = Self::Size { size: 0, digits: 0, done: false };

    /// Looks at the beginning of `bytes` (not empty). Takes nothing of the trailer section.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        match self {
            Self::Size { size, digits, done } => {
                for (i, b) in bytes.iter().enumerate() {
                    match b {
                        b'\n' => {
                            if *digits == 0 {
                                return Step::Malformed;
                            }
                            if *size == 0 {
                                *self = Self::Trailers;
                                return Step::Framing(i + 1);
                            }
                            *self = Self::Data { left: *size };
                            return Step::Framing(i + 1);
                        }
                        _ if *done => {}
                        b';' | b'\r' | b' ' | b'\t' => *done = true,
                        _ => {
                            let Some(digit) = (*b as char).to_digit(16) else { return Step::Malformed };
                            if *digits == 16 || *size >> 60 != 0 {
                                return Step::Malformed;
                            }
                            *size = *size << 4 | u64::from(digit);
                            *digits += 1;
                        }
                    }
                }
                Step::Framing(bytes.len())
            }
            Self::Data { left } => {
                let n = (*left).min(bytes.len() as u64);
                *left -= n;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
                Step::Data(n as usize)
            }
            Self::DataEnd => match memchr(b'\n', &bytes[..bytes.len().min(2)]) {
                Some(end) => {
                    *self = Self::START;
                    Step::Framing(end + 1)
                }
                None if bytes.len() == 1 && bytes[0] == b'\r' => Step::Framing(1),
                None => Step::Malformed,
            },
            Self::Trailers => Step::Framing(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8], piece: usize) -> Option<Vec<u8>> {
        let mut state = Chunked::START;
        let mut out = Vec::new();
        for bytes in input.chunks(piece) {
            let mut rest = bytes;
            while !rest.is_empty() && state != Chunked::Trailers {
                match state.step(rest) {
                    Step::Framing(n) => rest = &rest[n..],
                    Step::Data(n) => {
                        out.extend_from_slice(&rest[..n]);
                        rest = &rest[n..];
                    }
                    Step::Malformed => return None,
                }
            }
        }
        (state == Chunked::Trailers).then_some(out)
    }

    #[test]
    fn decodes_in_pieces_of_any_size() {
        let input = b"4;name=\"v\"\r\nWiki\r\n5\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\n\r\n";
        for piece in 1..input.len() {
            assert_eq!(decode(input, piece).as_deref(), Some(&b"Wikipedia in\r\n\r\nchunks."[..]), "{piece}");
        }
        assert_eq!(decode(b"zz\r\n", 4), None);
        assert_eq!(decode(b"11111111111111111\r\n", 19), None);
    }
}
