//! Tokens that are bound to a key of the client (RFC 9449), and the proofs that come with them.

use super::super::marks::DPOP_TYPE;
use super::super::memory::{Given, Memory, Wants};
use super::super::profile::{self, typ};
use super::super::recent::Recent;
use super::super::token::{Time, seconds};
use super::super::value::{List, Type, Value};
use super::super::{Case, Family, Field, Source, Subject, http};
use super::{TokenId, presented};
use crate::keys::{KeyStore, Signature, thumbprint};
use crate::limits::LIVES;
use crate::message::{Authorization, Direction, Exchange, Location, Target, host_of, percent_decode_twice};
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::{Family as Algorithm, NoneForm, Role, Token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "dpop",
    doc: "Tokens that are bound to a key of the client (RFC 9449), and the proofs that come with them.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| !is_proof(c) && unproved(c).is_none()),
    undecided: None,
    source: Source::memory::<Bound>(),
    fields: &[
        Field {
            name: "dpop.unproved",
            ty: Type::Str,
            doc: "How a request presents a token that is bound to a key (cnf.jkt, or issued with token_type DPoP) without a proof: \"as Bearer\" or \"without DPoP\".",
            get: |c| Value::or_missing(unproved(c)),
        },
        Field {
            name: "dpop.problems",
            ty: Type::List(&Type::Str),
            doc: "Why the proof in the DPoP field does not fit its request (RFC 9449 section 4.3), in words.",
            get: |c| match problems(c) {
                Some(found) => Value::List(List::Owned(found.into_iter().map(Value::str).collect())),
                None => Value::Missing,
            },
        },
        Field {
            name: "dpop.accepted",
            ty: Type::Bool,
            doc: "Whether the request with the proof was answered with success.",
            get: |c| Value::Bool(is_proof(c) && c.exchange.and_then(Exchange::success) == Some(true)),
        },
    ],
};

/// What responses said of the binding of tokens.
pub(in super::super) struct Bound {
    /// Tokens that were issued with `token_type` DPoP.
    issued: Recent<TokenId, ()>,
    /// When a server asked a client for nonces first.
    nonces: Recent<(Option<IpAddr>, Box<str>), Timestamp>,
}

impl Memory for Bound {
    fn new(_: &Given) -> Self {
        Self { issued: Recent::new(LIVES), nonces: Recent::new(LIVES) }
    }

    fn wants() -> Wants {
        // The mark is asked for so that bodies are looked at; what it stands on carries a token anyway.
        Wants { tokens: true, exchanges: Some(&[DPOP_TYPE]), ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return };
        let issued =
            sighting.direction == Some(Direction::Response) && sighting.place.location == Location::Body;
        if issued && exchange.marks.has(DPOP_TYPE) && profile::role(case) != Some(Role::Id) {
            let id = sighting.token.id();
            if self.issued.touch(&id).is_none() && self.issued.insert(id, ()).is_some() {
                tally.weird("bindings_evicted");
            }
        }
        if is_proof(case)
            && matches!(exchange.status(), Some(400 | 401))
            && http::response(case, "dpop-nonce").is_some()
        {
            let (key, time) =
                (nonce_key(case, exchange), exchange.response.as_ref().map(|r| r.position.time));
            if let Some(time) = time
                && self.nonces.touch(&key).is_none()
                && self.nonces.insert(key, time).is_some()
            {
                tally.weird("bindings_evicted");
            }
        }
    }
}

fn nonce_key(case: &Case<'_>, exchange: &Exchange) -> (Option<IpAddr>, Box<str>) {
    (case.transport().and_then(|t| t.client).map(|c| c.addr), exchange.host().unwrap_or_default().into())
}

fn is_proof(case: &Case<'_>) -> bool {
    case.sighting.is_some_and(|s| {
        s.direction == Some(Direction::Request)
            && s.place.location == Location::Header
            && s.place.name.as_deref() == Some("dpop")
    })
}

