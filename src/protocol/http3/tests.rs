//! Connections of HTTP/3, stream by stream.

use super::*;
use crate::message::Direction::{Request as C, Response as S};
use crate::message::{Channel, Position, Transport};
use crate::protocol::fields::huffman;
use crate::protocol::inner::Inner;
use crate::protocol::tests::tape::Tape;

/// A connection; each piece that is sent is a frame.
#[derive(Default)]
struct Wire {
    http3: Http3,
    tape: Tape,
    inner: Inner,
    id: u64,
    frame: u64,
    /// By stream and direction, what was sent, what was taken, and where it came from.
    sent: BTreeMap<(u64, Direction), (Vec<u8>, usize)>,
    trails: BTreeMap<u64, [Trail; 2]>,
}

impl Wire {
    fn speak<R>(&mut self, stream: u64, f: impl FnOnce(&mut Http3, &mut Out<'_>) -> R) -> R {
        let transport =
            Transport { flow: 0, client: None, server: None, channel: Channel::TlsDecrypted, protocol: NAME };
        let trails = self.trails.entry(stream).or_default();
        f(
            &mut self.http3,
            &mut Out {
                sink: &mut self.tape,
                transport: &transport,
                trails,
                inner: &mut self.inner,
                via: None,
                depth: 1,
                at: 0,
                consumed: 0,
                next_id: &mut self.id,
                carries: None,
                datagram: false,
            },
        )
    }

    fn send(&mut self, stream: u64, dir: Direction, bytes: &[u8]) -> &mut Self {
        self.frame += 1;
        let position = Position { frame: self.frame, ..Position::default() };
        let (all, _) = self.sent.entry((stream, dir)).or_default();
        let at = all.len() as u64;
        all.extend_from_slice(bytes);
        self.trails.entry(stream).or_default()[dir.index()].push_derived(at, bytes.len() as u64, position);
        self.flow(stream, dir);
        for (stream, dir) in self.http3.retries() {
            if self.speak(stream, |http3, out| http3.retry(stream, dir, false, out)) {
                self.flow(stream, dir);
            }
        }
        self
    }

    fn flow(&mut self, stream: u64, dir: Direction) {
        let (all, taken) = self.sent[&(stream, dir)].clone();
        let n = self.speak(stream, |http3, out| http3.data(stream, dir, taken as u64, &all[taken..], out));
        self.sent.insert((stream, dir), (all, taken + n));
    }

    fn gap(&mut self, stream: u64, dir: Direction, len: usize) -> &mut Self {
        let (all, taken) = self.sent.entry((stream, dir)).or_default();
        all.resize(all.len() + len, 0);
        *taken += len;
        self.speak(stream, |http3, out| http3.gap(stream, dir, len as u64, out));
        self
    }

    fn end(&mut self, stream: u64, dir: Direction) -> &mut Self {
        self.speak(stream, |http3, out| http3.end(stream, dir, End::Complete, out));
        self
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tape.lines)
    }
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0x40 | (payload.len() >> 8) as u8, payload.len() as u8][..], payload].concat()
}

/// A header block without dynamic table: `:method` of the static table, literals.
fn block(first: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = vec![0, 0, first];
    for (name, value) in fields {
        let coded = huffman(value.as_bytes());
        out.extend([0x27, (name.len() - 7) as u8]);
        out.extend_from_slice(name.as_bytes());
        out.push(0x80 | coded.len() as u8);
        out.extend(coded);
    }
    out
}

/// GET and :path /, as indices.
const GET: [u8; 4] = [0, 0, 0xd1, 0xc1];
/// :status 200.
const OK: u8 = 0xd9;

#[test]
fn requests_and_responses_are_told_in_pieces_of_any_size() {
    let request =
        [frame(1, &GET), frame(0x21, b"grease!"), frame(0, b"hel"), frame(0, b""), frame(0, b"lo")].concat();
    let response = [
        frame(1, &block(OK, &[("x-token", "abc")])),
        frame(0, b"body"),
        frame(1, &block(OK, &[("x-trailer", "t")])),
    ]
    .concat();
    for piece in [1, 2, 7, 1000] {
        let mut wire = Wire::default();
        for (dir, all) in [(C, &request), (S, &response)] {
            for part in all.chunks(piece) {
                wire.send(4, dir, part);
            }
            wire.end(4, dir);
        }
        let mut said = wire.said();
        for line in &mut said {
            line.truncate(line.find(" @").unwrap_or(line.len()));
        }
        let expected = [
            "0> GET /",
            "0> body hello",
            "0> Complete",
            "0< 200",
            "0< body body",
            "weird http3_second_head",
            "0< trailer x-trailer=t",
            "0< Complete",
        ];
        assert_eq!(said, expected, "pieces of {piece}");
        assert!(wire.http3.requests.is_empty());
    }
}

