//! RSA keys of servers, for key exchanges without forward secrecy (RFC 5246 section 7.4.7.1).

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};

/// The private key of a server. It never prints itself.
#[derive(Clone)]
pub struct RsaKey {
    key: RsaPrivateKey,
    modulus: Vec<u8>,
}

/// Why a file is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaKeyError {
    /// Not PEM with an RSA private key inside.
    NotRsa,
    /// It asks for a passphrase.
    Encrypted,
}

impl std::fmt::Display for RsaKeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotRsa => "not an RSA private key in PEM",
            Self::Encrypted => "the key is encrypted: decrypt it first (openssl rsa -in KEY -out PLAIN)",
        })
    }
}

impl std::error::Error for RsaKeyError {}

impl RsaKey {
    /// Reads PEM: PKCS#1 or PKCS#8.
    ///
    /// # Errors
    /// [`RsaKeyError`] if there is no usable RSA private key in it.
    pub fn from_pem(text: &str) -> Result<Self, RsaKeyError> {
        if text.contains("ENCRYPTED") {
            return Err(RsaKeyError::Encrypted);
        }
        let key = RsaPrivateKey::from_pkcs8_pem(text)
            .ok()
            .or_else(|| RsaPrivateKey::from_pkcs1_pem(text).ok())
            .ok_or(RsaKeyError::NotRsa)?;
        let modulus = key.n().to_bytes_be();
        Ok(Self { key, modulus })
    }

    /// Whether a DER certificate holds the public part.
    pub fn is_in(&self, certificate: &[u8]) -> bool {
        memchr::memmem::find(certificate, &self.modulus).is_some()
    }

    /// The premaster secret of a ClientKeyExchange, if this key opens it.
    pub fn premaster(&self, encrypted: &[u8]) -> Option<[u8; 48]> {
        self.key.decrypt(Pkcs1v15Encrypt, encrypted).ok()?.try_into().ok()
    }
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaKey({} bits)", self.modulus.len() * 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_told() {
        assert_eq!(RsaKey::from_pem("").unwrap_err(), RsaKeyError::NotRsa);
        let other = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHZ\n-----END PRIVATE KEY-----\n";
        assert_eq!(RsaKey::from_pem(other).unwrap_err(), RsaKeyError::NotRsa);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(RsaKey::from_pem(locked).unwrap_err(), RsaKeyError::Encrypted);
    }
}
