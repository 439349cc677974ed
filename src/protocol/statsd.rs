//! StatsD over UDP on any port, and what Datadog added to it: names, values and tags of metrics. Text of the protocol: statsd's
//! `docs/metric_types.md`, Datadog's "DogStatsD datagram format".

use super::Verdict;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::reader::field;
use crate::message::{Direction, Location};

/// StatsD.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "statsd", probe, open: || Box::new(StatsD) };

/// A part of fewer bytes holds no token.
const SHORT: usize = 16;

/// Every line is one of its own.
fn probe(bytes: &[u8]) -> Verdict {
    let mut lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_some() && lines.all(is_line) {
        Verdict::Yes(Some(Direction::Request))
    } else {
        Verdict::No
    }
}

/// `name:value|type`, an event (`_e{...}:`) or a check (`_sc|`).
fn is_line(line: &[u8]) -> bool {
    let text = line.iter().all(|b| matches!(b, b'\t' | b' '..=0x7e | 0x80..));
    if text && (line.starts_with(b"_e{") || line.starts_with(b"_sc|")) {
        return true;
    }
    let Some(bar) = memchr::memchr(b'|', line) else { return false };
    let kind = line[bar + 1..].split(|b| *b == b'|').next().unwrap_or_default();
    let Some(colon) = memchr::memchr(b':', &line[..bar]) else { return false };
    let known: [&[u8]; 8] = [b"c", b"g", b"ms", b"s", b"h", b"d", b"m", b"kv"];
    text && colon > 0 && colon + 1 < bar && known.contains(&kind.trim_ascii_end())
}

struct StatsD;

impl DatagramDissector for StatsD {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let mut fields = Vec::new();
        for section in bytes.split(|b| matches!(b, b'\n' | b'|')) {
            // Tags, or the name, the value, the text of an event. What is short is no token.
            let tags = section.strip_prefix(b"#");
            for part in tags.unwrap_or(section).split(|b| *b == b',').filter(|part| part.len() >= SHORT) {
                let name = tags.and_then(|_| memchr::memchr2(b':', b'=', part)).unwrap_or(0);
                let value = if name > 0 { &part[name + 1..] } else { part };
                fields.push(field(bytes, &part[..name], value));
            }
        }
        out.speak(|out| out.tell(dir, Location::Metric, 0, &fields));
    }
}
