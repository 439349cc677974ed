//! What is done with every text that was captured: secrets are learned, then located, then, in the output, looked for.

use super::book::Book;
use super::fragments::Fragments;
use super::look::{Found, Look};
use super::origins::Origins;
use super::patch::Patches;
use crate::capture::{Block, Damage};
use crate::policy::SecretPattern;
use crate::token::Scanner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a pass over the capture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// To know all secrets.
    Learn,
    /// To say what is to be changed.
    Locate,
    /// To find what is left in the output.
    Check,
}

/// How often something was done that is to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Different tokens, and other secrets.
    pub tokens: u64,
    /// Passwords, cookies, keys.
    pub others: u64,
    /// Bodies in a content coding that held secrets: blanked.
    pub bodies: u64,
    /// Values of coded header fields that are no tokens any more.
    pub fields: u64,
    /// TLS records that the secrets at hand open: blanked.
    pub records: u64,
    /// Packets whose payload was blanked.
    pub packets: u64,
    /// Blocks of TLS secrets that were dropped.
    pub secrets: u64,
    /// Blocks of a type that is not known that were dropped.
    pub unknown: u64,
}

/// What of a packet is to be blanked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// All of its payload.
    Payload,
    /// What keys open of a datagram of QUIC.
    Quic,
}

/// A secret that is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Number of the frame, 0 where it stands outside of one.
    pub frame: u64,
    /// Offset in the file, if it stands there as it is.
    pub offset: u64,
}

/// Places that are named in the message; the others are counted.
const LEFT: usize = 10;

/// The state of a pass.
pub(super) struct Work {
    pub(super) task: Task,
    pub(super) book: Book,
    pub(super) patches: Patches,
    pub(super) fragments: Fragments,
    /// Packets to be blanked, by the offset of some byte of each.
    pub(super) packets: BTreeMap<u64, Blank>,
    pub(super) told: Told,
    pub(super) left: Vec<Left>,
    pub(super) left_count: u64,
    /// What could not be read of the capture when it was learned from.
    pub(super) damage: Vec<Damage>,
    /// Further places of damage.
    pub(super) damage_more: u64,
    /// Bytes of bodies that are being gathered.
    pub(super) held: usize,
    /// Bytes that dissectors asked for.
    pub(super) reserved: usize,
    pub(super) scanner: Scanner,
    /// What else is secret.
    pub(super) patterns: Arc<[SecretPattern]>,
    /// Packets and recorded exchanges that were learned from.
    pub(super) seen: u64,
    /// The capture is a file of recorded exchanges.
    pub(super) recorded: bool,
}

impl Work {
    pub(super) fn new(book: Book, patterns: Arc<[SecretPattern]>) -> Self {
        Self {
            task: Task::Learn,
            book,
            patches: Patches::default(),
            fragments: Fragments::default(),
            packets: BTreeMap::new(),
            told: Told::default(),
            left: Vec::new(),
            left_count: 0,
            damage: Vec::new(),
            damage_more: 0,
            held: 0,
            reserved: 0,
            scanner: Scanner::new(),
            patterns,
            seen: 0,
            recorded: false,
        }
    }

    /// Looks for secrets.
    pub(super) fn look(&self, look: impl FnOnce(Look<'_>, &mut Vec<Found>)) -> Vec<Found> {
        let mut found = Vec::new();
        look(Look { scanner: &self.scanner, patterns: &self.patterns }, &mut found);
        found
    }

    /// A text in which these secrets were found. True if something is to be changed in it that does not stand in the file.
    pub(super) fn text(&mut self, text: &[u8], found: &[Found], origins: &Origins) -> bool {
        match self.task {
            Task::Learn => found.iter().for_each(|found| self.book.learn(found)),
            Task::Check => {
                if found.iter().any(|found| self.book.knows(found)) || self.book.finder.touches(text) {
                    self.left(origins.frame, origins.derived.unwrap_or(0));
                }
            }
            Task::Locate => {
                let Some(new) = self.book.rewritten(text, found) else { return false };
                return !origins.differ(text, &new, &mut self.patches);
            }
        }
        false
    }

    /// Bytes of the file itself: packets, comments, names, whatever stands between.
    pub(super) fn file(&mut self, block: &Block) {
        let (base, bytes) = (block.base, block.bytes.filled().get(..block.used).unwrap_or_default());
        let Self { task, book, patches, .. } = self;
        let mut left = Vec::new();
        match task {
            // Packets are heard as what they say.
            Task::Learn => {
                let mut done = 0;
                for frame in &block.frames {
                    self.learn(bytes.get(done..frame.start as usize).unwrap_or_default());
                    done = (frame.start + frame.len) as usize;
                }
                self.learn(bytes.get(done..).unwrap_or_default());
            }
            Task::Locate => {
                book.finder.find(bytes, &mut |at, new| {
                    let old = bytes.get(at..at + new.len()).unwrap_or_default();
                    let difference: Vec<u8> = old.iter().zip(new).map(|(a, b)| a ^ b).collect();
                    patches.differ(base + at as u64, &difference);
                });
            }
            Task::Check => {
                book.finder.find(bytes, &mut |at, _| left.push(base + at as u64));
            }
        }
        left.into_iter().for_each(|offset| self.left(0, offset));
    }

    /// Learns the tokens in bytes that no layer reads.
    pub(super) fn learn(&mut self, bytes: &[u8]) {
        for found in self.look(|look, found| look.tokens(bytes, found)) {
            self.book.learn(&found);
        }
    }

    pub(super) fn left(&mut self, frame: u64, offset: u64) {
        self.left_count += 1;
        if self.left.len() < LEFT {
            self.left.push(Left { frame, offset });
        }
    }
}
