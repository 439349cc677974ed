//! The keys of a run.

use super::publisher::{Metadata, Publisher};
use super::{
    Document, KeyError, KeyErrorKind, PrivateKey, Published, Signature, jwe::PrivateKeys, jwk, key::Key, pem,
    public::PublicKey, single::alg,
};
use crate::limits::{CERTIFICATE_KEYS, KEY_TRIES, KEYS};
use crate::message::BASE64URL;
use crate::token::{Secret, Token};
use base64::Engine;
use serde_json::Value;
use std::{
    borrow::Cow,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Largest file of keys.
const FILE_BYTES: u64 = 4 << 20;

/// Keys that the user gave, and those that were learned from the capture.
#[derive(Clone, Debug, Default)]
pub struct KeyStore {
    entries: Vec<Entry>,
    given: usize,
    secrets: Vec<Secret>,
    private: PrivateKeys,
    /// Keys that the user gave and that only decrypt.
    decrypting: usize,
    skipped: usize,
    /// Those of certificates of TLS.
    certificates: usize,
    metadata: Metadata,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    source: Source,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// The user gave it.
    Given,
    /// Somebody published it.
    Published(Arc<Publisher>),
    /// A server or client showed it in a certificate of TLS, with that digest.
    Certificate(Arc<Publisher>, [u8; 32]),
}

/// What the keys say about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is known about the signature.
    pub signature: Signature,
    /// The key that verifies it.
    pub key: Option<Arc<PublicKey>>,
    /// The key was given by the user, and not learned from the capture.
    pub given: bool,
    /// It was certain which key had to verify it: it was named, and it is the issuer's.
    pub certain: bool,
}

impl From<Signature> for Verdict {
    fn from(signature: Signature) -> Self {
        Self { signature, key: None, given: false, certain: true }
    }
}

/// How much it is a key's task to verify a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// It is another issuer's, or has another name.
    No,
    /// Nothing speaks against it.
    Maybe,
    /// It is the issuer's, or it is named and the issuer is no URL that could be compared.
    Likely,
    /// It is named, and the issuer's.
    Certain,
}

