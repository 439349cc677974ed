//! `trace`: the life of each token, from the response that issued it to the last request that carried it.

mod diagram;
mod formats;
mod told;

use super::http::{lossy, target};
use crate::capture::FileId;
use crate::decode::Endpoint;
use crate::facts::value::{Lookup as _, Value};
use crate::facts::{Case, Facts, marks};
use crate::limits::{TRACE_BYTES, TRACE_STEPS, TRACE_TOKENS};
use crate::message::{Channel, Direction, Exchange, Location, Place, Target, name_of, path_template};
use crate::report::{EndpointView, Settings};
use crate::text::hex;
use crate::time::Timestamp;
use crate::token::{Role, Scanner, Sighting, Token};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// A format of traces.
#[derive(Clone, Copy, Debug)]
pub struct TraceFormat {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, in a few words, for `--help`.
    pub doc: &'static str,
    write: fn(&Tracer, &Settings, &mut dyn Write) -> io::Result<()>,
}

/// Every format of traces; the first is the default.
pub const TRACE_FORMATS: &[TraceFormat] = &[
    TraceFormat { name: "text", doc: "sequence diagrams for the terminal", write: diagram::write },
    TraceFormat { name: "mermaid", doc: "one Mermaid sequence diagram", write: formats::mermaid },
    TraceFormat { name: "json", doc: "one object, for programs", write: formats::json },
];

/// The format of that name.
pub fn trace_format(name: &str) -> Option<&'static TraceFormat> {
    TRACE_FORMATS.iter().find(|format| format.name == name)
}

/// Collects sightings and draws them at the end.
pub struct Tracer {
    format: &'static TraceFormat,
    settings: Settings,
    /// Hexadecimal digits that the SHA-256 of a token must begin with.
    wanted: String,
    show_secrets: bool,
    /// Names of the inputs, by [`FileId`].
    files: Vec<String>,
    lives: Vec<Life>,
    index: HashMap<[u8; 32], usize>,
    /// The life that each session's latest access token has; each life is there once at most.
    sessions: HashMap<String, usize>,
    bytes: usize,
    /// Sightings of tokens that did not fit.
    dropped: u64,
}

/// All that is known of one token.
struct Life {
    token: Arc<Token>,
    signature: Option<&'static str>,
    sightings: u64,
    first: Timestamp,
    last: Timestamp,
    steps: Vec<Step>,
    /// When a refresh gave another token in its place, and which.
    refreshed: Option<(Timestamp, [u8; 32])>,
    /// Sightings that are in no step.
    dropped: u64,
}

/// What happened to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// A response handed it out.
    Issued,
    /// A request presented it as a credential.
    Presented,
    /// It went along in some other way.
    Carried,
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Presented => "presented",
            Self::Carried => "carried",
        }
    }
}

/// One step, and its repetitions.
struct Step {
    like: Like,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    file: FileId,
    packet: u64,
    flow: u64,
    /// Both ends, with the ports of the first time.
    ends: [Option<Endpoint>; 2],
    target: Option<String>,
}

/// What repetitions of a step have in common.
#[derive(PartialEq, Eq)]
struct Like {
    act: Act,
    client: String,
    server: String,
    direction: Option<Direction>,
    place: Place,
    channel: Channel,
    method: Option<String>,
    path: Option<String>,
    status: Option<u16>,
    expired: bool,
    /// The token that this one was exchanged for, or the one that it came in exchange for.
    partner: Option<[u8; 32]>,
}

impl Like {
    /// What the server made of a token that was presented.
    fn outcome(&self) -> Option<&'static str> {
        (self.act == Act::Presented).then_some(match self.status {
            Some(200..=299) => "accepted",
            Some(401 | 403) => "refused",
            Some(_) => "answered",
            None => "unanswered",
        })
    }

    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let name = self.place.name.as_ref().map_or(0, |name| name.len());
        self.client.len() + self.server.len() + text(&self.method) + text(&self.path) + name
    }
}

/// What stands around a sighting.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Its exchange.
    pub exchange: Option<&'a Exchange>,
    /// All sightings of that exchange.
    pub others: &'a [Sighting],
    /// Number of the flow in the run.
    pub flow: u64,
    /// What became of the signature; `None` for a JWE.
    pub signature: Option<&'static str>,
}

