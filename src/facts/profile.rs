//! What a token is used as, and what the profile of that use asks of it.

use super::token::{Time, token};
use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Called, Direction, Location};
use crate::token::{Family as Algorithm, NoneForm, Role, Token};
use std::borrow::Cow;

pub(super) const FAMILY: Family = Family {
    name: "profile",
    doc: "What a token is used as, and what the profile of that use (RFC 9068, RFC 9449, OpenID Connect) asks of it.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "use.role",
            ty: Type::Str,
            doc: "What the token is used as: what its place says (a parameter client_assertion, refresh_token, id_token or logout_token, the field DPoP), else token.role; \"access\" for one of unknown role that is presented in Authorization.",
            get: |c| Value::or_missing(role(c).map(Role::as_str)),
        },
        Field {
            name: "use.lifetime_limit",
            ty: Type::Int,
            doc: "Longest lifetime that suits its use, in seconds: a day, 90 days for a refresh token, ten minutes for a client assertion or DPoP proof.",
            get: |c| Value::or_missing(role(c).map(|role| limit(c, role))),
        },
        Field {
            name: "profile.problems",
            ty: Type::List(&Type::Str),
            doc: "What an access token of RFC 9068 (typ at+jwt), a logout token or a DPoP proof lacks or has against its profile, in words.",
            get: problems,
        },
        Field {
            name: "token.presentation_problems",
            ty: Type::List(&Type::Str),
            doc: "Why a verifier should not accept an SD-JWT that a request presents, in words: no proof of the holder's key although it names one, or a proof that is old.",
            get: |c| Value::List(List::Owned(presentation(c).into_iter().map(Value::str).collect())),
        },
    ],
};

/// What a token is used as.
pub(super) fn role(case: &Case<'_>) -> Option<Role> {
    let sighting = case.sighting?;
    let own = sighting.token.role();
    let by_place = match sighting.place.called() {
        Called::ClientAssertion => Some(Role::ClientAssertion),
        Called::RefreshToken => Some(Role::Refresh),
        Called::IdToken => Some(Role::Id),
        Called::LogoutToken => Some(Role::Logout),
        Called::Dpop if sighting.place.location == Location::Header => Some(Role::DpopProof),
        Called::AccessToken if own == Role::Unknown => Some(Role::Access),
        Called::Authorization if own == Role::Unknown && sighting.direction == Some(Direction::Request) => {
            Some(Role::Access)
        }
        _ => None,
    };
    Some(by_place.unwrap_or(own))
}

/// RFC 9901 section 7.3: a credential with a key of its holder comes with a proof that was made a short time ago.
fn presentation(case: &Case<'_>) -> Option<&'static str> {
    let token =
        token(case).filter(|_| case.sighting.is_some_and(|s| s.direction == Some(Direction::Request)))?;
    token.disclosures().next()?;
    // Who passes on what an issuer made is no holder that presents it.
    let name = case.sighting.and_then(|s| s.place.name.as_deref()).unwrap_or_default();
    if name.ends_with("credential") {
        return None;
    }
    let Some(binding) = super::jose::binding(token) else {
        return token.claim("cnf").map(|_| "it is bound to a key and comes without a proof of it");
    };
    let age = case.seconds()?.saturating_sub(binding.times()[Time::Iat as usize]?);
    if age > case.policy.proof_lifetime.saturating_add(case.policy.skew) {
        Some("the proof of its holder's key is old")
    } else {
        (age < -case.policy.skew).then_some("the proof of its holder's key lies ahead")
    }
}

fn limit(case: &Case<'_>, role: Role) -> i64 {
    match role {
        Role::Refresh => case.policy.refresh_lifetime,
        Role::ClientAssertion | Role::DpopProof => case.policy.proof_lifetime,
        _ => case.policy.token_lifetime,
    }
}

fn problems<'a>(case: &Case<'a>) -> Value<'a> {
    let (Some(token), Some(role)) = (token(case), role(case)) else { return Value::Missing };
    if token.claims().is_none() || token.is_encrypted() {
        return Value::Missing;
    }
    let found = match role {
        Role::Logout => logout(token),
        Role::DpopProof => dpop(token),
        _ if typ(token) == "at+jwt" => access(token),
        _ => return Value::Missing,
    };
    Value::List(List::Owned(found.into_iter().map(Value::from).collect()))
}

/// The media type in `typ`, lower case, without `application/` (RFC 7515 section 4.1.9).
pub(super) fn typ(token: &Token) -> Cow<'_, str> {
    const TREE: &str = "application/";
    let typ = token.typ().and_then(|typ| typ.as_str()).unwrap_or_default();
    let within = typ.get(..TREE.len()).is_some_and(|tree| tree.eq_ignore_ascii_case(TREE));
    let typ = if within { &typ[TREE.len()..] } else { typ };
    if typ.bytes().any(|b| b.is_ascii_uppercase()) { typ.to_ascii_lowercase().into() } else { typ.into() }
}

/// Claims that are not there.
fn lacking(token: &Token, names: &[&str]) -> Vec<String> {
    names.iter().filter(|name| token.claim(name).is_none()).map(|name| format!("no {name}")).collect()
}

/// An algorithm that does not fit a token which others than its issuer verify.
fn algorithm(token: &Token, found: &mut Vec<String>) {
    if token.none_form() != NoneForm::Other {
        found.push("not signed".to_owned());
    } else if token.family().is_some_and(Algorithm::is_symmetric) {
        found.push("signed with a shared secret".to_owned());
    }
}

/// RFC 9068 sections 2.1, 2.2 and 4.
fn access(token: &Token) -> Vec<String> {
    let mut found = lacking(token, &["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]);
    algorithm(token, &mut found);
    found
}

/// OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6.
fn logout(token: &Token) -> Vec<String> {
    let mut found = lacking(token, &["iss", "aud", "iat", "exp", "jti", "events"]);
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let events = token.claim("events");
    if events.is_some_and(|events| events.get(event).is_none()) {
        found.push("no logout event in events".to_owned());
    }
    if token.claim("sub").is_none() && token.claim("sid").is_none() {
        found.push("neither sub nor sid".to_owned());
    }
    if token.claim("nonce").is_some() {
        found.push("a nonce, as an ID token has".to_owned());
    }
    if typ(token) != "logout+jwt" {
        found.push("typ is not logout+jwt".to_owned());
    }
    if token.none_form() != NoneForm::Other {
        found.push("not signed".to_owned());
    }
    found
}

/// RFC 9449 section 4.2: what a proof says of itself. What it must say of its request is a fact of its own.
fn dpop(token: &Token) -> Vec<String> {
    let mut found = lacking(token, &["jti", "htm", "htu", "iat"]);
    algorithm(token, &mut found);
    if typ(token) != "dpop+jwt" {
        found.push("typ is not dpop+jwt".to_owned());
    }
    match token.header_member("jwk") {
        None => found.push("no jwk".to_owned()),
        Some(jwk) if ["d", "k", "p", "q"].iter().any(|name| jwk.get(name).is_some()) => {
            found.push("jwk is a private key".to_owned());
        }
        Some(_) => {}
    }
    found
}
