//! The dictionary attack on tokens signed with a shared secret (HS256, HS384, HS512).
//!
//! RFC 7518 section 3.2 asks for a key as long as the hash; RFC 8725 section 3.5 forbids passwords as keys. Whoever
//! sees one such token can try words offline, and so do we: [`Attack`] collects tokens, then tries secrets already
//! found, words derived from the token and its host, the built-in lists and those of the user, within a budget.

mod attack;
mod derive;
mod found;
mod input;
mod keyed;
mod pass;
#[cfg(test)]
mod tests;
mod wordlist;

pub use attack::Attack;
pub use found::{Found, Origin, Outcome};
pub use wordlist::{WORD_BYTES, WordlistError, Words, builtin};