impl Tracer {
    /// A tracer of all tokens, or of those whose SHA-256 begins with `wanted` (lower-case hexadecimal digits).
    pub fn new(
        format: &'static TraceFormat,
        settings: Settings,
        wanted: String,
        show_secrets: bool,
        files: Vec<String>,
    ) -> Self {
        let (lives, index, sessions) = Default::default();
        Self { format, settings, wanted, show_secrets, files, lives, index, sessions, bytes: 0, dropped: 0 }
    }

    /// Tokens that have a diagram.
    pub fn len(&self) -> usize {
        self.lives.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lives.is_empty()
    }

    /// Adds a sighting to the life of its token.
    pub fn sighting(&mut self, sighting: &Sighting, around: Around<'_>, scanner: &Scanner) {
        let token = &sighting.token;
        if !self.wanted.is_empty() && !token.sha256_hex().starts_with(&self.wanted) {
            return;
        }
        let Some(at) = self.life(token, sighting.position.time, around.signature) else {
            self.dropped += 1;
            return;
        };
        let time = sighting.position.time;
        if let Some(session) = issued_in(sighting, around.exchange) {
            let before = self.sessions.insert(session, at).filter(|before| *before != at);
            let refreshes = around.exchange.is_some_and(|e| e.marks.has(marks::REFRESH_GRANT));
            if let Some(old) = before.filter(|_| refreshes).and_then(|before| self.lives.get_mut(before)) {
                old.refreshed.get_or_insert((time, *token.sha256()));
            }
        }
        let Some(life) = self.lives.get_mut(at) else { return };
        life.sightings += 1;
        life.first = life.first.min(time);
        life.last = life.last.max(time);
        let like = like(sighting, around);
        if let Some(step) = life.steps.iter_mut().find(|step| step.like == like) {
            step.count += 1;
            step.last = step.last.max(time);
            return;
        }
        let sent = around.exchange.and_then(Exchange::target);
        let target = sent.map(|sent| target(sent, scanner, self.show_secrets));
        let size = 256 + like.size() + target.as_ref().map_or(0, String::len);
        if life.steps.len() >= TRACE_STEPS || self.bytes + size > TRACE_BYTES {
            life.dropped += 1;
            return;
        }
        self.bytes += size;
        life.steps.push(Step {
            like,
            count: 1,
            first: time,
            last: time,
            file: sighting.position.file,
            packet: sighting.position.frame,
            flow: around.flow,
            ends: [sighting.transport.client, sighting.transport.server],
            target,
        });
    }

    /// Draws all lives, in order of their first sightings.
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for life in &mut self.lives {
            life.steps.sort_by_key(|step| (step.first, step.file.0, step.packet));
        }
        let settings = self.settings;
        (self.format.write)(self, &settings, out)
    }

    /// The life of one token as lines of text, as far as it is known by now.
    pub fn life_of(&mut self, token: &[u8; 32], settings: &Settings) -> Vec<String> {
        let Some(at) = self.index.get(token) else { return Vec::new() };
        if let Some(life) = self.lives.get_mut(*at) {
            life.steps.sort_by_key(|step| (step.first, step.file.0, step.packet));
        }
        self.lives.get(*at).map_or_else(Vec::new, |life| diagram::lines(life, self, settings))
    }

    fn life(
        &mut self,
        token: &Arc<Token>,
        time: Timestamp,
        signature: Option<&'static str>,
    ) -> Option<usize> {
        if let Some(at) = self.index.get(token.sha256()) {
            return Some(*at);
        }
        // The text, what was read from it, and the bookkeeping.
        let size = 512 + token.reveal().len() * 4;
        if self.lives.len() >= TRACE_TOKENS || self.bytes + size > TRACE_BYTES {
            return None;
        }
        self.bytes += size;
        self.index.insert(*token.sha256(), self.lives.len());
        let (first, last) = (time, time);
        let token = Arc::clone(token);
        let (steps, refreshed) = (Vec::new(), None);
        self.lives.push(Life { token, signature, sightings: 0, first, last, steps, refreshed, dropped: 0 });
        Some(self.lives.len() - 1)
    }
}