fn unproved(case: &Case<'_>) -> Option<&'static str> {
    let sighting = case.sighting?;
    let claimed = sighting.token.claim("cnf").and_then(|cnf| cnf.get("jkt")).is_some();
    let issued = |bound: &Bound| !bound.issued.is_empty() && bound.issued.get(&sighting.token.id()).is_some();
    if !claimed && !case.memory::<Bound>().is_some_and(issued) {
        return None;
    }
    let exchange = case.exchange.filter(|_| presented(case))?;
    let head = &exchange.request.as_ref()?.head;
    let proof = head.field("dpop").is_some();
    let bearer = sighting.place.location == Location::Header
        && head.field("authorization").and_then(Authorization::parse).is_some_and(|auth| auth.is("bearer"));
    match (bearer, proof) {
        (true, _) => Some("as Bearer"),
        (false, false) => Some("without DPoP"),
        (false, true) => None,
    }
}

/// RFC 9449 section 4.3.
fn problems(case: &Case<'_>) -> Option<Vec<&'static str>> {
    let (sighting, exchange) = (case.sighting.filter(|_| is_proof(case))?, case.exchange?);
    let head = &exchange.request.as_ref()?.head;
    let proof = &*sighting.token;
    let mut found = Vec::new();
    let text = |claim: &str| proof.claim(claim).and_then(Json::as_str);
    let jwk = proof.header_member("jwk");
    if typ(proof) != "dpop+jwt" {
        found.push("typ is not dpop+jwt");
    }
    if proof.none_form() != NoneForm::Other {
        found.push("it is not signed");
    } else if proof.family().is_some_and(Algorithm::is_symmetric) {
        found.push("it is signed with a shared secret");
    } else if jwk.is_some_and(|jwk| !signed_by(jwk, proof)) {
        found.push("its signature is not one of its key");
    }
    if jwk.is_some_and(|jwk| ["d", "k", "p", "q"].iter().any(|name| jwk.get(name).is_some())) {
        found.push("its key is a private one");
    }
    if text("htm").is_some_and(|htm| htm.as_bytes() != head.method()) {
        found.push("htm is another method");
    }
    if text("htu").is_some_and(|htu| !names(htu, exchange)) {
        found.push("htu is another URI");
    }
    let time = sighting.position.time;
    let off = |iat: i64| (time.seconds() - iat).abs() > WINDOW;
    if time != Timestamp::default() && seconds(case, Time::Iat).is_some_and(off) {
        found.push("iat is more than five minutes off");
    }
    let access = head.field("authorization").and_then(Authorization::parse).filter(|auth| auth.is("dpop"));
    if let Some(auth) = access {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(auth.credentials));
        match text("ath") {
            None => found.push("it has no ath, though a token comes with it"),
            Some(ath) if ath != hash => found.push("ath is the hash of another token"),
            Some(_) => {}
        }
        let bound = Token::parse(auth.credentials);
        let jkt = bound.as_ref().and_then(|token| token.claim("cnf")?.get("jkt")?.as_str());
        if jkt.is_some_and(|jkt| jwk.and_then(thumbprint).is_some_and(|own| *own != *jkt)) {
            found.push("the token is bound to another key");
        }
    }
    let asked = case.memory::<Bound>().and_then(|bound| bound.nonces.get(&nonce_key(case, exchange)));
    if text("nonce").is_none() && asked.is_some_and(|asked| time > *asked) {
        found.push("it has no nonce, though the server asked for one");
    }
    Some(found)
}

/// How far iat may be from the request, in seconds.
const WINDOW: i64 = 300;

/// Whether the key verifies the proof; true where it cannot be tried.
fn signed_by(jwk: &Json, proof: &Token) -> bool {
    let mut bare = jwk.clone();
    if let Some(members) = bare.as_object_mut() {
        for name in ["kid", "use", "key_ops", "alg"] {
            members.shift_remove(name);
        }
    }
    let mut keys = KeyStore::default();
    match keys.add(bare.to_string().as_bytes()) {
        Ok(()) => keys.verify(proof).signature != Signature::Invalid,
        Err(_) => true,
    }
}

/// Whether `htu` names the request, normalised (RFC 9449 section 4.3, RFC 3986 section 6.2.2). A proxy may have another
/// name for the host, which it then says; and one that ends TLS makes http of https.
fn names(htu: &str, exchange: &Exchange) -> bool {
    let uri = Target::reference(htu.as_bytes());
    let own = Target::parse(exchange.target().unwrap_or_default());
    let secure = uri.scheme.is_some_and(|scheme| scheme.bytes.eq_ignore_ascii_case(b"https"));
    let default = if secure { ":443" } else { ":80" };
    let plain = |host: &str| host.strip_suffix(default).unwrap_or(host).to_owned();
    let Some(named) = uri.host.map(|host| plain(&host_of(host.bytes))) else { return false };
    let forwarded = exchange.request.as_ref().and_then(|r| r.head.field("x-forwarded-host")).map(host_of);
    let mut hosts = exchange.host().into_iter().chain(forwarded.as_deref()).map(plain);
    let path = |bytes: &[u8]| {
        let decoded = percent_decode_twice(bytes).into_owned();
        if decoded.is_empty() { b"/".to_vec() } else { decoded }
    };
    hosts.any(|host| host == named)
        && path(uri.path.bytes) == path(own.path.bytes)
        && (secure || !exchange.transport.channel.encrypted())
}
