//! The exchanges of a flow that are open, by their ids.

use crate::limits;
use crate::message::{ExchangeId, Head, Position, StoredHead, Transport};
use crate::token::Sighting;
use smallvec::SmallVec;

use super::body::Body;
use crate::message::End;

/// What one partition holds of messages in progress, in bytes, held to its share of the bounds.
#[derive(Default)]
pub(super) struct Held {
    /// Bodies that are kept for context.
    pub(super) context: usize,
    /// Heads of open exchanges.
    pub(super) heads: usize,
    /// Content decoders at work.
    pub(super) decoders: usize,
}

impl Held {
    /// Copies a head: without its fields if those would be over the bound, which the result says.
    pub(super) fn store(&mut self, head: &Head<'_>, to: &mut StoredHead) -> bool {
        to.store(head);
        let fits = self.heads + to.size() <= limits::OPEN_HEADS / limits::PARTITIONS;
        if !fits {
            to.store(&Head { fields: &[], raw: b"", ..*head });
        }
        self.heads += to.size();
        fits
    }

    /// A head is no longer held.
    pub(super) fn release(&mut self, head: &StoredHead) {
        self.heads = self.heads.saturating_sub(head.size());
    }
}

/// An open exchange.
pub(super) struct Open {
    pub(super) id: ExchangeId,
    pub(super) transport: Transport,
    pub(super) messages: [Option<Box<OpenMessage>>; 2],
    pub(super) ended: [bool; 2],
    pub(super) sightings: Vec<Sighting>,
}

pub(super) struct OpenMessage {
    pub(super) head: StoredHead,
    pub(super) position: Position,
    pub(super) body: Option<Body>,
    pub(super) end: End,
}

impl Default for OpenMessage {
    fn default() -> Self {
        Self { head: StoredHead::default(), position: Position::default(), body: None, end: End::Cut }
    }
}

/// Open exchanges in order of their ids. Those that close leave their place empty until half of the places are, so that
/// a thousand streams that close in any order cost no more than in the best one.
#[derive(Default)]
pub(super) struct OpenExchanges {
    list: SmallVec<[(ExchangeId, Option<Open>); 1]>,
    empty: usize,
}

impl OpenExchanges {
    pub(super) fn get(&mut self, id: ExchangeId) -> Option<&mut Open> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.list.get_mut(at)?.1.as_mut()
    }

    /// The exchange of that id, which is opened if it is not.
    pub(super) fn open(&mut self, id: ExchangeId, transport: &Transport) -> &mut Open {
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
        place.get_or_insert_with(|| Open {
            id,
            transport: *transport,
            messages: [None, None],
            ended: [false; 2],
            sightings: Vec::new(),
        })
    }

    pub(super) fn take(&mut self, id: ExchangeId) -> Option<Open> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let open = self.list.get_mut(at)?.1.take()?;
        self.empty += 1;
        if self.empty == self.list.len() {
            // An idle flow holds nothing between its exchanges.
            self.list.clear();
            self.list.shrink_to_fit();
            self.empty = 0;
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
            let mut open = OpenExchanges::default();
            for id in 0..1000 {
                open.open(ExchangeId(id), &TRANSPORT);
            }
            for n in 0..1000 {
                let id = ExchangeId(n * step % 1000);
                assert_eq!(open.get(id).map(|o| o.id), Some(id));
                assert_eq!(open.take(id).map(|o| o.id), Some(id));
                assert!(open.get(id).is_none() && open.take(id).is_none());
                assert!(open.list.len() <= 2 * (999 - n as usize), "places are given back");
            }
            assert_eq!(open.first(), None);
        }
    }
}