/// The session that a response issues an access token for: its client, issuer, subject and `sid`.
fn issued_in(sighting: &Sighting, exchange: Option<&Exchange>) -> Option<String> {
    let issued = sighting.direction == Some(Direction::Response) && exchange?.success() == Some(true);
    let in_body = sighting.place.location == Location::Body;
    let other = matches!(sighting.token.role(), Role::Id | Role::Refresh | Role::Logout);
    let claim = |name: &str| sighting.token.claim(name).and_then(|value| value.as_str());
    let client = sighting.transport.client?.addr;
    (issued && in_body && !other)
        .then(|| Some(format!("{client} {:?} {:?} {:?}", claim("iss"), claim("sub")?, claim("sid"))))
        .flatten()
}

impl Life {
    /// What happened to it by itself, in order: it expired, or was refreshed.
    fn turns(&self) -> Vec<(Timestamp, String)> {
        let expired = self.expiry().filter(|at| *at < self.last).map(|at| (at, "expired".to_owned()));
        let refreshed = self.refreshed.map(|(at, new)| (at, format!("refreshed: token {}", short(&new))));
        let mut turns: Vec<_> = expired.into_iter().chain(refreshed).collect();
        turns.sort_unstable();
        turns
    }

    /// When it expires, if that is a time that a calendar has.
    fn expiry(&self) -> Option<Timestamp> {
        let [.., exp, _] = self.token.times();
        exp.filter(|exp| (0..=4_102_444_800).contains(exp)).map(|exp| Timestamp::from_parts(exp, 0))
    }

    /// The first digits of its SHA-256, as `--token` takes them.
    fn id(&self) -> String {
        short(self.token.sha256())
    }

    /// Names of clients and servers in order of appearance, clients first: whether it is a server, and its name.
    fn parties(&self) -> Vec<(bool, &str)> {
        let mut all: Vec<(bool, &str)> = Vec::new();
        for server in [false, true] {
            for step in &self.steps {
                let name = if server { &step.like.server } else { &step.like.client };
                if !all.contains(&(server, name)) {
                    all.push((server, name));
                }
            }
        }
        all
    }
}

/// The first digits of a SHA-256.
fn short(sha256: &[u8; 32]) -> String {
    hex(sha256.get(..6).unwrap_or_default())
}

fn like(sighting: &Sighting, around: Around<'_>) -> Like {
    let exchange = around.exchange;
    let case = Case { sighting: Some(sighting), exchange, ..Case::default() };
    let holds = |name| Facts::id(name).is_some_and(|id| matches!(case.value(id), Value::Bool(true)));
    let act = match () {
        () if holds("place.issued") => Act::Issued,
        () if holds("place.credential") => Act::Presented,
        () => Act::Carried,
    };
    let way = match act {
        Act::Issued => Some(Direction::Request),
        Act::Presented => Some(Direction::Response),
        Act::Carried => None,
    };
    let partner = around.others.iter().find(|other| {
        way.is_some() && other.direction == way && other.token.sha256() != sighting.token.sha256()
    });
    let server = EndpointView(sighting.transport.server);
    let port = sighting.transport.server.map(|server| server.port);
    let name = match (exchange.and_then(Exchange::host).filter(|host| !host.is_empty()), port) {
        (Some(host), Some(port)) => format!("{}:{port}", name_of(host)),
        // A recording without packets has no addresses.
        (Some(host), None) => name_of(host).to_owned(),
        (None, _) => server.text(),
    };
    let exp = sighting.token.times()[2];
    Like {
        act,
        client: EndpointView(sighting.transport.client).address(),
        server: name,
        direction: sighting.direction,
        place: sighting.place.clone(),
        channel: sighting.transport.channel,
        method: exchange.and_then(Exchange::method).map(lossy),
        path: exchange.and_then(Exchange::target).map(|sent| path_template(Target::parse(sent).path.bytes)),
        status: exchange.and_then(Exchange::status),
        expired: exp.is_some_and(|exp| exp < sighting.position.time.seconds()),
        partner: partner.map(|other| *other.token.sha256()),
    }
}

#[cfg(test)]
mod tests;
