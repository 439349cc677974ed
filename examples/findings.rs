//! Packets that a program has itself, and the findings in them: `cargo run --example findings -- traffic.pcap`.
//!
//! Here they come from a classic capture file, read by hand; yours may come from a mirror port, a proxy or a test.
#![allow(clippy::print_stdout, reason = "it prints")]

use std::env;
use std::error::Error;
use std::fs;
use wirelint::capture::{FileId, LinkType, Packets, RawPacket};
use wirelint::lint::{Lint, Options};
use wirelint::time::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: findings CAPTURE.pcap")?;
    let packets = packets(&fs::read(&path)?)?;

    let mut options = Options::new().map_err(|errors| format!("{errors:?}"))?;
    // Some of the rules only, as with `--select`.
    options.rules.choose(&["group:transport".into(), "group:placement".into()], &[], false)?;
    let mut lint = Lint::with(options);
    lint.read(&path, Packets::new(packets.into_iter(), FileId(0)))?;

    let summary = lint.finish();
    for finding in &summary.findings {
        let packet = finding.packet.map_or_else(String::new, |n| format!(" (packet {n})"));
        println!("{}: {}: {}{packet}", finding.severity, finding.identity.rule, finding.message);
    }
    println!("{} packets, {} tokens", summary.tally.frames, summary.tokens);
    Ok(())
}

/// The packets of a little-endian pcap file with microseconds.
fn packets(bytes: &[u8]) -> Result<Vec<RawPacket>, &'static str> {
    let word = |at: usize| -> Option<u32> { bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes) };
    if word(0) != Some(0xa1b2_c3d4) {
        return Err("not such a capture");
    }
    let link = LinkType(word(20).unwrap_or_default() as u16);
    let (mut at, mut packets) = (24, Vec::new());
    while let (Some(seconds), Some(micros), Some(len)) = (word(at), word(at + 4), word(at + 8)) {
        let data = bytes.get(at + 16..at + 16 + len as usize).ok_or("the capture is cut")?.to_vec();
        let time = Timestamp::from_parts(i64::from(seconds), i64::from(micros) * 1000);
        packets.push(RawPacket { time, link, data });
        at += 16 + len as usize;
    }
    Ok(packets)
}
