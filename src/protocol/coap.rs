//! CoAP over UDP (RFC 7252) on any port: requests and responses like those of HTTP, in options and a payload.

use super::again::Again;
use super::composed::Composed;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::reader::{Reader, offset};
use super::{Out, Trail, Verdict};
use crate::message::{Direction, End, ExchangeId, Field, Head, Start, Version};
use std::collections::VecDeque;
use std::ops::Range;

/// CoAP.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "coap", probe, open: || Box::new(Coap::default()) };

/// Requests of one flow that wait for their response: a client has one or few (section 4.7).
const WAITING: usize = 16;
/// The methods: codes 0.01 to 0.07 (section 12.1.1, RFC 8132).
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"];

/// Numbers of options (section 12.2) that make up the target, and the format of the payload.
const URI_HOST: u32 = 3;
const URI_PATH: u32 = 11;
const CONTENT_FORMAT: u32 = 12;
const URI_QUERY: u32 = 15;

/// A request for a resource, or a response that shows what it is.
fn probe(bytes: &[u8]) -> Verdict {
    let Some(message) = Message::read(bytes) else { return Verdict::No };
    let known = |number: u32| matches!(number, 1 | 3..=9 | 11 | 12 | 14..=17 | 19..=21 | 23 | 27 | 28 | 31 | 35 | 39 | 60 | 252 | 258 | 292);
    if message.options.is_empty() || !message.options.iter().all(|o| known(o.0)) {
        return Verdict::No;
    }
    let has = |number| message.options.iter().any(|o| o.0 == number);
    match message.code {
        1..=7 if has(URI_PATH) || has(URI_QUERY) || has(URI_HOST) => Verdict::Yes(Some(Direction::Request)),
        0x40..=0xbf if has(CONTENT_FORMAT) || has(4) => Verdict::Yes(Some(Direction::Response)),
        _ => Verdict::No,
    }
}

/// A message (section 3).
struct Message<'a> {
    code: u8,
    token: &'a [u8],
    /// Numbers and values.
    options: Vec<(u32, &'a [u8])>,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let first = r.u8()?;
        let code = r.u8()?;
        r.u16()?;
        let length = usize::from(first & 0x0f);
        if first >> 6 != 1 || length > 8 {
            return None;
        }
        // An empty message has nothing (section 4.1); classes 1, 6 and 7 are not used.
        if code == 0 && bytes.len() > 4 || !matches!(code >> 5, 0 | 2 | 4 | 5) || code >> 5 == 0 && code > 7 {
            return None;
        }
        let token = r.take(length)?;
        let (mut number, mut options) = (0_u32, Vec::new());
        while !r.0.is_empty() {
            let head = r.u8()?;
            if head == 0xff {
                // A marker with nothing behind it is an error (section 3).
                if r.0.is_empty() {
                    return None;
                }
                break;
            }
            let delta = extended(head >> 4, &mut r)?;
            let length = extended(head & 0x0f, &mut r)?;
            number = number.checked_add(delta).filter(|n| *n <= 0xffff)?;
            options.push((number, r.take(length as usize)?));
        }
        Some(Self { code, token, options, payload: r.0 })
    }
}

/// A number of an option's head, which may go on behind it (section 3.1).
fn extended(nibble: u8, r: &mut Reader<'_>) -> Option<u32> {
    match nibble {
        13 => Some(u32::from(r.u8()?) + 13),
        14 => Some(u32::from(r.u16()?) + 269),
        15 => None,
        n => Some(n.into()),
    }
}

#[derive(Default)]
struct Coap {
    /// Requests that were not answered: the client's token, and the exchange.
    waiting: VecDeque<(Box<[u8]>, ExchangeId)>,
    again: Again,
}

impl DatagramDissector for Coap {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let Some(message) = Message::read(bytes) else { return out.unknown(dir, bytes) };
        // Until it is acknowledged, a message is sent again (section 4.2).
        if self.again.came(dir, bytes) {
            return;
        }
        match (message.code, dir) {
            // An acknowledgement, a reset.
            (0, _) => {}
            (1..=7, Direction::Request) => out.speak(|out| self.request(bytes, &message, out)),
            (0x40.., Direction::Response) => out.speak(|out| self.response(bytes, &message, out)),
            // The ends change their roles, as devices do that are clients and servers of each other.
            (1..=7, Direction::Response) => {
                out.speak(|out| out.turned(|out| self.request(bytes, &message, out)));
            }
            _ => out.speak(|out| out.turned(|out| self.response(bytes, &message, out))),
        }
    }

    fn close(&mut self, out: &mut DatagramOut<'_>) {
        for (_, id) in std::mem::take(&mut self.waiting) {
            out.speak(|out| out.end(id, Direction::Response, End::Cut));
        }
    }
}

