//! The keys of a run.

use super::{
    KeyError, KeyErrorKind, Signature, jwk,
    key::{Key, signature_text},
};
use crate::token::{Kind, NoneForm, Secret, Token};
use serde_json::Value;
use std::{
    borrow::Cow,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Largest file of keys.
const FILE_BYTES: u64 = 4 << 20;

/// Keys that the user gave.
#[derive(Debug, Default)]
pub struct KeyStore {
    pub(super) keys: Vec<Key>,
    secrets: Vec<Secret>,
    skipped: usize,
}

impl KeyStore {
    /// Reads keys from files.
    ///
    /// `keys` and `jwks` (`--key`, `--jwks`): each file is a PEM public key or certificate (the first one of the
    /// file), a JWK or a JWK Set, told by content. Keys of a set that cannot be used are [skipped](Self::skipped);
    /// anything else is an error.
    ///
    /// `secret_files` (`--secret-file`): each file is one HMAC secret: its bytes, without one LF or CRLF at the end.
    pub fn load(keys: &[PathBuf], jwks: &[PathBuf], secret_files: &[PathBuf]) -> Result<Self, KeyError> {
        let mut store = Self::default();
        for path in keys.iter().chain(jwks) {
            let text = read(path)?;
            store.add(&text).map_err(|kind| KeyError::new(path, kind))?;
        }
        for path in secret_files {
            let text = read(path)?;
            let line =
                text.strip_suffix(b"\n").map_or(&*text, |line| line.strip_suffix(b"\r").unwrap_or(line));
            store.keys.push(Key::hmac(line).map_err(|kind| KeyError::new(path, kind))?);
            store.secrets.push(Secret::from(line));
        }
        Ok(store)
    }

    /// Adds the keys of one text, as [`load`](Self::load) reads it from a file.
    pub fn add(&mut self, text: &[u8]) -> Result<(), KeyErrorKind> {
        let trimmed = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
        if !trimmed.starts_with(b"{") {
            self.keys.push(Key::pem(text)?);
            return Ok(());
        }
        let value: Value =
            serde_json::from_slice(trimmed).map_err(|error| KeyErrorKind::Json(error.to_string()))?;
        for key in jwk::read_all(&value)? {
            match key {
                Ok(key) => self.keys.push(key),
                Err(_) => self.skipped += 1,
            }
        }
        self.secrets.extend(jwk::secrets(&value).into_iter().map(Secret::new));
        Ok(())
    }

    /// Keys in all.
    pub const fn count(&self) -> usize {
        self.keys.len()
    }

    /// Keys of sets that cannot be used here: for encryption, of other curves, damaged.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// The HMAC secrets among the keys, for the dictionary attack to begin with.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// What these keys say about a token's signature.
    ///
    /// Every key of the algorithm's type is tried. It is invalid only if the key that it must be made with is known:
    /// one with the token's `kid`, or the only key of that type if one of the two has no `kid`. A detached payload
    /// (RFC 7515 appendix F) and an algorithm that is not supported (ES512, ES256K, Ed448) leave it unverified.
    pub fn verify(&self, token: &Token) -> Signature {
        if token.kind() == Kind::Jwe {
            return Signature::Encrypted;
        }
        if token.signature().is_empty() || token.none_form() == NoneForm::Exact {
            return Signature::Unsigned;
        }
        let alg = match token.header_member("alg") {
            Some(Value::String(alg)) if token.none_form() == NoneForm::Other => alg,
            Some(Value::String(_) | Value::Array(_)) => return Signature::Unsigned,
            _ => return Signature::Unverified,
        };
        let keys: Vec<&Key> = self.keys.iter().filter(|key| key.fits(alg)).collect();
        if keys.is_empty() || token.signing_input().is_empty() {
            return Signature::Unverified;
        }
        let signature = signature_text(token.signature());
        let tried = |key: &Key| key.verifies(alg, token.signing_input(), &signature);
        if keys.iter().any(|key| tried(key) == Some(true)) {
            return Signature::Valid;
        }
        let kid = token.header_member("kid").filter(|kid| !kid.is_null()).map(|kid| match kid {
            Value::String(kid) => Cow::Borrowed(kid.as_str()),
            other => Cow::Owned(other.to_string()),
        });
        let meant = |key: &Key| key.kid.is_some() && key.kid.as_deref() == kid.as_deref();
        let only = || matches!(keys[..], [key] if key.kid.is_none() || kid.is_none());
        let detached = token.segments().nth(1).is_none_or(str::is_empty);
        if !detached && (keys.iter().any(|key| meant(key)) || only()) {
            Signature::Invalid
        } else {
            Signature::Unverified
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let error = |kind| KeyError::new(path, kind);
    let file = File::open(path).map_err(|cause| error(KeyErrorKind::Read(cause)))?;
    let mut text = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut text).map_err(|cause| error(KeyErrorKind::Read(cause)))?;
    if text.len() as u64 > FILE_BYTES {
        return Err(error(KeyErrorKind::TooLarge));
    }
    Ok(text)
}
