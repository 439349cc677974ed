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
        let mut present = 0;
        for id in (0..).map(FieldId).take_while(|id| Facts::get(*id).is_some()) {
            let first = format!("{:?}", memo.value(id));
            assert_eq!(first, format!("{:?}", case.value(id).reborrow()));
            assert!(memo.known[usize::from(id.0)].get().is_some(), "it is kept");
            assert_eq!(first, format!("{:?}", memo.value(id)));
            present += usize::from(!matches!(memo.value(id), Value::Missing));
        }
        assert!(present > 50, "{present}");
        assert!(matches!(memo.value(FieldId(u16::MAX)), Value::Missing));
    }
}
