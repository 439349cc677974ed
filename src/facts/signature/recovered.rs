//! Keys that signatures themselves reveal. An ECDSA signature leads back to two keys at most, one of which made it: the key
//! that two tokens of one issuer have in common is the issuer's, and a token that does not have it is forged.

use crate::keys::{Curve, Edwards, Nonces, PublicKey, Signature, examples, header_key, verifies};
use crate::limits::{GUESSED_TOKENS, RECOVERED_TOKENS};
use crate::token::Token;
use foldhash::{HashMap, HashMapExt};
use std::cell::LazyCell;
use std::ops::Deref;

/// Tokens of one group that wait for another one with the same key.
const POOL: usize = 16;
/// Tokens of the pool whose keys are tried one by one.
const FEW: usize = 3;
/// Keys of one group.
const GROUP_KEYS: usize = 4;
/// Tokens of one issuer and algorithm that guesses are spent on: who signs carelessly does so each time.
const GUESSES: usize = 2;

/// What was revealed about one token.
#[derive(Debug, Default)]
pub(super) struct Revealed {
    /// The key that it has in common with other tokens of its issuer.
    pub(super) key: Option<PublicKey>,
    /// It has none in common, while others have one: whether the key is named.
    pub(super) stranger: Option<bool>,
    /// Where the key that made it was published with its private part.
    pub(super) example: Option<&'static str>,
    /// The key that its guessable nonce gives away.
    pub(super) guessed: Option<PublicKey>,
}

/// Tokens that one key should have signed: same issuer, same `kid`, same algorithm.
#[derive(Default)]
struct Group<'t> {
    keys: Vec<PublicKey>,
    pool: Vec<(&'t Token, Vec<Box<[u8]>>)>,
}

impl Group<'_> {
    /// The token of the pool that has a key in common with another one, and that key. To try the two keys of a token is
    /// less work than to recover those of the other, its `own`, as long as there are few.
    fn shared(
        &self,
        curve: Curve,
        token: &Token,
        own: &impl Deref<Target = Vec<Box<[u8]>>>,
    ) -> Option<(usize, PublicKey)> {
        if self.pool.len() > FEW {
            let common = |known: &[Box<[u8]>]| known.iter().find(|point| own.contains(point)).cloned();
            let shared = self.pool.iter().enumerate().find_map(|(at, (_, known))| Some((at, common(known)?)));
            return shared.map(|(at, point)| (at, PublicKey::Ec { curve, point }));
        }
        let points =
            self.pool.iter().enumerate().flat_map(|(at, (_, points))| points.iter().map(move |p| (at, p)));
        let mut keys = points.map(|(at, point)| (at, PublicKey::Ec { curve, point: point.clone() }));
        keys.find(|(_, key)| verifies(key, token))
    }
}

/// Looks at tokens, in order: at the first ones of each group for what can be guessed, and at those that no known key
/// verifies for what they have in common.
pub(super) fn reveal(tokens: &[(&Token, Signature)]) -> HashMap<[u8; 32], Revealed> {
    let mut groups: HashMap<(String, String, String), Group<'_>> = HashMap::new();
    let mut order: Vec<(String, String, String)> = Vec::new();
    let mut found: HashMap<[u8; 32], Revealed> = HashMap::new();
    let (mut recoveries, mut guesses) = (RECOVERED_TOKENS, GUESSED_TOKENS);
    let mut tables: Vec<(Curve, Nonces)> = Vec::new();
    let mut guessed: HashMap<(String, String), usize> = HashMap::new();
    for &(token, verdict) in tokens {
        let Some(alg) = token.alg() else { continue };
        let text =
            |value: Option<&serde_json::Value>| value.map(|value| value.to_string()).unwrap_or_default();
        let name = (text(token.claim("iss")), text(token.header_member("kid")), alg.clone().into_owned());
        let group = groups.entry(name.clone()).or_insert_with(|| {
            order.push(name.clone());
            Group::default()
        });
        let curve = Curve::of_alg(&alg);
        let spent = guessed.entry((name.0, name.2)).or_default();
        if *spent < GUESSES && guesses > 0 {
            *spent += 1;
            guesses -= 1;
            let one = found.entry(*token.sha256()).or_default();
            one.example = if verdict == Signature::Valid { None } else { by_example(token) };
            one.guessed = curve.and_then(|curve| guess(token, curve, &mut tables));
        }
        // A key that the token brings along is not its issuer's, and without an issuer there is nothing in common.
        let alone =
            token.claim("iss").is_none() || header_key(token).is_some() || verdict != Signature::Unverified;
        let Some(curve) = curve.filter(|_| !alone && recoveries > 0) else { continue };
        if let Some(key) = group.keys.iter().find(|key| verifies(key, token)) {
            found.entry(*token.sha256()).or_default().key = Some(key.clone());
            continue;
        }
        recoveries -= 1;
        let candidates = LazyCell::new(|| curve.recover(token.signing_input(), token.signature()));
        if let Some((at, key)) = group.shared(curve, token, &candidates) {
            let (other, _) = group.pool.remove(at);
            for token in [other, token] {
                found.entry(*token.sha256()).or_default().key = Some(key.clone());
            }
            if group.keys.len() < GROUP_KEYS {
                group.keys.push(key);
            }
        } else if group.pool.len() < POOL {
            group.pool.push((token, candidates.clone()));
        }
    }
    for name in order {
        let Some(group) = groups.get(&name) else { continue };
        // Two keys say that the issuer replaces them without giving them names.
        if group.keys.len() == 1 {
            for (token, _) in &group.pool {
                found.entry(*token.sha256()).or_default().stranger = Some(!name.1.is_empty());
            }
        }
    }
    found
}

/// Where the key that made a signature was published with its private part.
fn by_example(token: &Token) -> Option<&'static str> {
    let family = token.family()?.as_str();
    let fits = |key: &PublicKey| match key {
        PublicKey::Rsa { n, .. } => matches!(family, "RS" | "PS") && n.len() == token.signature().len(),
        PublicKey::Ec { curve, .. } => token.alg().and_then(|alg| Curve::of_alg(&alg)) == Some(*curve),
        PublicKey::Edwards { curve, .. } => family == "EdDSA" && *curve == Edwards::Ed25519,
    };
    examples().iter().find(|example| fits(&example.key) && verifies(&example.key, token)).map(|e| e.source)
}

fn guess(token: &Token, curve: Curve, tables: &mut Vec<(Curve, Nonces)>) -> Option<PublicKey> {
    if !tables.iter().any(|(known, _)| *known == curve) {
        tables.push((curve, Nonces::of(curve)));
    }
    let (_, table) = tables.iter().find(|(known, _)| *known == curve)?;
    let issued = token.claim("iat").and_then(|iat| iat.as_u64()).unwrap_or_default();
    let point = curve.guessed_nonce(table, token.signing_input(), token.signature(), issued)?;
    Some(PublicKey::Ec { curve, point })
}
