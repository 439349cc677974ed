//! STOMP 1.0 to 1.2 on any port, also inside WebSocket: what CONNECT logs in with, headers and bodies of messages.

use super::gate::Gate;
use super::payload::Payload;
use super::reader::field;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End, ExchangeId, Field, Location};

/// STOMP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "stomp", probe, open: || Box::new(Units::new(Stomp::default())), upgrade: None };

/// Headers of one frame that are looked at.
const HEADERS: usize = 256;

/// The first frame of either side, on a line of its own.
fn probe(bytes: &[u8]) -> Verdict {
    let commands: [(&[u8], _); 3] = [
        (b"CONNECT", Direction::Request),
        (b"STOMP", Direction::Request),
        (b"CONNECTED", Direction::Response),
    ];
    let mut more = false;
    for (command, dir) in commands {
        let n = command.len().min(bytes.len());
        if bytes[..n] != command[..n] {
            continue;
        }
        match bytes.get(n..).unwrap_or_default() {
            [] | [b'\r'] => more = true,
            [b'\n', ..] | [b'\r', b'\n', ..] => return Verdict::Yes(Some(dir)),
            _ => {}
        }
    }
    if more { Verdict::More } else { Verdict::No }
}

#[derive(Default)]
struct Stomp {
    gate: Gate,
    halves: [Body; 2],
    /// Bytes of a head that have no end of it.
    searched: [usize; 2],
}

/// What comes next of one side.
#[derive(Clone, Copy, Default)]
enum Body {
    #[default]
    Frame,
    /// A body whose length is known, with a zero byte behind it.
    Counted(Payload),
    /// The zero byte.
    Zero,
    /// A body up to a zero byte.
    Open(ExchangeId),
}

impl Grammar for Stomp {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let body = &mut self.halves[dir.index()];
        match body {
            Body::Counted(payload) => {
                let n = payload.push(dir, bytes, at, out);
                if !payload.is_open() {
                    *body = Body::Zero;
                }
                Ok(Step::Read(n))
            }
            Body::Zero if bytes[0] == 0 => {
                *body = Body::Frame;
                Ok(Step::Read(1))
            }
            Body::Zero => Err(Malformed("stomp_bad_frame")),
            Body::Open(id) => {
                let end = memchr::memchr(0, bytes);
                let n = end.unwrap_or(bytes.len());
                if n > 0 {
                    out.body(*id, dir, at, &bytes[..n]);
                }
                if end.is_some() {
                    out.end(*id, dir, End::Complete);
                    *body = Body::Frame;
                }
                Ok(Step::Read(n + usize::from(end.is_some())))
            }
            Body::Frame => self.frame(dir, bytes, at, out),
        }
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let body = &mut self.halves[dir.index()];
        match body {
            Body::Counted(payload) => {
                let goes_on = payload.skip(dir, len, out);
                if goes_on && !payload.is_open() {
                    *body = Body::Zero;
                }
                goes_on
            }
            _ => false,
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        match std::mem::take(&mut self.halves[dir.index()]) {
            Body::Counted(mut payload) => payload.cut(dir, out),
            Body::Open(id) => out.end(id, dir, End::Cut),
            Body::Frame | Body::Zero => {}
        }
        self.searched[dir.index()] = 0;
        self.gate.settle(None, out);
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        let name = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
        (3..=12).contains(&name) && matches!(bytes.get(name), Some(b'\n' | b'\r'))
    }
}

impl Stomp {
    /// A command and its headers, up to an empty line.
    fn frame(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        // Line ends between frames keep the connection alive.
        let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if blank > 0 {
            return Ok(Step::Read(blank));
        }
        let name = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
        if name > 12 || bytes.get(name).is_some_and(|b| name < 3 || !matches!(b, b'\r' | b'\n')) {
            return Err(Malformed("stomp_bad_frame"));
        }
        let searched = &mut self.searched[dir.index()];
        let Some(end) = end_of_head(bytes, *searched) else {
            *searched = bytes.len();
            return Ok(Step::LINE);
        };
        *searched = 0;
        let (head, command) = (&bytes[..end], &bytes[..name]);
        let mut fields: Vec<Field<'_>> = Vec::new();
        let mut length = None;
        for line in head.split(|b| *b == b'\n').skip(1).take(HEADERS) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            if name == b"content-length" {
                length = std::str::from_utf8(value).ok().and_then(|v| v.trim().parse::<u64>().ok());
            }
            fields.push(field(head, name, value));
        }
        let connects = matches!(command, b"CONNECT" | b"STOMP");
        if connects {
            let find = |name: &[u8]| fields.iter().find(|f| f.name == name && !f.value.is_empty());
            if let Some(secret) = find(b"passcode").or_else(|| find(b"login")) {
                self.gate.secret("password", secret.value, at + u64::from(secret.at), out);
            }
        }
        match command {
            b"CONNECTED" => self.gate.settle(Some(true), out),
            b"ERROR" => self.gate.settle(Some(false), out),
            _ => {}
        }
        let named = if connects { Location::Connect } else { Location::Header };
        let id = out.open(dir, (Location::Publish, named), at, &fields);
        self.halves[dir.index()] = match length {
            Some(0) => {
                out.end(id, dir, End::Complete);
                Body::Zero
            }
            Some(len) => Body::Counted(Payload::new(id, len, dir, out)),
            None => Body::Open(id),
        };
        Ok(Step::Read(end))
    }
}

/// Where the empty line behind the headers ends; the first `searched` bytes have none.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(2).min(bytes.len());
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| {
        match bytes.get(at + 1..)? {
            [b'\n', ..] => Some(at + 2),
            [b'\r', b'\n', ..] => Some(at + 3),
            _ => None,
        }
    })
}
