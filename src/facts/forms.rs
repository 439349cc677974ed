//! In which forms hosts and issuers were seen to use tokens, for facts that one token alone does not tell.

use super::digest;
use super::memory::{Given, Memories, Memory, Wants};
use super::profile::{role, typ};
use super::recent::Recent;
use super::token::token;
use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::limits::{FORMS, ROLL};
use crate::message::{Direction, Location};
use crate::tally::Tally;
use crate::token::{Role, Token};

pub(super) const SIGHTING: Family = Family {
    name: "forms",
    doc: "What a token's own form means beside those of others at the same host; known only at the end of input.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: true,
    rest: None,
    undecided: None,
    source: Source::memory::<Forms>(),
    fields: &[
        Field {
            name: "token.signed_elsewhere",
            ty: Type::Bool,
            doc: "Whether signed tokens (not nested in encrypted ones) were presented to the host that this one was sent to.",
            get: |c| {
                late(c, |forms| Value::Bool(c.host().is_some_and(|host| forms.signed.get(&*host).is_some())))
            },
        },
        Field {
            name: "token.key_shared",
            ty: Type::Bool,
            doc: "Whether encrypted tokens with the same alg, enc and kid were sent to different hosts; missing without a kid.",
            get: |c| match token(c).and_then(Kid::of) {
                Some(kid) => {
                    late(c, |forms| Value::Bool(forms.kids.get(&kid).is_some_and(|hosts| hosts.several)))
                }
                None => Value::Missing,
            },
        },
        Field {
            name: "token.error_oracle",
            ty: Type::Bool,
            doc: "Whether the host answered variants of this encrypted token, which share all but the ciphertext or its initialisation vector, with different errors: other statuses of 4xx or 5xx, or bodies of other lengths.",
            get: |c| match token(c).filter(|t| t.is_encrypted()) {
                Some(t) => late(c, |forms| {
                    Value::Bool(
                        variant(c, t)
                            .is_some_and(|key| forms.variants.get(&key).is_some_and(Variants::tells)),
                    )
                }),
                None => Value::Bool(false),
            },
        },
    ],
};

pub(super) const ISSUER: Family = Family {
    name: "issuer forms",
    doc: "How an issuer tells its tokens apart.",
    subjects: &[Subject::Issuer],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::memory::<Forms>(),
    fields: &[Field {
        name: "issuer.untyped_uses",
        ty: Type::List(&Type::Str),
        doc: "Uses (use.role) of its signed tokens whose typ is absent or JWT, so that only their claims tell them apart.",
        get: |c| {
            let name = c.entity.map(|e| &*e.name);
            let uses =
                name.and_then(|name| c.memory::<Forms>()?.untyped.get(name)).copied().unwrap_or_default();
            Value::List(List::Owned(
                ROLES.iter().filter(|r| uses & bit(**r) != 0).map(|r| Value::str(r.as_str())).collect(),
            ))
        },
    }],
};

/// Uses that have a type of their own (RFC 9068, RFC 8417, OpenID Connect, RFC 9449), in the order of their bits.
const ROLES: &[Role] =
    &[Role::Access, Role::Id, Role::Refresh, Role::ClientAssertion, Role::Logout, Role::SecurityEvent];

fn bit(role: Role) -> u8 {
    ROLES.iter().position(|known| *known == role).map_or(0, |at| 1 << at)
}

/// What is remembered.
pub(super) struct Forms {
    /// Hosts that were presented with signed tokens.
    signed: Recent<Box<str>, ()>,
    /// Keys of encryption by their name, and where tokens under them went.
    kids: Recent<Kid, Hosts>,
    /// Encrypted tokens that share all but what is tampered with to learn of the rest.
    variants: Recent<u128, Variants>,
    /// Issuers, with a bit for each use of untyped tokens.
    untyped: Recent<Box<str>, u8>,
    closed: bool,
}

/// A key of encryption, as the header names it.
#[derive(PartialEq, Eq, Hash)]
struct Kid(u128);

