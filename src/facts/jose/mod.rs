//! How a token is built: the parameters of its header, its encoding, its signature's form, what is nested in it.

use super::profile::typ;
use super::token::token;
use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::BASE64URL;
use crate::token::{
    Defect, DefectKind, Family as Algorithm, NoneForm, Registered, Token, content_enc, is_der_signature,
    key_alg, public_key_alg, signature_alg, signature_len_fits,
};
use base64::Engine as _;
use serde_json::Value as Json;

mod epk;
mod header;
mod key_url;
mod kid;
mod nesting;
mod sd_jwt;
mod x5c;

pub(super) use sd_jwt::binding;

pub(super) const FAMILY: Family = Family {
    name: "jose",
    doc: "How a token is built: header parameters, encoding, form of the signature, encryption, what is nested in it.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: true,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "token.encrypted",
            ty: Type::Bool,
            doc: "Whether it is a JWE (RFC 7516).",
            get: |c| Value::or_missing(token(c).map(Token::is_encrypted)),
        },
        Field {
            name: "token.detached",
            ty: Type::Bool,
            doc: "Whether the payload of a JWS was left out, to be sent otherwise (RFC 7515 appendix F).",
            get: |c| Value::or_missing(token(c).map(Token::is_detached)),
        },
        Field {
            name: "token.alg_status",
            ty: Type::Str,
            doc: "How alg stands in the registry of IANA: \"registered\", \"deprecated\" or \"unregistered\" (prohibited ones too); missing if it is none, one of its disguises, or no string.",
            get: |c| Value::or_missing(token(c).and_then(alg_status).map(Registered::as_str)),
        },
        Field {
            name: "token.enc_status",
            ty: Type::Str,
            doc: "The same of the enc of a JWE.",
            get: |c| Value::or_missing(token(c).and_then(enc_status).map(Registered::as_str)),
        },
        Field {
            name: "token.registry_problems",
            ty: Type::List(&Type::Str),
            doc: "What is not as the registry of IANA recommends, in words: \"alg hs256 is not registered\".",
            get: |c| words(token(c).map(registry_problems)),
        },
        Field {
            name: "token.enc",
            ty: Type::Str,
            doc: "The enc parameter of a JWE, if it is a string.",
            get: |c| Value::or_missing(token(c).and_then(|t| t.header_member("enc")?.as_str())),
        },
        Field {
            name: "token.public_key_alg",
            ty: Type::Bool,
            doc: "Whether it is a JWE that anyone who has the recipient's public key can make (RSA, ECDH-ES).",
            get: |c| {
                Value::or_missing(
                    token(c).map(|t| t.is_encrypted() && t.alg().is_some_and(|alg| public_key_alg(&alg))),
                )
            },
        },
        Field {
            name: "token.signature_problem",
            ty: Type::Str,
            doc: "Why the signature cannot be one of alg: \"der\" (ASN.1, RFC 7518 section 3.4 has the two integers in a row), \"length\"; missing if it can, or if there is none to speak of.",
            get: |c| Value::or_missing(token(c).and_then(signature_problem)),
        },
        Field {
            name: "token.signature_length",
            ty: Type::Int,
            doc: "Length of the decoded signature (of a JWE: of its tag), in bytes.",
            get: |c| Value::or_missing(token(c).map(|t| t.signature().len() as i64)),
        },
        Field {
            name: "token.encoding_defects",
            ty: Type::List(&Type::Str),
            doc: "How its text is not strict, unpadded base64url: padding, the alphabet of base64, white space, bits that belong to no byte, other characters; with the part.",
            get: |c| defects(c, DefectKind::is_encoding),
        },
        Field {
            name: "token.polyglot",
            ty: Type::Bool,
            doc: "Whether two readers see two tokens: JSON serialisation with another compact token inside, or characters that a lenient decoder skips.",
            get: |c| Value::or_missing(token(c).map(polyglot)),
        },
        Field {
            name: "token.text_defects",
            ty: Type::List(&Type::Str),
            doc: "How header and claims are not text as JSON is sent: not UTF-8, a byte order mark, half a surrogate pair, a NUL.",
            get: |c| defects(c, DefectKind::is_text),
        },
        Field {
            name: "token.type_defects",
            ty: Type::List(&Type::Str),
            doc: "Members of the header and registered claims that are of another type than their specification says.",
            get: |c| defects(c, |kind| matches!(kind, DefectKind::WrongType(_))),
        },
        Field {
            name: "token.duplicates",
            ty: Type::List(&Type::Str),
            doc: "Members that stand twice in one object of header or claims, at any depth.",
            get: |c| defects(c, |kind| matches!(kind, DefectKind::DuplicateMember(_))),
        },
        Field {
            name: "token.duplicates_deciding",
            ty: Type::Bool,
            doc: "Whether one of those decides who the token is for and how it is verified: alg, kid, sub, role, exp and their like.",
            get: |c| Value::or_missing(token(c).map(duplicates_deciding)),
        },
        Field {
            name: "token.embedded_key",
            ty: Type::Bool,
            doc: "Whether the header has a jwk although the token is no proof of possession, ACME request or self-issued ID token.",
            get: |c| Value::or_missing(token(c).map(|t| header::embeds_key(t, &typ(t)))),
        },
        Field {
            name: "token.x5c_problems",
            ty: Type::List(&Type::Str),
            doc: "Why a verifier should not take the key of the chain in x5c, in words; missing if there is none.",
            get: |c| words(token(c).and_then(x5c::problems)),
        },
        Field {
            name: "token.key_url_problems",
            ty: Type::List(&Type::Str),
            doc: "What is wrong with the URLs in jku and x5u, in words.",
            get: |c| {
                key_urls(c, |found| {
                    Value::List(List::Owned(found.problems.into_iter().map(Value::from).collect()))
                })
            },
        },
        Field {
            name: "token.key_url_inside",
            ty: Type::Bool,
            doc: "Whether one of them names an address or a host inside a network: a verifier that follows it can be made to send requests there.",
            get: |c| key_urls(c, |found| Value::Bool(found.inside)),
        },
        Field {
            name: "token.kid_attacks",
            ty: Type::List(&Type::Str),
            doc: "Kinds of injection that kid looks like: \"traversal\", \"sql\", \"ldap\", \"shell\", \"url\", \"template\", \"control\"; missing if there is no kid.",
            get: |c| words(token(c).and_then(|t| Some(kid::attacks(t.kid()?.as_str()?)))),
        },
        Field {
            name: "token.kid_problems",
            ty: Type::List(&Type::Str),
            doc: "What is wrong with the form of kid, in words; missing if there is none.",
            get: |c| words(token(c).and_then(|t| t.kid().map(kid::problems))),
        },
        Field {
            name: "token.crit_problems",
            ty: Type::List(&Type::Str),
            doc: "What is wrong with crit, in words (RFC 7515 section 4.1.11).",
            get: |c| words(token(c).map(header::crit_problems)),
        },
        Field {
            name: "token.b64_problem",
            ty: Type::Str,
            doc: "How b64 is misused (RFC 7797): \"unprotected\", \"unlisted\" in crit, \"unencoded\" claims in the token itself; missing if it is not.",
            get: |c| Value::or_missing(token(c).and_then(header::b64_problem)),
        },
        Field {
            name: "token.unprotected",
            ty: Type::List(&Type::Str),
            doc: "Those of alg, enc, crit, b64, kid and jwk that stand in an unprotected header (JSON serialisation); missing if none does.",
            get: |c| words(token(c).and_then(header::unprotected).map(|(names, _)| names)),
        },
        Field {
            name: "token.unprotected_conflict",
            ty: Type::Bool,
            doc: "Whether one of those says something else than the protected header.",
            get: |c| Value::or_missing(token(c).and_then(header::unprotected).map(|(_, conflict)| conflict)),
        },
        Field {
            name: "token.nesting",
            ty: Type::Int,
            doc: "How many tokens stand inside each other, this one included: as payload (of a JWE, if a key of the run opens it), or in claims other than act, may_act and cnf. Counted up to 8.",
            get: |c| Value::or_missing(token(c).map(|t| nesting::depth(t) as i64)),
        },
        Field {
            name: "token.inner_unsecured",
            ty: Type::Bool,
            doc: "Whether the token that is its payload has alg none, a disguise of it, or no signature to speak of; missing if its payload is no token, and for a JWE that no key of the run opens.",
            get: |c| Value::or_missing(token(c).and_then(Token::inner).map(|t| unsecured(&t))),
        },
        Field {
            name: "token.p2s_length",
            ty: Type::Int,
            doc: "Length of the salt of PBES2 (RFC 7518 section 4.8.1.1), in bytes.",
            get: |c| Value::or_missing(token(c).and_then(salt_length)),
        },
        Field {
            name: "token.ciphertext_length",
            ty: Type::Int,
            doc: "Length of the encoded ciphertext of a JWE, in bytes.",
            get: |c| Value::or_missing(token(c).and_then(|t| t.segments().nth(3)).map(|s| s.len() as i64)),
        },
        Field {
            name: "token.opened",
            ty: Type::Bool,
            doc: "Whether a key of the run, given or shown in the capture, opens it: a JWE of which payload and claims are known.",
            get: |c| Value::or_missing(token(c).map(Token::is_opened)),
        },
        Field {
            name: "token.deflated_length",
            ty: Type::Int,
            doc: "Length of the compressed content of an opened JWE, in bytes.",
            get: |c| Value::or_missing(token(c).and_then(Token::inflated).map(|(from, _)| from as i64)),
        },
        Field {
            name: "token.inflated_length",
            ty: Type::Int,
            doc: "Length of that content once it is inflated, in bytes; counted up to 4 MiB.",
            get: |c| Value::or_missing(token(c).and_then(Token::inflated).map(|(_, to)| to as i64)),
        },
        Field {
            name: "token.epk_problem",
            ty: Type::Str,
            doc: "What is wrong with the ephemeral key of ECDH-ES: not on its curve, of low order, a wrong length or curve; missing if nothing is.",
            get: |c| Value::or_missing(token(c).and_then(|t| epk::problem(t.header_member("epk")?))),
        },
        Field {
            name: "token.sd_problems",
            ty: Type::List(&Type::Str),
            doc: "What is wrong with the structure of an SD-JWT and its key binding (RFC 9901), in words.",
            get: |c| words(token(c).map(sd_jwt::problems)),
        },
    ],
};

