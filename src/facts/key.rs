//! Public keys that were seen or given.

use super::marks;
use super::memory::{Given, Memory, Wants};
use super::recent::Recent;
use super::value::{List, Type, Value};
use super::{Case, Entity, Family, Field, Origin, Source, Subject};
use crate::keys::{Document, Form, KeyStore, PublicKey, Published, Publisher, forms, header_key, x5c};
use crate::limits;
use crate::tally::Tally;
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "key",
    doc: "A key that was seen, in a response (JWK Set, PEM), in the header of a token, in a certificate of TLS, or given by the user.",
    subjects: &[Subject::Key],
    about_key: true,
    steady: false,
    late: false,
    source: Source::memory::<Keys>(),
    fields: &[
        Field {
            name: "key.thumbprint",
            ty: Type::Str,
            doc: "Its SHA-256 thumbprint (RFC 7638), base64url; of a secret its kid.",
            get: |c| Value::or_missing(c.entity.map(|e| &*e.name)),
        },
        Field {
            name: "key.type",
            ty: Type::Str,
            doc: "\"RSA\", \"EC\", \"OKP\" or \"oct\" (RFC 7518 section 6.1, RFC 8037 section 2).",
            get: |c| known(c).map_or(Value::Missing, |k| Value::str(k.kty())),
        },
        Field {
            name: "key.curve",
            ty: Type::Str,
            doc: "Its curve: \"P-256\", \"P-384\", \"P-521\", \"secp256k1\", \"Ed25519\" or \"Ed448\".",
            get: |c| Value::or_missing(known(c).and_then(|k| k.public.as_ref()?.curve())),
        },
        Field {
            name: "key.bits",
            ty: Type::Int,
            doc: "Its size in bits: of the modulus, or of the curve.",
            get: |c| Value::or_missing(known(c).and_then(|k| Some(i64::from(k.public.as_ref()?.bits())))),
        },
        Field {
            name: "key.kids",
            ty: Type::List(&Type::Str),
            doc: "The names (kid) that it had.",
            get: |c| known(c).map_or(Value::Missing, |k| Value::strs(&k.kids)),
        },
        Field {
            name: "key.sources",
            ty: Type::List(&Type::Str),
            doc: "Where it was seen: \"given\" (by the user), \"published\" (in a response), \"header\" (jwk or x5c of a token), \"tls\" (a certificate).",
            get: |c| {
                known(c).map_or(Value::Missing, |k| {
                    Value::List(List::Owned(k.sources.iter().map(|s| Value::str(s)).collect()))
                })
            },
        },
        Field {
            name: "key.exposed",
            ty: Type::Str,
            doc: "What was shown that must be secret: \"private\" (members of a private key), \"symmetric\" (a shared secret); missing if nothing was.",
            get: |c| Value::or_missing(known(c).and_then(|k| k.exposed)),
        },
    ],
};

/// Certificates of one key that are kept.
const KEY_CERTIFICATES: usize = 2;
/// Longest JWK that is kept as it was published: those with certificates have a few KiB.
const JWK_BYTES: usize = 4096;

/// Every key seen.
pub(super) struct Keys {
    /// Those that verify tokens.
    pub(super) store: KeyStore,
    /// Grows with each key that is learned.
    pub(super) generation: u64,
    known: Recent<Box<str>, Known>,
    read: Recent<[u8; 32], ()>,
}

/// What is known of one key.
pub(super) struct Known {
    /// The key; nothing for a shared secret.
    pub(super) public: Option<PublicKey>,
    kids: Vec<String>,
    sources: Vec<&'static str>,
    exposed: Option<&'static str>,
    /// DER forms of certificates for it.
    certificates: Vec<Box<[u8]>>,
    /// Its JWK as it was published first.
    jwk: Option<Box<str>>,
    entity: Entity,
}

impl Known {
    /// All that it may have been taken for as a secret.
    pub(super) fn forms(&self) -> Vec<Form> {
        self.public
            .as_ref()
            .map(|key| forms(key, &self.certificates, self.jwk.as_deref()))
            .unwrap_or_default()
    }

    fn kty(&self) -> &'static str {
        self.public.as_ref().map_or("oct", PublicKey::kty)
    }
}

impl Memory for Keys {
    fn new(given: &Given) -> Self {
        let mut this = Self {
            store: KeyStore::clone(&given.keys),
            generation: 0,
            known: Recent::new(limits::KEYS),
            read: Recent::new(limits::DOCUMENTS),
        };
        for public in given.keys.given() {
            let key = Seen { public: Some(PublicKey::clone(public)), source: "given", ..Seen::default() };
            this.add(key, Origin::default(), &mut Tally::default());
        }
        this
    }

