//! Decrypting JWEs (RFC 7516, RFC 7518 sections 4 and 5) with the private and shared keys of a run: those that the user gave
//! and those that the capture gave away.
//!
//! This is no recipient that an attacker could ask: nobody sees what is refused or how long it took, so nothing here has to
//! take the same time for good and bad input.

mod agreement;
mod content;
mod management;
mod opener;
mod private;
#[cfg(test)]
mod rfc_tests;
mod rsa_key;
#[cfg(test)]
mod tests;

pub(super) use opener::PrivateKeys;
pub use opener::{Opener, Opening};
pub use private::PrivateKey;

use crate::limits::{PBES2_ITERATIONS, PRIVATE_OPERATIONS};
use crate::token::{Opened, Token};
use content::Cipher;

/// What may still be spent on keys of JWEs.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Operations with private keys.
    operations: u32,
    /// Iterations of PBES2.
    iterations: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { operations: PRIVATE_OPERATIONS, iterations: PBES2_ITERATIONS }
    }
}

/// Why a key did not open a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is another key, or the token is damaged.
    Closed,
    /// There was nothing left to spend on it.
    Spent,
}

/// What a key makes of a JWE.
fn open(key: &PrivateKey, token: &Token, allowance: &mut Allowance) -> Result<Opened, Refusal> {
    let cipher = Cipher::of(token).ok_or(Refusal::Closed)?;
    let content_key = management::content_key(key, token, cipher, allowance)?;
    let text = cipher.decrypt(token, content_key.reveal()).ok_or(Refusal::Closed)?;
    content::inflated(token, text).ok_or(Refusal::Closed)
}

/// One segment of a token, decoded.
fn segment(token: &Token, number: usize) -> Option<Vec<u8>> {
    bytes(token.segments().nth(number)?)
}

/// Decoded base64url.
fn bytes(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    crate::message::BASE64URL.decode(text).ok()
}

/// A member of the header that is bytes in base64url.
fn member(token: &Token, name: &str) -> Option<Vec<u8>> {
    bytes(token.header_member(name)?.as_str()?)
}
