//! Coded bodies that come again and again: scripts, styles, answers that do not change. One that was read twice and said
//! nothing is known by its bytes from then on, and not read again.

use crate::limits::REPEATED_BODIES;
use foldhash::quality::RandomState;
use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use std::hash::BuildHasher as _;

/// Bytes of a coded body, and how it is read.
#[derive(Clone, Copy)]
pub(super) struct Coded<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) content_type: &'a [u8],
}

/// What is known of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    /// Nothing.
    No,
    /// It may have come before.
    Perhaps,
    /// It came before, and says nothing.
    Silent(Silence),
}

/// A body that says nothing: no token, no [mark](crate::facts::marks), no oddity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Silence {
    /// Its length, decoded.
    pub(super) len: u32,
    /// Bytes of it that would be kept.
    pub(super) kept: u32,
}

/// The bodies that a shard remembers: each has one place, which the next one that comes there takes.
#[derive(Default)]
pub(in crate::shard) struct Repeats {
    places: Vec<(u64, State)>,
    hasher: RandomState,
    /// With a key that nobody knows: so two bodies with one print cannot be made (RFC 8452 section 3, appendix A).
    prints: Option<Polyval>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Once,
    Silent([u8; 16], Silence),
    Telling,
}

impl Repeats {
    /// What is known of a body, which is known to have come from now on.
    pub(super) fn recall(&mut self, coded: Coded<'_>) -> Repeated {
        let (at, hash) = self.place(coded);
        if self.places.is_empty() {
            self.places.resize(REPEATED_BODIES, (0, State::Once));
        }
        if self.places[at].0 != hash {
            self.places[at] = (hash, State::Once);
            return Repeated::No;
        }
        let (_, state) = self.places[at];
        match state {
            State::Once => Repeated::Perhaps,
            State::Telling => Repeated::No,
            State::Silent(print, silence) if self.print(coded) == print => Repeated::Silent(silence),
            State::Silent(..) => Repeated::No,
        }
    }

    /// A body that may have come before was read.
    pub(super) fn learn(&mut self, coded: Coded<'_>, silence: Option<Silence>) {
        let (at, hash) = self.place(coded);
        let state = silence.map_or(State::Telling, |silence| State::Silent(self.print(coded), silence));
        if let Some(place) = self.places.get_mut(at) {
            *place = (hash, state);
        }
    }

    fn place(&self, coded: Coded<'_>) -> (usize, u64) {
        let hash = self.hasher.hash_one((coded.bytes, coded.content_type));
        (hash as usize % REPEATED_BODIES, hash)
    }

    fn print(&mut self, coded: Coded<'_>) -> [u8; 16] {
        let prints = self.prints.get_or_insert_with(|| {
            let random = std::hash::RandomState::new();
            let key = [0, 1].map(|half: u8| random.hash_one(half).to_le_bytes());
            Polyval::new(&<[u8; 16]>::try_from(key.as_flattened()).unwrap_or_default().into())
        });
        let mut print = prints.clone();
        let lens = [coded.bytes, coded.content_type].map(|part| (part.len() as u64).to_le_bytes());
        for part in [coded.bytes, coded.content_type, lens.as_flattened()] {
            print.update_padded(part);
        }
        print.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_body_is_known_the_third_time_and_by_all_its_bytes() {
        let mut repeats = Repeats::default();
        let coded = |bytes| Coded { bytes, content_type: b"text/css" };
        let silence = Silence { len: 7, kept: 6 };
        assert_eq!(repeats.recall(coded(b"one")), Repeated::No);
        assert_eq!(repeats.recall(coded(b"one")), Repeated::Perhaps);
        repeats.learn(coded(b"one"), Some(silence));
        assert_eq!(repeats.recall(coded(b"one")), Repeated::Silent(silence));
        assert_eq!(repeats.recall(coded(b"One")), Repeated::No);
        let html = Coded { content_type: b"text/html", ..coded(b"one") };
        assert_eq!(repeats.recall(html), Repeated::No);
        assert_eq!(repeats.recall(html), Repeated::Perhaps);
        repeats.learn(html, None);
        assert_eq!(repeats.recall(html), Repeated::No, "what tells something is read each time");
        assert_eq!(repeats.recall(coded(b"one")), Repeated::Silent(silence));
    }

    /// A hash of so few bits as the first one may be the same for two bodies; the print is not.
    #[test]
    fn another_body_in_the_place_of_a_silent_one_is_read() {
        let mut repeats = Repeats::default();
        let (one, other) = [b"one", b"two"].map(|bytes| Coded { bytes, content_type: b"" }).into();
        repeats.recall(one);
        repeats.learn(one, Some(Silence::default()));
        let (State::Silent(print, silence), (at, hash)) =
            (repeats.places[repeats.place(one).0].1, repeats.place(other))
        else {
            panic!("it is silent")
        };
        repeats.places[at] = (hash, State::Silent(print, silence));
        assert_eq!(repeats.recall(other), Repeated::No);
        assert_ne!(repeats.print(one), repeats.print(other));
    }
}
