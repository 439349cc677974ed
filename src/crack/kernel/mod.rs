//! Many candidates at a time: the HMAC states of a batch of words, made once, tried on every signing input.
//!
//! An [`Engine`] only says which words may fit: by the first word of the result. The attack asks the crates `hmac` and
//! `sha2` about those. Where the processor has none of the instructions, the crates do all of it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod schedule;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::batch::Batch;
use super::input::Input;
use super::keyed::{Hs, Keyed};
#[cfg(target_arch = "x86_64")]
use sha2::{Digest, Sha256, Sha384, Sha512};
#[cfg(target_arch = "x86_64")]
use std::borrow::Cow;

/// Numbers of words that may fit.
type Hits = Vec<usize>;

/// What works out HMACs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The crates `hmac` and `sha2`, one word after the other.
    Crates,
    /// The SHA extensions: SHA-256 only.
    ShaNi,
    /// AVX2.
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Engine {
    /// Every engine, the fastest first.
    pub const ALL: &[Self] = &[Self::Avx512, Self::ShaNi, Self::Avx2, Self::Crates];

    /// As benchmarks name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crates => "crates",
            Self::ShaNi => "sha-ni",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The states of a batch of words for one algorithm.
pub(super) struct States<'w> {
    words: usize,
    of: Of<'w>,
}

enum Of<'w> {
    Crates(Hs, Vec<Keyed<'w>>),
    #[cfg(target_arch = "x86_64")]
    Ni256(x86::Ni256),
    #[cfg(target_arch = "x86_64")]
    Avx2x256(x86::Avx2x256),
    #[cfg(target_arch = "x86_64")]
    Avx512x256(x86::Avx512x256),
    /// With the words that the hash's result has: SHA-384 is SHA-512, cut.
    #[cfg(target_arch = "x86_64")]
    Avx2x512(x86::Avx2x512, usize),
    #[cfg(target_arch = "x86_64")]
    Avx512x512(x86::Avx512x512, usize),
}

impl<'w> States<'w> {
    /// The states by `engine`, or by the fastest one that the processor has.
    pub(super) fn new(batch: &'w Batch, hs: Hs, engine: Option<Engine>) -> Self {
        // Without optimisation a vector is slower than the crates, which are built with it.
        let engine = engine.or(cfg!(debug_assertions).then_some(Engine::Crates));
        let mut engines = Engine::ALL.iter().filter(|known| engine.is_none_or(|engine| engine == **known));
        let of = engines.find_map(|engine| Of::new(batch, hs, *engine));
        let crates = || Of::Crates(hs, batch.iter().map(Keyed::new).collect());
        Self { words: batch.len(), of: of.unwrap_or_else(crates) }
    }

    /// Adds the numbers of the words that may be the secret of an input.
    pub(super) fn matches(&mut self, input: &Input, hits: &mut Hits) {
        match &mut self.of {
            Of::Crates(hs, keyed) => {
                let fits = |keyed: &mut Keyed<'_>| keyed.verifies(*hs, &input.text, &input.signature);
                hits.extend(keyed.iter_mut().enumerate().filter_map(|(n, keyed)| fits(keyed).then_some(n)));
            }
            #[cfg(target_arch = "x86_64")]
            Of::Ni256(states) => {
                states.matches(&schedule::schedule256(&input.text), 8, first32(input), hits);
            }
            #[cfg(target_arch = "x86_64")]
            Of::Avx2x256(states) => {
                states.matches(&schedule::schedule256(&input.text), 8, first32(input), hits);
            }
            #[cfg(target_arch = "x86_64")]
            Of::Avx512x256(states) => {
                states.matches(&schedule::schedule256(&input.text), 8, first32(input), hits);
            }
            #[cfg(target_arch = "x86_64")]
            Of::Avx2x512(states, digest) => {
                states.matches(&schedule::schedule512(&input.text), *digest, first64(input), hits);
            }
            #[cfg(target_arch = "x86_64")]
            Of::Avx512x512(states, digest) => {
                states.matches(&schedule::schedule512(&input.text), *digest, first64(input), hits);
            }
        }
        // The last lanes may have no word.
        let words = self.words;
        hits.retain(|word| *word < words);
    }
}

#[cfg(target_arch = "x86_64")]
impl Of<'_> {
    /// The states by this engine, if it has the algorithm and the processor the engine.
    fn new(batch: &Batch, hs: Hs, engine: Engine) -> Option<Self> {
        use schedule::{IV256, IV384, IV512};
        let keys: Vec<Cow<'_, [u8]>> = batch.iter().map(|word| key(word, hs)).collect();
        let keys = keys.iter().map(|key| &**key);
        match (engine, hs) {
            (Engine::ShaNi, Hs::Hs256) => x86::Ni256::new(keys, &IV256).map(Self::Ni256),
            (Engine::Avx2, Hs::Hs256) => x86::Avx2x256::new(keys, &IV256).map(Self::Avx2x256),
            (Engine::Avx512, Hs::Hs256) => x86::Avx512x256::new(keys, &IV256).map(Self::Avx512x256),
            (Engine::Avx2, Hs::Hs384) => Some(Self::Avx2x512(x86::Avx2x512::new(keys, &IV384)?, 6)),
            (Engine::Avx2, Hs::Hs512) => Some(Self::Avx2x512(x86::Avx2x512::new(keys, &IV512)?, 8)),
            (Engine::Avx512, Hs::Hs384) => Some(Self::Avx512x512(x86::Avx512x512::new(keys, &IV384)?, 6)),
            (Engine::Avx512, Hs::Hs512) => Some(Self::Avx512x512(x86::Avx512x512::new(keys, &IV512)?, 8)),
            (Engine::ShaNi | Engine::Crates, _) => None,
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Of<'_> {
    fn new(_: &Batch, _: Hs, _: Engine) -> Option<Self> {
        None
    }
}

/// A word as HMAC takes it: hashed, where it is longer than a block (RFC 2104 section 2).
#[cfg(target_arch = "x86_64")]
fn key(word: &[u8], hs: Hs) -> Cow<'_, [u8]> {
    match hs {
        Hs::Hs256 if word.len() > 64 => Cow::Owned(Sha256::digest(word).to_vec()),
        Hs::Hs384 if word.len() > 128 => Cow::Owned(Sha384::digest(word).to_vec()),
        Hs::Hs512 if word.len() > 128 => Cow::Owned(Sha512::digest(word).to_vec()),
        _ => Cow::Borrowed(word),
    }
}

#[cfg(target_arch = "x86_64")]
fn first32(input: &Input) -> u32 {
    input.signature.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(target_arch = "x86_64")]
fn first64(input: &Input) -> u64 {
    input.signature.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
