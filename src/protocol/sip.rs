//! SIP (RFC 3261) over UDP and TCP on any port: requests and responses like those of HTTP, which either side begins. A bearer
//! token (RFC 8898) stands in Authorization; a PASSporT (RFC 8225) in Identity, where everyone is meant to see it.

use super::again::Again;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::line::line;
use super::reader::{field, offset};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{
    Authorization, Direction, Disclosed, End, ExchangeId, Field, Head, Location, Login, Start, Version,
};
use std::collections::VecDeque;

/// SIP over TCP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "sip", probe, open: || Box::new(Units::new(Stream::default())), upgrade: None };

/// SIP over UDP.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "sip", probe, open: || Box::new(Datagrams::default()) };

const VERSION: &[u8] = b"SIP/2.0";
/// Requests of one flow that wait for their response: a proxy has many, most of which take milliseconds.
const WAITING: usize = 64;
/// Bytes of what tells a transaction that are kept.
const KEY: usize = 256;

/// A request or status line. Either side of a conversation may begin; the one that asks first counts as the client.
fn probe(bytes: &[u8]) -> Verdict {
    if bytes.starts_with(b"SIP/2.0 ") {
        return match bytes.get(8..11) {
            Some(status) if status.iter().all(u8::is_ascii_digit) => Verdict::Yes(Some(Direction::Response)),
            Some(_) => Verdict::No,
            None => Verdict::More,
        };
    }
    if VERSION.starts_with(bytes) || b"SIP/2.0 ".starts_with(bytes) {
        return Verdict::More;
    }
    let method = bytes.iter().take(20).take_while(|b| b.is_ascii_uppercase()).count();
    let Some(rest) = bytes.get(method..).filter(|_| (3..20).contains(&method)) else {
        return if bytes.len() == method && method < 20 { Verdict::More } else { Verdict::No };
    };
    let Some(target) = rest.strip_prefix(b" ") else {
        return if rest.is_empty() { Verdict::More } else { Verdict::No };
    };
    let schemes: [&[u8]; 3] = [b"sip:", b"sips:", b"tel:"];
    let is = |scheme: &&[u8]| target.get(..scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme));
    let may =
        |scheme: &&[u8]| target.len() < scheme.len() && scheme.starts_with(&target.to_ascii_lowercase());
    if !schemes.iter().any(is) {
        return if schemes.iter().any(may) { Verdict::More } else { Verdict::No };
    }
    match line(target) {
        Some((text, _)) if text.ends_with(b" SIP/2.0") => Verdict::Yes(Some(Direction::Request)),
        Some(_) => Verdict::No,
        // A long target; nothing else has such a scheme there.
        None if bytes.len() >= limits::PROBE_BYTES => Verdict::Yes(Some(Direction::Request)),
        None => Verdict::More,
    }
}

#[derive(Default)]
struct Datagrams {
    sip: Sip,
    again: Again,
}

impl DatagramDissector for Datagrams {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        // Line ends keep the way through an address translator open (RFC 5626 section 3.5.1).
        if bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return;
        }
        // Until it is answered, a message is sent again (section 17).
        if self.again.came(dir, bytes) {
            return;
        }
        let whole = head_end(bytes).is_some_and(|end| {
            let mut said = false;
            out.speak(|out| said = self.sip.message(dir, &bytes[..end], &bytes[end..], 0, out));
            said
        });
        if !whole {
            out.unknown(dir, bytes);
        }
    }

    fn close(&mut self, out: &mut DatagramOut<'_>) {
        out.speak(|out| self.sip.close(out));
    }
}

#[derive(Default)]
struct Stream {
    sip: Sip,
    closed: [bool; 2],
}

impl Grammar for Stream {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if blank > 0 {
            return Ok(Step::Read(blank));
        }
        let Some(end) = head_end(bytes) else { return Ok(Step::LINE) };
        let length = fields(&bytes[..end]).find(|f| is(f, "content-length", b"l"));
        let length =
            length.and_then(|f| std::str::from_utf8(f.value).ok()?.parse::<usize>().ok()).unwrap_or(0);
        let all = end.saturating_add(length);
        let Some(body) = bytes.get(end..all) else { return Ok(Step::Need(all)) };
        if !self.sip.message(dir, &bytes[..end], body, at, out) {
            return Err(Malformed("sip_bad_message"));
        }
        Ok(Step::Read(all))
    }

    fn skip(&mut self, _: Direction, _: u64, _: &mut Out<'_>) -> bool {
        false
    }

    fn lose(&mut self, _: Direction, _: &mut Out<'_>) {}

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(probe(bytes), Verdict::Yes(_))
    }

    fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.closed[dir.index()] = true;
        if self.closed == [true; 2] {
            self.sip.close(out);
        }
    }
}

/// What one flow asked and did not answer yet.
#[derive(Default)]
struct Sip {
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    /// Who asked, `Call-ID` and `CSeq` (RFC 3261 section 17.1.3: the branch is not kept, since proxies change it).
    dir: Direction,
    key: Box<[u8]>,
    id: ExchangeId,
    login: Option<Login>,
}

