//! What each stage of the chute costs, so that a regression names its stage: `cargo bench`.
//!
//! The capture is made in memory: keep-alive HTTP exchanges with JSON bodies, every fourth with a token. Each line is
//! the best of several passes: nanoseconds a packet and captured bytes a second.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use etherparse::PacketBuilder;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use wirelint::capture::{Block, FileId, More, Source, open_stream};
use wirelint::decode::{DecodeOptions, Decoder, Paths};
use wirelint::facts::Facts;
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
            let judge = Judge::new(RuleSet::builtin(&Facts).expect("built-in rules"), None, false);
            run(&capture, judge.demand(), Some(judge))
        }),
    );
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
    let shared = Arc::new(Shared {
        scanner: Scanner::new(),
        demand,
        decode_as: Vec::new(),
        keyring: Default::default(),
    });
    let mut end = End(judge, FlowNumbers::default(), 0);
    let mut sources = std::iter::once(source(capture));
    pipeline::run(&mut sources, &shared, DecodeOptions::default(), NonZeroUsize::MIN, &mut end)
        .expect("memory can be read");
    end.2
}

fn capture() -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    out.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let mut time = 0_u32;
    for flow in 0..FLOWS {
        let (mut client, mut server) = (1_u32, 1_u32);
        let mut send = |up: bool, seq: &mut u32, ack: u32, payload: &[u8], syn: bool| {
            let (from, to) = if up { ([10, 0, 0, 1], [10, 0, 0, 2]) } else { ([10, 0, 0, 2], [10, 0, 0, 1]) };
            let (source, target) = if up { (20_000 + flow, 8080) } else { (8080, 20_000 + flow) };
            let tcp =
                PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).tcp(source, target, *seq, 65_000);
            let mut frame = Vec::new();
            let tcp = if syn { tcp.syn() } else { tcp };
            let tcp = if up && syn { tcp } else { tcp.ack(ack) };
            tcp.write(&mut frame, payload).expect("a packet");
            *seq = seq.wrapping_add(payload.len() as u32 + u32::from(syn));
            time += 10;
            for word in
                [1_700_000_000 + time / 1_000_000, time % 1_000_000, frame.len() as u32, frame.len() as u32]
            {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(&frame);
        };
        send(true, &mut client, 0, b"", true);
        send(false, &mut server, client, b"", true);
        for n in 0..EXCHANGES {
            let bearer =
                if n % 4 == 0 { format!("Authorization: Bearer {TOKEN}\r\n") } else { String::new() };
            let request = format!(
                "GET /v1/items/{n} HTTP/1.1\r\nHost: api.example.test\r\nAccept: application/json\r\n{bearer}\r\n"
            );
            send(true, &mut client, server, request.as_bytes(), false);
            let items: Vec<String> = (0..100)
                .map(|i| format!("{{\"id\":{i},\"name\":\"Item {i} of {n}\",\"tags\":[\"alpha\",\"beta\"]}}"))
                .collect();
            let body = format!("{{\"items\":[{}]}}", items.join(","));
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            for piece in (head + &body).as_bytes().chunks(MSS) {
                send(false, &mut server, client, piece, false);
            }
        }
    }
    out
}
