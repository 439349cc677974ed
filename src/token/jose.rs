//! A token: what its text says, read leniently.

use super::{
    Defect, DefectKind, Issuer, Part, Role,
    algorithm::{Family, NoneForm, none_form},
    base64url, content,
    dates::date_problems,
    defect::Defects,
    json,
    recognise::{Shape, recognise},
};
use crate::limits::TOKEN_BYTES;
use crate::text::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, fmt, ops::Range, sync::OnceLock};

/// How a token is serialised; the names are those of the `tokens` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// JWS compact serialisation (RFC 7515 section 7.1).
    Jws,
    /// JWE compact serialisation (RFC 7516 section 7.1).
    Jwe,
    /// JWS JSON serialisation (RFC 7515 section 7.2), one token for each signature.
    JwsJson,
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
    kind: Kind,
    header: Value,
    claims: Option<Value>,
    payload: Box<[u8]>,
    signature: Box<[u8]>,
    defects: Box<[Defect]>,
    reading: OnceLock<Box<Reading>>,
}

/// What the claims mean, worked out once for each token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) role: Role,
    pub(super) sample: bool,
    pub(super) privileges: Box<[String]>,
    pub(super) content: content::Content,
    pub(super) issuer: Option<&'static Issuer>,
    pub(super) dates: Box<[String]>,
    /// `iat`, `nbf`, `exp`, `auth_time`.
    pub(super) times: [Option<i64>; 4],
}

impl Token {
    /// Reads a token from its compact text, or `None` if it is none. White space in it is a defect.
    pub fn parse(text: &[u8]) -> Option<Self> {
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
        Self::read(&clean, shape, None, defects)
    }

    /// The tokens of a JWS in JSON serialisation, general or flattened (RFC 7515 section 7.2): one for each signature. A
    /// protected header that lacks a member takes it from the unprotected one.
    pub fn from_json(value: &Value) -> Vec<Self> {
        let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let Some(payload) = text(value, "payload") else { return Vec::new() };
        let one = |signature: &Value| {
            let protected = text(signature, "protected").unwrap_or_default();
            let compact = format!("{protected}.{payload}.{}", text(signature, "signature")?);
            if compact.len() > TOKEN_BYTES || !compact.is_ascii() {
                return None;
            }
            let ends: Vec<usize> =
                compact.bytes().enumerate().filter(|(_, b)| *b == b'.').map(|(i, _)| i).collect();
            let [a, b] = ends[..] else { return None };
            let (core, end) = (compact.len(), compact.len());
            let shape = Shape { segments: vec![0..a, a + 1..b, b + 1..end], core, end };
            let mut token = Self::read(compact.as_bytes(), shape, signature.get("header"), Vec::new())?;
            token.kind = Kind::JwsJson;
            Some(token)
        };
        match value.get("signatures").and_then(Value::as_array) {
            Some(list) => list.iter().take(64).filter_map(one).collect(),
            None => one(value).into_iter().collect(),
        }
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

    /// The same in lower-case hexadecimal.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }

    /// How the token is serialised.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Protected header, always an object.
    pub const fn header(&self) -> &Value {
        &self.header
    }

    /// One member of the header.
    pub fn header_member(&self, name: &str) -> Option<&Value> {
        self.header.get(name)
    }

    /// The payload, if it is a JSON object.
    pub const fn claims(&self) -> Option<&Value> {
        self.claims.as_ref()
    }

    /// One claim, as sent.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.as_ref()?.get(name)
    }

    /// Decoded payload of a JWS; empty for a JWE and a detached payload.
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
        match self.header.get("alg")? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// How `alg` relates to `none`. Never anything but `Other` for a JWE.
    pub fn none_form(&self) -> NoneForm {
        if self.kind == Kind::Jwe { NoneForm::Other } else { none_form(self.header.get("alg")) }
    }

    /// Family of a registered signature algorithm.
    pub fn family(&self) -> Option<Family> {
        Family::of(self.header.get("alg")?.as_str()?)
    }

