//! JWEs that a key has opened, and tokens inside of tokens.

use super::{Part, Token, defect::Defects, json, types};
use serde_json::Value;
use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

/// What the content of a JWE is, decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The bytes; none of a content that is over the bound once it is inflated.
    pub text: Vec<u8>,
    /// Of a compressed content, its length in bytes before and after it was inflated, as far as that was counted.
    pub inflated: Option<(u64, u64)>,
}

/// What a key made of a JWE, beside its claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    inflated: Option<(u64, u64)>,
    token: Option<Arc<Token>>,
}

impl Token {
    /// The same JWE with its content: what is a payload in a JWS.
    #[must_use]
    pub fn opened(&self, content: Opened) -> Self {
        let mut defects = self.defects.to_vec();
        let mut found = Defects::of(&mut defects, Part::Payload);
        let claims = json::object(&content.text, &mut found);
        if let Some(claims) = &claims {
            types::of_claims(claims, &mut found);
        }
        let mut token = self.clone();
        token.set_claims(claims.map(Value::Object));
        token.payload = content.text.into();
        token.defects = defects.into();
        token.reading = OnceLock::new();
        token.opened = Some(Inside { inflated: content.inflated, token: token.inner().map(Arc::new) });
        token
    }

    /// Whether it is a JWE that a key has opened.
    pub const fn is_opened(&self) -> bool {
        self.opened.is_some()
    }

    /// Of an opened JWE with compressed content: its length in bytes before and after it was inflated.
    pub fn inflated(&self) -> Option<(u64, u64)> {
        self.opened.as_ref()?.inflated
    }

    /// The token inside of an opened JWE.
    pub fn inside(&self) -> Option<&Arc<Self>> {
        self.opened.as_ref()?.token.as_ref()
    }

    /// The token that is its payload or its decrypted content, whether its text stands there as it is or as a JSON string
    /// (RFC 7519 section 5.2 and appendix A.2).
    pub fn inner(&self) -> Option<Self> {
        const SHORTEST: usize = 18;
        let text = self.payload.trim_ascii();
        let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
        if self.claims().is_some() || text.len() < SHORTEST { None } else { Self::parse(text) }
    }

    /// What a JWE authenticates beside its content, as sent (RFC 7516 section 5.1, step 14).
    pub fn additional_data(&self) -> Cow<'_, str> {
        let header = self.segments().next().unwrap_or_default();
        match &self.aad {
            Some(aad) => Cow::Owned(format!("{header}.{aad}")),
            None => Cow::Borrowed(header),
        }
    }

    /// Whether another sighting shows the very same token, opened or not.
    pub fn is_same(&self, other: &Self) -> bool {
        let whole = |token: &Self| (token.kind(), token.reveal().len());
        let before = |token: &Self| token.defects().iter().filter(|d| d.part != Part::Payload).count();
        whole(self) == whole(other)
            && self.reveal() == other.reveal()
            && (self.header(), &self.aad) == (other.header(), &other.aad)
            && before(self) == before(other)
    }
}
