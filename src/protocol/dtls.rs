//! DTLS 1.0, 1.2 and the beginning of 1.3 (RFC 6347, RFC 9147): the handshake in the clear is read, the rest is counted.

use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::pieces::Pieces;
use super::reader::Reader;
use super::tls::Hellos;
use super::{Alert, TlsEvent, Verdict};
use crate::limits;
use crate::message::Direction;

/// DTLS.
pub(super) const PROTOCOL: DatagramProtocol =
    DatagramProtocol { name: "dtls", probe, open: || Box::new(Dtls::default()) };

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;

/// One record (RFC 6347 section 4.1).
struct Record<'a> {
    kind: u8,
    epoch: u16,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(r: &mut Reader<'a>) -> Option<Self> {
        let kind = r.u8()?;
        let known = matches!(r.u16()?, 0xfeff | 0xfefd | 0x0100) && (20..=25).contains(&kind);
        let epoch = r.u16()?;
        r.take(6)?;
        let data = r.vec16()?;
        known.then_some(Self { kind, epoch, data })
    }
}

/// One fragment of a message (RFC 6347 section 4.2.2).
struct Fragment<'a> {
    kind: u8,
    len: usize,
    number: u16,
    offset: usize,
    data: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(r: &mut Reader<'a>) -> Option<Self> {
        let (kind, len, number, offset) = (r.u8()?, r.u24()?, r.u16()?, r.u24()?);
        Some(Self { kind, len, number, offset, data: r.vec24()? })
    }
}

