//! The tokens whose signatures are to be verified, and what came of it.

use super::confusion;
use super::recovered::{self, Guesses, Revealed};
use crate::facts::key::Keys;
use crate::facts::memory::{Given, Memories, Memory, Wants};
use crate::facts::recent::Recent;
use crate::facts::weighed::Weighed;
use crate::facts::{Case, Hands};
use crate::keys::{self, PublicKey, Signature, Verdict, example};
use crate::limits::{CONFUSION_TRIALS, SIGNATURE_BYTES, SIGNATURES};
use crate::tally::Tally;
use crate::token::Token;
use std::sync::Arc;

/// Tokens that wait for a key, and those that are done with.
pub(super) struct Signatures {
    waiting: Weighed<u128, Waiting>,
    known: Recent<u128, Known>,
    /// Forms of public keys that may still be tried as secrets.
    trials: u64,
    guesses: Guesses,
    hands: Hands,
}

/// A token that waits.
pub(super) struct Waiting {
    pub(super) token: Arc<Token>,
    /// The keys as of that generation did not tell.
    tried: Option<u64>,
}

impl Waiting {
    fn size(&self) -> usize {
        self.token.reveal().len()
    }
}

/// What was found out about a token's signature.
pub(super) struct Known {
    pub(super) verdict: Verdict,
    pub(super) by_header: Option<bool>,
    confusion: Option<(&'static str, Box<str>)>,
    pub(super) revealed: Revealed,
    /// The key that a guessable nonce gives away is a known one, or the one of other tokens.
    pub(super) guess_proved: bool,
}

impl Known {
    /// Where the key that made it was published with its private part.
    pub(super) fn example(&self) -> Option<&'static str> {
        self.revealed.example.or_else(|| example(self.verdict.key.as_deref()?))
    }

    /// Whether somebody else than the issuer made it: that is invalid, or has a public key for a secret.
    pub(super) fn forged(&self) -> bool {
        self.verdict.signature == Signature::Invalid || self.confusion.is_some()
    }

    /// The form of a public key that is its secret, and the name of that key.
    pub(super) fn confusion(&self) -> Option<(&'static str, &str)> {
        self.confusion.as_ref().map(|(form, key)| (*form, &**key))
    }
}

/// How far a token is.
pub(super) enum State<'a> {
    /// Its key may still come.
    Waiting,
    /// All is known.
    Known(&'a Known),
    /// Nothing will be found out.
    Unknown,
}

impl Memory for Signatures {
    fn new(given: &Given) -> Self {
        let waiting = Weighed::new(SIGNATURES, SIGNATURE_BYTES, Waiting::size);
        Self {
            waiting,
            known: Recent::new(SIGNATURES),
            trials: CONFUSION_TRIALS,
            guesses: Guesses::default(),
            hands: given.hands.clone(),
        }
    }

    fn wants() -> Wants {
        Wants { tokens: true, keys: true, inside: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let Some(sighting) = case.sighting else { return };
        let token = &sighting.token;
        let known = self.known.touch(&token.id()).is_some();
        // Said to be new again is what was forgotten, and what is inside of two encrypted tokens.
        if !case.new || known || keys::without_key(token).is_some() || self.waiting.contains(&token.id()) {
            return;
        }
        self.wait(token.id(), Waiting { token: Arc::clone(token), tried: None }, tally);
    }

    fn settle(&mut self, others: &Memories, tally: &mut Tally) {
        if let Some(keys) = others.get::<Keys>() {
            self.verify(keys, false, tally);
        }
    }

    fn close(&mut self, others: &Memories, tally: &mut Tally) {
        if let Some(keys) = others.get::<Keys>() {
            self.verify(keys, true, tally);
        }
    }
}

impl Signatures {
    /// How far a token is.
    pub(super) fn state(&self, token: &Token) -> State<'_> {
        match self.known.get(&token.id()) {
            Some(known) => State::Known(known),
            None if self.waiting.contains(&token.id()) => State::Waiting,
            None => State::Unknown,
        }
    }

    /// Verifies what waits, as far as keys were learned since; `last`: no more will come.
    fn verify(&mut self, keys: &Keys, last: bool, tally: &mut Tally) {
        let all = self.waiting.take();
        let is_untried = |waiting: &Waiting| last || waiting.tried != Some(keys.generation);
        let untried: Vec<&Token> = all
            .iter()
            .filter(|(_, waiting)| is_untried(waiting))
            .map(|(_, waiting)| &*waiting.token)
            .collect();
        let mut verdicts = self.hands.map(&untried, |token| keys.store.verify(token)).into_iter();
        let mut confused = confusion::find(keys, &untried, &mut self.trials, tally);
        let mut ready = Vec::new();
        for (id, waiting) in all {
            let Some(verdict) = is_untried(&waiting).then(|| verdicts.next()).flatten() else {
                self.wait(id, waiting, tally);
                continue;
            };
            let confusion = confused.remove(&id);
            let told = verdict.signature != Signature::Unverified && verdict.certain || confusion.is_some();
            if !last && !told {
                self.wait(id, Waiting { tried: Some(keys.generation), ..waiting }, tally);
                continue;
            }
            ready.push((id, waiting.token, verdict, confusion));
        }
        let looked_at = ready.iter().filter(|(_, token, ..)| !token.is_hmac());
        let looked_at =
            looked_at.map(|(_, token, verdict, _)| (&**token, verdict.signature)).collect::<Vec<_>>();
        let mut revealed = recovered::reveal(&looked_at, &mut self.guesses, &self.hands, tally);
        let by_header = self.hands.map(&ready, |(_, token, ..)| keys::verify_by_header(token));
        for ((id, _, mut verdict, confusion), by_header) in ready.into_iter().zip(by_header) {
            let revealed = revealed.remove(&id).unwrap_or_default();
            if let Some(certain) = revealed.stranger {
                verdict = Verdict { certain, ..Signature::Invalid.into() };
            }
            let known = |key: &PublicKey| keys.public().any(|(known, _)| known == key);
            let guess_proved = revealed
                .guessed
                .as_ref()
                .is_some_and(|key| revealed.key.as_deref() == Some(key) || known(key));
            let known = Known { verdict, by_header, confusion, revealed, guess_proved };
            let forgotten = self.known.insert(id, known).is_some();
            tally.weirds("signatures_forgotten", forgotten.into());
        }
    }

    fn wait(&mut self, id: u128, waiting: Waiting, tally: &mut Tally) {
        tally.weirds("signatures_unverified", self.waiting.insert(id, waiting));
    }
}
