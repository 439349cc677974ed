//! Tokens that were made from another one, and clients that try many.

use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject};
use super::{TokenId, client, presented};
use crate::limits::{CLIENTS, LIVES, VARIANTS};
use crate::message::Direction;
use crate::tally::Tally;
use crate::time::{SECOND, Timestamp};
use crate::token::{Family as Algorithm, NoneForm, Token};
use aho_corasick::AhoCorasick;
use foldhash::fast::FixedState;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::LazyLock;

pub(in super::super) const FAMILY: Family = Family {
    name: "probe",
    doc: "Whether the token was made from another one, and what else the client tries.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| variant(c).is_none() && refused(c).is_none() && tool(c).is_none()),
    undecided: None,
    source: Source::memory::<Variants>(),
    fields: &[
        Field {
            name: "probe.changed",
            ty: Type::Str,
            doc: "What of an earlier token a request changed: its \"header\" (other algorithm or key, the same payload), its \"payload\" (under the same signature), or its \"signature\" (removed, cut, replaced); missing if the token is not made from one that was seen before.",
            get: |c| Value::or_missing(variant(c).map(|(_, changed)| changed)),
        },
        Field {
            name: "probe.signature_copied",
            ty: Type::Bool,
            doc: "Whether the token has the signature of the one that it was made from, over another header or payload: nobody who could sign made it.",
            get: |c| Value::Bool(copied(c)),
        },
        Field {
            name: "probe.variants",
            ty: Type::Int,
            doc: "How many different variants of one token this client sent within ten minutes, this one included.",
            get: |c| Value::or_missing(variant(c).and_then(|(base, _)| base.variants_of(c))),
        },
        Field {
            name: "probe.of_accepted",
            ty: Type::Bool,
            doc: "Whether the token that this one was made from was answered with success before.",
            get: |c| Value::Bool(variant(c).is_some_and(|(base, _)| base.accepted)),
        },
        Field {
            name: "probe.refused",
            ty: Type::Int,
            doc: "How many different tokens of this client were answered with 401 or 403 within a minute, this one included.",
            get: |c| Value::or_missing(refused(c)),
        },
        Field {
            name: "probe.tool",
            ty: Type::Str,
            doc: "The tool for attacks that the request names in its User-Agent, or the listening service in the token's header.",
            get: |c| Value::or_missing(tool(c)),
        },
    ],
};

/// The latest tokens by what their variants have in common with them, and the latest clients with what was refused to them.
pub(in super::super) struct Variants {
    bases: Recent<u64, Base>,
    /// From the digest of a signature or identifier to that of the payload.
    names: Recent<u64, u64>,
    /// Some token was ever made from another one.
    any: bool,
    refused: Recent<IpAddr, Vec<(Timestamp, TokenId)>>,
}

/// The first token with its payload or signature.
struct Base {
    token: TokenId,
    input: u64,
    header: u64,
    payload: u64,
    signature: u64,
    /// It was answered with success.
    accepted: bool,
    variants: SmallVec<[Variant; 1]>,
}

struct Variant {
    token: TokenId,
    changed: &'static str,
    client: Option<IpAddr>,
    time: Timestamp,
}

/// Time in which a client tries variants, in nanoseconds.
const PLAYBOOK: i64 = 600 * SECOND;
/// Time in which it guesses.
const MINUTE: i64 = 60 * SECOND;

impl Memory for Variants {
    fn new(_: &Given) -> Self {
        Self {
            bases: Recent::roughly(LIVES),
            names: Recent::new(LIVES),
            any: false,
            refused: Recent::new(CLIENTS),
        }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let Some(sighting) = case.sighting else { return };
        self.refusal(case, tally);
        let token = &*sighting.token;
        let id = token.id();
        if let Some(base) = self.bases.touch(&token.payload_name())
            && base.token == id
        {
            base.accepted |= accepted(case);
            return;
        }
        let Some(parts) = Parts::of(token) else { return };
        let request = sighting.direction == Some(Direction::Request);
        let Some(base) = self.base(&parts).and_then(|payload| self.bases.touch(&payload)) else {
            let (accepted, variants) = (accepted(case), SmallVec::new());
            let Parts { input, header, payload, signature, .. } = parts;
            let base = Base { token: id, input, header, payload, signature, accepted, variants };
            for name in parts.names() {
                self.names.insert(name, payload);
            }
            if self.bases.insert(payload, base).is_some() {
                tally.weird("variants_evicted");
            }
            return;
        };
        if base.token == id {
            base.accepted |= accepted(case);
            return;
        }
        let known = base.variants.iter().any(|variant| variant.token == id);
        if request
            && !known
            && base.variants.len() < VARIANTS
            && let Some(changed) = base.changed(&parts, token)
        {
            let client = client(case);
            base.variants.push(Variant { token: id, changed, client, time: sighting.position.time });
            self.any = true;
        }
    }
}

impl Variants {
    /// The payload of the token that one with these parts was made from, or is.
    fn base(&self, parts: &Parts) -> Option<u64> {
        if self.bases.get(&parts.payload).is_some() {
            return Some(parts.payload);
        }
        parts.names().find_map(|name| self.names.get(&name)).copied()
    }

