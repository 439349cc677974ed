//! Keys that the user gave or that were published in the capture, and what they say about a token's signature.
//!
//! [`KeyStore`] reads PEM and DER public keys and certificates, JWKs and JWK Sets (RFC 7517) and HMAC secrets, and learns
//! what a [`Document`] publishes; [`KeyStore::verify`] gives the [`Verdict`] on a token. An [`Opener`] decrypts JWEs with
//! the private and shared ones among them.

mod curve;
mod der;
mod document;
mod edwards;
mod error;
mod examples;
mod flaws;
mod forms;
mod jwe;
mod jwk;
mod key;
mod pem;
mod provider;
mod public;
mod publisher;
mod signature;
mod single;
mod store;
#[cfg(test)]
mod tests;
mod tried;
#[cfg(test)]
mod vectors;

pub use curve::{Curve, Nonces};
pub use document::{Document, Published, x5c};
pub use edwards::gives_scalar_away;
pub use error::{KeyError, KeyErrorKind};
pub use examples::{Example, example, examples};
pub use flaws::{is_roca, shared_primes, trivial};
pub use forms::{Form, Keyed, forms};
pub use jwe::{Opener, Opening, PrivateKey};
pub use public::{Edwards, PublicKey, thumbprint};
pub use publisher::Publisher;
pub use signature::Signature;
pub use single::{Ready, header_key, verifies, verify_by_header, without_key};
pub use store::{KeyStore, Verdict};
pub use tried::Tried;
