//! A token: what its text says, read leniently.

use super::{
    Defect, DefectKind, Part,
    algorithm::{Family, NoneForm, none_form},
    base64url::{self, is_base64_char},
    defect::Defects,
    header::{Headers, JoseHeader},
    json,
    members::Words,
    opened::Inside,
    reading::Reading,
    recognise::{Shape, recognise},
    types,
};
use crate::limits::TOKEN_BYTES;
use crate::text::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// How a token is serialised; the names are those of the `tokens` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// JWS compact serialisation (RFC 7515 section 7.1).
    Jws,
    /// JWE compact serialisation (RFC 7516 section 7.1).
    Jwe,
    /// JWS JSON serialisation (RFC 7515 section 7.2), one token for each signature.
    JwsJson,
    /// JWE JSON serialisation (RFC 7516 section 7.2), one token for each recipient.
    JweJson,
    /// SD-JWT: a JWS with `~`-separated disclosures (RFC 9901 section 4).
    SdJwt,
    /// A JWS whose payload is a token (RFC 7519 section 5.2).
    Nested,
}

impl Kind {
    /// As the records print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jws => "jws",
            Self::Jwe => "jwe",
            Self::JwsJson => "jws-json",
            Self::JweJson => "jwe-json",
            Self::SdJwt => "sd-jwt",
            Self::Nested => "nested",
        }
    }
}

/// A token, owned. Its text is private and prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: Box<str>,
    segments: Box<[Range<usize>]>,
    core: usize,
    sha256: [u8; 32],
    pub(super) kind: Kind,
    header: Arc<JoseHeader>,
    unprotected: Option<Box<Map<String, Value>>>,
    claims: Option<Value>,
    claims_words: Words,
    pub(super) payload: Box<[u8]>,
    signature: Box<[u8]>,
    manner: Manner,
    pub(super) defects: Box<[Defect]>,
    /// What a JWE in JSON serialisation authenticates beside its header (`aad`, RFC 7516 section 7.2.1).
    pub(super) aad: Option<Box<str>>,
    /// What a key made of it, if it is a JWE and one did.
    pub(super) opened: Option<Inside>,
    pub(super) reading: OnceLock<Box<Reading>>,
}

/// How the token is signed, told when it is read: nearly every fact asks, and the header lies elsewhere in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Manner {
    family: Option<Family>,
    none: NoneForm,
    /// [`Token::signature_is_void`].
    void: bool,
}

