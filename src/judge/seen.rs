//! The distinct tokens of a run, each with the rules that it rules out by itself.

use super::spot::short;
use crate::facts::value::{FieldId, Lookup, Value};
use crate::facts::{Facts, Subject};
use crate::limits;
use crate::rules::{RuleBits, RuleSet, Sift};
use crate::token::{Kind, Part, Sighting, Token};
use foldhash::{HashMap, HashMapExt};

/// Most sightings are of a token that was seen before, and most rules look at the token first: what its facts rule
/// out once need not be asked again.
pub(super) struct Seen {
    /// Distinct tokens: the form that each had first, and its set of rules, by number.
    tokens: HashMap<u64, (Kind, u32)>,
    /// Those before them, where a run has no end: when the younger half is full, the older half is forgotten.
    older: HashMap<u64, (Kind, u32)>,
    /// Tokens of one half; none where all that there is room for are kept, and no more.
    half: Option<usize>,
    counted: u64,
    /// Sets of rules that cannot fire; the first is empty.
    sets: Vec<RuleBits>,
    numbers: HashMap<RuleBits, u32>,
    /// The rules that are asked what they say to a token: those that name something of what it says by itself, unless the
    /// answer was seldom no.
    asked: RuleBits,
    answers: Vec<Answers>,
}

/// What a rule was asked, and said, since it was last looked at.
#[derive(Clone, Copy, Default)]
struct Answers {
    asked: u32,
    refuted: u32,
}

/// Answers by which it is told whether to go on asking. To ask costs as much as two sightings that need not be judged save,
/// and most tokens come no more often.
const TRIAL: u32 = 256;

/// Rules that cannot fire for one token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RuledOut(u32);

impl Seen {
    /// No token seen.
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut asked = RuleBits::default();
        for (at, rule) in rules.rules().iter().enumerate() {
            if rule.when.fields().iter().copied().any(Facts::is_steady) {
                asked.insert(at);
            }
        }
        Self {
            asked,
            answers: vec![Answers::default(); rules.rules().len()],
            tokens: HashMap::new(),
            older: HashMap::new(),
            half: None,
            counted: 0,
            sets: vec![RuleBits::default()],
            numbers: HashMap::new(),
        }
    }

    /// Distinct tokens.
    pub(super) fn len(&self) -> u64 {
        self.counted
    }

    /// From now on the oldest are forgotten beyond `most`. One that comes again counts again.
    pub(super) fn forget_beyond(&mut self, most: usize) {
        self.half = Some((most / 2).max(1));
    }

    /// Whether the token is among them.
    pub(super) fn contains(&self, token: &Token) -> bool {
        let token = short(token);
        self.tokens.contains_key(&token) || self.older.contains_key(&token)
    }

    /// Counts the token of a sighting; `None` if it is new and there is no more room.
    pub(super) fn add(
        &mut self,
        sighting: &Sighting,
        facts: &dyn Lookup,
        rules: &RuleSet,
    ) -> Option<RuledOut> {
        let token = short(&sighting.token);
        let kind = sighting.token.kind();
        // The same signed text in another form has other facts; in JSON, each time other unprotected members; of an SD-JWT,
        // other disclosures; with white space in it, a defect; and once a key opens it, claims.
        let varies = matches!(kind, Kind::JwsJson | Kind::JweJson | Kind::SdJwt)
            || sighting.token.is_opened()
            || sighting.token.defects().iter().any(|d| d.part == Part::Whole);
        let known = self.tokens.get(&token).or_else(|| self.older.get(&token)).copied();
        if let Some((first, number)) = known {
            if self.half.is_some() && !self.tokens.contains_key(&token) {
                self.insert(token, (first, number));
            }
            let same = first == kind && !varies;
            return Some(if same { RuledOut(number) } else { RuledOut::default() });
        }
        if self.half.is_none() && self.tokens.len() >= limits::COUNTED_TOKENS {
            return None;
        }
        let refuted = self.refuted(facts, rules);
        let number = self.number(refuted);
        self.counted += 1;
        // Of what varies, the next sighting learns nothing.
        self.insert(token, (kind, if varies { RuledOut::default().0 } else { number }));
        Some(RuledOut(number))
    }

    /// The rules that what a token says at every sighting rules out.
    fn refuted(&mut self, facts: &dyn Lookup, rules: &RuleSet) -> RuleBits {
        let mut set = RuleBits::default();
        rules.about(Subject::Sighting, &mut set);
        let mut left = set.clone();
        rules.sift(Subject::Sighting, facts, Sift::Steady, &mut left);
        set.remove(&left);
        left.keep(&self.asked);
        let facts = Steady(facts);
        for rule in left.iter() {
            let refuted = !rules.rules()[rule].when.may_hold_steady(&facts);
            if refuted {
                set.insert(rule);
            }
            self.answered(rule, refuted);
        }
        set
    }

    /// Whether every token was asked about a rule, so that its steady facts need not be looked at again where it was not ruled
    /// out.
    pub(super) fn asks(&self, rule: usize) -> bool {
        self.asked.has(rule)
    }

    fn answered(&mut self, rule: usize, refuted: bool) {
        let Some(answers) = self.answers.get_mut(rule) else { return };
        answers.asked += 1;
        answers.refuted += u32::from(refuted);
        if answers.asked == TRIAL {
            if answers.refuted < TRIAL / 2 {
                self.asked.take(rule);
            }
            *answers = Answers::default();
        }
    }

    fn insert(&mut self, token: u64, entry: (Kind, u32)) {
        if self.half.is_some_and(|half| self.tokens.len() >= half) {
            self.older = std::mem::take(&mut self.tokens);
        }
        self.tokens.insert(token, entry);
    }

    /// Takes the rules out that cannot fire.
    pub(super) fn rule_out(&self, out: RuledOut, rules: &mut RuleBits) {
        if let Some(set) = self.sets.get(out.0 as usize) {
            rules.remove(set);
        }
    }

    /// As if all that can be counted had been seen.
    #[cfg(test)]
    pub(super) fn fill(&mut self) {
        self.tokens.extend((0..limits::COUNTED_TOKENS as u64).map(|token| (token, (Kind::Jws, 0))));
    }

    /// The number of a set. Beyond the bound nothing is ruled out, which costs time only.
    fn number(&mut self, set: RuleBits) -> u32 {
        if let Some(&number) = self.numbers.get(&set) {
            return number;
        }
        if self.sets.len() >= limits::RULE_SETS {
            return 0;
        }
        let number = self.sets.len() as u32;
        self.sets.push(set.clone());
        self.numbers.insert(set, number);
        number
    }
}

/// What a token says at every sighting; the other facts may be anything, which is what pending means for a condition.
struct Steady<'a>(&'a dyn Lookup);

impl Lookup for Steady<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        if Facts::is_steady(field) { self.0.value(field) } else { Value::Pending }
    }

    fn peek(&self, field: FieldId) -> Option<&Value<'_>> {
        if Facts::is_steady(field) { self.0.peek(field) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_tokens_seldom_refute_is_asked_no_more() {
        let rules = RuleSet::builtin_without_examples(&Facts).unwrap();
        let mut seen = Seen::new(&rules);
        let [one, other] = seen.asked.iter().take(2).collect::<Vec<_>>()[..] else {
            panic!("there are some")
        };
        for n in 0..2 * TRIAL {
            seen.answered(one, n % 2 == 0);
            seen.answered(other, n % 3 == 0);
        }
        assert!(seen.asked.has(one) && !seen.asked.has(other));
    }
}
