//! wirelint: a security linter and traffic analyzer for JSON Web Tokens on the wire.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod capture;
pub mod decode;
pub mod limits;
pub mod message;
pub mod tally;
pub mod time;
pub mod token;
