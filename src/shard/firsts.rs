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
pub(super) struct Firsts {
    told: Vec<u64>,
    /// Requests that came lately, likewise, with the hashes of their routes: to make a template takes longest.
    routes: Vec<(u64, u64)>,
}

/// Requests whose routes are remembered.
const ROUTES: usize = 64;

/// Instead of the hash of a route: its answers say nothing.
const NO_ROUTE: u64 = 0;

impl Firsts {
    /// Sets the marks of an exchange that is the first of its kind.
    pub(super) fn look(&mut self, open: &Open, marks: &mut Marks) {
        let [Some(request), Some(response)] = &open.messages else { return };
        let encrypted = open.transport.channel.encrypted();
        if encrypted && marks.has(marks::HSTS) && self.is_new(used(&host(&request.head))) {
            marks.set(marks::HSTS_HOST);
        }
        let credentials = marks::REQUEST_TOKEN | marks::BASIC | marks::OPAQUE_BEARER | marks::API_KEY;
        if !(200..300).contains(&response.head.status) || marks.0 & credentials != 0 {
            return;
        }
        let head = &request.head;
        let route = head.route(|| {
            let open = !matches!(head.method(), b"" | b"HEAD" | b"OPTIONS" | b"CONNECT")
                && head.field("cookie").is_none()
                && head.field("authorization").is_none();
            if !open {
                return NO_ROUTE;
            }
            let mut hasher = host(head);
            hasher.write(head.method());
            self.route(hasher, Target::parse(head.target()).path.bytes)
        });
        if route != NO_ROUTE && self.is_new(route) {
            marks.set(marks::OPEN_ROUTE);
        }
    }

    /// The hash of the route of a request, of whose host and method `hasher` knows.
    fn route(&mut self, mut hasher: impl Hasher + Clone, path: &[u8]) -> u64 {
        let mut exact = hasher.clone();
        exact.write(path);
        let request = used(&exact);
        if self.routes.is_empty() {
            self.routes.resize(ROUTES, (0, NO_ROUTE));
        }
        let slot = &mut self.routes[(request >> 1) as usize % ROUTES];
        if slot.0 != request {
            let route = if answers_for_itself(path) {
                NO_ROUTE
            } else {
                hash_template(path, &mut hasher);
                used(&hasher)
            };
            *slot = (request, route);
        }
        slot.1
    }

    fn is_new(&mut self, hash: u64) -> bool {
        if self.told.is_empty() {
            self.told.resize(FIRSTS, 0);
        }
        let at = (hash >> 1) as usize % FIRSTS;
        self.told.get_mut(at).is_some_and(|slot| std::mem::replace(slot, hash) != hash)
    }
}

/// The hash, which is never that of an empty slot.
fn used(hasher: &impl Hasher) -> u64 {
    hasher.finish() | 1
}

fn host(head: &crate::message::StoredHead) -> impl Hasher + Clone + use<> {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(head.field(":authority").or_else(|| head.field("host")).unwrap_or_default());
    hasher
}
