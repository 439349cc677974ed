//! What the keys of the run say about a token's signature: late facts, since the key may be seen after the token.

mod confusion;
mod memory;
mod recovered;

use super::memory::Source;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Subject};
use crate::keys::{self, Signature, Verdict};
use memory::{Known, Signatures, State};

pub(super) const FAMILY: Family = Family {
    name: "signature",
    doc: "What the keys of the run say about the token's signature: those that the user gave, and those that responses of the capture published, also later. Known at the end of input, some of it before.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: true,
    rest: None,
    undecided: Some(|c| {
        matches!(state(c), State::Waiting) && token(c).is_some_and(|token| keys::without_key(token).is_none())
    }),
    source: Source::memory::<Signatures>(),
    fields: &[
        Field {
            name: "signature.verdict",
            ty: Type::Str,
            doc: "\"valid\", \"invalid\" (the key that it must be made with is known, and does not verify it), \"unsigned\" or \"unverified\" (no key tells); missing for a JWE.",
            get: |c| told(c, |v| Value::or_missing(v.signature.as_str())),
        },
        Field {
            name: "signature.invalid",
            ty: Type::Bool,
            doc: "Whether the verdict is \"invalid\".",
            get: |c| told(c, |v| Value::Bool(v.signature == Signature::Invalid)),
        },
        Field {
            name: "signature.valid",
            ty: Type::Bool,
            doc: "Whether the verdict is \"valid\".",
            get: |c| told(c, |v| Value::Bool(v.signature == Signature::Valid)),
        },
        Field {
            name: "signature.certain",
            ty: Type::Bool,
            doc: "Whether it was certain which key had to verify it: the token names it, and it is the issuer's. False where keys may have been replaced meanwhile.",
            get: |c| told(c, |v| Value::Bool(v.certain)),
        },
        Field {
            name: "signature.key",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of the public key that verifies it.",
            get: |c| told(c, |v| Value::or_missing(v.key.as_ref().map(|key| String::from(key.thumbprint())))),
        },
        Field {
            name: "signature.by_header",
            ty: Type::Bool,
            doc: "Whether the key in the token's own header (jwk, or the first of x5c) verifies it; missing without one.",
            get: |c| found(c, |known| Value::or_missing(known.and_then(|known| known.by_header))),
        },
        Field {
            name: "signature.confusion",
            ty: Type::Str,
            doc: "The form of a public key that is the secret of the token's HMAC, in words (\"SPKI PEM\", \"X.509 DER\", ...); missing if no form of any key seen is.",
            get: |c| {
                found(c, |known| Value::or_missing(known.and_then(Known::confusion).map(|(form, _)| form)))
            },
        },
        Field {
            name: "signature.confusion_key",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of that key.",
            get: |c| {
                found(c, |known| Value::or_missing(known.and_then(Known::confusion).map(|(_, key)| key)))
            },
        },
        Field {
            name: "signature.forged",
            ty: Type::Bool,
            doc: "Whether somebody else than the issuer made the signature: it is invalid, or an HMAC whose secret is a public key.",
            get: |c| found(c, |known| Value::Bool(known.is_some_and(Known::forged))),
        },
        Field {
            name: "signature.recovered_key",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of the key that follows from this ECDSA signature and from another one with the same iss, kid and alg, where no key is known; a third token that does not have it is invalid.",
            get: |c| {
                found(c, |known| {
                    Value::or_missing(
                        known.and_then(|k| k.revealed.key.as_ref()).map(|key| String::from(key.thumbprint())),
                    )
                })
            },
        },
        Field {
            name: "signature.example_key",
            ty: Type::Str,
            doc: "Where the key that made the signature was published with its private part, such as \"RFC 7515 appendix A.2\"; missing if it is no such key.",
            get: |c| found(c, |known| Value::or_missing(known.and_then(Known::example))),
        },
        Field {
            name: "signature.guessed_nonce",
            ty: Type::Bool,
            doc: "Whether the nonce of an ECDSA signature is small (up to 2^16) or next to iat, so that the private key follows from it. Of tokens that no known key verifies, and of each issuer's first ones.",
            get: |c| {
                found(c, |known| Value::Bool(known.is_some_and(|known| known.revealed.guessed.is_some())))
            },
        },
        Field {
            name: "signature.guess_proved",
            ty: Type::Bool,
            doc: "Whether the private key that follows is that of a key that was seen, or that other tokens have in common.",
            get: |c| found(c, |known| Value::Bool(known.is_some_and(|known| known.guess_proved))),
        },
    ],
};

/// What a getter makes of the verdict on its token.
fn told<'a>(case: &Case<'a>, of: impl FnOnce(&Verdict) -> Value<'a>) -> Value<'a> {
    let Some(token) = token(case) else { return Value::Missing };
    if let Some(signature) = keys::without_key(token) {
        return of(&signature.into());
    }
    match state(case) {
        State::Waiting => Value::Pending,
        State::Known(known) => of(&known.verdict),
        State::Unknown => of(&Signature::Unverified.into()),
    }
}

/// What a getter makes of what else was found out about the signature of its token.
fn found<'a>(case: &Case<'a>, of: impl FnOnce(Option<&'a Known>) -> Value<'a>) -> Value<'a> {
    match state(case) {
        State::Waiting => Value::Pending,
        State::Known(known) => of(Some(known)),
        State::Unknown => of(None),
    }
}

fn state<'a>(case: &Case<'a>) -> State<'a> {
    let memory = case.memory::<Signatures>().zip(token(case));
    memory.map_or(State::Unknown, |(memory, token)| memory.state(token))
}
