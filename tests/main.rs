//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod cli;
mod docs;
mod fixtures;
mod layers;
mod rules;
mod secrets;
mod support;
