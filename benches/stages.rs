//! What each stage of the chute costs, so that a regression names its stage: `cargo bench`.
//!
//! The captures are made in memory: keep-alive HTTP exchanges with JSON bodies, every fourth with a token; then the same
//! ones over HTTP/2, several streams at a time. Each line is the best of several passes: nanoseconds a packet and captured
//! bytes a second. HTTP/2 is to cost no more than twice what HTTP/1 does.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use etherparse::PacketBuilder;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use wirelint::capture::{Block, FileId, More, Source, open_stream};
use wirelint::decode::{DecodeOptions, Decoder, Paths};
use wirelint::facts::{Facts, Given};
use wirelint::judge::{FlowNumbers, Judge};
use wirelint::pipeline::{self, Listener, Merged};
use wirelint::rules::RuleSet;
use wirelint::shard::{Demand, Event, Shared};
use wirelint::tally::Tally;
use wirelint::token::Scanner;

const PASSES: usize = 7;
const FLOWS: u16 = 400;
const EXCHANGES: usize = 20;
const MSS: usize = 1448;
/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn main() {
    let capture: Arc<[u8]> = capture().into();
    let (packets, bytes) = count(&capture);
    println!("{packets} packets, {:.1} MB", bytes as f64 / 1e6);
    let report = |name: &str, seconds: f64| {
        let packet = seconds * 1e9 / packets as f64;
        println!("{name:<10} {packet:>8.1} ns/packet  {:>6.2} GB/s", bytes as f64 / seconds / 1e9);
    };
    report("read", best(|| count(&capture).0));
    report("decode", best(|| decode(&capture)));
    report("flows", best(|| run(&capture, Demand::default(), None)));
    report("tokens", best(|| run(&capture, Demand { tokens: true, ..Demand::default() }, None)));
    report(
        "judge",
        best(|| {
            let judge =
                Judge::new(RuleSet::builtin(&Facts).expect("built-in rules"), &Given::default(), false);
            run(&capture, judge.demand(), Some(judge))
        }),
    );
    let h2: Arc<[u8]> = capture_http2().into();
    let (h2_packets, h2_bytes) = count(&h2);
    let report_h2 = |name: &str, seconds: f64| {
        let packet = seconds * 1e9 / h2_packets as f64;
        println!("{name:<10} {packet:>8.1} ns/packet  {:>6.2} GB/s", h2_bytes as f64 / seconds / 1e9);
    };
    report_h2("h2 flows", best(|| run(&h2, Demand::default(), None)));
    report_h2("h2 tokens", best(|| run(&h2, Demand { tokens: true, ..Demand::default() }, None)));
    let scanner = Scanner::new();
    report(
        "search",
        best(|| {
            let mut hits = 0;
            scanner.find(&capture, &mut |_| hits += 1);
            hits
        }),
    );
}

/// Seconds of the fastest pass; `work` returns something that proves that it was done.
fn best(mut work: impl FnMut() -> u64) -> f64 {
    let pass = |_| {
        let start = Instant::now();
        assert!(std::hint::black_box(work()) > 0, "the pass did nothing");
        start.elapsed().as_secs_f64()
    };
    (0..PASSES).map(pass).fold(f64::INFINITY, f64::min)
}

fn source(capture: &Arc<[u8]>) -> Box<dyn Source> {
    open_stream(Box::new(Cursor::new(Arc::clone(capture))), FileId(0)).expect("a capture")
}

fn blocks(capture: &Arc<[u8]>, mut each: impl FnMut(&mut Block)) {
    let (mut source, mut block) = (source(capture), Block::default());
    loop {
        block.clear();
        let more = source.fill(&mut block).expect("memory can be read");
        each(&mut block);
        if more == More::End {
            return;
        }
    }
}

fn count(capture: &Arc<[u8]>) -> (u64, u64) {
    let (mut packets, mut bytes) = (0, 0);
    blocks(capture, |block| {
        packets += block.frames.len() as u64;
        bytes += block.frames.iter().map(|f| u64::from(f.len)).sum::<u64>();
    });
    (packets, bytes)
}

fn decode(capture: &Arc<[u8]>) -> u64 {
    let (mut decoder, mut tally, mut packets) = (Decoder::new(DecodeOptions::default()), Tally::default(), 0);
    blocks(capture, |block| {
        for index in 0..block.frames.len() {
            packets += u64::from(decoder.decode(block, index, &mut tally).is_some());
        }
    });
    packets
}

/// The whole chute on one thread, with or without judging.
fn run(capture: &Arc<[u8]>, demand: Demand, judge: Option<Judge>) -> u64 {
    struct End(Option<Judge>, FlowNumbers, u64);
    impl Listener for End {
        fn merged(&mut self, merged: Merged, _: &Paths) -> bool {
            self.2 += merged.tally.frames;
            self.1.born(&merged.births);
            for stamped in merged.events {
                if let (Event::Exchange { exchange, sightings }, Some(judge)) = (stamped.event, &mut self.0) {
                    judge.exchange(&exchange, sightings, self.1.number(exchange.transport.flow));
                }
            }
            self.1.died(&merged.deaths);
            true
        }
    }
    let shared = Arc::new(Shared::new(demand));
    let mut end = End(judge, FlowNumbers::default(), 0);
    let mut sources = std::iter::once(source(capture));
    pipeline::run(&mut sources, &shared, DecodeOptions::default(), NonZeroUsize::MIN, &mut end)
        .expect("memory can be read");
    end.2
}

/// Packets of connections, as a pcap file.
struct Writer {
    out: Vec<u8>,
    time: u32,
}

impl Writer {
    fn new() -> Self {
        let mut out = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        out.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
        Self { out, time: 0 }
    }

