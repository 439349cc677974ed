//! The facts of one case, each worked out once: many rules look at the same ones.

use super::Case;
use super::value::{FieldId, Lookup, Value};
use std::cell::OnceCell;

/// A case that remembers what was asked of it. The case does not change meanwhile.
pub struct Memo<'a> {
    case: &'a Case<'a>,
    known: Box<[OnceCell<Value<'a>>]>,
}

impl<'a> Memo<'a> {
    /// Nothing asked yet.
    pub fn of(case: &'a Case<'a>) -> Self {
        Self { case, known: std::iter::repeat_with(OnceCell::new).take(super::GETTERS.len()).collect() }
    }
}

impl Lookup for Memo<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        let known = self.known.get(usize::from(field.0));
        known.map_or(Value::Missing, |slot| slot.get_or_init(|| self.case.value(field)).reborrow())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Facts;
    use super::*;
    use crate::facts::Policy;

    #[test]
    fn a_memo_says_what_its_case_says_however_often_it_is_asked() {
        let policy = Policy::default();
        let case = Case { policy: &policy, new: true, ..Case::default() };
        let memo = Memo::of(&case);
        for id in (0..).map(FieldId).take_while(|id| Facts::get(*id).is_some()) {
            for _ in 0..2 {
                assert_eq!(format!("{:?}", memo.value(id)), format!("{:?}", case.value(id).reborrow()));
            }
        }
        assert!(matches!(memo.value(FieldId(u16::MAX)), Value::Missing));
    }
}