    /// What its claims mean.
    pub(super) fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| {
            let privileges = self.claims().map(content::privileges).unwrap_or_default();
            let mut content = self.claims().map(content::content).unwrap_or_default();
            content::header(&self.header, &mut content);
            Box::new(Reading {
                role: self.work_out_role(),
                sample: self.looks_like_a_sample(),
                privileges: privileges.into(),
                content,
                issuer: self.work_out_issuer(),
                dates: self.claims().map(date_problems).unwrap_or_default().into(),
                times: ["iat", "nbf", "exp", "auth_time"].map(|name| {
                    let value = self.claim(name)?;
                    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64))
                }),
            })
        })
    }

    /// Names of claims with personal data.
    pub fn personal(&self) -> &[String] {
        &self.reading().content.personal
    }

    /// Whether some of it is of a special category or financial.
    pub fn is_sensitive(&self) -> bool {
        self.reading().content.sensitive
    }

    /// Names of claims with secrets.
    pub fn secrets(&self) -> &[String] {
        &self.reading().content.secrets
    }

    /// What tells of the inside of a network, in words.
    pub fn internal(&self) -> &[String] {
        &self.reading().content.internal
    }

    /// What is wrong with the type or unit of its time claims, in words.
    pub fn date_problems(&self) -> &[String] {
        &self.reading().dates
    }

    /// Its times in seconds since 1970, where they are numbers: `iat`, `nbf`, `exp`, `auth_time`.
    pub fn times(&self) -> [Option<i64>; 4] {
        self.reading().times
    }

    /// Privileged roles and scopes that it carries.
    pub fn privileges(&self) -> &[String] {
        &self.reading().privileges
    }

    /// Whether it is signed with a shared secret.
    pub fn is_hmac(&self) -> bool {
        self.kind != Kind::Jwe
            && self.family().is_some_and(Family::is_symmetric)
            && !self.signing_input().is_empty()
    }

    /// Whether `alg` is a registered signature algorithm and yet there is no signature to speak of: none, a stub, or
    /// zeros.
    pub fn signature_is_void(&self) -> bool {
        const STUB: usize = 16;
        self.kind != Kind::Jwe
            && self.family().is_some()
            && (self.signature.len() < STUB || self.signature.iter().all(|b| *b == 0))
    }

    fn read(text: &[u8], shape: Shape, unprotected: Option<&Value>, defects: Vec<Defect>) -> Option<Self> {
        let mut defects = defects;
        let mut part = |index: usize, part: Part| -> Vec<u8> {
            let segment = shape.segments.get(index).and_then(|range| text.get(range.clone()));
            let mut defects = Defects::of(&mut defects, part);
            base64url::decode(segment.unwrap_or_default(), &mut defects).unwrap_or_else(|| {
                defects.add(DefectKind::Undecodable);
                base64url::decode_any(segment.unwrap_or_default()).unwrap_or_default()
            })
        };
        let header = part(0, Part::Header);
        let jwe = shape.segments.len() == 5;
        let (payload, signature) = if jwe {
            for index in 1..4 {
                part(index, Part::Encrypted);
            }
            (Vec::new(), part(4, Part::Encrypted))
        } else {
            (part(1, Part::Payload), part(2, Part::Signature))
        };
        let mut header = match json::object(&header, &mut Defects::of(&mut defects, Part::Header)) {
            Some(map) => map,
            None if unprotected.is_some() && header.is_empty() => Map::new(),
            None => return None,
        };
        for (name, value) in unprotected.and_then(Value::as_object).into_iter().flatten() {
            header.entry(name).or_insert_with(|| value.clone());
        }
        if header.get("alg").is_some_and(|alg| !alg.is_string()) {
            Defects::of(&mut defects, Part::Header).add(DefectKind::AlgType);
        }
        let claims = json::object(&payload, &mut Defects::of(&mut defects, Part::Payload));
        let nested = !jwe && claims.is_none() && recognise(&payload, None).is_some();
        let kind = match (jwe, shape.end > shape.core, nested) {
            (true, ..) => Kind::Jwe,
            (_, true, _) => Kind::SdJwt,
            (.., true) => Kind::Nested,
            _ => Kind::Jws,
        };
        Some(Self {
            sha256: Sha256::digest(text.get(..shape.core)?).into(),
            text: str::from_utf8(text.get(..shape.end)?).ok()?.into(),
            segments: shape.segments.into(),
            core: shape.core,
            kind,
            header: Value::Object(header),
            claims: claims.map(Value::Object),
            payload: payload.into(),
            signature: signature.into(),
            defects: defects.into(),
            reading: OnceLock::new(),
        })
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
