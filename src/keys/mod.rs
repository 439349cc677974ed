//! Keys that the user gave, and what they say about a token's signature.
//!
//! [`KeyStore`] reads PEM public keys and certificates, JWKs and JWK Sets (RFC 7517) and HMAC secrets;
//! [`KeyStore::verify`] gives the [`Signature`] of a token.

mod error;
mod jwk;
mod key;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod thumbprint;
mod tried;
#[cfg(test)]
mod vectors;

pub use error::{KeyError, KeyErrorKind};
pub use signature::Signature;
pub use store::KeyStore;
pub use thumbprint::thumbprint;
pub use tried::Tried;