fn probe(datagram: &[u8]) -> Verdict {
    let record = Record::read(&mut Reader(datagram)).filter(|r| r.epoch == 0 && r.kind == HANDSHAKE);
    let fragment = record.and_then(|r| Fragment::read(&mut Reader(r.data)));
    match fragment {
        Some(f) if f.offset + f.data.len() > f.len => Verdict::No,
        Some(f) if f.kind == CLIENT_HELLO => Verdict::Yes(Some(Direction::Request)),
        // ServerHello, HelloVerifyRequest.
        Some(f) if matches!(f.kind, 2 | 3) => Verdict::Yes(Some(Direction::Response)),
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Dtls {
    halves: [Half; 2],
    hellos: Hellos,
    established: bool,
}

#[derive(Default)]
struct Half {
    /// Number of the next message.
    next: u16,
    /// Messages that are not whole, or not next.
    open: Vec<Message>,
}

struct Message {
    kind: u8,
    len: usize,
    number: u16,
    pieces: Pieces,
}

impl DatagramDissector for Dtls {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let (mut r, mut rest) = (Reader(bytes), bytes);
        while let Some(record) = Record::read(&mut r) {
            rest = r.0;
            match (record.kind, record.epoch, record.data) {
                (HANDSHAKE, 0, data) => self.handshake(dir, data, out),
                (ALERT, 0, [level, description]) => {
                    out.tls(TlsEvent::Alert(Alert { from: dir, level: *level, description: *description }));
                }
                (APPLICATION_DATA, 1.., data) => {
                    if !self.established {
                        self.established = true;
                        out.tls(TlsEvent::Established);
                    }
                    out.encrypted(data.len());
                }
                (_, _, data) => out.encrypted(data.len()),
            }
        }
        // DTLS 1.3 has encrypted records with a header of its own.
        out.encrypted(rest.len());
    }
}

impl Dtls {
    fn handshake(&mut self, dir: Direction, data: &[u8], out: &mut DatagramOut<'_>) {
        let half = &mut self.halves[dir.index()];
        let mut r = Reader(data);
        while let Some(fragment) = Fragment::read(&mut r) {
            if !half.take(&fragment) {
                out.weird("dtls_handshake_limit");
            }
        }
        while let Some(i) =
            half.open.iter().position(|m| m.number == half.next && m.pieces.prefix().len() >= m.len)
        {
            let message = half.open.swap_remove(i);
            half.next = half.next.wrapping_add(1);
            // Joined, it is a message of TLS.
            let header = [&[message.kind][..], &(message.len as u32).to_be_bytes()[1..]].concat();
            let body = message.pieces.prefix().get(..message.len).unwrap_or_default();
            self.hellos.message(dir, &[&header, body].concat(), &mut |event| out.learned(event));
        }
    }
}

impl Half {
    /// `false` if a bound left the fragment out.
    fn take(&mut self, fragment: &Fragment<'_>) -> bool {
        // What was read before comes again, or a hello was not seen: then numbers begin where they begin.
        if fragment.number < self.next {
            return true;
        }
        if self.next == 0 && self.open.is_empty() {
            self.next = fragment.number;
        }
        let found = self.open.iter_mut().find(|m| m.number == fragment.number);
        if let Some(message) = found {
            return message.len == fragment.len
                && message.pieces.insert(fragment.offset as u64, fragment.data);
        }
        if self.open.len() >= limits::DTLS_MESSAGES || fragment.len > limits::PIECES_BYTES {
            return false;
        }
        let mut pieces = Pieces::default();
        let fits = pieces.insert(fragment.offset as u64, fragment.data);
        self.open.push(Message { kind: fragment.kind, len: fragment.len, number: fragment.number, pieces });
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Channel, Position, Transport};
    use crate::protocol::Conversation;
    use crate::protocol::tests::tape::Tape;

    fn fragment(kind: u8, number: u8, body: &[u8], from: usize, to: usize) -> Vec<u8> {
        let len = |n: usize| [0, (n >> 8) as u8, n as u8];
        let head = [&[kind][..], &len(body.len()), &[0, number], &len(from), &len(to - from)].concat();
        [&head, &body[from..to]].concat()
    }

    fn record(kind: u8, epoch: u8, data: &[u8]) -> Vec<u8> {
        let head = [&[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0][..], &(data.len() as u16).to_be_bytes()]
            .concat();
        [&head, data].concat()
    }

    fn said(datagrams: &[(Direction, Vec<u8>)]) -> Vec<String> {
        let transport =
            Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
        let (mut conversation, mut tape) = (Conversation::default(), Tape::default());
        for (dir, bytes) in datagrams {
            conversation.probe(bytes, &mut tape);
            conversation.datagram(*dir, bytes, Position::default(), transport, &mut tape, &mut 0);
        }
        tape.lines
    }

    #[test]
    fn a_handshake_in_fragments_of_any_order_is_read() {
        use Direction::{Request, Response};
        let sni = [&[0, 0, 0, 11, 0, 9, 0, 0, 6][..], b"a.test"].concat();
        // A cookie of three bytes stands behind the session.
        let hello =
            [&[0xfe, 0xfd][..], &[7; 32], &[0, 3, 9, 9, 9, 0, 2, 0xc0, 0x2f, 1, 0, 0, 15], &sni].concat();
        let answer = [&[0xfe, 0xfd][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat();
        let chain = [&[0, 0, 6, 0, 0, 3][..], &[5; 3]].concat();
        let (middle, end) = (20, hello.len());
        let datagrams = [
            (Request, record(22, 0, &fragment(1, 0, &hello, 0, middle))),
            (Response, record(22, 0, &fragment(3, 0, &[0xfe, 0xff, 1, 4], 0, 4))),
            (Request, record(22, 0, &fragment(1, 0, &hello, middle - 5, end))),
            (
                Response,
                record(22, 0, &[fragment(11, 2, &chain, 0, 9), fragment(2, 1, &answer, 0, 38)].concat()),
            ),
            (Response, record(21, 0, &[1, 90])),
            (Request, record(22, 1, &[0xee; 40])),
            (Request, [record(23, 1, &[0xee; 30]), vec![0x2f; 10]].concat()),
        ];
        let lines = said(&datagrams);
        let (counted, lines): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l.starts_with("##"));
        let expected = [
            "0 dtls",
            "client fefd a.test",
            "server fefd c02f",
            "certificates < [3]",
            "alert < 1 90",
            "established",
        ];
        assert_eq!(lines, expected);
        assert_eq!(counted, ["## encrypted 80"]);
        for (dir, datagram) in &datagrams {
            for cut in 0..datagram.len() {
                said(&[datagrams[0].clone(), (*dir, datagram[..cut].to_vec())]);
            }
        }
    }

    #[test]
    fn messages_that_never_end_are_bounded() {
        let many: Vec<_> =
            (0..100).map(|n| (Direction::Request, record(22, 0, &fragment(1, n, &[7; 50], 0, 10)))).collect();
        let limits = said(&many).iter().filter(|l| l.contains("dtls_handshake_limit")).count();
        assert_eq!(limits, 100 - limits::DTLS_MESSAGES);
    }
}
