//! Keys that signatures themselves reveal. An ECDSA signature leads back to two keys at most, one of which made it: the key
//! that two tokens of one issuer have in common is the issuer's, and a token that does not have it is forged.

use crate::facts::{Hands, digest};
use crate::keys::{Curve, Edwards, Nonces, PublicKey, Ready, Signature, examples, header_key, verifies};
use crate::limits::{GUESSED_TOKENS, RECOVERED_TOKENS};
use crate::tally::Tally;
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
    /// Some were not looked at: who is a stranger is not known.
    cut: bool,
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

/// What was spent on guesses in a run.
#[derive(Default)]
pub(super) struct Guesses {
    tokens: usize,
    /// By issuer and algorithm ([`digest`]).
    spent: HashMap<u128, usize>,
    tables: Vec<(Curve, Nonces)>,
}

impl Guesses {
    /// Whether one more may be spent on a token of that issuer and algorithm.
    fn spend(&mut self, issuer: Option<&Value>, alg: &str) -> bool {
        if self.tokens >= GUESSED_TOKENS {
            return false;
        }
        let spent = self.spent.entry(digest((issuer, alg))).or_default();
        let may = *spent < GUESSES;
        *spent += usize::from(may);
        self.tokens += usize::from(may);
        may
    }
}

/// Looks at tokens, in order: at the first ones of each group for what can be guessed, and at those that no known key
/// verifies for what they have in common.
pub(super) fn reveal(
    tokens: &[(&Token, Signature)],
    guesses: &mut Guesses,
    hands: &Hands,
    tally: &mut Tally,
) -> Found {
    let mut numbers: HashMap<Name<'_>, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut guessing = Vec::new();
    for &(token, verdict) in tokens {
        let Some(alg) = token.alg() else { continue };
        let (issuer, kid) = (token.claim("iss"), token.header_member("kid"));
        let curve = Curve::of_alg(&alg);
        if guesses.spend(issuer, &alg) {
            guessing.push((token, verdict, curve));
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
    let mut found = guess_all(&guessing, &mut guesses.tables, hands);
    let cut = compare(&mut members, &mut groups, RECOVERED_TOKENS, hands, &mut found);
    tally.weirds("recovery_budget", cut);
    found
}

/// Looks, in order, for keys that tokens have in common, with so many recoveries. Gives how many were not looked at.
fn compare<'t>(
    members: &mut [Member<'t>],
    groups: &mut [Group<'t>],
    mut recoveries: usize,
    hands: &Hands,
    found: &mut Found,
) -> u64 {
    let mut cut = 0;
    for at in 0..members.len() {
        let Member { token, curve, group, .. } = members[at];
        if let Some(key) = members[at].key.take() {
            found.entry(token.id()).or_default().key = Some(key);
            continue;
        }
        let group = &mut groups[group];
        if recoveries == 0 {
            group.cut = true;
            cut += 1;
            continue;
        }
        recoveries -= 1;
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
                attribute(members, &rest, &key, hands);
            }
        } else if group.pool.len() < POOL {
            group.pool.push((token, candidates.clone()));
        }
    }
    // Two keys say that the issuer replaces them without giving them names.
    for group in groups.iter().filter(|group| group.keys == 1 && !group.cut) {
        for (token, _) in &group.pool {
            found.entry(token.id()).or_default().stranger = Some(group.named);
        }
    }
    cut
}

/// Notes which of the tokens of a group that are still to come the key verifies. That is most of the work for an issuer with
/// many tokens, and the order does not matter.
fn attribute(members: &mut [Member<'_>], rest: &[usize], key: &Arc<PublicKey>, hands: &Hands) {
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
fn guess_all(
    tokens: &[(&Token, Signature, Option<Curve>)],
    tables: &mut Vec<(Curve, Nonces)>,
    hands: &Hands,
) -> Found {
    for curve in Curve::ALL {
        let met = tokens.iter().any(|(_, _, of)| *of == Some(curve));
        if met && tables.iter().all(|(known, _)| *known != curve) {
            tables.push((curve, Nonces::of(curve)));
        }
    }
    let revealed = hands.map(tokens, |(token, verdict, curve)| Revealed {
        example: if *verdict == Signature::Valid { None } else { by_example(token) },
        guessed: curve.and_then(|curve| guess(token, curve, tables)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ES256, EcdsaKeyPair};

    fn key() -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ES256, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ES256, document.as_ref(), &random).unwrap()
    }

    fn signed(key: &EcdsaKeyPair, number: u32) -> Token {
        let claims = format!(r#"{{"iss":"a","n":{number}}}"#);
        let [header, claims] = [r#"{"alg":"ES256"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let input = format!("{header}.{claims}");
        let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        Token::parse(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)).as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_looked_at_makes_no_strangers_and_takes_no_key_away() {
        let (own, other) = (key(), key());
        let tokens = [(&own, 1), (&other, 2), (&own, 3), (&own, 4), (&other, 5)];
        let tokens = tokens.map(|(key, number)| signed(key, number));
        let looked_at = |tokens: &[Token], recoveries: usize| {
            let mut members: Vec<_> = tokens
                .iter()
                .map(|token| Member { token, curve: Curve::P256, group: 0, key: None })
                .collect();
            let mut groups = [Group { members: (0..tokens.len()).collect(), ..Group::default() }];
            let mut found = Found::new();
            let cut = compare(&mut members, &mut groups, recoveries, &Hands::default(), &mut found);
            let said = tokens.iter().map(|token| {
                let found = found.remove(&token.id()).unwrap_or_default();
                (found.key.is_some(), found.stranger.is_some())
            });
            (cut, said.collect::<Vec<_>>())
        };
        let (key, none, stranger) = ((true, false), (false, false), (false, true));
        assert_eq!(looked_at(&tokens, 9), (0, vec![key; 5]));
        assert_eq!(looked_at(&tokens[..4], 9), (0, vec![key, stranger, key, key]));
        // The fourth has its key from the batch of the third; the last, which has the second's key, is not looked at.
        assert_eq!(looked_at(&tokens, 3), (1, vec![key, none, key, key, none]));
    }

    #[test]
    fn guesses_are_spent_once_in_a_run() {
        let mut guesses = Guesses::default();
        let issuers: Vec<Value> = (0..2 * GUESSED_TOKENS).map(Value::from).collect();
        let spent = |guesses: &mut Guesses| {
            let spent =
                issuers.iter().map(|issuer| (0..5).filter(|_| guesses.spend(Some(issuer), "ES256")).count());
            spent.collect::<Vec<_>>()
        };
        let first = spent(&mut guesses);
        assert_eq!((first[0], first.iter().sum::<usize>()), (GUESSES, GUESSED_TOKENS));
        assert_eq!(spent(&mut guesses).iter().sum::<usize>(), 0);
    }
}
