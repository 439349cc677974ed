//! Keys in PEM (RFC 7468).

use super::der;
use super::public::PublicKey;
use super::{KeyErrorKind, PrivateKey};
use crate::message::BASE64;
use base64::Engine;

/// What the lines before a block begin with.
const BEGIN: &[u8] = b"-----BEGIN ";
/// Longest label that is looked at.
const LABEL: usize = 80;

/// One block of a PEM text.
pub(super) struct Block<'a> {
    /// What it says it is.
    pub(super) label: &'a str,
    /// The bytes; nothing if they are not base64.
    pub(super) der: Option<Vec<u8>>,
}

/// The blocks of a text.
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = memchr::memmem::find(rest, BEGIN)? + BEGIN.len();
        rest = rest.get(at..)?;
        let end = memchr::memmem::find(rest.get(..rest.len().min(LABEL))?, b"-----")?;
        let label = str::from_utf8(rest.get(..end)?).ok()?;
        rest = rest.get(end + 5..)?;
        let body = rest.get(..memchr::memmem::find(rest, b"-----END")?)?;
        let clean: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        Some(Block { label, der: BASE64.decode(clean).ok() })
    })
}

/// The private key of a block that is not encrypted (RFC 7468 section 10, RFC 5915 section 4, RFC 8017 appendix A.1.2).
pub(super) fn read_private(block: &Block<'_>) -> Option<PrivateKey> {
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
    PrivateKey::from_der(block.der.as_deref().filter(|_| labels.contains(&block.label))?)
}

/// The public key of a block.
pub(super) fn read(block: &Block<'_>) -> Result<PublicKey, KeyErrorKind> {
    if block.label.ends_with("PRIVATE KEY") {
        return Err(KeyErrorKind::Private);
    }
    let der = block.der.as_deref().ok_or(KeyErrorKind::Invalid)?;
    let key = match block.label {
        "PUBLIC KEY" => der::spki(der),
        "RSA PUBLIC KEY" => der::pkcs1(der),
        "CERTIFICATE" | "X509 CERTIFICATE" => der::certificate(der),
        label => return Err(KeyErrorKind::Unsupported(format!("PEM `{}`", label.escape_debug()))),
    };
    key.ok_or_else(|| KeyErrorKind::Unsupported(format!("this kind of {}", block.label.to_lowercase())))
}
