//! What is worth telling once: that a route answers without credentials, that a host sends HSTS. Told each time, it
//! would be every exchange of most traffic.

use super::open::Open;
use crate::facts::marks;
use crate::limits::FIRSTS;
use crate::message::{Marks, Target, answers_for_itself, hash_template};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};

/// The latest routes and hosts of one partition, by their hashes: each has one slot, and one that comes to a slot of
/// another is told again. The hash is the same in every run, so that the output is.
#[derive(Default)]
pub(super) struct Firsts(Vec<u64>);

impl Firsts {
    /// Sets the marks of an exchange that is the first of its kind.
    pub(super) fn look(&mut self, open: &Open, marks: &mut Marks) {
        let [Some(request), Some(response)] = &open.messages else { return };
        let encrypted = open.transport.channel.encrypted();
        if encrypted && marks.has(marks::HSTS) && self.is_new(host(&request.head)) {
            marks.set(marks::HSTS_HOST);
        }
        let credentials = marks::REQUEST_TOKEN | marks::BASIC | marks::OPAQUE_BEARER | marks::API_KEY;
        if !(200..300).contains(&response.head.status)
            || marks.0 & credentials != 0
            || matches!(request.head.method(), b"HEAD" | b"OPTIONS" | b"CONNECT")
            || request.head.method().is_empty()
        {
            return;
        }
        let path = Target::parse(request.head.target()).path.bytes;
        let named =
            |name: &[u8]| name.eq_ignore_ascii_case(b"cookie") || name.eq_ignore_ascii_case(b"authorization");
        if answers_for_itself(path) || request.head.fields().any(|(name, _)| named(name)) {
            return;
        }
        let mut hasher = host(&request.head);
        hasher.write(request.head.method());
        hash_template(path, &mut hasher);
        if self.is_new(hasher) {
            marks.set(marks::OPEN_ROUTE);
        }
    }

    fn is_new(&mut self, hasher: impl Hasher) -> bool {
        // Zero is an empty slot.
        let hash = hasher.finish() | 1;
        if self.0.is_empty() {
            self.0.resize(FIRSTS, 0);
        }
        let at = (hash >> 1) as usize % FIRSTS;
        self.0.get_mut(at).is_some_and(|slot| std::mem::replace(slot, hash) != hash)
    }
}

fn host(head: &crate::message::StoredHead) -> impl Hasher + use<> {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(head.field(":authority").or_else(|| head.field("host")).unwrap_or_default());
    hasher
}