fn words<'a, T: Into<Value<'a>>>(found: Option<Vec<T>>) -> Value<'a> {
    match found {
        Some(found) => Value::List(List::Owned(found.into_iter().map(Into::into).collect())),
        None => Value::Missing,
    }
}

fn defects<'a>(case: &Case<'a>, which: fn(&DefectKind) -> bool) -> Value<'a> {
    let Some(token) = token(case) else { return Value::Missing };
    let found = token.defects().iter().filter(|defect| which(&defect.kind));
    Value::List(List::Owned(found.map(|defect: &Defect| Value::from(defect.to_string())).collect()))
}

fn polyglot(token: &Token) -> bool {
    token.defects().iter().any(|d| matches!(d.kind, DefectKind::Polyglot | DefectKind::ForeignCharacters))
}

fn alg_status(token: &Token) -> Option<Registered> {
    let alg = token.header_member("alg")?.as_str()?;
    if token.is_encrypted() {
        return Some(key_alg(alg));
    }
    (token.none_form() == NoneForm::Other).then(|| signature_alg(alg))
}

fn enc_status(token: &Token) -> Option<Registered> {
    let enc = token.header_member("enc").filter(|_| token.is_encrypted())?;
    Some(enc.as_str().map_or(Registered::No, content_enc))
}

