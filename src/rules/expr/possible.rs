//! Whether a condition may still hold when some facts may be anything: what cannot is not judged.

use super::Program;
use super::eval::{Evaluation, Truth};
use super::op::Op;
use crate::facts::value::Lookup;

impl Program {
    /// Whether it may hold, where what `lookup` has pending may be anything.
    pub fn may_hold(&self, lookup: &dyn Lookup) -> bool {
        all_may(&self.parts, lookup)
    }

    /// The same by steady facts alone, where `lookup` has the others pending. What names none of them is not asked.
    pub fn may_hold_steady(&self, lookup: &dyn Lookup) -> bool {
        let (open, steady) = self.parts.split_at(self.open);
        let mixed = open.iter().zip(&self.mixed).filter(|(_, mixed)| **mixed).map(|(part, _)| part);
        all_may(steady.iter().chain(mixed), lookup)
    }
}

fn all_may<'p>(parts: impl IntoIterator<Item = &'p Op>, lookup: &dyn Lookup) -> bool {
    let evaluation = Evaluation::new(lookup);
    parts.into_iter().all(|part| may_be(part, true, &evaluation))
}

/// Whether a part may hold, or (not `wanted`) may fail to. What is unknown stays so: it does neither.
fn may_be(op: &Op, wanted: bool, evaluation: &Evaluation<'_>) -> bool {
    let each = |parts: &[Op], all: bool| match all {
        true => parts.iter().all(|part| may_be(part, wanted, evaluation)),
        false => parts.iter().any(|part| may_be(part, wanted, evaluation)),
    };
    match op {
        Op::All(parts) => each(parts, wanted),
        Op::Any(parts) => each(parts, !wanted),
        Op::Not(inner) => may_be(inner, !wanted, evaluation),
        other => match evaluation.condition(other) {
            Truth::Pending => true,
            Truth::Unknown => false,
            known => (known == Truth::Yes) == wanted,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::sample::{Facts, SCHEMA};
    use super::*;

    #[test]
    fn what_waits_may_be_anything_and_what_is_unknown_is_nothing() {
        for (text, expected) in [
            ("late.cracked", true),
            ("!late.cracked", true),
            ("missing.text == 'a'", false),
            ("!(missing.text == 'a')", false),
            // It can never be more than unknown, though it waits.
            ("missing.text == 'a' || missing.text == 'b' && late.cracked", false),
            ("missing.text == 'a' || late.cracked", true),
            ("!(missing.text == 'a' && late.cracked)", true),
            ("!(missing.text == 'a' || late.cracked)", false),
            ("size(replay.clients) > 1 && late.cracked", true),
            ("size(replay.clients) > 1 || late.cracked", true),
            ("size(replay.clients) > 5 && late.cracked", false),
            ("!(size(replay.clients) > 1) || late.cracked && missing.text == 'a'", false),
        ] {
            let program = Program::compile(text, &SCHEMA).unwrap();
            assert_eq!(program.may_hold(&Facts::default()), expected, "{text}");
            // What cannot hold does not, however the wait ends; what may holds at one end at least.
            let ends = [true, false].map(|cracked| {
                program.eval(&Facts { cracked: Some(cracked), ..Facts::default() }) == Verdict::Yes
            });
            assert_eq!(ends.contains(&true), expected, "{text}");
        }
    }
}
