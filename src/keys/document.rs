//! What a response publishes: JWK Sets (RFC 7517 section 5), single keys, keys in PEM, and the metadata that says whose they
//! are (RFC 8414, OpenID Connect Discovery 1.0).

use super::public::PublicKey;
use super::{PrivateKey, jwk, pem};
use crate::limits::{DOCUMENT_KEYS, JSON_DEPTH};
use crate::message::BASE64;
use base64::Engine;
use serde_json::Value;

/// A key that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The key; nothing for a secret, and for kinds that tokens are not signed with.
    pub public: Option<PublicKey>,
    /// Its name (RFC 7517 section 4.5).
    pub kid: Option<String>,
    /// The one algorithm that it is for.
    pub alg: Option<String>,
    /// It is not for signatures.
    pub encryption: bool,
    /// What should not have been published: "private" members, or a "symmetric" key.
    pub exposed: Option<&'static str>,
    /// What of it opens JWEs.
    pub private: Option<PrivateKey>,
    /// The JWK as it was published, without white space between its members; nothing for what is to be secret.
    pub jwk: Option<Box<str>>,
    /// DER form of the certificate that it came with or in.
    pub certificate: Option<Box<[u8]>>,
}

/// All that a document publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Keys, in order.
    pub keys: Vec<Published>,
    /// `issuer` and `jwks_uri` of metadata.
    pub metadata: Option<(String, String)>,
    /// There were more keys than are read.
    pub cut: bool,
}

impl Document {
    /// Reads the body of a response.
    pub fn read(body: &[u8]) -> Self {
        let mut this = Self::default();
        let trimmed = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
        if !matches!(trimmed.first(), Some(b'{' | b'[')) {
            this.pem(trimmed, None);
            return this;
        }
        let Ok(value) = serde_json::from_slice::<Value>(trimmed) else { return this };
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        this.metadata = text("issuer").zip(text("jwks_uri"));
        this.walk(None, &value, JSON_DEPTH);
        this
    }

    fn walk(&mut self, name: Option<&str>, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::Object(members) => {
                if members.get("kty").is_some_and(Value::is_string) {
                    self.add(Published::from_jwk(value));
                }
                members.iter().for_each(|(name, value)| self.walk(Some(name), value, depth - 1));
            }
            Value::Array(all) => all.iter().for_each(|value| self.walk(name, value, depth - 1)),
            Value::String(text) if text.contains("-----BEGIN ") => self.pem(text.as_bytes(), name),
            _ => {}
        }
    }

    fn pem(&mut self, text: &[u8], kid: Option<&str>) {
        for block in pem::blocks(text) {
            let exposed = block.label.ends_with("PRIVATE KEY").then_some("private");
            let private = pem::read_private(&block);
            let public = private.as_ref().map_or_else(|| pem::read(&block).ok(), PrivateKey::public);
            if exposed.is_some() || public.is_some() {
                let kid = kid.map(str::to_owned);
                let certificate = block.der.filter(|_| block.label == "CERTIFICATE").map(Into::into);
                let (alg, jwk, encryption) = Default::default();
                self.add(Published { public, kid, alg, encryption, exposed, private, jwk, certificate });
            }
        }
    }

    fn add(&mut self, key: Published) {
        if self.keys.len() < DOCUMENT_KEYS {
            self.keys.push(key);
        } else {
            self.cut = true;
        }
    }
}

impl Published {
    /// A JWK.
    pub fn from_jwk(value: &Value) -> Self {
        let text = |name: &str| value.get(name)?.as_str();
        let certificate = x5c(value);
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| value.get(name).is_some());
        let exposed = match text("kty") {
            Some("oct") if value.get("k").is_some() => Some("symmetric"),
            _ => private.then_some("private"),
        };
        Self {
            public: PublicKey::from_jwk(value)
                .or_else(|| PublicKey::from_certificate(certificate.as_deref()?)),
            kid: text("kid").map(str::to_owned),
            alg: text("alg").map(str::to_owned),
            encryption: jwk::is_for_encryption(value),
            exposed,
            private: exposed.and_then(|_| PrivateKey::from_jwk(value)),
            jwk: exposed.is_none().then(|| value.to_string().into()),
            certificate,
        }
    }
}

/// The first certificate of the `x5c` of a JWK or header (RFC 7517 section 4.7), in DER.
pub fn x5c(value: &Value) -> Option<Box<[u8]>> {
    let text = value.get("x5c")?.get(0)?.as_str()?;
    BASE64.decode(text.trim_ascii()).ok().map(Into::into)
}
