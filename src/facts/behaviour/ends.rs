//! Tokens that should work no more: after a logout, after their successor was issued.

use super::super::marks::{INTROSPECTION, REFRESH_GRANT};
use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::token::{Time, seconds};
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, profile};
use super::{TokenId, presented};
use crate::limits::LIVES;
use crate::message::{Direction, Exchange, Location, SetCookie};
use crate::tally::Tally;
use crate::time::{SECOND, Timestamp};
use crate::token::{Role, Token};
use smallvec::SmallVec;
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "ended",
    doc: "How long ago the token should have stopped to work.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(at_rest),
    undecided: None,
    source: Source::memory::<Ends>(),
    fields: &[
        Field {
            name: "ended.since_logout",
            ty: Type::Int,
            doc: "Seconds since the token was given back, if more than two: it came with a logout, was revoked (RFC 7009), stood in a cookie that the response cleared, or belongs to the session that an ID token hint or logout token ended.",
            get: |c| Value::or_missing(since_logout(c)),
        },
        Field {
            name: "ended.since_rotation",
            ty: Type::Int,
            doc: "Seconds since a refresh gave the same session a new access token in its place.",
            get: |c| Value::or_missing(since(c, |end| end.rotated)),
        },
    ],
};

/// What ended of the latest tokens and sessions.
pub(in super::super) struct Ends {
    tokens: Recent<TokenId, End>,
    /// By issuer, and session or subject.
    sessions: Recent<[Box<str>; 2], Timestamp>,
    /// The access token that each session has now.
    current: Recent<Session, TokenId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct End {
    logout: Option<Timestamp>,
    rotated: Option<Timestamp>,
}

/// Issuer, subject, and what tells its sessions apart: `sid`, else the client application and its address.
type Session = (Box<str>, Box<str>, Box<str>, Option<IpAddr>);

impl Memory for Ends {
    fn new(_: &Given) -> Self {
        Self { tokens: Recent::new(LIVES), sessions: Recent::new(LIVES), current: Recent::new(LIVES) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return };
        if sighting.direction == Some(Direction::Response) {
            return self.issued(case, exchange, tally);
        }
        let Some(time) = answered(exchange) else { return };
        if ends_session(case) && logs_out(exchange) {
            if let Some(key) = session_names(&sighting.token) {
                count(self.sessions.insert(key, time), tally);
            }
        } else if given_back(case, exchange) {
            self.end(&sighting.token, |end| end.logout = end.logout.or(Some(time)), tally);
        }
    }
}

impl Ends {
    fn end(&mut self, token: &Token, set: impl FnOnce(&mut End), tally: &mut Tally) {
        let id = token.id();
        if let Some(end) = self.tokens.touch(&id) {
            return set(end);
        }
        let mut end = End::default();
        set(&mut end);
        count(self.tokens.insert(id, end), tally);
    }

    /// A response hands out an access token.
    fn issued(&mut self, case: &Case<'_>, exchange: &Exchange, tally: &mut Tally) {
        let (Some(sighting), Some(time)) = (case.sighting, answered(exchange)) else { return };
        let access = !matches!(
            profile::role(case),
            Some(Role::Refresh | Role::Id | Role::Logout | Role::DpopProof | Role::ClientAssertion)
        );
        let in_body = sighting.place.location == Location::Body;
        let Some(session) = session(case).filter(|_| access && in_body && exchange.success() == Some(true))
        else {
            return;
        };
        let id = sighting.token.id();
        let before = self.current.touch(&session).map(|now| std::mem::replace(now, id));
        if before.is_none() {
            count(self.current.insert(session, id), tally);
        }
        if let Some(before) = before.filter(|before| *before != id && exchange.marks.has(REFRESH_GRANT)) {
            let end = End { rotated: Some(time), ..End::default() };
            match self.tokens.touch(&before) {
                Some(known) => known.rotated = known.rotated.or(Some(time)),
                None => count(self.tokens.insert(before, end), tally),
            }
        }
    }
}

fn count<T>(gone: Option<T>, tally: &mut Tally) {
    if gone.is_some() {
        tally.weird("ends_evicted");
    }
}

/// When an exchange was answered with success or a redirect.
fn answered(exchange: &Exchange) -> Option<Timestamp> {
    let response = exchange.response.as_ref().filter(|r| (200..400).contains(&r.head.status))?;
    Some(response.position.time)
}

/// Whether the path is that of a logout or revocation.
fn logs_out(exchange: &Exchange) -> bool {
    let path = exchange.path();
    let method = exchange.method().unwrap_or_default();
    let deletes = method == b"DELETE";
    path.rsplit(|b| *b == b'/').take(3).any(|segment| {
        let mut letters =
            segment.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).peekable();
        // Most segments are told by a letter.
        let first = letters.peek();
        if !LOGOUTS.iter().chain(SESSIONS).any(|word| word.as_bytes().first() == first) {
            return false;
        }
        let plain: SmallVec<[u8; 32]> = letters.collect();
        let is = |word: &&str| word.as_bytes() == plain.as_slice();
        LOGOUTS.iter().any(is) || deletes && SESSIONS.iter().any(is)
    })
}