impl Token {
    /// Reads a token from its compact text, or `None` if it is none. White space in it is a defect.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::parse_with(text, None)
    }

    /// The same, with the headers that are known.
    pub(super) fn parse_with(text: &[u8], known: Option<&mut Headers>) -> Option<Self> {
        if text.len() > TOKEN_BYTES {
            return None;
        }
        let text = text.trim_ascii();
        let mut defects = Vec::new();
        let mut clean = Cow::Borrowed(text);
        if text.iter().any(u8::is_ascii_whitespace) {
            Defects::of(&mut defects, Part::Whole).add(DefectKind::Whitespace);
            clean = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        }
        let shape = recognise(&clean, None).filter(|shape| shape.end == clean.len())?;
        Self::read(&clean, shape, None, known, defects)
    }

    /// As [`Token::parse`], of the text of a field that holds nothing else: characters that belong to no base64 alphabet are
    /// skipped, as lenient decoders do, and are a defect. A text that was masked is no token.
    pub fn parse_skipping(text: &[u8]) -> Option<Self> {
        const FEW: usize = 4;
        let known = |b: &u8| is_base64_char(*b) || matches!(b, b'.' | b'=' | b'~');
        let foreign = text.iter().filter(|b| !known(b)).count();
        if !(1..=FEW).contains(&foreign)
            || text.len() > TOKEN_BYTES
            || text.iter().any(|b| b" \t*<[{\"".contains(b))
        {
            return None;
        }
        let clean: Vec<u8> = text.iter().copied().filter(known).collect();
        let shape = recognise(&clean, None).filter(|shape| shape.end == clean.len())?;
        let defects = vec![Defect { part: Part::Whole, kind: DefectKind::ForeignCharacters }];
        Self::read(&clean, shape, None, None, defects)
    }

    /// The text: whole if `show` (`--show-secrets`), else its header and stars for each other segment.
    pub fn text(&self, show: bool) -> Cow<'_, str> {
        if show { Cow::Borrowed(&self.text) } else { Cow::Owned(self.redacted()) }
    }

    /// Compact text, whole, for those that verify, count or look up; never for output.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the compact text (of an SD-JWT: up to the first `~`).
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What it is remembered by within a run: the first half of that.
    pub fn id(&self) -> u128 {
        self.sha256.first_chunk().map_or(0, |half| u128::from_le_bytes(*half))
    }

    /// The whole in lower-case hexadecimal.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }

    /// Whether it is encrypted: a JWE.
    pub fn is_encrypted(&self) -> bool {
        self.segments.len() == 5
    }

    /// How the token is serialised.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Protected header, always an object.
    pub fn header(&self) -> &Value {
        &self.header.members
    }

    /// The members of the unprotected header, which JSON serialisation may have (RFC 7515 section 7.2.1).
    pub fn unprotected(&self) -> Option<&Map<String, Value>> {
        self.unprotected.as_deref()
    }

    /// Whether a member of the header is protected by the signature.
    pub fn protects(&self, name: &str) -> bool {
        let members = self.header().as_object().into_iter().flatten();
        members.take(self.header.protected).any(|(known, _)| known == name)
    }

    /// Whether its payload was left out, to be sent otherwise (RFC 7515 appendix F).
    pub fn is_detached(&self) -> bool {
        matches!(&*self.segments, [_, payload, signature] if payload.is_empty() && !signature.is_empty())
    }

    /// One member of the header.
    #[inline]
    pub fn header_member(&self, name: &str) -> Option<&Value> {
        self.header.member(name)
    }

    /// The payload, if it is a JSON object.
    pub const fn claims(&self) -> Option<&Value> {
        self.claims.as_ref()
    }

    /// Other claims in place of those that it has.
    pub(super) fn set_claims(&mut self, claims: Option<Value>) {
        self.claims_words = Words::of(claims.as_ref());
        self.claims = claims;
    }

    /// One claim, as sent.
    #[inline]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims_words.find(self.claims.as_ref()?, name)
    }

    /// Decoded payload of a JWS, decrypted content of a JWE; empty for a JWE that no key has opened, and a detached payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Decoded signature of a JWS, authentication tag of a JWE.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What the signature is made over: `header.payload` as sent (RFC 7515 section 5.1); empty for a JWE.
    pub fn signing_input(&self) -> &[u8] {
        match &*self.segments {
            [_, payload, _] => self.text.as_bytes().get(..payload.end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Segments as sent: header, payload, signature, or the five of a JWE (RFC 7516 section 7.1).
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.segments.iter().map(|range| self.text.get(range.clone()).unwrap_or_default())
    }

    /// Disclosures of an SD-JWT as sent, and its key binding JWT last (empty if there is none).
    pub fn disclosures(&self) -> impl Iterator<Item = &str> {
        self.text.get(self.core..).unwrap_or_default().split('~').skip(1)
    }

    /// What a strict reader would refuse.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// `alg` as the `tokens` record prints it: the string, any other type as compact JSON, `None` if absent.
    pub fn alg(&self) -> Option<Cow<'_, str>> {
        match self.header_member("alg")? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// How `alg` relates to `none`. Never anything but `Other` for a JWE.
    pub const fn none_form(&self) -> NoneForm {
        self.manner.none
    }

    /// Family of a registered signature algorithm.
    pub const fn family(&self) -> Option<Family> {
        self.manner.family
    }

    /// Whether it is signed with a shared secret.
    pub fn is_hmac(&self) -> bool {
        !self.is_encrypted()
            && self.family().is_some_and(Family::is_symmetric)
            && !self.signing_input().is_empty()
    }

    /// Whether `alg` is a registered signature algorithm and yet there is no signature to speak of: none, a stub, or
    /// zeros.
    pub const fn signature_is_void(&self) -> bool {
        self.manner.void
    }

    /// Reads a token of that shape, which may have an unprotected header; `known`: headers that were read before.
    pub(super) fn read(
        text: &[u8],
        shape: Shape,
        unprotected: Option<&Map<String, Value>>,
        mut known: Option<&mut Headers>,
        defects: Vec<Defect>,
    ) -> Option<Self> {
        let mut defects = defects;
        let header_text =
            shape.segments.first().and_then(|range| text.get(range.clone())).unwrap_or_default();
        let before = known.as_mut().and_then(|known| known.get(header_text));
        let mut part = |index: usize, part: Part| -> Vec<u8> {
            let segment = shape.segments.get(index).and_then(|range| text.get(range.clone()));
            let mut defects = Defects::of(&mut defects, part);
            base64url::decode(segment.unwrap_or_default(), &mut defects).unwrap_or_else(|| {
                defects.add(DefectKind::Undecodable);
                base64url::decode_any(segment.unwrap_or_default()).unwrap_or_default()
            })
        };
        let decoded = if before.is_none() { part(0, Part::Header) } else { Vec::new() };
        let jwe = shape.segments.len() == 5;
        let (payload, signature) = if jwe {
            for index in 1..4 {
                part(index, Part::Encrypted);
            }
            (Vec::new(), part(4, Part::Encrypted))
        } else {
            (part(1, Part::Payload), part(2, Part::Signature))
        };
        let header = match before {
            Some(header) => header,
            None => {
                let header = Arc::new(Self::read_header(&decoded, unprotected, &mut defects)?);
                let flawless = defects.iter().all(|defect| defect.part != Part::Header);
                if let Some(known) = known.filter(|_| flawless && unprotected.is_none()) {
                    known.add(header_text, &header);
                }
                header
            }
        };
        let claims = json::object(&payload, &mut Defects::of(&mut defects, Part::Payload));
        if let Some(claims) = &claims {
            types::of_claims(claims, &mut Defects::of(&mut defects, Part::Payload));
        }
        let nested = !jwe && claims.is_none() && recognise(&payload, None).is_some();
        let kind = match (jwe, shape.end > shape.core, nested) {
            (true, ..) => Kind::Jwe,
            (_, true, _) => Kind::SdJwt,
            (.., true) => Kind::Nested,
            _ => Kind::Jws,
        };
        let manner = Manner::of(header.member("alg"), (!jwe).then_some(&*signature));
        let claims = claims.map(Value::Object);
        Some(Self {
            sha256: Sha256::digest(text.get(..shape.core)?).into(),
            text: str::from_utf8(text.get(..shape.end)?).ok()?.into(),
            segments: shape.segments.into(),
            core: shape.core,
            kind,
            header,
            unprotected: unprotected.map(|members| Box::new(members.clone())),
            claims_words: Words::of(claims.as_ref()),
            claims,
            payload: payload.into(),
            signature: signature.into(),
            manner,
            defects: defects.into(),
            aad: None,
            opened: None,
            reading: OnceLock::new(),
        })
    }

    fn read_header(
        text: &[u8],
        unprotected: Option<&Map<String, Value>>,
        defects: &mut Vec<Defect>,
    ) -> Option<JoseHeader> {
        let mut defects = Defects::of(defects, Part::Header);
        let mut header = match json::object(text, &mut defects) {
            Some(map) => map,
            None if unprotected.is_some() && text.is_empty() => Map::new(),
            None => return None,
        };
        let protected = header.len();
        for (name, value) in unprotected.into_iter().flatten() {
            header.entry(name).or_insert_with(|| value.clone());
        }
        types::of_header(&header, &mut defects);
        Some(JoseHeader::new(Value::Object(header), protected))
    }

    fn redacted(&self) -> String {
        let mut out = self.segments().next().unwrap_or_default().to_owned();
        for segment in self.segments().skip(1) {
            out.push_str(if segment.is_empty() { "." } else { ".***" });
        }
        for part in self.disclosures() {
            out.push_str(if part.is_empty() { "~" } else { "~***" });
        }
        out
    }
}

impl Manner {
    /// That of a token with this `alg` and, unless it is a JWE, this signature.
    fn of(alg: Option<&Value>, signature: Option<&[u8]>) -> Self {
        const STUB: usize = 16;
        let family = Family::of(alg.and_then(Value::as_str).unwrap_or_default());
        let none = if signature.is_some() { none_form(alg) } else { NoneForm::Other };
        let empty = |signature: &[u8]| signature.len() < STUB || signature.iter().all(|b| *b == 0);
        Self { family, none, void: family.is_some() && signature.is_some_and(empty) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}
