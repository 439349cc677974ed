//! What an idle flow costs in memory: `cargo bench --bench idle` (Linux, where a process can ask what it uses).
//!
//! A million connections are opened; each asks once, is answered, and stays open. Then all are closed, and as many come
//! again: that must not need more memory. (Count flows high: what the program freed before hides the first megabytes.)
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use etherparse::PacketBuilder;
use std::num::NonZeroUsize;
use std::sync::Arc;
use wirelint::capture::{Block, CaptureError, FrameRef, LinkType, More, Source};
use wirelint::decode::{DecodeOptions, Paths};
use wirelint::pipeline::{self, Listener, Merged};
use wirelint::shard::{Demand, Shared};
use wirelint::time::Timestamp;

const FLOWS: u32 = 1_000_000;
const REQUEST: &[u8] =
    b"GET /v1/items HTTP/1.1\r\nHost: api.example.test\r\nAccept: application/json\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"items\":1}";

fn main() {
    let demand = Demand { tokens: true, ..Demand::default() };
    let shared = Arc::new(Shared::new(demand));
    let start = resident();
    let packets = Packets { phase: 0, step: 0, flow: 0, number: 0, start, round: 0 };
    let mut sources = std::iter::once(Box::new(packets) as Box<dyn Source>);
    pipeline::run(&mut sources, &shared, DecodeOptions::default(), NonZeroUsize::MIN, &mut Nothing)
        .expect("memory can be read");
}

/// Bytes that this process has in memory.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}

struct Nothing;

impl Listener for Nothing {
    fn merged(&mut self, _: Merged, _: &Paths) -> bool {
        true
    }
}

/// What every flow does before the next phase begins: handshake; request and response; the ends.
const PHASES: [(&str, std::ops::Range<usize>); 3] = [("open", 0..2), ("answered", 2..4), ("closed", 4..7)];

struct Packets {
    phase: usize,
    step: usize,
    flow: u32,
    number: u64,
    start: u64,
    round: u32,
}

impl Packets {
    fn frame(&self) -> Vec<u8> {
        let (client, server) = (1000_u32, 9000_u32);
        let asked = client + 1 + REQUEST.len() as u32;
        let told = server + 1 + RESPONSE.len() as u32;
        let (up, seq, ack, payload): (bool, u32, u32, &[u8]) = match self.step {
            0 => (true, client, 0, b""),
            1 => (false, server, client + 1, b""),
            2 => (true, client + 1, server + 1, REQUEST),
            3 => (false, server + 1, asked, RESPONSE),
            4 => (true, asked, told, b""),
            5 => (false, told, asked + 1, b""),
            _ => (true, asked + 1, told + 1, b""),
        };
        let [_, a, b, c] = (self.flow + 1).to_be_bytes();
        let (near, far) = ([10, a, b, c], [10, 255, 0, 1]);
        let (from, to) = if up { (near, far) } else { (far, near) };
        let (source, target) = if up { (40_000, 80) } else { (80, 40_000) };
        let tcp =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).tcp(source, target, seq, 65_000);
        let tcp = match self.step {
            0 => tcp.syn(),
            1 => tcp.syn().ack(ack),
            4 | 5 => tcp.fin().ack(ack),
            _ => tcp.ack(ack),
        };
        let mut frame = Vec::new();
        tcp.write(&mut frame, payload).expect("a packet");
        frame
    }
}

impl Source for Packets {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        for _ in 0..2000 {
            let frame = self.frame();
            let (at, len) = (block.bytes.len() as u32, frame.len() as u32);
            block.bytes.extend(&frame);
            block.frames.push(FrameRef {
                start: at,
                len,
                wire_len: len,
                link: LinkType(1),
                time: Timestamp::from_nanos(self.number as i64 * 1000),
                offset: self.number * 100,
                number: self.number + 1,
            });
            self.number += 1;
            self.step += 1;
            let (name, steps) = &PHASES[self.phase];
            if self.step < steps.end {
                continue;
            }
            self.step = steps.start;
            self.flow += 1;
            if self.flow < FLOWS {
                continue;
            }
            let used = resident() - self.start;
            println!("{name}: {} MiB, {} bytes a flow", used >> 20, used / u64::from(FLOWS));
            self.flow = 0;
            self.phase = (self.phase + 1) % PHASES.len();
            self.step = PHASES[self.phase].1.start;
            if self.phase == 0 {
                self.round += 1;
                if self.round == 2 {
                    return Ok(More::End);
                }
            }
        }
        Ok(More::Yes)
    }
}
