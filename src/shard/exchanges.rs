//! The open exchanges of a flow, by their ids, in memory that is used again.

use super::open::{Kind, Open};
use crate::message::{ExchangeId, Transport};

/// Places of exchanges, by id.
type Places = Vec<(ExchangeId, Option<Box<Open>>)>;

/// Memory of exchanges that closed, kept for the next ones.
#[derive(Default)]
pub(super) struct SpareExchanges {
    /// Lists without a place in use.
    lists: Vec<Places>,
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is reused")]
    open: Vec<Box<Open>>,
}

/// How many are kept, and how many places a list of them may have.
const SPARE: usize = 64;
const SPARE_PLACES: usize = 8;

impl SpareExchanges {
    /// An exchange that closed is done with.
    pub(super) fn give_back(&mut self, mut open: Box<Open>) {
        if self.open.len() < SPARE {
            open.early = None;
            self.open.push(open);
        }
    }
}

/// Open exchanges in order of their ids. Those that close leave their place empty until half of the places are, so that
/// a thousand streams that close in any order cost no more than in the best one. An idle flow has no list: it takes one
/// of the `spare` ones of its shard, and gives it back.
#[derive(Default)]
pub(super) struct OpenExchanges {
    list: Places,
    empty: usize,
}

impl OpenExchanges {
    pub(super) fn get(&mut self, id: ExchangeId) -> Option<&mut Open> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.list.get_mut(at)?.1.as_deref_mut()
    }

    /// The exchange of that id, which is opened if it is not.
    pub(super) fn open(
        &mut self,
        id: ExchangeId,
        transport: &Transport,
        spare: &mut SpareExchanges,
    ) -> &mut Open {
        if self.list.capacity() == 0 {
            self.list = spare.lists.pop().unwrap_or_default();
        }
        let at = match self.list.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => at,
            Err(at) => {
                self.empty += 1;
                self.list.insert(at, (id, None));
                at
            }
        };
        let place = &mut self.list[at].1;
        self.empty -= usize::from(place.is_none());
        place.get_or_insert_with(|| {
            let open = Open {
                kind: Kind::Exchange,
                id,
                transport: *transport,
                messages: [None, None],
                ended: [false; 2],
                sightings: Vec::new(),
                early: None,
                reported: 0,
            };
            match spare.open.pop() {
                Some(mut place) => {
                    *place = open;
                    place
                }
                None => Box::new(open),
            }
        })
    }

    #[inline]
    pub(super) fn take(&mut self, id: ExchangeId, spare: &mut SpareExchanges) -> Option<Box<Open>> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let open = self.list.get_mut(at)?.1.take()?;
        self.empty += 1;
        if self.empty == self.list.len() {
            let mut list = std::mem::take(&mut self.list);
            self.empty = 0;
            if list.capacity() <= SPARE_PLACES && spare.lists.len() < SPARE {
                list.clear();
                spare.lists.push(list);
            }
        } else if self.empty * 2 > self.list.len() {
            self.list.retain(|(_, open)| open.is_some());
            self.empty = 0;
        }
        Some(open)
    }

    /// The id of the first one, if any is open.
    pub(super) fn first(&self) -> Option<ExchangeId> {
        self.list.iter().find(|(_, open)| open.is_some()).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Channel;

    const TRANSPORT: Transport =
        Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };

    #[test]
    fn exchanges_close_in_any_order() {
        for step in [1, 3, 7, 999] {
            let (mut open, spare) = (OpenExchanges::default(), &mut SpareExchanges::default());
            for id in 0..1000 {
                open.open(ExchangeId(id), &TRANSPORT, spare);
            }
            for n in 0..1000 {
                let id = ExchangeId(n * step % 1000);
                assert_eq!(open.get(id).map(|o| o.id), Some(id));
                assert_eq!(open.take(id, spare).map(|o| o.id), Some(id));
                assert!(open.get(id).is_none() && open.take(id, spare).is_none());
                assert!(open.list.len() <= 2 * (999 - n as usize), "places are given back");
            }
            assert_eq!((open.first(), open.list.capacity()), (None, 0));
        }
    }
}
