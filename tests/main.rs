//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod behaviour;
mod browser;
mod cli;
mod config;
mod decryption;
mod docs;
mod encapsulations;
mod fixtures;
mod inspect;
mod invariance;
mod keys;
mod layers;
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
mod recorded;
mod robust;
mod rotation;
mod rules;
#[cfg(all(feature = "live", target_os = "linux"))]
mod run;
#[cfg(all(feature = "tui", target_os = "linux"))]
mod screen;
mod secrets;
mod support;