    fn open(&mut self, flow: u16) -> Connection<'_> {
        let mut connection = Connection { writer: self, flow, seq: [1, 1] };
        connection.send(true, b"", true);
        connection.send(false, b"", true);
        connection
    }
}

struct Connection<'w> {
    writer: &'w mut Writer,
    flow: u16,
    seq: [u32; 2],
}

impl Connection<'_> {
    fn client(&mut self, bytes: &[u8]) {
        bytes.chunks(MSS).for_each(|piece| self.send(true, piece, false));
    }

    fn server(&mut self, bytes: &[u8]) {
        bytes.chunks(MSS).for_each(|piece| self.send(false, piece, false));
    }

    fn send(&mut self, up: bool, payload: &[u8], syn: bool) {
        let (from, to) = if up { ([10, 0, 0, 1], [10, 0, 0, 2]) } else { ([10, 0, 0, 2], [10, 0, 0, 1]) };
        let port = 20_000 + self.flow;
        let (source, target) = if up { (port, 8080) } else { (8080, port) };
        let (seq, ack) = (self.seq[usize::from(!up)], self.seq[usize::from(up)]);
        let tcp =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).tcp(source, target, seq, 65_000);
        let tcp = if syn { tcp.syn() } else { tcp };
        let tcp = if up && syn { tcp } else { tcp.ack(ack) };
        let mut frame = Vec::new();
        tcp.write(&mut frame, payload).expect("a packet");
        self.seq[usize::from(!up)] = seq.wrapping_add(payload.len() as u32 + u32::from(syn));
        let writer = &mut *self.writer;
        writer.time += 10;
        let (seconds, micros) = (1_700_000_000 + writer.time / 1_000_000, writer.time % 1_000_000);
        for word in [seconds, micros, frame.len() as u32, frame.len() as u32] {
            writer.out.extend_from_slice(&word.to_le_bytes());
        }
        writer.out.extend_from_slice(&frame);
    }
}

/// The answer to the `n`th request.
fn items(n: usize) -> String {
    let item = |i| format!("{{\"id\":{i},\"name\":\"Item {i} of {n}\",\"tags\":[\"alpha\",\"beta\"]}}");
    let items: Vec<String> = (0..100).map(item).collect();
    format!("{{\"items\":[{}]}}", items.join(","))
}

fn capture() -> Vec<u8> {
    let mut writer = Writer::new();
    for flow in 0..FLOWS {
        let mut connection = writer.open(flow);
        for n in 0..EXCHANGES {
            let bearer =
                if n % 4 == 0 { format!("Authorization: Bearer {TOKEN}\r\n") } else { String::new() };
            let request = format!(
                "GET /v1/items/{n} HTTP/1.1\r\nHost: api.example.test\r\nAccept: application/json\r\n{bearer}\r\n"
            );
            connection.client(request.as_bytes());
            let body = items(n);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.server((head + &body).as_bytes());
        }
    }
    writer.out
}

/// The same exchanges over HTTP/2, four streams at a time; a header that was sent before is an index.
fn capture_http2() -> Vec<u8> {
    const STREAMS: usize = 4;
    let frame = |kind: u8, flags: u8, stream: usize, payload: &[u8]| {
        let len = (payload.len() as u32).to_be_bytes();
        [&len[1..], &[kind, flags], &(stream as u32).to_be_bytes(), payload].concat()
    };
    let literal = |first: u8, text: &str| {
        let len = text.len();
        let prefix = if len < 127 {
            vec![len as u8]
        } else {
            vec![127, (len - 127) as u8 | 0x80, ((len - 127) >> 7) as u8]
        };
        [&[first][..], &prefix, text.as_bytes()].concat()
    };
    let mut writer = Writer::new();
    for flow in 0..FLOWS {
        let mut connection = writer.open(flow);
        connection.client(&[&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[])].concat());
        connection.server(&frame(4, 0, 0, &[]));
        for round in 0..EXCHANGES / STREAMS {
            let numbers = || (0..STREAMS).map(move |i| round * STREAMS + i);
            for n in numbers() {
                let path = literal(0x04, &format!("/v1/items/{n}"));
                // :authority, accept and authorization are new in the first request, then 64, 63 and 62.
                let known = if n == 0 {
                    let authority = literal(0x41, "api.example.test");
                    [authority, literal(0x53, "application/json"), literal(0x57, &format!("Bearer {TOKEN}"))]
                        .concat()
                } else if n % 4 == 0 {
                    vec![0xc0, 0xbf, 0xbe]
                } else {
                    vec![0xc0, 0xbf]
                };
                connection.client(&frame(1, 5, 2 * n + 1, &[&[0x82, 0x86][..], &path, &known].concat()));
            }
            let bodies: Vec<String> = numbers().map(items).collect();
            for (n, body) in numbers().zip(&bodies) {
                let content_type = if n == 0 { literal(0x5f, "application/json") } else { vec![0xbe] };
                // content-length is entry 28, which does not fit into a prefix of 4 bits.
                let length = [&[0x0f][..], &literal(28 - 15, &body.len().to_string())].concat();
                let block = [&[0x88][..], &content_type, &length].concat();
                connection.server(&frame(1, 4, 2 * n + 1, &block));
            }
            // Their data comes in turns.
            for at in (0..bodies[0].len() + 100).step_by(2000) {
                for (n, body) in numbers().zip(&bodies) {
                    if let Some(rest) = body.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
                        let piece = &rest[..rest.len().min(2000)];
                        connection.server(&frame(0, u8::from(piece.len() == rest.len()), 2 * n + 1, piece));
                    }
                }
            }
        }
    }
    writer.out
}
