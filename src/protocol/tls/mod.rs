//! TLS records (RFC 8446 section 5.1) on any port: hellos are read, everything encrypted is counted and skipped.

mod hello;

pub use hello::{ClientHello, ServerHello};

use super::{Dissector, Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End};

/// TLS and SSL.
pub(super) const PROTOCOL: Protocol = Protocol { name: "tls", probe, open: || Box::new(Tls::default()) };

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
const HEADER: usize = 5;
/// Longest record: 2^14 bytes of plaintext and 2048 of expansion (RFC 5246 section 6.2.3).
const RECORD: usize = (1 << 14) + 2048;
/// Handshake bytes that are joined to find the hellos; certificates that follow are not waited for.
const HANDSHAKE_BYTES: usize = 64 << 10;

/// What a TLS layer learns about its session.
#[derive(Clone, Debug)]
pub enum TlsEvent {
    /// The first ClientHello.
    Client(ClientHello),
    /// The first ServerHello that is not a HelloRetryRequest.
    Server(ServerHello),
    /// Application data passed.
    Established,
}

fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [HANDSHAKE, 3, 0..=4, high, low, rest @ ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            match rest.first() {
                _ if !(4..=RECORD).contains(&len) => Verdict::No,
                None => Verdict::More,
                Some(1) => Verdict::Yes(Some(Direction::Request)),
                Some(2) => Verdict::Yes(Some(Direction::Response)),
                Some(0 | 4 | 11..=16 | 20) => Verdict::Yes(None),
                Some(_) => Verdict::No,
            }
        }
        // Joined in the middle: an application data record, or an alert or cipher change of its exact length.
        [APPLICATION_DATA, 3, 1..=4, high, low, ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let next = bytes.get(HEADER + len..);
            let follows = next.is_none_or(|n| n.is_empty() || n[0] == APPLICATION_DATA || n[0] == 21);
            if (16..=RECORD).contains(&len) && follows { Verdict::Yes(None) } else { Verdict::No }
        }
        [CHANGE_CIPHER_SPEC, 3, 0..=4, 0, 1, 1, ..] => Verdict::Yes(None),
        // SSLv2-compatible ClientHello (RFC 5246 appendix E.2).
        [high, low, 1, 3 | 0, 0..=4, cipher_high, cipher_low, session_high, session_low, ..]
            if high & 0x80 != 0 =>
        {
            let len = usize::from(high & 0x7f) << 8 | usize::from(*low);
            let ciphers = usize::from(u16::from_be_bytes([*cipher_high, *cipher_low]));
            let session = usize::from(u16::from_be_bytes([*session_high, *session_low]));
            let version_fits = bytes[3] == 3 || bytes[4] == 2;
            if version_fits && ciphers > 0 && ciphers.is_multiple_of(3) && session <= 32 && len > 9 + ciphers
            {
                Verdict::Yes(Some(Direction::Request))
            } else {
                Verdict::No
            }
        }
        [HANDSHAKE, 3, 0..=4, ..] | [HANDSHAKE, 3] | [HANDSHAKE] if bytes.len() < HEADER => Verdict::More,
        [first, ..] if first & 0x80 != 0 && bytes.len() < 9 && bytes.get(2).is_none_or(|b| *b == 1) => {
            Verdict::More
        }
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Tls {
    halves: [Half; 2],
    established: bool,
}

#[derive(Default)]
struct Half {
    /// An incomplete record header.
    header: [u8; HEADER],
    header_len: u8,
    /// Bytes of the current record that are still to come, and whether they are kept.
    left: u32,
    kept: bool,
    /// Everything from here on is encrypted or of no interest: only record headers are read.
    done: bool,
    /// Framing is lost.
    lost: bool,
    /// The current record is an SSLv2-compatible hello.
    ssl2: bool,
    handshake: Vec<u8>,
}

impl Dissector for Tls {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let half = &mut self.halves[dir.index()];
        let mut rest = bytes;
        if half.lost {
            let verdict = probe(rest);
            if !matches!(verdict, Verdict::Yes(_)) && !record_header(rest) {
                out.encrypted(rest.len() as u64);
                return Ok(());
            }
            half.lost = false;
            // A hello in its place: the hole was before the session.
            if verdict == Verdict::Yes(Some(dir)) && !self.established {
                half.done = false;
            }
        }
        while !rest.is_empty() {
            if half.left > 0 {
                let n = (half.left as usize).min(rest.len());
                half.left -= n as u32;
                if half.kept {
                    half.handshake.extend_from_slice(&rest[..n]);
                    half.hellos(out);
                } else {
                    out.encrypted(n as u64);
                }
                rest = &rest[n..];
                continue;
            }
            let have = usize::from(half.header_len);
            let n = (HEADER - have).min(rest.len());
            half.header[have..have + n].copy_from_slice(&rest[..n]);
            half.header_len += n as u8;
            rest = &rest[n..];
            if usize::from(half.header_len) == HEADER {
                half.header_len = 0;
                match half.record(&mut self.established, out) {
                    Ok(()) => {}
                    Err(name) if half.done || self.established => {
                        out.weird(name);
                        half.lost = true;
                        out.encrypted(rest.len() as u64);
                        return Ok(());
                    }
                    Err(name) => {
                        out.consumed(out.at() + (bytes.len() - rest.len()) as u64);
                        return Err(Malformed(name));
                    }
                }
            }
        }
        Ok(())
    }

    fn gap(&mut self, dir: Direction, len: u64, _: &mut Out<'_>) -> Result<(), Malformed> {
        let half = &mut self.halves[dir.index()];
        half.handshake = Vec::new();
        half.ssl2 = false;
        half.done = true;
        half.kept = false;
        if half.header_len == 0 && u64::from(half.left) >= len {
            half.left -= len as u32;
        } else {
            half.left = 0;
            half.header_len = 0;
            half.lost = true;
        }
        Ok(())
    }

    fn close(&mut self, dir: Direction, _: End, _: &mut Out<'_>) {
        self.halves[dir.index()].handshake = Vec::new();
    }

    fn held(&self, _: Direction) -> u64 {
        u64::MAX
    }
}

