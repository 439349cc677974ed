//! The fuzz functions of this module: a dissector on any bytes, held to what a sink may expect.

use super::datagram::DatagramOut;
use super::{Carrier, Conversation, Layer, PROTOCOLS, Protocol, Sink, TlsEvent, Trail, by_name, quic};
use crate::keylog::Keyring;
use crate::message::{Channel, Direction, End, ExchangeId, Head, Login, Position, Transport};
use foldhash::HashMap;
use std::sync::Arc;

/// What was said of each message, and how much memory is reserved.
#[derive(Default)]
struct Check {
    stages: HashMap<(ExchangeId, Direction), Stage>,
    keyring: Option<Arc<Keyring>>,
    held: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begun,
    Ended,
}

impl Check {
    fn open(&self, id: ExchangeId, dir: Direction) {
        assert_eq!(self.stages.get(&(id, dir)), Some(&Stage::Begun), "{id:?} {dir:?} is open");
    }
}

impl Sink for Check {
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>) {
        let dir = head.start.direction();
        assert!(self.stages.insert((id, dir), Stage::Begun).is_none(), "{id:?} {dir:?} begins once");
        let _ = carrier.position(dir, head.at);
        for field in head.fields {
            let _ = carrier.trails[dir.index()]
                .spans(head.at.wrapping_add(field.at.into()), field.value.len() as u64);
        }
    }
    fn body(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]) {
        self.open(id, dir);
        let _ = carrier.trails[dir.index()].spans(at, bytes.len() as u64);
    }
    fn body_gap(&mut self, id: ExchangeId, dir: Direction, _: u64) {
        self.open(id, dir);
    }
    fn trailers(&mut self, _: Carrier<'_>, id: ExchangeId, dir: Direction, _: &Head<'_>) {
        self.open(id, dir);
    }
    fn end(&mut self, id: ExchangeId, dir: Direction, _: End) {
        let before = self.stages.insert((id, dir), Stage::Ended);
        assert_ne!(before, Some(Stage::Ended), "{id:?} {dir:?} ends once");
    }
    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]) {
        let _ = carrier.trails[dir.index()].spans(at, bytes.len() as u64);
    }
    fn opaque_gap(&mut self, _: &Transport, _: Direction, _: bool) {}
    fn encrypted(&mut self, _: u64) {}
    fn keyring(&self) -> Option<Arc<Keyring>> {
        self.keyring.clone()
    }
    fn tls(&mut self, _: Carrier<'_>, _: TlsEvent<'_>) {}
    fn login(&mut self, login: Login) {
        assert!(login.mechanism.len() <= 32, "it is a name");
    }
    fn is_token(&self, secret: &[u8]) -> bool {
        secret.starts_with(b"eyJ")
    }
    fn protocol(&mut self, _: usize, _: &'static str) {}
    fn reserve(&mut self, bytes: usize) -> bool {
        let fits = self.held + bytes <= 1 << 20;
        self.held += if fits { bytes } else { 0 };
        fits
    }
    fn release(&mut self, bytes: usize) {
        assert!(bytes <= self.held, "no more is released than was reserved");
        self.held -= bytes;
    }
    fn upgraded(&mut self, _: usize, _: &'static str) {}
    fn weird(&mut self, _: &'static str) {}
}

const NOWHERE: Transport =
    Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };

/// Plays bytes to a dissector. They are pieces of both directions, each behind a byte that says which and how long;
/// a length of 0 is a hole.
fn play(protocol: Option<&'static Protocol>, data: &[u8]) {
    let (mut layer, mut sink, mut id) = (Layer::new(NOWHERE, 0), Check::default(), 0);
    if let Some(protocol) = protocol {
        layer.set_protocol(protocol, &mut sink);
    }
    let (mut rest, mut frame) = (data, 0);
    while let Some((first, more)) = rest.split_first() {
        let dir = if first & 0x80 == 0 { Direction::Request } else { Direction::Response };
        let (piece, next) = more.split_at(more.len().min(usize::from(first & 0x7f)));
        rest = next;
        frame += 1;
        if first & 0x7f == 0 {
            layer.gap(dir, 7, &mut sink, &mut id);
        } else if first & 0x7f == 0x7f {
            // The rest in one piece.
            layer.data(dir, more, Position { frame, ..Position::default() }, &mut sink, &mut id);
            break;
        } else {
            layer.data(dir, piece, Position { frame, ..Position::default() }, &mut sink, &mut id);
        }
    }
    for dir in [Direction::Request, Direction::Response] {
        layer.close(dir, End::Complete, &mut sink, &mut id);
    }
    assert_eq!(sink.held, 0, "everything is released");
}

/// Datagrams of both directions, each behind a byte that says which and how long.
pub fn fuzz_datagrams(data: &[u8]) {
    play_datagrams(Conversation::default(), data);
}

/// The same of the protocol that the first byte says.
pub fn fuzz_datagram(data: &[u8]) {
    if let Some((which, rest)) = data.split_first() {
        play_datagrams(Conversation::numbered((*which).into()), rest);
    }
}

fn play_datagrams(mut conversation: Conversation, data: &[u8]) {
    let (mut sink, mut id) = (Check::default(), 0);
    let (mut rest, mut frame) = (data, 0);
    while let Some((first, more)) = rest.split_first() {
        let dir = if first & 0x80 == 0 { Direction::Request } else { Direction::Response };
        let len = if first & 0x7f == 0x7f { more.len() } else { usize::from(first & 0x7f) };
        let (datagram, next) = more.split_at(more.len().min(len));
        rest = next;
        frame += 1;
        let position = Position { frame, ..Position::default() };
        conversation.probe(datagram, &mut sink);
        conversation.datagram(dir, datagram, position, NOWHERE, &mut sink, &mut id);
    }
    conversation.close(NOWHERE, &mut sink, &mut id);
    assert_eq!(sink.held, 0, "everything is released");
}

/// Frames of a QUIC connection whose packets are open.
pub fn fuzz_quic(data: &[u8]) {
    let (mut sink, trails, mut id) = (Check::default(), <[Trail; 2]>::default(), 0);
    quic::fuzz::play(data, &mut DatagramOut::new(&mut sink, &NOWHERE, &trails, &mut id));
    assert_eq!(sink.held, 0, "everything is released");
}

/// Any protocol that the bytes may be taken for.
pub fn fuzz_probe(data: &[u8]) {
    play(None, data);
}

/// The protocol of streams that the first byte says.
pub fn fuzz_stream(data: &[u8]) {
    if let Some((which, rest)) = data.split_first() {
        play(PROTOCOLS.get(usize::from(*which) % PROTOCOLS.len()).copied(), rest);
    }
}

/// HTTP/1.
pub fn fuzz_http1(data: &[u8]) {
    play(by_name("http1"), data);
}

/// HTTP/2.
pub fn fuzz_http2(data: &[u8]) {
    play(by_name("http2"), data);
}

/// TLS records.
pub fn fuzz_tls(data: &[u8]) {
    play(by_name("tls"), data);
}

/// WebSocket frames behind a handshake that agrees on compression.
pub fn fuzz_websocket(data: &[u8]) {
    const ASK: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    const AGREE: &[u8] =
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    play(by_name("http1"), &[&[ASK.len() as u8], ASK, &[AGREE.len() as u8 | 0x80], AGREE, data].concat());
}

/// TLS records of a session whose keys are known. The first byte says which suite. Pieces follow, each behind a byte
/// that says which direction and how long, and one that says how: as they are, or as the content of a record.
pub fn fuzz_tls_keys(data: &[u8]) {
    use super::tls::decrypt::fuzz;
    const SUITES: [u16; 8] = [0x1301, 0x1301, 0x1303, 0x002f, 0xc027, 0xc02f, 0xcca8, 0x1304];
    let Some((which, mut rest)) = data.split_first() else { return };
    let suite = SUITES[usize::from(which % 8)];
    let (mut layer, mut id) = (Layer::new(NOWHERE, 0), 0);
    let mut sink = Check { keyring: Some(Arc::new(fuzz::ring())), ..Check::default() };
    let mut numbers = [0; 8];
    let mut frame = 0;
    let mut send = |dir: Direction, bytes: &[u8], sink: &mut Check| {
        frame += 1;
        layer.data(dir, bytes, Position { frame, ..Position::default() }, sink, &mut id);
    };
    for dir in Direction::BOTH {
        send(dir, &fuzz::hello(dir, suite, suite >> 8 == 0x13), &mut sink);
    }
    for dir in Direction::BOTH {
        send(dir, &[20, 3, 3, 0, 1, 1], &mut sink);
    }
    while let [first, how, more @ ..] = rest {
        let dir = if first & 0x80 == 0 { Direction::Request } else { Direction::Response };
        let (piece, next) = more.split_at(more.len().min(usize::from(first & 0x7f)));
        rest = next;
        if how & 1 == 0 {
            send(dir, piece, &mut sink);
        } else {
            let (secret, kind) = (usize::from(how >> 1 & 7), 20 + (how >> 4) % 5);
            send(dir, &fuzz::seal(secret, numbers[secret], kind, piece), &mut sink);
            numbers[secret] += 1;
        }
    }
    for dir in Direction::BOTH {
        layer.close(dir, End::Complete, &mut sink, &mut id);
    }
    assert_eq!(sink.held, 0, "all is given back");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Frames of HTTP/2 with any payload, cut anyhow, in either direction.
    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let frame = (0..11_u8, any::<u8>(), 0..5_u8, proptest::collection::vec(any::<u8>(), 0..40)).prop_map(
            |(kind, flags, stream, payload)| {
                [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], &payload].concat()
            },
        );
        let piece = (any::<bool>(), proptest::collection::vec(frame, 0..4)).prop_map(|(up, frames)| {
            let bytes = frames.concat();
            bytes
                .chunks(100)
                .flat_map(|c| [&[c.len() as u8 | u8::from(up) << 7][..], c].concat())
                .collect::<Vec<u8>>()
        });
        proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    /// Frames of WebSocket.
    fn messages() -> impl Strategy<Value = Vec<u8>> {
        let first = (any::<bool>(), any::<bool>(), 0..4_u8).prop_map(|(fin, compressed, opcode)| {
            u8::from(fin) << 7 | u8::from(compressed) << 6 | [0, 1, 2, 9][usize::from(opcode)]
        });
        let frame = (any::<bool>(), first, proptest::collection::vec(any::<u8>(), 0..60), 1..127_u8)
            .prop_map(|(up, first, payload, piece)| {
                let len = payload.len() as u8;
                let mask: &[u8] = if up { &[0; 4] } else { &[] };
                let frame = [&[first, len | u8::from(up) << 7][..], mask, &payload].concat();
                let pieces = frame.chunks(piece.into());
                pieces.flat_map(|c| [&[c.len() as u8 | u8::from(!up) << 7][..], c].concat()).collect()
            });
        let hole = any::<bool>().prop_map(|up| vec![u8::from(up) << 7]);
        let parts = prop_oneof![9 => frame, 1 => hole];
        proptest::collection::vec(parts, 0..20).prop_map(|parts: Vec<Vec<u8>>| parts.concat())
    }

    /// Packets of QUIC with pieces of streams, of which the bytes are HTTP/3 or nothing.
    fn packets() -> impl Strategy<Value = Vec<u8>> {
        let block = prop_oneof![
            Just(vec![0, 0, 0xd1, 0xc1]),
            Just(vec![0, 0, 0xd9]),
            Just(vec![3, 0x81, 0x10, 0x11])
        ];
        let frame = (prop_oneof![Just(0_u8), Just(1), Just(5), any::<u8>()], block)
            .prop_map(|(kind, block)| [&[kind, block.len() as u8][..], &block].concat());
        let told = Just(b"\x02\x3f\xbd\x01\xc0\x01a\xc1\x01/".to_vec());
        let settings = Just(vec![0, 4, 3, 1, 0x40, 220]);
        let bytes = prop_oneof![
            4 => proptest::collection::vec(frame, 0..4).prop_map(|f| f.concat()),
            1 => told,
            1 => settings,
            1 => proptest::collection::vec(any::<u8>(), 0..30),
        ];
        let packet = (any::<u8>(), 0..8_u8, 0..20_u8, 0..5_u8, bytes).prop_map(
            |(kind, stream, offset, how, bytes)| {
                let frame = match how {
                    0 => vec![4, stream, 0, 20],
                    1 => vec![2, offset, 0, 0, stream],
                    how => [&[0x0e | (how & 1), stream, offset, bytes.len() as u8][..], &bytes].concat(),
                };
                [&[kind, frame.len() as u8][..], &frame].concat()
            },
        );
        (any::<u8>(), proptest::collection::vec(packet, 0..40))
            .prop_map(|(first, packets)| [&[first][..], &packets.concat()].concat())
    }

    proptest! {
        #[test]
        fn any_packets_keep_the_contract(data in packets()) {
            fuzz_quic(&data);
        }

        #[test]
        fn any_frames_keep_the_contract(data in frames()) {
            fuzz_http2(&data);
            fuzz_probe(&data);
        }

        #[test]
        fn any_messages_keep_the_contract(data in messages()) {
            fuzz_websocket(&data);
        }

        #[test]
        fn any_sealed_records_keep_the_contract(
            which in any::<u8>(),
            pieces in proptest::collection::vec(
                (any::<bool>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..30),
        ) {
            let piece = |(up, how, bytes): &(bool, u8, Vec<u8>)| {
                [&[bytes.len() as u8 | u8::from(*up) << 7, *how][..], bytes].concat()
            };
            fuzz_tls_keys(&[&[which][..], &pieces.iter().flat_map(piece).collect::<Vec<_>>()].concat());
        }

        #[test]
        fn any_bytes_keep_the_contract(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            for play in [fuzz_probe, fuzz_tls_keys, fuzz_websocket, fuzz_datagrams] {
                play(&data);
            }
            for which in 0..PROTOCOLS.len() as u8 {
                fuzz_stream(&[&[which][..], &data].concat());
                fuzz_datagram(&[&[which][..], &data].concat());
            }
        }
    }
}