#[test]
fn a_block_waits_for_its_instructions_and_its_stream_with_it() {
    let mut wire = Wire::default();
    // The server allows a table of 220 bytes.
    wire.send(3, S, &[&[0][..], &frame(4, &[1, 0x40, 220])].concat());
    wire.send(0, C, &[frame(1, &[3, 0x81, 0x10, 0x11]), frame(0, b"body")].concat()).send(
        0,
        C,
        &frame(0, b", more"),
    );
    assert_eq!(wire.said(), [""; 0]);
    assert!(wire.http3.is_blocked(0, C) && wire.http3.held(0, C) == 3);
    let told = b"\x02\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path";
    for byte in told {
        wire.send(2, C, &[*byte]);
    }
    assert_eq!(wire.said(), ["0>  /sample/path @2", "0> body body, more"]);
    wire.end(0, C);
    assert_eq!(wire.said(), ["0> Complete"]);
}

#[test]
fn what_waits_in_vain_is_read_as_far_as_it_goes() {
    let mut wire = Wire::default();
    wire.send(3, S, &[&[0][..], &frame(4, &[1, 0x40, 220])].concat());
    wire.send(0, C, &frame(1, &[3, 0x81, 0xd1, 0x10, 0xc1])).send(0, C, b"");
    assert!(wire.speak(0, |http3, out| http3.retry(0, C, true, out)));
    assert_eq!(wire.said(), ["weird qpack_state_lost", "0> GET / @2"]);
    // The instructions are lost: nothing waits any more.
    wire.send(2, C, &[2, 0x3f]).gap(2, C, 1);
    wire.send(4, C, &frame(1, &[3, 0x81, 0xd1, 0x10, 0xc1]));
    assert_eq!(wire.said(), ["weird qpack_state_lost", "1> GET / @5"]);
}

#[test]
fn too_many_streams_do_not_wait() {
    let mut wire = Wire::default();
    for n in 0..=limits::QPACK_BLOCKED as u64 {
        wire.send(4 * n, C, &frame(1, &[3, 0x81, 0xd1, 0x10]));
    }
    assert_eq!(wire.http3.blocked().len(), limits::QPACK_BLOCKED);
    assert_eq!(wire.said(), ["weird qpack_state_lost", "0> GET  @129"]);
    wire.end(0, C);
    assert!(!wire.http3.is_blocked(0, C));
}

#[test]
fn holes_cost_what_they_must() {
    let mut wire = Wire::default();
    wire.send(0, C, &frame(1, &GET)).send(
        0,
        S,
        &[frame(1, &[0, 0, OK]), vec![0, 8], b"ab".to_vec()].concat(),
    );
    wire.gap(0, S, 3).send(0, S, b"fgh").send(0, S, &frame(0, b"next"));
    assert_eq!(wire.said(), ["0> GET / @1", "0< 200 @2", "0< body ab", "0< hole 3", "0< body fghnext"]);
    // A hole where a frame begins: the rest is searched.
    wire.gap(0, S, 1).send(0, S, b"eyJtoken").end(0, S);
    assert_eq!(wire.said(), ["0< hole 1", "<< opaque eyJtoken", "<< over", "0< Complete"]);
}

#[test]
fn pushes_are_exchanges_that_the_server_begins() {
    let mut wire = Wire::default();
    wire.send(0, C, &frame(1, &GET));
    wire.send(0, S, &[frame(5, &[&[7][..], &GET].concat()), frame(1, &[0, 0, OK])].concat());
    wire.send(15, S, &[&[1, 7][..], &frame(1, &[0, 0, OK]), &frame(0, b"pushed")].concat()).end(15, S);
    let said = wire.said();
    let expected = [
        "0> GET / @1",
        "1> GET / @2",
        "1> Complete",
        "0< 200 @2",
        "1< 200 @3",
        "1< body pushed",
        "1< Complete",
    ];
    assert_eq!(said, expected);
    assert!(wire.http3.lanes.is_empty());
}

#[test]
fn an_extended_connect_leads_to_a_websocket() {
    let mut wire = Wire::default();
    // RFC 9220: CONNECT, with :protocol.
    let ask = block(0xcf, &[(":protocol", "websocket")]);
    wire.send(0, C, &frame(1, &ask)).send(0, S, &frame(1, &[0, 0, OK]));
    wire.send(0, C, &frame(0, &[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']));
    let said = wire.said();
    assert!(
        said.contains(&"1> websocket @3".to_owned()) && said.contains(&"1> body hi".to_owned()),
        "{said:?}"
    );
}

#[test]
fn other_streams_are_searched() {
    let mut wire = Wire::default();
    wire.send(2, C, &[0x21]).send(2, C, b"text").end(2, C);
    // A stream of WebTransport goes both ways.
    wire.send(0, C, &[0x40, 0x41, 0, b'h', b'i']).end(0, C);
    assert_eq!(wire.said(), [">> opaque text", ">> over", ">> opaque \0hi", ">> over"]);
    wire.send(4, C, &[1, 0x80, 0x10, 0, 0, b'e', b'y']).end(4, C);
    assert_eq!(wire.said(), ["weird http3_block_limit", ">> opaque ey", ">> over"]);
}