fn registry_problems(token: &Token) -> Vec<String> {
    let mut found = Vec::new();
    for (name, status) in [("alg", alg_status(token)), ("enc", enc_status(token))] {
        let status = match status {
            Some(Registered::No) => "not registered",
            Some(Registered::Deprecated) => "deprecated",
            Some(Registered::Yes) | None => continue,
        };
        let value = token
            .header_member(name)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let short: String = value.unwrap_or_default().chars().take(64).collect();
        found.push(format!("{name} {short} is {status}"));
    }
    found
}

fn signature_problem(token: &Token) -> Option<&'static str> {
    let family = token.family().filter(|_| !token.is_encrypted() && !token.signature_is_void())?;
    let (alg, signature) = (token.alg()?, token.signature());
    if signature_len_fits(&alg, signature.len()) {
        return None;
    }
    Some(if family == Algorithm::Es && is_der_signature(signature) { "der" } else { "length" })
}

fn duplicates_deciding(token: &Token) -> bool {
    const DECIDING: &[&str] = &[
        "alg", "kid", "enc", "crit", "b64", "jwk", "jku", "iss", "sub", "aud", "exp", "nbf", "scope", "role",
        "roles", "admin", "groups",
    ];
    token.defects().iter().any(|defect| match &defect.kind {
        DefectKind::DuplicateMember(name) => DECIDING.contains(&&**name),
        _ => false,
    })
}

fn key_urls<'a>(case: &Case<'a>, tell: impl Fn(key_url::KeyUrls) -> Value<'a>) -> Value<'a> {
    let Some(token) = token(case) else { return Value::Missing };
    if token.header_member("jku").is_none() && token.header_member("x5u").is_none() {
        return Value::Missing;
    }
    tell(key_url::key_urls(token))
}

fn unsecured(token: &Token) -> bool {
    !token.is_encrypted() && token.none_form() != NoneForm::Other || token.signature_is_void()
}

fn salt_length(token: &Token) -> Option<i64> {
    let salt = token.header_member("p2s").and_then(Json::as_str)?;
    BASE64URL.decode(salt).ok().map(|salt| salt.len() as i64)
}