/// What a segment of such a path says, in letters and digits.
const LOGOUTS: &[&str] = &[
    "logout",
    "signout",
    "logoff",
    "signoff",
    "endsession",
    "revoke",
    "revocation",
    "revoketoken",
    "backchannellogout",
    "logoutall",
];
/// What one says that is deleted.
const SESSIONS: &[&str] = &["session", "sessions"];

/// Whether the token of a case tells which session is over rather than to be over itself.
fn ends_session(case: &Case<'_>) -> bool {
    let hint = case
        .sighting
        .and_then(|s| s.place.name.as_deref())
        .is_some_and(|name| name.ends_with("id_token_hint"));
    hint || profile::role(case) == Some(Role::Logout)
}

fn given_back(case: &Case<'_>, exchange: &Exchange) -> bool {
    let Some(sighting) = case.sighting else { return false };
    let in_body = sighting.place.location == Location::Body;
    // What stands in Authorization there is the right to revoke.
    let revoked = exchange.marks.has(INTROSPECTION);
    let out = logs_out(exchange) && if revoked { in_body } else { in_body || presented(case) };
    out || sighting.place.location == Location::Cookie && cleared(exchange, sighting.place.name.as_deref())
}

/// Whether the response tells the client to forget a cookie (RFC 6265 section 3.1).
fn cleared(exchange: &Exchange, name: Option<&str>) -> bool {
    let (Some(response), Some(name)) = (&exchange.response, name) else { return false };
    let fields = response.head.fields().filter(|(field, _)| field.eq_ignore_ascii_case(b"set-cookie"));
    let gone = |set: &SetCookie<'_>| {
        let past = || {
            let expires = set.expires.and_then(|date| Timestamp::parse_date(str::from_utf8(date).ok()?));
            expires.is_some_and(|at| at < response.position.time)
        };
        set.max_age.map_or_else(past, |age| age <= 0)
    };
    fields
        .filter_map(|(_, value)| SetCookie::parse(value))
        .any(|set| set.cookie.name.eq_ignore_ascii_case(name.as_bytes()) && gone(&set))
}

fn text(token: &Token, claim: &str) -> Option<Box<str>> {
    token.claim(claim)?.as_str().map(Into::into)
}

/// The names that a session goes by: `sid` where there is one, else the subject.
fn session_names(token: &Token) -> Option<[Box<str>; 2]> {
    let iss = text(token, "iss")?;
    let name = text(token, "sid")
        .map(|sid| format!("sid {sid}"))
        .or_else(|| Some(format!("sub {}", text(token, "sub")?)))?;
    Some([iss, name.into()])
}

fn session(case: &Case<'_>) -> Option<Session> {
    let token = &case.sighting?.token;
    let (iss, sub) = (text(token, "iss").unwrap_or_default(), text(token, "sub")?);
    Some(match text(token, "sid") {
        Some(sid) => (iss, sub, sid, None),
        None => {
            let app = text(token, "client_id").or_else(|| text(token, "azp")).unwrap_or_default();
            (iss, sub, app, case.transport()?.client.map(|c| c.addr))
        }
    })
}

/// Most tokens are never given back.
fn at_rest(case: &Case<'_>) -> bool {
    let ends = case.memory::<Ends>().zip(case.sighting);
    ends.is_none_or(|(ends, s)| ends.sessions.is_empty() && ends.tokens.get(&s.token.id()).is_none())
}

fn since(case: &Case<'_>, end: impl FnOnce(&End) -> Option<Timestamp>) -> Option<i64> {
    let sighting = case.sighting.filter(|_| presented(case))?;
    let known = case.memory::<Ends>()?.tokens.get(&sighting.token.id())?;
    after(sighting.position.time, end(known)?)
}

/// Seconds from an end to a use: nothing within two, when requests were on their way.
fn after(use_: Timestamp, end: Timestamp) -> Option<i64> {
    let since = use_.since(end);
    (since > 2 * SECOND).then_some(since / SECOND)
}

fn since_logout(case: &Case<'_>) -> Option<i64> {
    if let Some(since) = since(case, |end| end.logout) {
        return Some(since);
    }
    let sighting = case.sighting.filter(|_| presented(case))?;
    let ends = &case.memory::<Ends>()?.sessions;
    if ends.is_empty() {
        return None;
    }
    let token = &sighting.token;
    let iss = text(token, "iss")?;
    let names = ["sid", "sub"]
        .into_iter()
        .filter_map(|claim| Some(format!("{claim} {}", text(token, claim)?).into()));
    let ended = names.filter_map(|name: Box<str>| ends.get(&[iss.clone(), name])).min()?;
    // A token that was issued later is of a new session.
    let issued = seconds(case, Time::Iat)?;
    (issued <= ended.seconds()).then(|| after(sighting.position.time, *ended)).flatten()
}
