//! Keys that signatures themselves reveal. An ECDSA signature leads back to two keys at most, one of which made it: the key
//! that two tokens of one issuer have in common is the issuer's, and a token that does not have it is forged.

use crate::facts::Hands;
use crate::keys::{Curve, Edwards, Nonces, PublicKey, Ready, Signature, examples, header_key, verifies};
use crate::limits::{GUESSED_TOKENS, RECOVERED_TOKENS};
use crate::token::Token;
use foldhash::{HashMap, HashMapExt};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Deref;
use std::sync::Arc;

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
    pub(super) key: Option<Arc<PublicKey>>,
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
    /// They say which key they mean.
    named: bool,
    members: Vec<usize>,
    /// Keys that members have in common.
    keys: usize,
    pool: Vec<(&'t Token, Vec<Box<[u8]>>)>,
}

/// A token that may have a key in common with others.
struct Member<'t> {
    token: &'t Token,
    curve: Curve,
    group: usize,
    /// The key of its group that verifies it.
    key: Option<Arc<PublicKey>>,
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

/// What tokens of one group have in common: issuer, `kid` and algorithm.
type Name<'t> = (Option<&'t Value>, Option<&'t Value>, Cow<'t, str>);

/// What was revealed, by the digests of tokens.
type Found = HashMap<u128, Revealed>;

/// Looks at tokens, in order: at the first ones of each group for what can be guessed, and at those that no known key
/// verifies for what they have in common.
pub(super) fn reveal(tokens: &[(&Token, Signature)], hands: &Hands) -> Found {
    let mut numbers: HashMap<Name<'_>, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut guessed: HashMap<(Option<&Value>, Cow<'_, str>), usize> = HashMap::new();
    let mut guessing = Vec::new();
    for &(token, verdict) in tokens {
        let Some(alg) = token.alg() else { continue };
        let (issuer, kid) = (token.claim("iss"), token.header_member("kid"));
        let curve = Curve::of_alg(&alg);
        if guessing.len() < GUESSED_TOKENS {
            let spent = guessed.entry((issuer, alg.clone())).or_default();
            if *spent < GUESSES {
                *spent += 1;
                guessing.push((token, verdict, curve));
            }
        }
        // A key that the token brings along is not its issuer's, and without an issuer there is nothing in common.
        let alone = issuer.is_none() || header_key(token).is_some() || verdict != Signature::Unverified;
        let Some(curve) = curve.filter(|_| !alone) else { continue };
        let named = kid.is_some();
        let group = *numbers.entry((issuer, kid, alg)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Group { named, ..Group::default() });
        }
        groups[group].members.push(members.len());
        members.push(Member { token, curve, group, key: None });
    }
    let mut found = guess_all(&guessing, hands);
    compare(&mut members, &mut groups, hands, &mut found);
    found
}

/// Looks, in order, for keys that tokens have in common.
fn compare<'t>(members: &mut [Member<'t>], groups: &mut [Group<'t>], hands: &Hands, found: &mut Found) {
    let mut recoveries = RECOVERED_TOKENS;
    for at in 0..members.len() {
        let Member { token, curve, group, .. } = members[at];
        if recoveries == 0 {
            break;
        }
        if let Some(key) = members[at].key.take() {
            found.entry(token.id()).or_default().key = Some(key);
            continue;
        }
        recoveries -= 1;
        let group = &mut groups[group];
        let candidates = LazyCell::new(|| curve.recover(token.signing_input(), token.signature()));
        if let Some((other, key)) = group.shared(curve, token, &candidates) {
            let (other, _) = group.pool.remove(other);
            let key = Arc::new(key);
            for token in [other, token] {
                found.entry(token.id()).or_default().key = Some(Arc::clone(&key));
            }
            if group.keys < GROUP_KEYS {
                group.keys += 1;
                let rest =
                    group.members.iter().filter(|member| **member > at && members[**member].key.is_none());
                let rest: Vec<usize> = rest.copied().collect();
                sign(members, &rest, &key, hands);
            }
        } else if group.pool.len() < POOL {
            group.pool.push((token, candidates.clone()));
        }
    }
    // Two keys say that the issuer replaces them without giving them names.
    for group in groups.iter().filter(|group| group.keys == 1) {
        for (token, _) in &group.pool {
            found.entry(token.id()).or_default().stranger = Some(group.named);
        }
    }
}

/// Notes which of the tokens of a group that are still to come the key verifies. That is most of the work for an issuer with
/// many tokens, and the order does not matter.
fn sign(members: &mut [Member<'_>], rest: &[usize], key: &Arc<PublicKey>, hands: &Hands) {
    let Some(ready) = Ready::new(key, rest.len()) else { return };
    let batches: Vec<Vec<&Token>> = rest
        .chunks(ready.together())
        .map(|batch| batch.iter().map(|at| members[*at].token).collect())
        .collect();
    let verified = hands.map(&batches, |batch| ready.verifies_each(batch));
    let verified = rest.iter().zip(verified.into_iter().flatten()).filter(|(_, verified)| *verified);
    for member in verified.map(|(member, _)| *member) {
        members[member].key = Some(Arc::clone(key));
    }
}

/// What can be guessed of tokens, of which it is known whether a key verifies them, and of which curve they are.
fn guess_all(tokens: &[(&Token, Signature, Option<Curve>)], hands: &Hands) -> Found {
    let curves = Curve::ALL.into_iter().filter(|curve| tokens.iter().any(|(_, _, of)| *of == Some(*curve)));
    let tables: Vec<(Curve, Nonces)> = curves.map(|curve| (curve, Nonces::of(curve))).collect();
    let revealed = hands.map(tokens, |(token, verdict, curve)| Revealed {
        example: if *verdict == Signature::Valid { None } else { by_example(token) },
        guessed: curve.and_then(|curve| guess(token, curve, &tables)),
        ..Revealed::default()
    });
    tokens.iter().map(|(token, ..)| token.id()).zip(revealed).collect()
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

fn guess(token: &Token, curve: Curve, tables: &[(Curve, Nonces)]) -> Option<PublicKey> {
    let (_, table) = tables.iter().find(|(known, _)| *known == curve)?;
    let issued = token.claim("iat").and_then(|iat| iat.as_u64()).unwrap_or_default();
    let point = curve.guessed_nonce(table, token.signing_input(), token.signature(), issued)?;
    Some(PublicKey::Ec { curve, point })
}
