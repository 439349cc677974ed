//! The choice among the kernels for x86-64, at run time.
//!
//! The one file of the dictionary attack with `unsafe` code: a function that was compiled for instructions which not every
//! processor has may be called only after the processor was asked. The kernels themselves are safe code.
#![allow(unsafe_code)]

use super::schedule::{key256, key512};
use super::{Hits, avx2, avx512, sha_ni};
use std::arch::is_x86_feature_detected;

macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident, $word:ty, $rounds:literal, $block:path, $there:expr, $state:ty, $lanes:expr,
     key($blocks:ident, $iv:ident) $key:expr, matches($one:ident, $schedule:ident, $digest:ident, $wanted:ident) $matches:expr) => {
        $(#[$doc])*
        pub(super) struct $name(Vec<$state>);

        impl $name {
            /// Whether the processor has it.
            pub(super) fn is_there() -> bool {
                $there
            }

            /// The states of keys, each not longer than a block; `None` if the processor lacks the kernel.
            pub(super) fn new<'w>(keys: impl Iterator<Item = &'w [u8]>, $iv: &[$word; 8]) -> Option<Self> {
                if !Self::is_there() {
                    return None;
                }
                let mut keys = keys.peekable();
                let mut states = Vec::new();
                while keys.peek().is_some() {
                    let mut blocks = [[0; 16]; $lanes];
                    for (block, key) in blocks.iter_mut().zip(&mut keys) {
                        *block = $block(key);
                    }
                    let $blocks = &blocks;
                    // SAFETY: the processor has the instructions, as `is_there` has just said.
                    states.push(unsafe { $key });
                }
                Some(Self(states))
            }

            /// Tells of each key whose HMAC over a text begins with `$wanted`: its number, in order.
            pub(super) fn matches(
                &self,
                $schedule: &[[$word; $rounds]],
                $digest: usize,
                $wanted: $word,
                hits: &mut Hits,
            ) {
                for (n, $one) in self.0.iter().enumerate() {
                    // SAFETY: without the instructions `new` makes no value of this type.
                    let mut mask = unsafe { $matches };
                    while mask != 0 {
                        hits.push(n * $lanes + mask.trailing_zeros() as usize);
                        mask &= mask - 1;
                    }
                }
            }
        }
    };
}

kernel!(
    /// SHA-256 by SHA-NI.
    Ni256, u32, 64, key256,
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1"),
    sha_ni::State, sha_ni::LANES,
    key(blocks, _iv) sha_ni::key(blocks),
    matches(one, schedule, _digest, wanted) sha_ni::matches(one, schedule, wanted)
);
kernel!(
    /// SHA-256 in eight lanes.
    Avx2x256, u32, 64, key256, is_x86_feature_detected!("avx2"), avx2::sha256::State, avx2::sha256::LANES,
    key(blocks, iv) avx2::sha256::key(blocks, iv),
    matches(one, schedule, digest, wanted) avx2::sha256::matches(one, schedule, digest, wanted)
);
kernel!(
    /// SHA-256 in sixteen lanes.
    Avx512x256, u32, 64, key256, is_x86_feature_detected!("avx512f"), avx512::sha256::State, avx512::sha256::LANES,
    key(blocks, iv) avx512::sha256::key(blocks, iv),
    matches(one, schedule, digest, wanted) avx512::sha256::matches(one, schedule, digest, wanted)
);
kernel!(
    /// SHA-512 and SHA-384 in four lanes.
    Avx2x512, u64, 80, key512, is_x86_feature_detected!("avx2"), avx2::sha512::State, avx2::sha512::LANES,
    key(blocks, iv) avx2::sha512::key(blocks, iv),
    matches(one, schedule, digest, wanted) avx2::sha512::matches(one, schedule, digest, wanted)
);
kernel!(
    /// SHA-512 and SHA-384 in eight lanes.
    Avx512x512, u64, 80, key512, is_x86_feature_detected!("avx512f"), avx512::sha512::State, avx512::sha512::LANES,
    key(blocks, iv) avx512::sha512::key(blocks, iv),
    matches(one, schedule, digest, wanted) avx512::sha512::matches(one, schedule, digest, wanted)
);
