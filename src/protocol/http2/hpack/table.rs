//! The tables of HPACK (RFC 7541 section 2.3): the static one, and the dynamic one as far as it is known.

use crate::limits;
use crate::protocol::fields::Store;

/// What an index stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    /// Name and value.
    Known(&'a [u8], &'a [u8]),
    /// An entry that was made before the capture began, in a hole, or outside of the bound.
    Lost,
    /// No entry (RFC 7541 section 2.3.3).
    No,
}

/// The dynamic table of one direction.
#[derive(Debug)]
pub(super) struct Table {
    entries: Store,
    /// What the encoder said last (section 6.3).
    limit: usize,
    /// There were, or are, entries that are not known.
    partial: bool,
}

/// Size of the table before anything is said (RFC 9113 section 6.5.2).
const INITIAL: usize = 4096;

impl Default for Table {
    fn default() -> Self {
        Self { entries: Store::default(), limit: INITIAL, partial: false }
    }
}

impl Table {
    /// What stands at an index of the address space of both tables (RFC 7541 section 2.3.3).
    pub(super) fn get(&self, index: usize) -> Lookup<'_> {
        if let Some((name, value)) = index.checked_sub(1).and_then(|i| STATIC.get(i)) {
            return Lookup::Known(name.as_bytes(), value.as_bytes());
        }
        let Some(age) = index.checked_sub(STATIC.len() + 1) else { return Lookup::No };
        match self.entries.newest(age) {
            Some(Some((name, value))) => Lookup::Known(name, value),
            Some(None) => Lookup::Lost,
            None if self.partial => Lookup::Lost,
            None => Lookup::No,
        }
    }

    /// A new entry; one that the table has no room for empties it (RFC 7541 section 4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + Store::OVERHEAD;
        if size > self.limit {
            self.entries.clear();
        } else if size > limits::HPACK_TABLE {
            // It has a place, but is not kept: the indices of the others stay right.
            self.insert_lost();
        } else {
            self.evict(size);
            self.entries.push(name, value);
        }
    }

    /// A new entry that is not known.
    pub(super) fn insert_lost(&mut self) {
        self.partial = true;
        self.evict(Store::OVERHEAD);
        if self.limit >= Store::OVERHEAD {
            self.entries.push_lost();
        }
    }

    /// The encoder changes the size (RFC 7541 section 6.3). False if that is over the bound.
    pub(super) fn resize(&mut self, limit: usize) -> bool {
        self.limit = limit;
        self.evict(0);
        let within = limit <= limits::HPACK_TABLE;
        self.partial |= !within;
        within
    }

    /// Entries were made, or the size was changed, where nobody looked. Keeping entries that the encoder has
    /// evicted harms nothing: it does not name them.
    pub(super) fn lose(&mut self) {
        self.entries.clear();
        self.partial = true;
        self.limit = limits::HPACK_TABLE;
    }

    fn evict(&mut self, room: usize) {
        self.entries.evict(room, self.limit.min(limits::HPACK_TABLE));
    }
}

/// The static table (RFC 7541 appendix A), from index 1.
#[rustfmt::skip]
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_go() {
        let mut table = Table::default();
        for n in 0..10_000 {
            table.insert(format!("name-{n:05}").as_bytes(), &[b'v'; 58]);
            assert_eq!(table.get(62), Lookup::Known(format!("name-{n:05}").as_bytes(), &[b'v'; 58]));
        }
        assert_eq!(table.get(61 + 40), Lookup::Known(b"name-09960", &[b'v'; 58]));
        assert_eq!(table.get(61 + 41), Lookup::No);
        table.insert(b"large", &[0; INITIAL]);
        assert_eq!(table.get(62), Lookup::No);
    }

    #[test]
    fn entries_over_the_bound_keep_their_place() {
        let mut table = Table::default();
        assert!(!table.resize(limits::HPACK_TABLE * 4));
        table.insert(b"a", b"1");
        table.insert(b"large", &vec![0; limits::HPACK_TABLE]);
        table.insert(b"b", b"2");
        assert_eq!(table.get(62), Lookup::Known(b"b", b"2"));
        assert_eq!(table.get(63), Lookup::Lost);
        assert_eq!(table.get(64), Lookup::Known(b"a", b"1"));
        assert_eq!(table.get(65), Lookup::Lost, "it may have been evicted by us alone");
    }
}
