//! The fuzz functions of this module: a dissector on any bytes, held to what a sink may expect.

use super::{Carrier, Layer, Sink, TlsEvent, by_name};
use crate::message::{Channel, Direction, End, ExchangeId, Head, Position, Start, Transport};
use foldhash::{HashMap, HashMapExt};

/// What was said of each message.
struct Check(HashMap<(ExchangeId, Direction), Stage>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begun,
    Ended,
}

impl Check {
    fn open(&self, id: ExchangeId, dir: Direction) {
        assert_eq!(self.0.get(&(id, dir)), Some(&Stage::Begun), "{id:?} {dir:?} is open");
    }
}

impl Sink for Check {
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>) {
        let dir = match head.start {
            Start::Request { .. } => Direction::Request,
            Start::Response { .. } => Direction::Response,
        };
        assert!(self.0.insert((id, dir), Stage::Begun).is_none(), "{id:?} {dir:?} begins once");
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
        let before = self.0.insert((id, dir), Stage::Ended);
        assert_ne!(before, Some(Stage::Ended), "{id:?} {dir:?} ends once");
    }
    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]) {
        let _ = carrier.trails[dir.index()].spans(at, bytes.len() as u64);
    }
    fn opaque_gap(&mut self, _: &Transport, _: Direction, _: bool) {}
    fn encrypted(&mut self, _: u64) {}
    fn tls(&mut self, _: Carrier<'_>, _: TlsEvent<'_>) {}
    fn protocol(&mut self, _: usize, _: &'static str) {}
    fn upgraded(&mut self, _: usize, _: &'static str) {}
    fn weird(&mut self, _: &'static str) {}
}

/// Plays bytes to a dissector. They are pieces of both directions, each behind a byte that says which and how long;
/// a length of 0 is a hole.
fn play(protocol: &str, data: &[u8]) {
    let transport =
        Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
    let (mut layer, mut sink, mut id) = (Layer::new(transport, 0), Check(HashMap::new()), 0);
    if let Some(protocol) = by_name(protocol) {
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
}

/// Any protocol that the bytes may be taken for.
pub fn fuzz_probe(data: &[u8]) {
    play("", data);
}

/// HTTP/1.
pub fn fuzz_http1(data: &[u8]) {
    play("http1", data);
}

/// HTTP/2.
pub fn fuzz_http2(data: &[u8]) {
    play("http2", data);
}

/// TLS records.
pub fn fuzz_tls(data: &[u8]) {
    play("tls", data);
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

    proptest! {
        #[test]
        fn any_frames_keep_the_contract(data in frames()) {
            fuzz_http2(&data);
            fuzz_probe(&data);
        }

        #[test]
        fn any_bytes_keep_the_contract(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            for play in [fuzz_probe, fuzz_http1, fuzz_http2, fuzz_tls] {
                play(&data);
            }
        }
    }
}
