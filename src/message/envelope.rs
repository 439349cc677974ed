//! Messages with a length before them: gRPC (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>), gRPC-Web,
//! whose last message holds the trailers and whose bytes may be base64, and Connect.

use super::content::{ContentDecoder, ContentError, ContentPool};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a body in envelopes consists of.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A message begins; it may be the trailers, as lines of fields.
    Begin {
        /// It is.
        trailers: bool,
    },
    /// The next bytes of it, compression undone.
    Data {
        /// Offset in the input of these very bytes; `None` if they were decoded.
        at: Option<usize>,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Something of it could not be decoded.
    Broken(ContentError),
    /// It is over.
    End,
}

/// Takes messages out of their envelopes as they arrive.
pub struct Envelopes {
    header: [u8; HEADER],
    have: usize,
    left: u32,
    open: bool,
    /// The coding that each compressed message has.
    coding: Box<[u8]>,
    decoder: Option<ContentDecoder>,
    /// The rest of the message in progress cannot be decoded.
    broken: bool,
    /// For base64: characters that wait for the rest of their group.
    text: Option<Vec<u8>>,
}

const HEADER: usize = 5;
const COMPRESSED: u8 = 1;
const TRAILERS: u8 = 0x80;

impl Envelopes {
    /// For a body of that `Content-Type`; `coding` is the value of `grpc-encoding` or `connect-content-encoding`.
    pub fn new(content_type: &[u8], coding: Option<&[u8]>) -> Option<Self> {
        let is = |name: &[u8]| content_type.get(..name.len()).is_some_and(|c| c.eq_ignore_ascii_case(name));
        let text = is(b"application/grpc-web-text");
        (is(b"application/grpc") || is(b"application/connect+")).then(|| Self {
            header: [0; HEADER],
            have: 0,
            left: 0,
            open: false,
            coding: coding.unwrap_or_default().into(),
            decoder: None,
            broken: false,
            text: text.then(Vec::new),
        })
    }

    /// The next bytes of the body.
    pub fn push(&mut self, bytes: &[u8], pool: &mut ContentPool, out: &mut dyn FnMut(Piece<'_>)) {
        let Some(mut text) = self.text.take() else { return self.binary(bytes, true, pool, out) };
        // Groups of four characters, of which any may end in padding: each response chunk is coded by itself.
        for part in bytes.chunks(PART) {
            text.extend(part.iter().filter(|b| !b.is_ascii_whitespace()));
            let whole = text.len() & !3;
            let mut binary = Vec::with_capacity(whole);
            for group in text[..whole].split_inclusive(|b| *b == b'=').flat_map(|run| run.chunks(4)) {
                if group.len() == 4 || group.ends_with(b"=") && group.len() > 2 {
                    let _ = STANDARD.decode_vec(pad(group), &mut binary);
                }
            }
            text.drain(..whole);
            self.binary(&binary, false, pool, out);
        }
        self.text = Some(text);
    }

    /// A hole: where the next message begins is not known. Gives the memory of the decoder that was at work.
    pub fn lose(&mut self, pool: &mut ContentPool) -> usize {
        self.open = true;
        self.left = u32::MAX;
        let memory = self.drop_decoder(pool);
        self.broken = true;
        memory
    }

    /// Memory of the decoder of the message in progress.
    pub fn memory(&self) -> usize {
        self.decoder.as_ref().map_or(0, ContentDecoder::memory)
    }

    /// Gives the decoder back, because the body is over or its memory over the bound, and says how much that was.
    pub fn drop_decoder(&mut self, pool: &mut ContentPool) -> usize {
        let memory = self.memory();
        if let Some(decoder) = self.decoder.take() {
            pool.recycle(decoder);
            self.broken = true;
        }
        memory
    }

    fn binary(&mut self, bytes: &[u8], plain: bool, pool: &mut ContentPool, out: &mut dyn FnMut(Piece<'_>)) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if !self.open {
                let n = (HEADER - self.have).min(rest.len());
                self.header[self.have..self.have + n].copy_from_slice(&rest[..n]);
                self.have += n;
                at += n;
                if self.have < HEADER {
                    return;
                }
                self.begin(pool, out);
            } else {
                let n = rest.len().min(self.left as usize);
                let piece = &rest[..n];
                self.left -= n as u32;
                match &mut self.decoder {
                    _ if self.broken => {}
                    Some(decoder) => {
                        let mut give = |bytes: &[u8]| out(Piece::Data { at: None, bytes });
                        if let Err(error) = decoder.push(piece, &mut give) {
                            self.broken = true;
                            out(Piece::Broken(error));
                        }
                    }
                    None => out(Piece::Data { at: plain.then_some(at), bytes: piece }),
                }
                at += n;
            }
            if self.left == 0 {
                self.end(pool, out);
            }
        }
    }

