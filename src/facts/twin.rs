//! Tokens that are nearly another one: the same content with another signature, the same signature on other content, the
//! same token in other letters.

use super::digest;
use super::memory::{Given, Memory, Wants};
use super::recent::Recent;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::keys::Curve;
use crate::limits::TWINS;
use crate::message::BASE64URL;
use crate::message::Direction;
use crate::tally::Tally;
use crate::token::{Kind, Token};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

pub(super) const FAMILY: Family = Family {
    name: "twin",
    doc: "Whether a token is nearly another one that was seen before, among the recent ones of the capture.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| twin(c).is_none()),
    undecided: None,
    source: Source::memory::<Twins>(),
    fields: &[
        Field {
            name: "twin.resigned",
            ty: Type::Bool,
            doc: "Whether header and payload were seen before with another signature, or with one while this token has none. Not for tokens that a server issued in the capture: servers sign twice.",
            get: |c| Value::Bool(twin(c) == Some(Twin::Resigned)),
        },
        Field {
            name: "twin.altered",
            ty: Type::Bool,
            doc: "Whether the signature was seen before on another header or payload.",
            get: |c| Value::Bool(twin(c) == Some(Twin::Altered)),
        },
        Field {
            name: "twin.malleable",
            ty: Type::Str,
            doc: "How the token differs from one that was seen before and says the same: \"signature\" (an ECDSA signature with n - s in place of s), \"encoding\" (other letters for the same bytes); missing if none does.",
            get: |c| match twin(c) {
                Some(Twin::Negated) => Value::str("signature"),
                Some(Twin::Encoded) => Value::str("encoding"),
                _ => Value::Missing,
            },
        },
    ],
};

/// What was seen of recent tokens.
pub(super) struct Twins {
    /// Signatures by what they sign.
    inputs: Recent<u128, Signature>,
    /// What they sign by signatures.
    signatures: Recent<u128, u128>,
    /// Texts by the same text in strict encoding.
    texts: Recent<u128, u128>,
    twins: Recent<[u8; 32], Twin>,
}

/// A signature as it is compared.
#[derive(Clone, Copy)]
struct Signature {
    bytes: u128,
    /// That of the smaller one of s and n - s.
    canonical: u128,
    void: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twin {
    Resigned,
    Altered,
    Negated,
    Encoded,
}

impl Memory for Twins {
    fn new(_: &Given) -> Self {
        Self {
            inputs: Recent::new(TWINS),
            signatures: Recent::new(TWINS),
            texts: Recent::new(TWINS),
            twins: Recent::new(TWINS / 8),
        }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting.filter(|_| case.new) else { return };
        let token = &*sighting.token;
        let issued = sighting.direction == Some(Direction::Response);
        if token.is_encrypted()
            || token.kind() == Kind::JwsJson
            || token.segments().nth(1).is_none_or(str::is_empty)
        {
            return;
        }
        if let Some(twin) = self.twin(token, issued) {
            self.twins.insert(*token.sha256(), twin);
        }
    }
}

impl Twins {
    fn twin(&mut self, token: &Token, issued: bool) -> Option<Twin> {
        let own = digest(*token.sha256());
        let strict = if token.defects().iter().any(|d| d.kind.is_encoding()) { strict(token) } else { own };
        let encoded = match self.texts.touch(&strict) {
            Some(text) if *text != own => Some(Twin::Encoded),
            Some(_) => None,
            None => {
                self.texts.insert(strict, own);
                None
            }
        };
        let input = digest(token.signing_input());
        let signature = signature(token);
        let resigned = match self.inputs.touch(&input) {
            Some(known) if known.bytes == signature.bytes => None,
            Some(known) if known.canonical == signature.canonical => Some(Twin::Negated),
            // A signed token behind its stripped twin is not the one to blame.
            Some(known) if known.void && !signature.void => {
                *known = signature;
                None
            }
            Some(_) => (!issued).then_some(Twin::Resigned),
            None => {
                self.inputs.insert(input, signature);
                None
            }
        };
        if signature.void {
            return encoded.or(resigned);
        }
        let altered = match self.signatures.touch(&signature.bytes) {
            Some(known) if *known != input => Some(Twin::Altered),
            Some(_) => None,
            None => {
                self.signatures.insert(signature.bytes, input);
                None
            }
        };
        // The same bytes in other letters have another signing input, too.
        encoded.or(resigned).or(altered)
    }
}

fn twin(case: &Case<'_>) -> Option<Twin> {
    case.memory::<Twins>()?.twins.get(token(case)?.sha256()).copied()
}

fn signature(token: &Token) -> Signature {
    let bytes = token.signature();
    let canonical = token.alg().and_then(|alg| Curve::of_alg(&alg)?.canonical(bytes));
    Signature {
        bytes: digest(bytes),
        canonical: canonical.map_or_else(|| digest(bytes), |canonical| digest(&canonical)),
        void: token.signature_is_void() || bytes.is_empty(),
    }
}

/// What a token goes by whose text is this one as a strict writer would have it.
fn strict(token: &Token) -> u128 {
    let segment = |text: &str| {
        let plain: String = text
            .chars()
            .map(|c| match c {
                '+' => '-',
                '/' => '_',
                c => c,
            })
            .collect();
        BASE64URL.decode(plain).map_or_else(|_| text.to_owned(), |bytes| URL_SAFE_NO_PAD.encode(bytes))
    };
    let text = token.segments().map(segment).collect::<Vec<_>>().join(".");
    digest(<[u8; 32]>::from(Sha256::digest(text)))
}
