//! Handshake messages (RFC 8446 section 4), joined out of the records that carry them.

use crate::limits;
use crate::protocol::reader::Reader;

/// Bytes of a message header: type and length.
pub(super) const MESSAGE_HEADER: usize = 4;
/// ClientHello.
pub(super) const CLIENT_HELLO: u8 = 1;
/// ServerHello, or a HelloRetryRequest.
pub(super) const SERVER_HELLO: u8 = 2;

/// NewSessionTicket.
pub(super) const NEW_SESSION_TICKET: u8 = 4;
/// Certificate.
pub(super) const CERTIFICATE: u8 = 11;
/// CertificateStatus: a stapled OCSP response (RFC 6066 section 8).
pub(super) const CERTIFICATE_STATUS: u8 = 22;

/// The certificates in the body of a Certificate message of TLS 1.2 and below (RFC 5246 section 7.4.2).
pub(super) fn certificates(body: &[u8]) -> Vec<&[u8]> {
    let mut list = Reader(Reader(body).vec24().unwrap_or_default());
    std::iter::from_fn(|| list.vec24()).take(limits::CERTIFICATES).collect()
}

/// The same of TLS 1.3, where each has extensions (RFC 8446 section 4.4.2).
pub(super) fn certificates13(body: &[u8]) -> Vec<&[u8]> {
    let mut r = Reader(body);
    r.vec8();
    let mut list = Reader(r.vec24().unwrap_or_default());
    let next = || {
        let certificate = list.vec24()?;
        list.vec16()?;
        Some(certificate)
    };
    std::iter::from_fn(next).take(limits::CERTIFICATES).collect()
}

/// One direction of the handshake. Whole messages are handed out where they lie; only the beginning of an incomplete
/// one is held.
#[derive(Default)]
pub(in crate::protocol) struct Messages {
    held: Vec<u8>,
    /// Bytes still to come of a message that nobody reads.
    skip: u32,
}

impl Messages {
    /// Takes the next bytes and calls `each` with every message that is now whole, header included. Messages that
    /// `wanted` does not name are passed over. Says whether one was left out because of its length.
    pub(in crate::protocol) fn push(
        &mut self,
        mut bytes: &[u8],
        wanted: impl Fn(u8) -> bool,
        mut each: impl FnMut(&[u8]),
    ) -> bool {
        let mut over = false;
        while !bytes.is_empty() {
            if self.skip > 0 {
                let n = (self.skip as usize).min(bytes.len());
                self.skip -= n as u32;
                bytes = &bytes[n..];
                continue;
            }
            let missing = MESSAGE_HEADER.saturating_sub(self.held.len());
            if missing > 0 && (!self.held.is_empty() || bytes.len() < missing) {
                let n = missing.min(bytes.len());
                self.held.extend_from_slice(&bytes[..n]);
                bytes = &bytes[n..];
            }
            let head = if self.held.is_empty() { bytes } else { &self.held };
            let mut r = Reader(head);
            let (Some(kind), Some(len)) = (r.u8(), r.u24()) else { break };
            let whole = MESSAGE_HEADER + len;
            let too_long = whole > limits::HANDSHAKE_BYTES;
            if !wanted(kind) || too_long {
                over |= wanted(kind);
                self.skip = (whole - self.held.len()) as u32;
                self.held = Vec::new();
            } else if self.held.is_empty() {
                match bytes.split_at_checked(whole) {
                    Some((message, rest)) => {
                        each(message);
                        bytes = rest;
                    }
                    None => {
                        self.held.extend_from_slice(bytes);
                        break;
                    }
                }
            } else {
                let n = (whole - self.held.len()).min(bytes.len());
                self.held.extend_from_slice(&bytes[..n]);
                bytes = &bytes[n..];
                if self.held.len() == whole {
                    each(&std::mem::take(&mut self.held));
                }
            }
        }
        over
    }

    /// What was begun will not be finished.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0][..], &(body.len() as u16).to_be_bytes(), body].concat()
    }

    #[test]
    fn messages_are_joined_from_pieces_of_any_size() {
        let all =
            [message(0, &[]), message(1, &[7; 9]), message(12, &[1; 30]), message(2, &[]), message(1, &[8])]
                .concat();
        for piece in 1..all.len() + 1 {
            let (mut messages, mut got) = (Messages::default(), Vec::new());
            for bytes in all.chunks(piece) {
                assert!(!messages.push(bytes, |kind| kind != 12, |m| got.push((m[0], m.len()))));
            }
            assert_eq!(got, [(0, 4), (1, 13), (2, 4), (1, 5)], "pieces of {piece}");
        }
    }

    #[test]
    fn a_message_over_the_limit_is_passed_over_and_said() {
        let mut messages = Messages::default();
        let len = limits::HANDSHAKE_BYTES + 1;
        let head = [11, (len >> 16) as u8, (len >> 8) as u8, len as u8];
        assert!(messages.push(&head, |_| true, |_| panic!("a message of {len} bytes")));
        let mut got = 0;
        for _ in 0..len / 100 {
            messages.push(&[0; 100], |_| true, |_| panic!("its bytes"));
        }
        let rest = [vec![0; len % 100], message(2, &[])].concat();
        messages.push(&rest, |_| true, |_| got += 1);
        assert_eq!((got, messages.held.capacity()), (1, 0));
    }
}
