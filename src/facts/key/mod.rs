//! Public keys that were seen or given.

use super::memory::{Given, Memories, Memory, Wants};
use super::recent::Recent;
use super::value::{List, Type, Value};
use super::{Case, Entity, Family, Field, Origin, Source, Subject, marks};
use crate::keys::{Form, KeyStore, PublicKey, Published, Publisher, forms, header_key, x5c};
use crate::limits;
use crate::tally::Tally;
use crate::token::{Family as Algorithm, Token};
use sha2::{Digest, Sha256};

mod analysis;

pub(super) const FAMILY: Family = Family {
    name: "key",
    doc: "A key that was seen, in a response (JWK Set, PEM), in the header of a token, in a certificate of TLS, or given by the user.",
    subjects: &[Subject::Key],
    about_key: true,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
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
            get: |c| Value::or_missing(known(c).and_then(|k| k.bits()).map(i64::from)),
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
            doc: "Where it was seen: \"given\" (by the user), \"published\" (in a response), \"header\" (jwk or x5c of a token), \"tls\" (a certificate), \"signature\" (its size follows from signatures, the key itself was not seen).",
            get: |c| {
                known(c).map_or(Value::Missing, |k| {
                    Value::List(List::Owned(k.sources.iter().map(|s| Value::str(s)).collect()))
                })
            },
        },
        Field {
            name: "key.algs",
            ty: Type::List(&Type::Str),
            doc: "The algorithms (alg) that it was published for.",
            get: |c| known(c).map_or(Value::Missing, |k| Value::strs(&k.algs)),
        },
        Field {
            name: "key.exponent",
            ty: Type::Int,
            doc: "Public exponent of an RSA key; of those beyond 63 bits the largest number with the same last bit.",
            get: |c| Value::or_missing(known(c).and_then(|k| k.public.as_ref()?.exponent())),
        },
        Field {
            name: "key.roca",
            ty: Type::Bool,
            doc: "Whether an RSA modulus has the fingerprint of the broken generator of CVE-2017-15361 (ROCA).",
            get: |c| Value::Bool(known(c).is_some_and(|k| k.flaws.roca)),
        },
        Field {
            name: "key.factored",
            ty: Type::Str,
            doc: "Why an RSA modulus is factored at once, in words: a factor below 2^20, primes close to each other (2^14 steps of Fermat's method), prime, a power; missing if it is not. Of keys for tokens only.",
            get: |c| Value::or_missing(known(c).and_then(|k| k.flaws.factored)),
        },
        Field {
            name: "key.shared_prime_with",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of another RSA key of the capture, of TLS too, that has a prime in common with this one, so that both are factored.",
            get: |c| Value::or_missing(known(c).and_then(|k| k.flaws.shared.as_deref())),
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
    algs: Vec<String>,
    exposed: Option<&'static str>,
    flaws: Flaws,
    /// Size of an RSA key that was not seen itself.
    rsa_bits: Option<u32>,
    /// DER forms of certificates for it.
    certificates: Vec<Box<[u8]>>,
    /// Its JWK as it was published first.
    jwk: Option<Box<str>>,
    entity: Entity,
}

/// What is wrong with an RSA key.
#[derive(Default)]
struct Flaws {
    roca: bool,
    factored: Option<&'static str>,
    shared: Option<Box<str>>,
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
        let unseen = if self.rsa_bits.is_some() { "RSA" } else { "oct" };
        self.public.as_ref().map_or(unseen, PublicKey::kty)
    }

    fn bits(&self) -> Option<u32> {
        self.public.as_ref().map(PublicKey::bits).or(self.rsa_bits)
    }

    fn of_tls(&self) -> bool {
        self.sources == ["tls"]
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
        Wants {
            tokens: true,
            tls: true,
            exchanges: Some(&[KEYS]),
            documents: KEYS,
            entities: true,
            ..Wants::default()
        }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        if let Some(sighting) = case.sighting {
            if case.new {
                self.header(case, &sighting.token, tally);
                self.small(case, &sighting.token, tally);
            }
        } else if let Some(document) = case.exchange.and_then(|exchange| exchange.document.as_deref()) {
            self.document(case, document, tally);
        } else if let Some(tls) = case.flow.and_then(|flow| flow.tls.as_deref()) {
            for certificate in tls.chains.iter().flatten() {
                if self.is_new(certificate.sha256) {
                    let (public, der) =
                        (PublicKey::from_certificate(&certificate.der), certificate.der.clone());
                    if let Some(public) = &public {
                        // As many as are kept are enough: certificates are not published to verify tokens.
                        let owner = Publisher::new(case.host().as_deref().unwrap_or_default(), b"");
                        self.store.learn_certificate(public, certificate.sha256, owner);
                    }
                    let seen = Seen { public, source: "tls", certificate: Some(der), ..Seen::default() };
                    self.add(seen, Origin::of(case), tally);
                }
            }
        }
    }

    fn close(&mut self, _: &Memories, tally: &mut Tally) {
        self.analyse(tally);
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
    alg: Option<String>,
    /// Name and size of a key that was not seen itself.
    name: Option<Box<str>>,
    rsa_bits: Option<u32>,
}