impl Coap {
    fn request(&mut self, bytes: &[u8], message: &Message<'_>, out: &mut Out<'_>) {
        let again = self.waiting.iter().position(|(token, _)| **token == *message.token);
        let over = self.waiting.len() >= WAITING;
        if let Some((_, id)) = again.or(over.then_some(0)).and_then(|i| self.waiting.remove(i)) {
            out.end(id, Direction::Response, End::Cut);
        }
        let (mut parts, trail) = (Parts::default(), out.trail(Direction::Request));
        let start = trail.position(0);
        for (number, value) in &message.options {
            let before: &[u8] = match *number {
                URI_PATH => b"/",
                URI_QUERY if parts.queried => b"&",
                URI_QUERY => b"?",
                _ => continue,
            };
            if *number == URI_QUERY && !parts.queried && parts.text.text().is_empty() {
                parts.text.glue(b"/", start);
            }
            parts.queried |= *number == URI_QUERY;
            parts.text.glue(before, start);
            parts.add(bytes, value, trail);
        }
        if parts.text.text().is_empty() {
            parts.text.glue(b"/", start);
        }
        let target = 0..parts.text.text().len();
        let id = emit(None, Some((message.code, target)), bytes, message, parts, out);
        self.waiting.push_back((message.token.into(), id));
    }

    /// A response. One that belongs to no request goes on with an observed resource (RFC 7641), or its request was not seen.
    fn response(&mut self, bytes: &[u8], message: &Message<'_>, out: &mut Out<'_>) {
        let asked = self.waiting.iter().position(|(token, _)| **token == *message.token);
        let id = asked.and_then(|i| self.waiting.remove(i)).map(|(_, id)| id);
        emit(id, None, bytes, message, Parts::default(), out);
    }
}

/// What a head is made of: its target, and the values of its fields.
#[derive(Default)]
struct Parts {
    text: Composed,
    queried: bool,
}

impl Parts {
    /// A part of the message, and where it is in the head.
    fn add(&mut self, bytes: &[u8], part: &[u8], trail: &Trail) -> Range<usize> {
        let start = self.text.text().len();
        self.text.add(part, trail, offset(bytes, part).into());
        start..start + part.len()
    }
}

/// Emits a message whose target, if it is a request, stands in `parts`; one without an `id` begins its exchange.
fn emit(
    id: Option<ExchangeId>,
    request: Option<(u8, Range<usize>)>,
    bytes: &[u8],
    message: &Message<'_>,
    mut parts: Parts,
    out: &mut Out<'_>,
) -> ExchangeId {
    let dir = if request.is_some() { Direction::Request } else { Direction::Response };
    let (mut named, trail) = (Vec::new(), out.trail(dir));
    for (number, value) in &message.options {
        match *number {
            URI_PATH | URI_QUERY => {}
            CONTENT_FORMAT => {
                let format = value.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b));
                let start = parts.text.text().len();
                parts.text.glue(media(format).as_bytes(), trail.position(0));
                named.push(("content-type", start..parts.text.text().len()));
            }
            number => named.push((name(number), parts.add(bytes, value, trail))),
        }
    }
    if parts.text.text().is_empty() {
        parts.text.glue(b"", trail.position(0));
    }
    let answers = id.is_some();
    let id = parts.text.speak(dir, out, |text, out| {
        let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let fields: Vec<_> = named
            .iter()
            .map(|(name, range)| Field { name: name.as_bytes(), value: part(range), at: range.start as u32 })
            .collect();
        let start = match &request {
            Some((code, target)) => {
                let method = METHODS.get(usize::from(*code).wrapping_sub(1)).unwrap_or(&"GET");
                Start::Request { method: method.as_bytes(), target: part(target) }
            }
            None => Start::Response {
                status: u16::from(message.code >> 5) * 100 + u16::from(message.code & 0x1f),
            },
        };
        let head = Head::new(Version::Other, start, &fields);
        match id {
            Some(id) => {
                out.begin_in(id, &head);
                id
            }
            None => out.begin(&head),
        }
    });
    if !message.payload.is_empty() {
        out.body(id, dir, u64::from(offset(bytes, message.payload)), message.payload);
    }
    out.end(id, dir, End::Complete);
    if dir == Direction::Response && !answers {
        out.end(id, Direction::Request, End::Cut);
    }
    id
}

/// What options are called, as far as they may hold text (section 5.10, RFC 7959, RFC 8613).
fn name(number: u32) -> &'static str {
    match number {
        URI_HOST => "host",
        4 => "etag",
        8 => "location-path",
        20 => "location-query",
        35 => "proxy-uri",
        39 => "proxy-scheme",
        _ => "option",
    }
}

/// The media type of a content format (section 12.3, RFC 9290).
fn media(format: u32) -> &'static str {
    match format {
        0 => "text/plain",
        40 => "application/link-format",
        41 => "application/xml",
        50 | 110 | 256 | 257 => "application/json",
        _ => "application/octet-stream",
    }
}
