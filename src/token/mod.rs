//! Tokens: finding them in bytes, and reading them.
//!
//! A [`Scanner`] looks for the starts that a token can have and gives [`Hit`]s, with every encoding around the
//! token undone; [`Token::parse`] reads one, leniently, and names its [`Defect`]s; a [`TokenCache`] reads a text
//! that comes again only once. A [`Secret`] prints itself masked, and so does a token.

mod algorithm;
mod base64url;
mod cache;
mod claims;
mod cloak;
mod content;
mod credential;
mod dates;
mod defect;
mod fuzz;
mod header;
mod internal;
mod issuers;
mod jose;
mod json;
mod json_form;
mod members;
mod needles;
mod opened;
mod reading;
mod recognise;
mod registry;
#[cfg(test)]
mod rfc_tests;
mod run;
mod scan;
mod secret;
mod secret_format;
mod serial;
mod sighting;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod types;
mod wrapping;

pub use algorithm::{Family, NoneForm, is_der_signature, none_form, signature_len, signature_len_fits};
pub use cache::TokenCache;
pub use claims::Role;
pub use cloak::{cloaked, cloaked_value, is_secret, veiled, veiled_text};
pub use credential::{
    OpaqueKind, api_key_name, entropy_bits, looks_hashed, opaque_token_kind, password_field,
    session_cookie_name,
};
pub use defect::{Defect, DefectKind, Part};
#[doc(hidden)]
pub use fuzz::{fuzz_scan, fuzz_token};
pub(crate) use internal::internal_name;
pub use issuers::{ISSUER_DOC, Issuer};
pub use jose::{Kind, Token};
pub use json_form::{JsonHit, find_json_form, hints_at_json_form};
pub use members::member;
pub use needles::Needles;
pub use opened::Opened;
pub use reading::Names;
pub use registry::{Registered, content_enc, key_alg, public_key_alg, signature_alg};
pub use scan::{Hit, Scanner};
pub use secret::Secret;
pub use secret_format::{find_secret_formats, secret_format, secret_format_at, secret_format_starts};
pub use sighting::Sighting;
pub use stream::{Losses, StreamHit, StreamScan};
pub use wrapping::{Wrapping, Wrappings};
