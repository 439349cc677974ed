//! wirelint: a security linter and traffic analyzer for JSON Web Tokens on the wire.
//!
//! The command line is [`cli`] and [`commands`]. Programs that have packets themselves begin at [`lint`]: packets in,
//! [`finding`]s out, which [`report`] prints. What may break from one version to the next: everything but [`lint`],
//! [`finding`] and what they take.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "live")]
pub mod alarm;
pub mod baseline;
pub mod capture;
pub mod cli;
pub mod commands;
pub mod config;
pub mod crack;
pub mod decode;
pub mod example;
pub mod facts;
pub mod finding;
pub mod flow;
pub mod judge;
pub mod keylog;
pub mod keys;
pub mod limits;
pub mod lint;
pub mod message;
pub mod pipeline;
pub mod policy;
pub mod protocol;
pub mod records;
pub mod redact;
pub mod report;
pub mod rules;
pub mod session;
pub mod shard;
pub mod suppress;
#[cfg(all(feature = "live", target_os = "linux"))]
pub mod system;
pub mod tally;
pub mod text;
pub mod time;
pub mod token;