    fn refusal(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let refused = case.exchange.is_some_and(|e| matches!(e.status(), Some(401 | 403)));
        let (Some(sighting), true) = (case.sighting, refused && presented(case)) else { return };
        let Some(addr) = client(case) else { return };
        let (time, id) = (sighting.position.time, sighting.token.id());
        if self.refused.touch(&addr).is_none() && self.refused.insert(addr, Vec::new()).is_some() {
            tally.weird("clients_evicted");
        }
        let Some(tried) = self.refused.touch(&addr) else { return };
        tried.retain(|(at, known)| time.since(*at) < MINUTE && *known != id);
        if tried.len() >= VARIANTS {
            tried.remove(0);
        }
        tried.push((time, id));
    }
}

impl Base {
    fn changed(&self, parts: &Parts, token: &Token) -> Option<&'static str> {
        let random = matches!(token.family(), Some(Algorithm::Es | Algorithm::Ps));
        if parts.payload != self.payload {
            Some("payload")
        } else if parts.void {
            Some("signature")
        } else if parts.header != self.header {
            Some("header")
        } else if parts.input == self.input && parts.signature != self.signature {
            // ECDSA and PSS sign the same text differently each time.
            (!random).then_some("signature")
        } else {
            None
        }
    }

    fn variants_of(&self, case: &Case<'_>) -> Option<i64> {
        let (client, time) = (client(case), case.sighting?.position.time);
        let own = |variant: &&Variant| variant.client == client && time.since(variant.time).abs() < PLAYBOOK;
        Some(self.variants.iter().filter(own).count() as i64)
    }
}

/// What tells variants, as hashes that are the same in every run.
struct Parts {
    input: u64,
    header: u64,
    payload: u64,
    signature: u64,
    /// There is no signature to speak of.
    void: bool,
    jti: Option<u64>,
}

impl Parts {
    fn of(token: &Token) -> Option<Self> {
        if token.is_encrypted() || token.payload().is_empty() || token.is_sample() {
            return None;
        }
        let segments: SmallVec<[&str; 3]> = token.segments().collect();
        let [header, _, _] = segments[..] else { return None };
        let void =
            token.signature().len() < 16 || token.none_form() != NoneForm::Other || token.signature_is_void();
        Some(Self {
            input: hash(token.signing_input()),
            header: hash(header.as_bytes()),
            payload: token.payload_name(),
            signature: hash(token.signature()),
            void,
            jti: token.claim("jti").and_then(|jti| jti.as_str()).map(|jti| hash(jti.as_bytes())),
        })
    }

    /// What a variant with another payload has in common with its base: its signature, or where it has none, its
    /// identifier.
    fn names(&self) -> impl Iterator<Item = u64> + use<> {
        let signature = (!self.void).then_some(self.signature);
        let jti = self.jti.filter(|_| self.void);
        signature.into_iter().chain(jti)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}

fn accepted(case: &Case<'_>) -> bool {
    presented(case) && case.exchange.and_then(|e| e.success()) == Some(true)
}

fn variant<'a>(case: &Case<'a>) -> Option<(&'a Base, &'static str)> {
    let (sighting, known) = (case.sighting?, case.memory::<Variants>().filter(|known| known.any)?);
    let id = sighting.token.id();
    if known.bases.get(&sighting.token.payload_name()).is_some_and(|base| base.token == id) {
        return None;
    }
    let base = known.bases.get(&known.base(&Parts::of(&sighting.token)?)?)?;
    let variant = base.variants.iter().find(|variant| variant.token == id)?;
    Some((base, variant.changed))
}

fn copied(case: &Case<'_>) -> bool {
    let Some(((base, _), sighting)) = variant(case).zip(case.sighting) else { return false };
    let same = |parts: Parts| base.signature == parts.signature && base.input != parts.input && !parts.void;
    Parts::of(&sighting.token).is_some_and(same)
}

fn refused(case: &Case<'_>) -> Option<i64> {
    let (id, variants) = (case.sighting?.token.id(), case.memory::<Variants>()?);
    if variants.refused.is_empty() {
        return None;
    }
    let tried = variants.refused.get(&client(case)?)?;
    tried.iter().any(|(_, known)| *known == id).then_some(tried.len() as i64)
}

fn tool(case: &Case<'_>) -> Option<&'static str> {
    let token = &case.sighting?.token;
    let agent = case.exchange.and_then(|e| e.request.as_ref()?.head.field("user-agent")).unwrap_or_default();
    if let Some(search) = SEARCH.as_ref().filter(|_| !agent.starts_with(b"Mozilla/"))
        && let Some(found) = search.find_overlapping_iter(agent).map(|found| found.pattern()).min()
    {
        return TOOLS.get(found.as_usize()).copied();
    }
    let members = ["jku", "x5u", "kid"].into_iter().filter_map(|name| token.header_member(name)?.as_str());
    let listener = |value: &str| {
        // Each is the name of a host, and few values are.
        memchr::memchr(b'.', value.as_bytes())?;
        let found =
            LISTENER_SEARCH.as_ref()?.find_overlapping_iter(value).map(|found| found.pattern()).min()?;
        LISTENERS.get(found.as_usize()).copied()
    };
    members.into_iter().find_map(listener)
}

/// Names in the User-Agent of tools for attacks.
const TOOLS: &[&str] = &["jwt_tool", "jwt-hack", "nuclei", "sqlmap", "wfuzz", "ffuf", "zaproxy"];

static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(TOOLS).ok());

/// Services that tell an attacker that a server came to fetch something.
const LISTENERS: &[&str] = &[
    "burpcollaborator.net",
    "oastify.com",
    "interact.sh",
    "oast.fun",
    "oast.live",
    "oast.me",
    "oast.online",
    "oast.pro",
    "oast.site",
    "webhook.site",
];

static LISTENER_SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(LISTENERS).ok());
