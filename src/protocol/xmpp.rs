//! XMPP (RFC 6120) on any port: STARTTLS, SASL, stanzas. A light walk over the XML of a stream: tags are told, their text is
//! passed on as it arrives.

use super::gate::Gate;
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End, ExchangeId, Location};

/// XMPP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "xmpp", probe, open: || Box::new(Units::new(Xmpp::default())), upgrade: None };

/// Both sides begin with the head of a stream.
fn probe(bytes: &[u8]) -> Verdict {
    let head = bytes.get(..512).unwrap_or(bytes).trim_ascii_start();
    let text = match head.strip_prefix(b"<?xml") {
        Some(rest) => match memchr::memmem::find(rest, b"?>") {
            Some(end) => rest[end + 2..].trim_ascii_start(),
            None if rest.len() < 100 => return Verdict::More,
            None => return Verdict::No,
        },
        None if b"<?xml".starts_with(head) => return Verdict::More,
        None => head,
    };
    const START: &[u8] = b"<stream:stream";
    if text.starts_with(START) {
        Verdict::Yes(None)
    } else if START.starts_with(text) {
        Verdict::More
    } else {
        Verdict::No
    }
}

#[derive(Default)]
struct Xmpp {
    gate: Gate,
    halves: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    /// Elements that are open inside the stream.
    depth: u32,
    /// The stanza in progress.
    stanza: Option<ExchangeId>,
    /// Its text is a message of SASL: what has come of it, and where it began.
    sasl: Option<(Vec<u8>, u64)>,
}

/// Longest message of SASL.
const SASL: usize = 32 << 10;

impl Grammar for Xmpp {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        if bytes[0] != b'<' {
            let n = memchr::memchr(b'<', bytes).unwrap_or(bytes.len());
            self.text(dir, &bytes[..n], at, out)?;
            return Ok(Step::Read(n));
        }
        let Some(end) = memchr::memchr(b'>', bytes) else { return Ok(Step::Until(b'>')) };
        self.tag(dir, &bytes[..=end], at, out)?;
        Ok(Step::Read(end + 1))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        self.gate.skips(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.begin(dir, out);
        self.gate.settle(None, out);
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        const STANZAS: [&[u8]; 5] = [b"<message", b"<iq", b"<presence", b"<auth", b"<stream:"];
        STANZAS.iter().any(|stanza| bytes.starts_with(stanza))
    }
}

impl Xmpp {
    /// A stream begins anew in that direction.
    fn begin(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = std::mem::take(&mut self.halves[dir.index()]);
        if let Some(id) = half.stanza {
            out.end(id, dir, End::Cut);
        }
    }

    /// Text between tags.
    fn text(&mut self, dir: Direction, text: &[u8], at: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let half = &mut self.halves[dir.index()];
        if let Some((message, began)) = &mut half.sasl {
            if message.is_empty() {
                *began = at;
            }
            if message.len() + text.len() > SASL {
                return Err(Malformed("unit_limit"));
            }
            message.extend_from_slice(text);
        } else if let Some(id) = half.stanza {
            out.body(id, dir, at, text);
        } else if !text.iter().all(u8::is_ascii_whitespace) {
            return Err(Malformed("xmpp_bad_stream"));
        }
        Ok(())
    }

    /// A whole tag.
    fn tag(&mut self, dir: Direction, tag: &[u8], at: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let closes = tag.starts_with(b"</");
        let name = name(tag);
        if tag.starts_with(b"<?") || name == b"stream:stream" {
            // A new stream begins on the same connection behind TLS and SASL.
            self.begin(dir, out);
            out.say(dir, Location::Stanza, at, tag);
            return Ok(());
        }
        let half = &mut self.halves[dir.index()];
        let top = half.depth == 0;
        if closes {
            half.depth = half.depth.checked_sub(1).ok_or(Malformed("xmpp_bad_stream"))?;
        } else if !tag.ends_with(b"/>") && !tag.starts_with(b"<!") {
            half.depth = half.depth.saturating_add(1);
        }
        let over = half.depth == 0;
        let local = name.rsplit(|b| *b == b':').next().unwrap_or_default();
        match (local, dir) {
            (b"auth", Direction::Request) if top && !closes => {
                self.gate.sasl(attribute(tag, b"mechanism").unwrap_or_default(), out);
                half.sasl = Some((Vec::new(), at));
            }
            (b"response", Direction::Request) if top && !closes && self.gate.in_sasl() => {
                half.sasl = Some((Vec::new(), at));
            }
            (b"starttls", Direction::Request) if top => self.gate.ask(),
            (b"starttls", Direction::Response) => self.gate.offer(),
            (b"proceed", Direction::Response) if top && self.gate.asked() => {
                self.gate.answer(true, &PROTOCOL, out);
            }
            (b"success", Direction::Response) if top => self.gate.settle(Some(true), out),
            (b"failure", Direction::Response) if top && self.gate.asked() => {
                self.gate.answer(false, &PROTOCOL, out);
            }
            (b"failure", Direction::Response) if top => self.gate.settle(Some(false), out),
            _ => {}
        }
        let half = &mut self.halves[dir.index()];
        if over && let Some((message, began)) = half.sasl.take() {
            let start = message.len() - message.trim_ascii_start().len();
            self.gate.response(message.trim_ascii(), began + start as u64, Coding::Base64, out);
            return Ok(());
        }
        if half.sasl.is_some() {
            return Ok(());
        }
        let places = (Location::Stanza, Location::Stanza);
        let id = *half.stanza.get_or_insert_with(|| out.open(dir, places, at, &[]));
        out.body(id, dir, at, tag);
        if over {
            out.end(id, dir, End::Complete);
            half.stanza = None;
        }
        Ok(())
    }
}

/// The name of a tag.
fn name(tag: &[u8]) -> &[u8] {
    let inside = tag.get(1..).unwrap_or_default();
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    let end = inside.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
    &inside[..end.unwrap_or(inside.len())]
}

/// The value of an attribute of a tag.
fn attribute<'a>(tag: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(tag, name)? + name.len();
    let rest = tag.get(at..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first().filter(|(q, _)| matches!(q, b'"' | b'\''))?;
    rest.get(..memchr::memchr(*quote, rest)?)
}