impl KeyStore {
    /// Reads keys from files.
    ///
    /// `keys` and `jwks` (`--key`, `--jwks`): each file is a public or private key or a certificate in PEM (the first one
    /// of the file) or DER, a JWK or a JWK Set, told by content. Private and symmetric keys decrypt as well. Keys of a set
    /// that cannot be used are [skipped](Self::skipped); anything else is an error.
    ///
    /// `secret_files` (`--secret-file`): each file is one secret, of HMAC, or a key or password of JWEs: its bytes, without
    /// one LF or CRLF at the end.
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
            store.give(Key::hmac(line).map_err(|kind| KeyError::new(path, kind))?);
            store.secrets.push(Secret::from(line));
            store.private.give(PrivateKey::shared(line));
        }
        Ok(store)
    }

    /// Adds the keys of one text, as [`load`](Self::load) reads it from a file.
    pub fn add(&mut self, text: &[u8]) -> Result<(), KeyErrorKind> {
        let trimmed = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
        if text.first() == Some(&0x30) {
            return match (PublicKey::from_der(text), PrivateKey::from_der(text)) {
                (Some(public), _) => Key::public(public).map(|key| self.give(key)),
                (None, Some(private)) => self.give_private(private),
                (None, None) => Err(KeyErrorKind::Format),
            };
        }
        if !trimmed.starts_with(b"{") {
            let block = pem::blocks(text).next().ok_or(KeyErrorKind::Format)?;
            return match pem::read_private(&block) {
                Some(private) => self.give_private(private),
                None => Key::public(pem::read(&block)?).map(|key| self.give(key)),
            };
        }
        let value: Value =
            serde_json::from_slice(trimmed).map_err(|error| KeyErrorKind::Json(error.to_string()))?;
        for (verifying, private) in jwk::read_all(&value)? {
            match verifying {
                Ok(key) => self.give(key),
                Err(_) if private.is_some() => self.decrypting += 1,
                Err(error) if value.get("keys").is_none() => return Err(error),
                Err(_) => self.skipped += 1,
            }
            private.into_iter().for_each(|key| self.private.give(key));
        }
        self.secrets.extend(jwk::secrets(&value).into_iter().map(Secret::new));
        Ok(())
    }

    /// A private key verifies what it signs.
    fn give_private(&mut self, private: PrivateKey) -> Result<(), KeyErrorKind> {
        match private.public() {
            Some(public) => self.give(Key::public(public)?),
            None => self.decrypting += 1,
        }
        self.private.give(private);
        Ok(())
    }

    /// Learns what a document publishes, and gives it; and how many keys of it are over the bound.
    pub fn learn_document(&mut self, body: &[u8], publisher: &Publisher) -> (Document, usize) {
        let document = Document::read(body);
        if let Some((issuer, jwks_uri)) = &document.metadata {
            self.metadata.add(issuer, jwks_uri);
        }
        let publisher = Arc::new(publisher.clone());
        let refused = document.keys.iter().filter(|key| !self.learn(key, &publisher)).count();
        let refused = refused + usize::from(document.cut);
        (document, refused)
    }

    /// Learns a key that was published. False if it is one more than are kept.
    fn learn(&mut self, key: &Published, publisher: &Arc<Publisher>) -> bool {
        if key.private.as_ref().is_some_and(|private| !self.private.learn(private, KEYS)) {
            return false;
        }
        let Some(public) = key.public.as_ref().filter(|_| !key.encryption) else { return true };
        let known = self.learned().any(|entry| {
            let same = matches!(&entry.source, Source::Published(known) if known == publisher);
            same && entry.key.kid == key.kid && entry.key.public.as_deref() == Some(public)
        });
        if known {
            return true;
        }
        let Ok(mut verifier) = Key::public(public.clone()) else { return true };
        (verifier.kid, verifier.alg) = (key.kid.clone(), key.alg.clone());
        let fits = self.entries.len() - self.given - self.certificates < KEYS;
        if fits {
            self.entries.push(Entry { key: verifier, source: Source::Published(Arc::clone(publisher)) });
        }
        fits
    }

    /// Learns the key of a certificate of TLS that `owner` showed: some issuers sign with it. It never makes a signature
    /// invalid unless the token names the certificate. False if it is one more than are kept.
    pub fn learn_certificate(&mut self, public: &PublicKey, sha256: [u8; 32], owner: Publisher) -> bool {
        let Ok(verifier) = Key::public(public.clone()) else { return true };
        let fits = self.certificates < CERTIFICATE_KEYS;
        if fits {
            self.certificates += 1;
            self.entries.push(Entry { key: verifier, source: Source::Certificate(Arc::new(owner), sha256) });
        }
        fits
    }

    /// Keys that the user gave.
    pub const fn count(&self) -> usize {
        self.given + self.decrypting
    }

    /// The keys that open JWEs.
    pub(super) const fn private(&self) -> &PrivateKeys {
        &self.private
    }

    /// How many keys open JWEs, given and learned.
    pub fn opening(&self) -> usize {
        self.private.len()
    }

    /// The public ones among them.
    pub fn given(&self) -> impl Iterator<Item = &Arc<PublicKey>> {
        self.entries.iter().take(self.given).filter_map(|entry| entry.key.public.as_ref())
    }

    /// Keys of sets that cannot be used here: public ones for encryption, of other curves, damaged.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// The HMAC secrets among the keys, for the dictionary attack to begin with.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// What these keys say about a token's signature.
    ///
    /// Every key of the algorithm's type that the user gave is tried, and those that were published, as far as they may
    /// be meant. It is invalid only if the key that it must be made with is known: one with the token's `kid`, not
    /// another issuer's; or the only key given of that type, if one of the two has no `kid`; or, where the token has no
    /// `kid`, all that its issuer published. A detached payload (RFC 7515 appendix F) and an algorithm that is not
    /// supported (Ed448) leave it unverified.
    pub fn verify(&self, token: &Token) -> Verdict {
        let alg = match alg(token) {
            Ok(alg) => alg,
            Err(signature) => return signature.into(),
        };
        let kid = kid(token);
        let mut keys: Vec<(Task, &Entry)> = Vec::new();
        let (mut unnamed, mut of_tls) = (0, 0);
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.key.fits(alg)) {
            let task = self.task(entry, token, kid.as_deref());
            let given = at < self.given;
            let tries = match &entry.source {
                Source::Certificate(owner, _) if self.belongs(owner, token) == Some(true) => &mut 0,
                Source::Certificate(..) => &mut of_tls,
                _ => &mut unnamed,
            };
            *tries += usize::from(!given && task == Task::Maybe);
            if given || task >= Task::Likely || task == Task::Maybe && *tries <= KEY_TRIES {
                keys.push((task, entry));
            }
        }
        keys.sort_by_key(|(task, _)| std::cmp::Reverse(*task));
        let verified = keys.iter().find(|(_, entry)| {
            entry.key.verifies(alg, token.signing_input(), token.signature()) == Some(true)
        });
        if let Some((_, Entry { key, source })) = verified {
            let (key, given) = (key.public.clone(), *source == Source::Given);
            return Verdict { signature: Signature::Valid, key, given, certain: true };
        }
        let only = matches!(keys[..], [(_, Entry { key, source: Source::Given })] if key.kid.is_none() || kid.is_none());
        let best = keys.first().map_or(Task::No, |(task, _)| *task);
        let best = if only { Task::Certain } else { best };
        let detached = token.segments().nth(1).is_none_or(str::is_empty);
        if detached || best < Task::Likely {
            return Signature::Unverified.into();
        }
        Verdict { certain: best == Task::Certain, ..Signature::Invalid.into() }
    }

    fn task(&self, entry: &Entry, token: &Token, kid: Option<&str>) -> Task {
        let own = entry.key.kid.as_deref();
        let named = own.is_some() && own == kid;
        let publisher = match &entry.source {
            Source::Published(publisher) => publisher,
            Source::Certificate(_, sha256) if names(token, sha256) => return Task::Certain,
            Source::Given if named => return Task::Certain,
            Source::Given | Source::Certificate(..) => return Task::Maybe,
        };
        if own.is_some() && kid.is_some() && !named {
            return Task::No;
        }
        let iss = token.claim("iss").and_then(Value::as_str);
        match (named, self.belongs(publisher, token)) {
            (_, Some(false)) => Task::No,
            (true, Some(true)) => Task::Certain,
            (false, Some(true)) => Task::Likely,
            // A name alone says little: many issuers call their key "1".
            (true, None) if iss.is_none_or(|iss| !iss.contains("://")) => Task::Likely,
            (_, None) => Task::Maybe,
        }
    }

    fn belongs(&self, publisher: &Publisher, token: &Token) -> Option<bool> {
        self.metadata.belongs(publisher, token.claim("iss").and_then(Value::as_str))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.iter().map(|entry| &entry.key)
    }

    fn give(&mut self, key: Key) {
        self.entries.insert(self.given, Entry { key, source: Source::Given });
        self.given += 1;
    }

    fn learned(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(self.given)
    }
}

/// Whether the header names a certificate by its digest (RFC 7515 section 4.1.8).
fn names(token: &Token, sha256: &[u8; 32]) -> bool {
    let named = token.header_member("x5t#S256").and_then(Value::as_str);
    named.and_then(|text| BASE64URL.decode(text).ok()).is_some_and(|digest| digest == sha256)
}

fn kid(token: &Token) -> Option<Cow<'_, str>> {
    token.header_member("kid").filter(|kid| !kid.is_null()).map(|kid| match kid {
        Value::String(kid) => Cow::Borrowed(kid.as_str()),
        other => Cow::Owned(other.to_string()),
    })
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