impl Kid {
    fn of(token: &Token) -> Option<Self> {
        let kid = token.kid().filter(|_| token.is_encrypted())?.as_str()?;
        let (alg, enc) = (token.alg()?, token.header_member("enc")?.as_str()?);
        Some(Self(digest([&*alg, enc, kid])))
    }
}

struct Hosts {
    first: u128,
    several: bool,
}

/// Variants of one token, and how they were refused.
struct Variants {
    token: [u8; 32],
    several: bool,
    error: Option<(u16, u64)>,
    differs: bool,
}

impl Variants {
    fn tells(&self) -> bool {
        self.several && self.differs
    }
}

impl Memory for Forms {
    fn new(_: &Given) -> Self {
        Self {
            signed: Recent::new(FORMS),
            kids: Recent::new(FORMS),
            variants: Recent::new(FORMS),
            untyped: Recent::new(ROLL),
            closed: false,
        }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(token) = token(case) else { return };
        if token.is_encrypted() {
            self.encrypted(case, token);
            return;
        }
        if presented(case)
            && let Some(host) = case.host()
            && self.signed.touch(&*host).is_none()
        {
            self.signed.insert(host.into(), ());
        }
        if case.new {
            self.typed(case, token);
        }
    }

    fn close(&mut self, _: &Memories, _: &mut Tally) {
        self.closed = true;
    }
}

impl Forms {
    fn encrypted(&mut self, case: &Case<'_>, token: &Token) {
        let Some(host) = case.host() else { return };
        if let Some(kid) = Kid::of(token).filter(|_| presented(case)) {
            let this = digest(&host);
            match self.kids.touch(&kid) {
                Some(hosts) => hosts.several |= hosts.first != this,
                None => {
                    self.kids.insert(kid, Hosts { first: this, several: false });
                }
            }
        }
        let Some(key) = variant(case, token) else { return };
        let response = case.exchange.and_then(|exchange| exchange.response.as_ref());
        let error = response.filter(|r| r.head.status >= 400).map(|r| (r.head.status, r.body_len));
        match self.variants.touch(&key) {
            Some(known) => {
                known.several |= known.token != *token.sha256();
                known.differs |= error.is_some() && known.error.is_some_and(|first| Some(first) != error);
                known.error = known.error.or(error);
            }
            None => {
                let known = Variants { token: *token.sha256(), several: false, error, differs: false };
                self.variants.insert(key, known);
            }
        }
    }

    fn typed(&mut self, case: &Case<'_>, token: &Token) {
        let Some(iss) = token.iss().filter(|_| matches!(&*typ(token), "" | "jwt")) else { return };
        let bits = role(case).map_or(0, bit);
        // As the issuers of a run are named.
        let iss = iss.as_str().map_or_else(|| iss.to_string(), str::to_owned);
        match self.untyped.touch(&*iss) {
            Some(known) => *known |= bits,
            None if bits != 0 => {
                self.untyped.insert(iss.into(), bits);
            }
            None => {}
        }
    }
}

fn late<'a>(case: &Case<'a>, tell: impl FnOnce(&'a Forms) -> Value<'a>) -> Value<'a> {
    match case.memory::<Forms>() {
        Some(forms) if !forms.closed => Value::Pending,
        Some(forms) => tell(forms),
        None => Value::Missing,
    }
}

/// Whether a request presents the token where APIs take their credentials.
fn presented(case: &Case<'_>) -> bool {
    case.sighting.is_some_and(|s| {
        s.direction == Some(Direction::Request)
            && matches!(s.place.location, Location::Header | Location::Cookie | Location::Query)
    })
}

/// What variants of an encrypted token share when somebody tampers with it: host, header, encrypted key and tag, which nobody
/// can make anew without the key.
fn variant(case: &Case<'_>, token: &Token) -> Option<u128> {
    let host = case.host().filter(|_| presented(case))?;
    let mut segments = token.segments();
    let (header, key) = (segments.next()?, segments.next()?);
    let tag = segments.nth(2)?;
    Some(digest([&*host, header, key, tag]))
}
