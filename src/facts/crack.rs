//! What the dictionary attack found: late facts.

use super::memory::{Given, Memories, Memory, Wants};
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::crack::{Attack, Outcome};
use crate::tally::Tally;
use crate::token::Secret;

pub(super) const FAMILY: Family = Family {
    name: "crack",
    doc: "What the dictionary attack on HMAC signatures found; known only at the end of input.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: true,
    rest: Some(|c| !is_hmac(c)),
    undecided: Some(|c| is_hmac(c) && is_open(c)),
    source: Source::memory::<Dictionary>(),
    fields: &[
        Field {
            name: "crack.found",
            ty: Type::Bool,
            doc: "Whether a candidate secret verifies the token's HMAC signature.",
            get: |c| if is_hmac(c) { found(c, |s| Value::Bool(s.is_some())) } else { Value::Bool(false) },
        },
        Field {
            name: "crack.empty",
            ty: Type::Bool,
            doc: "Whether that secret is empty, or nothing but NUL bytes.",
            get: |c| {
                if is_hmac(c) {
                    found(c, |s| Value::Bool(s.is_some_and(|s| s.reveal().iter().all(|b| *b == 0))))
                } else {
                    Value::Bool(false)
                }
            },
        },
        Field {
            name: "crack.secret",
            ty: Type::Str,
            doc: "The secret, masked unless --show-secrets is given.",
            get: |c| {
                if is_hmac(c) {
                    found(c, |s| Value::or_missing(s.map(|s| s.to_string())))
                } else {
                    Value::Missing
                }
            },
        },
    ],
};

/// The attack, and what came of it.
pub struct Dictionary {
    attack: Attack,
    outcome: Option<Outcome>,
    /// Somebody else runs the attack.
    lent: bool,
}

impl Dictionary {
    /// What came of it, at the end of input.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The attack, for whoever runs it before its memory is closed: closing it then runs it no further.
    pub fn attack_mut(&mut self) -> &mut Attack {
        self.lent = true;
        &mut self.attack
    }

    /// The weak secret of the token of a case, if it is known already.
    pub fn secret<'a>(case: &Case<'a>) -> Option<&'a Secret> {
        let found = case.memory::<Self>()?.attack.found(case.sighting?.token.sha256())?;
        found.is_weak().then_some(&found.secret)
    }
}

impl Memory for Dictionary {
    fn new(given: &Given) -> Self {
        let (secrets, lists) = (given.keys.secrets().to_vec(), given.wordlists.clone());
        Self { attack: Attack::new(given.crack_budget, secrets, lists), outcome: None, lent: false }
    }

    fn wants() -> Wants {
        Wants { tokens: true, inside: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        if let Some(sighting) = case.sighting
            && case.new
            && sighting.token.is_hmac()
        {
            let host = case.exchange.and_then(|exchange| exchange.host());
            self.attack.add(&sighting.token, host);
        }
    }

    fn close(&mut self, _: &Memories, tally: &mut Tally) {
        let outcome = if self.lent { self.attack.outcome() } else { self.attack.run() };
        tally.weirds("crack_refused", outcome.refused);
        self.outcome = Some(outcome);
    }
}

fn is_hmac(case: &Case<'_>) -> bool {
    case.sighting.is_some_and(|s| s.token.is_hmac())
}

/// Whether the attack goes on and has not found the secret.
fn is_open(case: &Case<'_>) -> bool {
    case.memory::<Dictionary>().is_some_and(|dictionary| dictionary.outcome.is_none())
        && Dictionary::secret(case).is_none()
}

fn found<'a>(case: &Case<'a>, f: impl FnOnce(Option<&'a Secret>) -> Value<'a>) -> Value<'a> {
    if is_open(case) { Value::Pending } else { f(Dictionary::secret(case)) }
}