impl Half {
    /// A whole record header.
    fn record(&mut self, established: &mut bool, out: &mut Out<'_>) -> Result<(), &'static str> {
        let [kind, major, minor, high, low] = self.header;
        let len = u16::from_be_bytes([high, low]);
        if kind & 0x80 != 0 && major > 0 && minor == 1 && !self.done {
            // SSLv2: two bytes of header, then the message type, of which the rest is kept to be parsed.
            self.left = (u32::from(kind & 0x7f) << 8 | u32::from(major)).saturating_sub(3);
            self.handshake = vec![minor, high, low];
            self.kept = true;
            self.ssl2 = true;
            return Ok(());
        }
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) || major != 3 || usize::from(len) > RECORD {
            return Err("tls_bad_record");
        }
        self.left = len.into();
        self.kept = kind == HANDSHAKE && !self.done;
        if kind == APPLICATION_DATA && !*established {
            *established = true;
            out.tls(TlsEvent::Established);
        }
        if matches!(kind, CHANGE_CIPHER_SPEC | APPLICATION_DATA) {
            self.done = true;
            self.handshake = Vec::new();
        }
        Ok(())
    }

    /// Reads the hello once its message is whole; then nothing more is kept.
    fn hellos(&mut self, out: &mut Out<'_>) {
        if self.handshake.len() < 4 {
            return;
        }
        if self.ssl2 {
            if self.left == 0 {
                match ClientHello::parse_ssl2(&self.handshake) {
                    Some(hello) => out.tls(TlsEvent::Client(hello)),
                    None => out.weird("tls_bad_hello"),
                }
                self.ssl2 = false;
                // The TLS handshake that may follow holds no second hello.
                self.stop();
            }
            return;
        }
        let len = usize::from(self.handshake[1]) << 16
            | usize::from(self.handshake[2]) << 8
            | usize::from(self.handshake[3]);
        let event = match self.handshake[0] {
            1 | 2 if len > HANDSHAKE_BYTES => None,
            1 | 2 if self.handshake.len() < 4 + len => return,
            1 => ClientHello::parse(&self.handshake[4..4 + len]).map(TlsEvent::Client),
            2 => match ServerHello::parse(&self.handshake[4..4 + len]) {
                Some(hello) if hello.retry => {
                    self.handshake.drain(..4 + len);
                    return;
                }
                hello => hello.map(TlsEvent::Server),
            },
            _ => {
                // HelloRequest and the like before the hello: skip whole messages.
                if self.handshake.len() >= 4 + len {
                    self.handshake.drain(..4 + len);
                } else if len > HANDSHAKE_BYTES {
                    self.stop();
                }
                return;
            }
        };
        match event {
            Some(event) => out.tls(event),
            None => out.weird("tls_bad_hello"),
        }
        self.stop();
    }

    fn stop(&mut self) {
        self.handshake = Vec::new();
        self.done = true;
        self.kept = false;
    }
}

/// A record header of a running session, at the start of a segment.
fn record_header(bytes: &[u8]) -> bool {
    matches!(bytes, [CHANGE_CIPHER_SPEC..=HEARTBEAT, 3, 1..=4, high, low, ..]
        if (1..=RECORD).contains(&usize::from(u16::from_be_bytes([*high, *low]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_told_from_other_bytes() {
        assert_eq!(probe(&[22, 3, 1, 2, 0, 1]), Verdict::Yes(Some(Direction::Request)));
        assert_eq!(probe(&[22, 3, 3, 0, 90, 2]), Verdict::Yes(Some(Direction::Response)));
        assert_eq!(probe(&[22, 3, 1]), Verdict::More);
        assert_eq!(probe(&[22, 3, 1, 0xff, 0xff, 1]), Verdict::No);
        assert_eq!(probe(b"GET / HTTP/1.1"), Verdict::No);
        assert_eq!(probe(&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16]), Verdict::Yes(Some(Direction::Request)));
        assert_eq!(probe(&[0x80, 0x2e, 7, 0, 2, 0, 21, 0, 0]), Verdict::No);
    }
}