impl Sip {
    /// A whole message. False if it is none.
    fn message(&mut self, dir: Direction, head: &[u8], body: &[u8], at: u64, out: &mut Out<'_>) -> bool {
        let Some((first, _)) = line(head) else { return false };
        let mut named: Vec<Field<'_>> = fields(head).map(long).take(limits::HEAD_FIELDS).collect();
        let value = |name: &str| {
            named.iter().find(|f| f.name.eq_ignore_ascii_case(name.as_bytes())).map_or(&b""[..], |f| f.value)
        };
        let mut key = [value("call-id"), b"\n", value("cseq")].concat();
        key.truncate(KEY);
        let key = key.into_boxed_slice();
        if let Some(status) = first.strip_prefix(b"SIP/2.0 ") {
            let status = status.get(..3).and_then(|s| std::str::from_utf8(s).ok()?.parse::<u16>().ok());
            let Some(status) = status else { return false };
            if status < 200 {
                // An interim response: its exchange goes on.
                named.retain(|f| f.value.len() > 16);
                out.tell(dir, Location::Header, at, &named);
                out.say(dir, Location::Body, at + head.len() as u64, body);
                return true;
            }
            let asked = self.waiting.iter().position(|w| w.dir != dir && w.key == key);
            let asked = asked.and_then(|i| self.waiting.remove(i));
            if let Some(login) = asked.as_ref().and_then(|w| w.login.clone()) {
                let accepted = match status {
                    200..300 => Some(true),
                    401 | 403 | 407 => Some(false),
                    _ => None,
                };
                out.login(Login { accepted, ..login });
            }
            let start = Start::Response { status };
            let id = asked.map(|w| w.id);
            let offset = offset(head, first) + 8;
            turn(dir == Direction::Request, out, |out| {
                emit(id, (start, offset), &named, (head, body), at, out);
            });
            return true;
        }
        let mut words = first.split(|b| *b == b' ');
        let (Some(method), Some(target), Some(VERSION), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return false;
        };
        // The same again: the response is still to come, and then belongs to this one.
        if let Some(i) = self.waiting.iter().position(|w| w.dir == dir && w.key == key) {
            self.give_up(i, out);
        }
        if self.waiting.len() >= WAITING {
            self.give_up(0, out);
        }
        let login = named
            .iter()
            .filter(|f| {
                f.name.eq_ignore_ascii_case(b"authorization")
                    || f.name.eq_ignore_ascii_case(b"proxy-authorization")
            })
            .find(|f| Authorization::parse(f.value).is_some_and(|a| a.is("digest")))
            .map(|f| out.attempt("digest", Disclosed::Hash, dir, at + u64::from(f.at)));
        let start = (Start::Request { method, target }, offset(head, target));
        turn(dir == Direction::Response, out, |out| {
            let id = emit(None, start, &named, (head, body), at, out);
            // Nobody answers an ACK (section 17).
            if method == b"ACK" {
                out.end(id, Direction::Response, End::Complete);
            } else {
                self.waiting.push_back(Waiting { dir, key, id, login });
            }
        });
        true
    }

    /// A request is not answered, or not that anyone saw.
    fn give_up(&mut self, which: usize, out: &mut Out<'_>) {
        let Some(waiting) = self.waiting.remove(which) else { return };
        if let Some(login) = waiting.login {
            out.login(login);
        }
        out.end(waiting.id, Direction::Response, End::Cut);
    }

    fn close(&mut self, out: &mut Out<'_>) {
        while !self.waiting.is_empty() {
            self.give_up(0, out);
        }
    }
}

/// Emits a message; one without an `id` begins its exchange.
fn emit(
    id: Option<ExchangeId>,
    (start, start_at): (Start<'_>, u32),
    fields: &[Field<'_>],
    (head, body): (&[u8], &[u8]),
    at: u64,
    out: &mut Out<'_>,
) -> ExchangeId {
    let message = Head { start_at, at, ..Head::new(Version::Other, start, fields) };
    let begins = id.is_none();
    let id = match id {
        Some(id) => {
            out.begin_in(id, &message);
            id
        }
        None => out.begin(&message),
    };
    let dir = start.direction();
    if !body.is_empty() {
        out.body(id, dir, at + head.len() as u64, body);
    }
    out.end(id, dir, End::Complete);
    if dir == Direction::Response && begins {
        // Its request was not seen.
        out.end(id, Direction::Request, End::Cut);
    }
    id
}

/// Speaks in the direction that a message has: the transport's server asks as well.
fn turn(turned: bool, out: &mut Out<'_>, speak: impl FnOnce(&mut Out<'_>)) {
    if turned { out.turned(speak) } else { speak(out) }
}

/// The length of a head, with the empty line behind it.
fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The fields of a head; a value that goes on in a line that begins with white space has it inside (section 7.3.1).
fn fields(head: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = line(head).and_then(|(_, n)| head.get(n..)).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let mut end = memchr::memchr(b'\n', rest)? + 1;
            while matches!(rest.get(end), Some(b' ' | b'\t')) {
                end = memchr::memchr(b'\n', &rest[end..]).map_or(rest.len(), |n| end + n + 1);
            }
            let text = &rest[..end];
            rest = &rest[end..];
            if let Some(colon) = memchr::memchr(b':', text) {
                return Some(field(head, text[..colon].trim_ascii(), text[colon + 1..].trim_ascii()));
            }
        }
    })
}

/// Whether a field has that name, or that short form of it.
fn is(field: &Field<'_>, name: &str, short: &[u8]) -> bool {
    field.name.eq_ignore_ascii_case(name.as_bytes()) || field.name.eq_ignore_ascii_case(short)
}

/// A field whose name is spelled out (section 7.3.3, RFC 8224 section 11).
fn long(field: Field<'_>) -> Field<'_> {
    let name: &[u8] = match field.name {
        b"i" | b"I" => b"call-id",
        b"m" | b"M" => b"contact",
        b"e" | b"E" => b"content-encoding",
        b"l" | b"L" => b"content-length",
        b"c" | b"C" => b"content-type",
        b"f" | b"F" => b"from",
        b"y" | b"Y" => b"identity",
        b"r" | b"R" => b"refer-to",
        b"s" | b"S" => b"subject",
        b"t" | b"T" => b"to",
        b"v" | b"V" => b"via",
        name => name,
    };
    Field { name, ..field }
}