impl Keys {
    /// The public keys in order of their last use, those of TLS alone behind the others.
    pub(super) fn public(&self) -> impl Iterator<Item = (&PublicKey, &Known)> {
        let all = move |tls: bool| self.known.iter().filter(move |(_, known)| known.of_tls() == tls);
        all(false).chain(all(true)).filter_map(|(_, known)| Some((known.public.as_ref()?, known)))
    }

    fn is_new(&mut self, digest: [u8; 32]) -> bool {
        let new = self.read.touch(&digest).is_none();
        if new {
            self.read.insert(digest, ());
        }
        new
    }

    fn header(&mut self, case: &Case<'_>, token: &Token, tally: &mut Tally) {
        let jwk = token.header_member("jwk").map(Published::from_jwk);
        if jwk.is_none() && token.header_member("x5c").is_none() {
            return;
        }
        let kid = jwk.as_ref().and_then(|jwk| jwk.kid.clone());
        let exposed = jwk.as_ref().and_then(|jwk| jwk.exposed);
        let certificate = x5c(token.header());
        let jwk = jwk.and_then(|jwk| jwk.jwk);
        let public = header_key(token);
        let seen = Seen { public, source: "header", kid, exposed, certificate, jwk, ..Seen::default() };
        self.add(seen, Origin::of(case), tally);
    }

    /// The size of an RSA key follows from a signature (RFC 8017 section 8).
    fn small(&mut self, case: &Case<'_>, token: &Token, tally: &mut Tally) {
        let rsa = matches!(token.family(), Some(Algorithm::Rs | Algorithm::Ps));
        let bits = token.signature().len() as u32 * 8;
        if rsa && (512..2048).contains(&bits) {
            let iss = token.claim("iss").and_then(|iss| iss.as_str()).unwrap_or("an unnamed issuer");
            let name = format!("of {bits} bits, of {}", iss.chars().take(200).collect::<String>());
            let seen = Seen {
                name: Some(name.into()),
                rsa_bits: Some(bits),
                source: "signature",
                ..Seen::default()
            };
            self.add(seen, Origin::of(case), tally);
        }
    }

    fn document(&mut self, case: &Case<'_>, body: &[u8], tally: &mut Tally) {
        let Some(exchange) = case.exchange else { return };
        let publisher = Publisher::of(exchange);
        let mut digest = Sha256::new_with_prefix(body);
        digest.update(format!("{publisher:?}"));
        if !self.is_new(digest.finalize().into()) {
            return;
        }
        let (document, refused) = self.store.learn_document(body, &publisher);
        tally.weirds("keys_refused", refused as u64);
        self.generation += 1;
        for key in document.keys {
            let Published { public, kid, alg, exposed, certificate, jwk, .. } = key;
            let seen =
                Seen { public, source: "published", kid, alg, exposed, certificate, jwk, ..Seen::default() };
            self.add(seen, Origin::of(case), tally);
        }
    }

    fn add(&mut self, key: Seen, origin: Origin, tally: &mut Tally) {
        let secret = || {
            // A digest of a secret could be searched for the secret (RFC 7638 section 7).
            let kid = key.kid.as_deref().unwrap_or("without kid");
            key.exposed.map(|_| format!("secret {kid}").into_boxed_str())
        };
        let thumbprint = key.public.as_ref().map(PublicKey::thumbprint);
        let Some(name) = thumbprint.or(key.name).or_else(secret) else { return };
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
            let (kids, algs, sources, certificates, jwk, exposed, flaws) = Default::default();
            let (public, rsa_bits) = (key.public, key.rsa_bits);
            let known =
                Known { public, rsa_bits, kids, algs, sources, certificates, jwk, exposed, flaws, entity };
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
        if let Some(alg) =
            key.alg.filter(|alg| known.algs.len() < limits::KEY_TRIES && !known.algs.contains(alg))
        {
            known.algs.push(alg);
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
