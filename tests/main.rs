//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod docs;
mod invariance;
mod layers;
mod support;