    fn wants() -> Wants {
        const KEYS: u64 = marks::KEY | marks::METADATA;
        Wants { tokens: true, tls: true, exchanges: Some(&[KEYS]), documents: KEYS, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        if let Some(sighting) = case.sighting {
            if case.new {
                self.header(case, &sighting.token, tally);
            }
        } else if let Some(document) = case.exchange.and_then(|exchange| exchange.document.as_deref()) {
            self.document(case, document, tally);
        } else if let Some(tls) = case.flow.and_then(|flow| flow.tls.as_deref()) {
            for certificate in tls.chains.iter().flatten() {
                if self.is_new(certificate.sha256) {
                    let (public, der) =
                        (PublicKey::from_certificate(&certificate.der), certificate.der.clone());
                    let seen = Seen { public, source: "tls", certificate: Some(der), ..Seen::default() };
                    self.add(seen, Origin::of(case), tally);
                }
            }
        }
    }

    fn over(&mut self, ended: bool) -> Vec<Entity> {
        if ended { self.known.iter().map(|(_, known)| known.entity.clone()).collect() } else { Vec::new() }
    }
}

/// A key as it was met.
#[derive(Default)]
struct Seen {
    public: Option<PublicKey>,
    source: &'static str,
    kid: Option<String>,
    exposed: Option<&'static str>,
    certificate: Option<Box<[u8]>>,
    jwk: Option<Box<str>>,
}

impl Keys {
    /// The public keys in order of their last use, those of TLS alone behind the others.
    pub(super) fn public(&self) -> impl Iterator<Item = (&PublicKey, &Known)> {
        let of_tls = |known: &Known| known.sources == ["tls"];
        let all = move |tls: bool| self.known.iter().filter(move |(_, known)| of_tls(known) == tls);
        all(false).chain(all(true)).filter_map(|(_, known)| Some((known.public.as_ref()?, known)))
    }

    fn is_new(&mut self, digest: [u8; 32]) -> bool {
        let new = self.read.touch(&digest).is_none();
        if new {
            self.read.insert(digest, ());
        }
        new
    }

    fn header(&mut self, case: &Case<'_>, token: &crate::token::Token, tally: &mut Tally) {
        let jwk = token.header_member("jwk").map(Published::from_jwk);
        if jwk.is_none() && token.header_member("x5c").is_none() {
            return;
        }
        let kid = jwk.as_ref().and_then(|jwk| jwk.kid.clone());
        let exposed = jwk.as_ref().and_then(|jwk| jwk.exposed);
        let certificate = x5c(token.header());
        let jwk = jwk.and_then(|jwk| jwk.jwk);
        let seen = Seen { public: header_key(token), source: "header", kid, exposed, certificate, jwk };
        self.add(seen, Origin::of(case), tally);
    }

    fn document(&mut self, case: &Case<'_>, body: &[u8], tally: &mut Tally) {
        let (host, target) = (case.host().unwrap_or_default(), case.exchange.and_then(|e| e.target()));
        let publisher = Publisher::new(&host, target.unwrap_or_default());
        let mut digest = Sha256::new_with_prefix(body);
        digest.update(format!("{publisher:?}"));
        if !self.is_new(digest.finalize().into()) {
            return;
        }
        let document = Document::read(body);
        if let Some((issuer, jwks_uri)) = &document.metadata {
            self.store.learn_metadata(issuer, jwks_uri);
            self.generation += 1;
        }
        if document.cut {
            tally.weird("keys_refused");
        }
        let publisher = Arc::new(publisher);
        for key in document.keys {
            if !self.store.learn(&key, &publisher) {
                tally.weird("keys_refused");
            }
            self.generation += 1;
            let Published { public, kid, exposed, certificate, jwk, .. } = key;
            let seen = Seen { public, source: "published", kid, exposed, certificate, jwk };
            self.add(seen, Origin::of(case), tally);
        }
    }

    fn add(&mut self, key: Seen, origin: Origin, tally: &mut Tally) {
        let secret = || {
            // A digest of a secret could be searched for the secret (RFC 7638 section 7).
            let kid = key.kid.as_deref().unwrap_or("without kid");
            key.exposed.map(|_| format!("secret {kid}").into_boxed_str())
        };
        let Some(name) = key.public.as_ref().map(PublicKey::thumbprint).or_else(secret) else { return };
        let time = origin.position.time;
        if self.known.get(&*name).is_none() {
            if self.known.len() >= limits::KEYS {
                tally.weird("keys_refused");
                return;
            }
            let entity = Entity {
                subject: Subject::Key,
                name: name.clone(),
                origin: origin.clone(),
                last_seen: time,
                count: 0,
            };
            let (kids, sources, certificates, jwk) = Default::default();
            let known = Known { public: key.public, kids, sources, certificates, jwk, exposed: None, entity };
            self.known.insert(name.clone(), known);
        }
        let Some(known) = self.known.touch(&*name) else { return };
        known.entity.count += 1;
        known.entity.last_seen = known.entity.last_seen.max(time);
        if known.exposed.is_none() && key.exposed.is_some() {
            // Findings lead to where the secret was shown.
            known.exposed = key.exposed;
            known.entity.origin = origin;
        }
        known.jwk = known.jwk.take().or(key.jwk.filter(|jwk| jwk.len() <= JWK_BYTES));
        if let Some(der) = key
            .certificate
            .filter(|der| known.certificates.len() < KEY_CERTIFICATES && !known.certificates.contains(der))
        {
            known.certificates.push(der);
        }
        if !known.sources.contains(&key.source) {
            known.sources.push(key.source);
        }
        if let Some(kid) =
            key.kid.filter(|kid| known.kids.len() < limits::KEY_TRIES && !known.kids.contains(kid))
        {
            known.kids.push(kid);
        }
    }
}

fn known<'a>(case: &Case<'a>) -> Option<&'a Known> {
    case.memory::<Keys>()?.known.get(&*case.entity?.name)
}
