//! The facts of one case, each worked out once: many rules look at the same ones.

use super::Case;
use super::value::{FieldId, Lookup, Value};
use std::cell::{Cell, OnceCell};

/// Facts that are remembered of one case. Few sightings are asked for more; what is beyond is worked out each time.
const SLOTS: usize = 64;

/// A case that remembers what was asked of it. The case does not change meanwhile.
pub struct Memo<'a> {
    case: &'a Case<'a>,
    /// For each fact, one more than the number of its slot; 0 if it was not asked for.
    slot_of: [Cell<u8>; super::COUNT],
    slots: [OnceCell<Value<'a>>; SLOTS],
    used: Cell<u8>,
}

impl<'a> Memo<'a> {
    /// Nothing asked yet.
    pub fn of(case: &'a Case<'a>) -> Self {
        Self {
            case,
            slot_of: [const { Cell::new(0) }; super::COUNT],
            slots: [const { OnceCell::new() }; SLOTS],
            used: Cell::new(0),
        }
    }
}

impl<'a> Memo<'a> {
    /// The slot of a fact, which is looked up if it was not; none where there is none left.
    #[inline]
    fn slot(&self, field: FieldId) -> Option<&Value<'a>> {
        let number = self.slot_of.get(usize::from(field.0))?;
        if number.get() == 0 {
            if usize::from(self.used.get()) == SLOTS {
                return None;
            }
            self.used.update(|used| used + 1);
            number.set(self.used.get());
        }
        let slot = self.slots.get(usize::from(number.get()) - 1)?;
        Some(slot.get_or_init(|| self.case.value(field)))
    }
}

impl Lookup for Memo<'_> {
    /// To remember it would take longer than to work it out again.
    fn glance(&self, field: FieldId) -> Value<'_> {
        self.case.value(field)
    }

    fn peek(&self, field: FieldId) -> Option<&Value<'_>> {
        self.slot(field).filter(|value| !matches!(value, Value::Json(_)))
    }

    fn value(&self, field: FieldId) -> Value<'_> {
        self.slot(field).map_or_else(|| self.case.value(field), Value::reborrow)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Facts;
    use super::*;
    use crate::message::{Channel, Location, Place, Transport};
    use crate::token::{Sighting, Token};
    use std::sync::Arc;

    #[test]
    fn a_memo_says_what_its_case_says_and_works_it_out_once() {
        // {"alg":"none","typ":"JWT"} and {"iss":"a","aud":["b"]}
        let token =
            Token::parse(b"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJhIiwiYXVkIjpbImIiXX0.").unwrap();
        let (client, server) = (None, None);
        let sighting = Sighting {
            token: Arc::new(token),
            spans: Default::default(),
            position: Default::default(),
            direction: None,
            place: Place::named(Location::Header, "authorization"),
            wrapping: Default::default(),
            transport: Transport { flow: 1, client, server, channel: Channel::Cleartext, protocol: "http1" },
        };
        let case = Case { sighting: Some(&sighting), new: true, ..Case::default() };
        let memo = Memo::of(&case);
        let (mut present, mut asked) = (0, 0);
        let shown = |value: Value<'_>| format!("{:?}", value.reborrow());
        for id in (0..).map(FieldId).take_while(|id| Facts::get(*id).is_some()) {
            let first = shown(memo.value(id));
            assert_eq!(first, shown(case.value(id)));
            asked += 1;
            assert_eq!(memo.slots.iter().filter(|slot| slot.get().is_some()).count(), asked.min(SLOTS));
            assert_eq!(first, shown(memo.value(id)));
            present += usize::from(!matches!(memo.value(id), Value::Missing));
        }
        assert!(present > 50, "{present}");
        assert!(matches!(memo.value(FieldId(u16::MAX)), Value::Missing));
    }
}
