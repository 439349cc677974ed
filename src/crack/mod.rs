//! The dictionary attack on tokens signed with a shared secret (HS256, HS384, HS512).
//!
//! RFC 7518 section 3.2 asks for a key as long as the hash; RFC 8725 section 3.5 forbids passwords as keys. Whoever
//! sees one such token can try words offline, and so do we: [`Attack`] collects tokens, then tries secrets already
//! found, words derived from the token and its host, the built-in lists and those of the user, within a budget.

mod attack;
mod batch;
mod derive;
mod found;
mod input;
mod job;
mod kernel;
mod keyed;
mod mutation;
mod pass;
mod resume;
mod stream;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trial;
mod wordlist;

pub use attack::{Attack, Draw};
pub use found::{Found, Origin, Outcome};
pub use job::Job;
pub use kernel::Engine;
pub use mutation::{Mutation, MutationError, fuzz_mutation};
pub use resume::{Session, SessionError, fuzz_crack_session};
pub use wordlist::{WORD_BYTES, WordlistError, Words, builtin};