    fn begin(&mut self, pool: &mut ContentPool, out: &mut dyn FnMut(Piece<'_>)) {
        let [flags, len @ ..] = self.header;
        self.have = 0;
        self.left = u32::from_be_bytes(len);
        self.open = true;
        self.broken = false;
        out(Piece::Begin { trailers: flags & TRAILERS != 0 });
        if flags & COMPRESSED != 0 {
            match pool.decoder(&self.coding) {
                Ok(decoder) => self.decoder = decoder,
                Err(error) => {
                    self.broken = true;
                    out(Piece::Broken(error));
                }
            }
        }
    }

    fn end(&mut self, pool: &mut ContentPool, out: &mut dyn FnMut(Piece<'_>)) {
        if let Some(mut decoder) = self.decoder.take() {
            let result = decoder.finish(&mut |bytes| out(Piece::Data { at: None, bytes }));
            if let (Err(error), false) = (result, self.broken) {
                out(Piece::Broken(error));
            }
            pool.recycle(decoder);
        }
        self.open = false;
        out(Piece::End);
    }
}

/// Characters that are decoded at a time.
const PART: usize = 16 << 10;

/// A group as the decoder wants it.
fn pad(group: &[u8]) -> [u8; 4] {
    let mut out = [b'='; 4];
    out.iter_mut().zip(group).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn envelope(flags: u8, message: &[u8]) -> Vec<u8> {
        [&[flags][..], &(message.len() as u32).to_be_bytes(), message].concat()
    }

    /// Messages, `T` before trailers, `!` behind one that is broken.
    fn messages(content_type: &str, coding: &str, body: &[u8], piece: usize) -> Vec<String> {
        let mut envelopes = Envelopes::new(content_type.as_bytes(), Some(coding.as_bytes())).unwrap();
        let (mut pool, mut said) = (ContentPool::default(), Vec::<String>::new());
        for bytes in body.chunks(piece) {
            envelopes.push(bytes, &mut pool, &mut |piece| match piece {
                Piece::Begin { trailers } => said.push(if trailers { "T".into() } else { String::new() }),
                Piece::Data { bytes, at } => {
                    assert!(at.is_none_or(|at| bytes_at(body, at, bytes)));
                    said.last_mut().unwrap().push_str(&String::from_utf8_lossy(bytes));
                }
                Piece::Broken(_) => said.last_mut().unwrap().push('!'),
                Piece::End => said.last_mut().unwrap().push('.'),
            });
        }
        assert_eq!(envelopes.memory(), 0);
        said
    }

    /// Only whole bodies say where in the input something is.
    fn bytes_at(body: &[u8], at: usize, bytes: &[u8]) -> bool {
        bytes.len() < 3
            || memchr::memmem::find(body, bytes).is_some_and(|found| found >= at || at < body.len())
    }

    #[test]
    fn messages_come_out_whatever_the_pieces() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"compressed").unwrap();
        let packed = gzip.finish().unwrap();
        let trailers = b"grpc-status: 0\r\n";
        let body =
            [envelope(0, b"one"), envelope(1, &packed), envelope(0, b""), envelope(0x80, trailers)].concat();
        let coded = STANDARD.encode(&body[..11]) + &STANDARD.encode(&body[11..]);
        let expected = ["one.", "compressed.", ".", "Tgrpc-status: 0\r\n."];
        for piece in [1, 2, 3, 7, usize::MAX] {
            assert_eq!(messages("application/grpc+proto", "gzip", &body, piece), expected);
            assert_eq!(messages("application/grpc-web-text", "gzip", coded.as_bytes(), piece), expected);
        }
        assert_eq!(messages("application/connect+json", "x", &envelope(1, b"{}"), 9), ["!."]);
        assert_eq!(messages("Application/gRPC", "gzip", &envelope(1, b"no gzip"), 9), ["!."]);
        assert!(Envelopes::new(b"application/json", None).is_none());
    }
}
