//! An attack that was stopped goes on.
//!
//! The state of an attack follows from its input and from how far it got: a session is the number of candidates that had
//! their turn, and the numbers of those that were a secret. To go on, the attack walks its candidates again from the first
//! one and works out no HMAC on the way but those of its hits. So it comes to the very state in which it was left, the
//! budget included, and no secret is written down.

use super::attack::Attack;
use super::batch::BATCH;
use super::builtin;
use super::input::digest;
use crate::text::hex;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::Read;

/// Hits that a session may have: one for each token that the attack keeps, at most.
const HITS: usize = crate::limits::CRACK_TOKENS;
/// Bytes of a session's text that are read.
const BYTES: usize = 1 << 20;
/// Bytes at the beginning of a word list that tell it from another of the same length.
const LIST_BYTES: u64 = 64 << 10;

/// How far an attack got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The version that wrote it.
    wirelint: String,
    /// What the attack was made of: tokens, lists, mutations, budget.
    attack: String,
    /// Candidates that had their turn.
    candidates: u64,
    /// Trials that they were.
    trials: u64,
    /// The numbers of those that were a secret, in order.
    hits: Vec<u64>,
}

/// A session that cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// It is none.
    Malformed(String),
    /// It is one of another version, which may try words in another order.
    Version(String),
    /// It is one of another attack: other tokens, lists, mutations, secrets or budget.
    Other,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(cause) => write!(f, "not a session: {cause}"),
            Self::Version(version) => write!(f, "a session of version {}", version.escape_debug()),
            Self::Other => {
                f.write_str("the session of another attack: its tokens, lists, rules or budget are not these")
            }
        }
    }
}

impl std::error::Error for SessionError {}

impl Session {
    /// Reads a session's text.
    pub fn parse(text: &[u8]) -> Result<Self, SessionError> {
        let malformed = |cause: &str| Err(SessionError::Malformed(cause.to_owned()));
        if text.len() > BYTES {
            return malformed("it is too long");
        }
        let session: Self =
            serde_json::from_slice(text).map_err(|error| SessionError::Malformed(error.to_string()))?;
        if session.hits.len() > HITS {
            return malformed("it has too many hits");
        }
        if !session.hits.is_sorted_by(|a, b| a < b) {
            return malformed("its hits are not in order");
        }
        if session.hits.last().is_some_and(|last| *last >= session.candidates) {
            return malformed("it has a hit that lies ahead");
        }
        Ok(session)
    }

    /// The text that [`parse`](Self::parse) reads.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Candidates that had their turn.
    pub const fn candidates(&self) -> u64 {
        self.candidates
    }

    /// Secrets found so far.
    pub fn hits(&self) -> usize {
        self.hits.len()
    }
}

/// The part of an attack that is walked again.
pub(super) struct Replay {
    until: u64,
    trials: u64,
    hits: Vec<u64>,
}

impl Replay {
    /// Which words of a batch were hits, if all of it lies behind.
    pub(super) fn hits_in(&self, start: u64, words: usize) -> Option<Vec<usize>> {
        let end = start.checked_add(words as u64).filter(|end| *end <= self.until)?;
        let hits = self.hits.iter().filter(|hit| (start..end).contains(*hit));
        Some(hits.filter_map(|hit| usize::try_from(hit - start).ok()).collect())
    }

    /// Whether this candidate must be tried: it was a hit, or it lies ahead.
    pub(super) fn is_hit(&self, number: u64) -> bool {
        number >= self.until || self.hits.binary_search(&number).is_ok()
    }
}

impl Attack {
    /// How far it got. Jobs that were drawn and not settled do not count.
    pub fn session(&self) -> Session {
        Session {
            wirelint: env!("CARGO_PKG_VERSION").to_owned(),
            attack: self.identity().to_owned(),
            candidates: self.replay.as_ref().map_or(self.candidates, |replay| replay.until),
            trials: self.replay.as_ref().map_or(self.trials, |replay| replay.trials),
            hits: self.replay.as_ref().map_or_else(|| self.hits.clone(), |replay| replay.hits.clone()),
        }
    }

    /// Goes on where a session ended. Nothing must have been tried yet, and all tokens must have been added.
    pub fn resume(&mut self, session: Session) -> Result<(), SessionError> {
        if session.wirelint != env!("CARGO_PKG_VERSION") {
            return Err(SessionError::Version(session.wirelint));
        }
        if session.attack != self.identity() || self.candidates > 0 {
            return Err(SessionError::Other);
        }
        if session.candidates > 0 {
            self.replay =
                Some(Replay { until: session.candidates, trials: session.trials, hits: session.hits });
        }
        Ok(())
    }

    /// Whether it is still walking what a session had behind it.
    pub const fn is_replaying(&self) -> bool {
        self.replay.is_some()
    }

    /// Whether a session led it astray: what it walked is not what the session saw. A list was changed.
    pub const fn is_astray(&self) -> bool {
        self.astray
    }

    /// Called after each candidate: at the end of a replay everything must be as it was.
    pub(super) fn replayed(&mut self) {
        let Some(replay) = &self.replay else { return };
        if self.candidates == replay.until {
            self.astray |= self.trials != replay.trials || self.hits != replay.hits;
            self.replay = None;
        } else if self.candidates > replay.until {
            self.astray = true;
        }
    }

    fn identity(&self) -> &str {
        self.identity.get_or_init(|| self.digest())
    }

    /// A digest of everything that decides what is tried.
    fn digest(&self) -> String {
        let mut parts: Vec<Vec<u8>> = vec![
            self.budget.to_le_bytes().to_vec(),
            BATCH.to_le_bytes().to_vec(),
            builtin().len().to_le_bytes().to_vec(),
        ];
        for at in 0..self.desk.inputs.len() {
            let Some(input) = self.desk.inputs.get(at) else { continue };
            let seeds: Vec<&[u8]> = input.seeds.iter().map(|seed| seed.as_bytes()).collect();
            let mark = [input.hs as u8, u8::from(input.leader)];
            let id = digest(&[&mark, &input.text, &input.signature, &digest(&seeds)]);
            parts.push(id.to_vec());
        }
        // Secrets that were given, but not those that were found.
        let given = self.desk.known.iter().filter(|found| found.origin == super::Origin::Given);
        parts.extend(given.map(|found| digest(&[found.secret.reveal()]).to_vec()));
        parts.extend(self.desk.shared.iter().map(|word| word.to_vec()));
        parts.extend(self.desk.mutations.iter().map(|mutation| format!("{mutation:?}").into_bytes()));
        for list in &self.lists {
            let length = std::fs::metadata(list).map_or(0, |metadata| metadata.len());
            let mut head = Vec::new();
            let file = File::open(list).ok().filter(|_| length > 0);
            let _ = file.map(|file| file.take(LIST_BYTES).read_to_end(&mut head));
            parts.push(digest(&[&length.to_le_bytes(), &head]).to_vec());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        hex(&digest(&parts))
    }
}

/// Fuzzing: a session's text.
pub fn fuzz_crack_session(data: &[u8]) {
    if let Ok(session) = Session::parse(data) {
        assert_eq!(Session::parse(session.to_text().as_bytes()).as_ref(), Ok(&session));
        assert!(Attack::new(1, Vec::new(), Vec::new()).resume(session).is_err());
    }
}
