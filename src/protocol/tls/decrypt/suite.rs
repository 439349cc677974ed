//! What a cipher suite asks of the record layer.

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite};

/// An authenticated cipher (RFC 5116).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    ChaCha20Poly1305,
}

impl Aead {
    pub(in crate::protocol) const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 => 16,
            Self::Aes256Gcm | Self::Aes256Ccm | Self::Aes256Ccm8 | Self::ChaCha20Poly1305 => 32,
        }
    }

    pub(in crate::protocol) const fn tag_len(self) -> usize {
        match self {
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => 8,
            _ => 16,
        }
    }
}

/// A hash function, of a MAC or of the key schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    pub(in crate::protocol) const fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Protection {
    Aead(Aead),
    /// A block cipher in CBC mode, and a MAC.
    Cbc(Block, Hash),
    /// A stream cipher, and a MAC.
    Stream(Stream, Hash),
}

/// A block cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Block {
    Aes128,
    Aes256,
    TripleDes,
    Camellia128,
    Camellia256,
}

impl Block {
    pub(in crate::protocol) const fn key_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Camellia128 => 16,
            Self::TripleDes => 24,
            Self::Aes256 | Self::Camellia256 => 32,
        }
    }

    /// Bytes of a block.
    pub(in crate::protocol) const fn len(self) -> usize {
        if let Self::TripleDes = self { 8 } else { 16 }
    }
}

/// A stream cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Stream {
    /// Nothing is encrypted.
    Null,
    /// With a key of 16 bytes.
    Rc4,
}

impl Stream {
    pub(in crate::protocol) const fn key_len(self) -> usize {
        if let Self::Rc4 = self { 16 } else { 0 }
    }
}

/// A cipher suite that can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Suite {
    pub(in crate::protocol) protection: Protection,
    /// Of TLS 1.2's PRF or TLS 1.3's HKDF.
    pub(in crate::protocol) hash: Hash,
    /// The premaster secret is encrypted to the server's RSA key.
    pub(in crate::protocol) rsa: bool,
    /// Of TLS 1.3.
    pub(in crate::protocol) tls13: bool,
}

/// The suite of that number; `None` for one that cannot be opened.
pub(in crate::protocol) fn suite(number: u16) -> Option<Suite> {
    let known = TlsCipherSuite::from_id(number)?;
    let protection = match (known.enc, known.enc_mode, known.enc_size) {
        (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm, 128) => Protection::Aead(Aead::Aes128Gcm),
        (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm, 256) => Protection::Aead(Aead::Aes256Gcm),
        (TlsCipherEnc::Aes, TlsCipherEncMode::Ccm, size) => {
            // The registry's sizes do not tell the short tags of RFC 6655 section 4 apart.
            Protection::Aead(match (size, known.name.contains("_CCM_8")) {
                (128, false) => Aead::Aes128Ccm,
                (128, true) => Aead::Aes128Ccm8,
                (256, false) => Aead::Aes256Ccm,
                (256, true) => Aead::Aes256Ccm8,
                _ => return None,
            })
        }
        (TlsCipherEnc::Chacha20_Poly1305, ..) => Protection::Aead(Aead::ChaCha20Poly1305),
        (TlsCipherEnc::Aes, TlsCipherEncMode::Cbc, 128) => Protection::Cbc(Block::Aes128, mac(known)?),
        (TlsCipherEnc::Aes, TlsCipherEncMode::Cbc, 256) => Protection::Cbc(Block::Aes256, mac(known)?),
        (TlsCipherEnc::TripleDes, TlsCipherEncMode::Cbc, _) => Protection::Cbc(Block::TripleDes, mac(known)?),
        (TlsCipherEnc::Camellia, TlsCipherEncMode::Cbc, 128) => {
            Protection::Cbc(Block::Camellia128, mac(known)?)
        }
        (TlsCipherEnc::Camellia, TlsCipherEncMode::Cbc, 256) => {
            Protection::Cbc(Block::Camellia256, mac(known)?)
        }
        // Those for export have shorter keys.
        (TlsCipherEnc::Rc4, _, 128) => Protection::Stream(Stream::Rc4, mac(known)?),
        (TlsCipherEnc::Null, ..) => Protection::Stream(Stream::Null, mac(known)?),
        _ => return None,
    };
    // RFC 5288, RFC 5289: the suites with SHA-384 in their name use it in the PRF, all others SHA-256.
    let hash = if known.name.ends_with("_SHA384") { Hash::Sha384 } else { Hash::Sha256 };
    let tls13 = known.kx == TlsCipherKx::Tls13;
    Some(Suite { protection, hash, rsa: known.kx == TlsCipherKx::Rsa, tls13 })
}

fn mac(suite: &TlsCipherSuite) -> Option<Hash> {
    match suite.mac {
        TlsCipherMac::HmacMd5 => Some(Hash::Md5),
        TlsCipherMac::HmacSha1 => Some(Hash::Sha1),
        TlsCipherMac::HmacSha256 => Some(Hash::Sha256),
        TlsCipherMac::HmacSha384 => Some(Hash::Sha384),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_what_their_names_say() {
        use {
            Aead::*,
            Block::{self as B},
            Hash::*,
            Protection::{Aead as A, Cbc, Stream as S},
        };
        for (number, name, protection, hash, rsa) in [
            (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", Cbc(B::Aes128, Sha1), Sha256, true),
            (0x0004, "TLS_RSA_WITH_RC4_128_MD5", S(Stream::Rc4, Md5), Sha256, true),
            (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Cbc(B::TripleDes, Sha1), Sha256, true),
            (0x003b, "TLS_RSA_WITH_NULL_SHA256", S(Stream::Null, Sha256), Sha256, true),
            (0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", Cbc(B::Camellia256, Sha1), Sha256, false),
            (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", Cbc(B::Aes256, Sha256), Sha256, true),
            (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", A(Aes128Gcm), Sha256, true),
            (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", A(Aes256Gcm), Sha384, false),
            (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Cbc(B::Aes256, Sha384), Sha384, false),
            (0xc09d, "TLS_RSA_WITH_AES_256_CCM", A(Aes256Ccm), Sha256, true),
            (0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", A(Aes128Ccm8), Sha256, false),
            (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", A(ChaCha20Poly1305), Sha256, false),
            (0x1301, "TLS_AES_128_GCM_SHA256", A(Aes128Gcm), Sha256, false),
            (0x1302, "TLS_AES_256_GCM_SHA384", A(Aes256Gcm), Sha384, false),
            (0x1303, "TLS_CHACHA20_POLY1305_SHA256", A(ChaCha20Poly1305), Sha256, false),
            (0x1304, "TLS_AES_128_CCM_SHA256", A(Aes128Ccm), Sha256, false),
            (0x1305, "TLS_AES_128_CCM_8_SHA256", A(Aes128Ccm8), Sha256, false),
        ] {
            assert_eq!(TlsCipherSuite::from_id(number).unwrap().name, name);
            let tls13 = number >> 8 == 0x13;
            assert_eq!(suite(number), Some(Suite { protection, hash, rsa, tls13 }), "{name}");
        }
        for number in [0, 0x0003, 0x0009, 0x0096, 0xc0ff, 0xc06e, 0xc03c] {
            assert_eq!(suite(number), None, "{number:#06x}");
        }
    }
}
