//! HMAC tokens whose secret is a public key.

use crate::facts::key::Keys;
use crate::keys::Keyed;
use crate::tally::Tally;
use crate::token::Token;
use foldhash::{HashMap, HashMapExt};

/// By the digests of tokens: the form of the public key that is their secret, and its name. All forms of every key are
/// tried, the likelier keys first, as long as `trials` last.
pub(super) fn find(
    keys: &Keys,
    tokens: &[&Token],
    trials: &mut u64,
    tally: &mut Tally,
) -> HashMap<u128, (&'static str, Box<str>)> {
    let mut found = HashMap::new();
    let by_alg = ["HS256", "HS384", "HS512"].map(|alg| {
        let of_alg = |token: &&Token| token.is_hmac() && token.alg().is_some_and(|own| own == alg);
        (alg, tokens.iter().copied().filter(of_alg).collect::<Vec<_>>())
    });
    if by_alg.iter().all(|(_, tokens)| tokens.is_empty()) {
        return found;
    }
    for (public, known) in keys.public() {
        for form in known.forms() {
            for (alg, tokens) in by_alg.iter().filter(|(_, tokens)| !tokens.is_empty()) {
                let Some(left) = trials.checked_sub(tokens.len() as u64) else {
                    tally.weird("confusion_budget");
                    return found;
                };
                *trials = left;
                let Some(mac) = Keyed::new(alg, &form.bytes) else { continue };
                let hits = tokens.iter().filter(|token| mac.signs(token.signing_input(), token.signature()));
                for token in hits {
                    found.entry(token.id()).or_insert_with(|| (form.name, public.thumbprint()));
                }
            }
        }
    }
    found
}
