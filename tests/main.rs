//! All integration tests, in one binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod accept;
mod behaviour;
mod browser;
mod cli;
mod config;
mod crack;
mod decryption;
mod destinations;
mod docs;
mod encapsulations;
mod fixtures;
mod inspect;
mod invariance;
mod keys;
mod layers;
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
#[cfg(target_os = "linux")]
mod midstream;
mod packaging;
mod recorded;
mod redact;
mod rereading;
mod robust;
mod rotation;
mod rules;
#[cfg(all(feature = "live", target_os = "linux"))]
mod run;
mod schemas;
#[cfg(all(feature = "tui", target_os = "linux"))]
mod screen;
mod secrets;
mod support;
