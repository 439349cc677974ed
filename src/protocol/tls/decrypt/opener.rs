//! Opens the records of one direction under one key: nonces, additional data, padding (RFC 5246 section 6.2.3,
//! RFC 8446 section 5.2).

use super::aead::AeadKey;
use super::cbc::CbcKey;
use super::schedule::traffic_keys;
use super::stream::StreamKey;
use super::suite::{Aead, Protection, Suite};

/// Bytes of a record header.
pub(super) const HEADER: usize = 5;
/// Explicit nonce of AES-GCM and AES-CCM in TLS 1.2 (RFC 5288 section 3).
const EXPLICIT: usize = 8;
/// Longest plaintext of a record, and the content type behind it (RFC 8446 section 5.4).
const PLAINTEXT: usize = (1 << 14) + 1;

/// A record as it was captured.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) header: [u8; HEADER],
    pub(super) fragment: &'a [u8],
}

/// A key of one direction and the number of the next record.
pub(super) struct Opener {
    kind: Kind,
    number: u64,
}

enum Kind {
    Tls13 {
        key: AeadKey,
        iv: [u8; 12],
    },
    /// The nonce is a salt and 8 bytes of each record.
    Explicit {
        key: AeadKey,
        salt: [u8; 4],
        tag: usize,
    },
    /// ChaCha20-Poly1305 in TLS 1.2 (RFC 7905 section 2).
    ChaCha {
        key: AeadKey,
        iv: [u8; 12],
    },
    /// Each record begins with its IV.
    Cbc(CbcKey),
    /// TLS 1.0: the last block of a record is the IV of the next; `None` behind a hole.
    Chained(CbcKey, Option<Vec<u8>>),
    /// The cipher goes on from record to record.
    Stream(StreamKey),
}

/// What the key block of TLS 1.2 and below holds for one direction (RFC 5246 section 6.3).
pub(super) struct Share<'a> {
    pub(super) mac: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) iv: &'a [u8],
}

/// Lengths in a key block: MAC key, cipher key, IV.
pub(super) fn share_lengths(suite: &Suite, version: u16) -> [usize; 3] {
    match suite.protection {
        Protection::Aead(Aead::ChaCha20Poly1305) => [0, 32, 12],
        Protection::Aead(aead) => [0, aead.key_len(), 4],
        Protection::Cbc(block, mac) => {
            [mac.len(), block.key_len(), if version <= 0x0301 { block.len() } else { 0 }]
        }
        Protection::Stream(stream, mac) => [mac.len(), stream.key_len(), 0],
    }
}

impl Opener {
    /// For TLS 1.3, from a traffic secret.
    pub(super) fn tls13(suite: &Suite, secret: &[u8]) -> Option<Self> {
        let Protection::Aead(aead) = suite.protection else { return None };
        if secret.len() != suite.hash.len() {
            return None;
        }
        let (key, iv) = traffic_keys(suite.hash, secret, aead.key_len());
        Some(Self { kind: Kind::Tls13 { key: AeadKey::new(aead, &key)?, iv }, number: 0 })
    }

    /// For TLS 1.0 to 1.2, from a part of the key block.
    pub(super) fn tls12(
        suite: &Suite,
        version: u16,
        share: &Share<'_>,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let kind = match suite.protection {
            Protection::Aead(aead @ Aead::ChaCha20Poly1305) => {
                Kind::ChaCha { key: AeadKey::new(aead, share.key)?, iv: share.iv.try_into().ok()? }
            }
            Protection::Aead(aead) => {
                let salt = share.iv.try_into().ok()?;
                Kind::Explicit { key: AeadKey::new(aead, share.key)?, salt, tag: aead.tag_len() }
            }
            Protection::Stream(stream, hash) => {
                Kind::Stream(StreamKey::new(stream, share.key, hash, share.mac)?)
            }
            Protection::Cbc(block, hash) => {
                let key = CbcKey::new(block, share.key, hash, share.mac, encrypt_then_mac)?;
                if version <= 0x0301 { Kind::Chained(key, Some(share.iv.to_vec())) } else { Kind::Cbc(key) }
            }
        };
        Some(Self { kind, number: 0 })
    }

    /// Opens a record before which between `least` and `most` records are missing: adds its content to `out` and says
    /// its type; `None`, and `out` as it was, if it is not authentic.
    pub(super) fn seek(
        &mut self,
        record: Record<'_>,
        (least, most): (u64, u64),
        out: &mut Vec<u8>,
    ) -> Option<u8> {
        let first = self.number.saturating_add(least);
        let numbers = first..=self.number.saturating_add(most);
        if let Kind::Stream(key) = &mut self.kind {
            let start = out.len();
            let [kind, major, minor, ..] = record.header;
            key.decrypt(record.fragment, out)?;
            let plain = out.get(start..).unwrap_or_default();
            let found = numbers.into_iter().find_map(|number| {
                let head = head(number, kind, major, minor);
                Some((number, key.verify(&head, plain)?))
            });
            out.truncate(start + found.map_or(0, |(_, len)| len));
            self.number = found?.0 + 1;
            return Some(kind);
        }
        let found = numbers.into_iter().find_map(|number| Some((number, self.at(number, record, out)?)));
        self.chain(record);
        let (number, kind) = found?;
        self.number = number + 1;
        Some(kind)
    }

    /// Where the plaintext begins in a fragment, in bytes.
    pub(super) const fn prefix(&self) -> usize {
        match &self.kind {
            Kind::Tls13 { .. } | Kind::ChaCha { .. } | Kind::Chained(..) | Kind::Stream(_) => 0,
            Kind::Explicit { .. } => EXPLICIT,
            Kind::Cbc(key) => key.block_len(),
        }
    }

    /// Bytes are missing before the next record.
    pub(super) fn lose(&mut self) {
        match &mut self.kind {
            Kind::Chained(_, iv) => *iv = None,
            Kind::Stream(key) => key.lose(),
            _ => {}
        }
    }

    fn chain(&mut self, record: Record<'_>) {
        if let Kind::Chained(key, iv) = &mut self.kind {
            let text = key.ciphertext(record.fragment);
            *iv = text.len().checked_sub(key.block_len()).and_then(|at| text.get(at..)).map(<[u8]>::to_vec);
        }
    }

    fn at(&self, number: u64, record: Record<'_>, out: &mut Vec<u8>) -> Option<u8> {
        let Record { header, fragment } = record;
        let [kind, major, minor, ..] = header;
        let start = out.len();
        let head = head(number, kind, major, minor);
        // Additional data of TLS 1.2 (RFC 5246 section 6.2.3.3).
        let aad = |len: usize| -> Option<[u8; 13]> {
            let mut aad = [0; 13];
            aad[..11].copy_from_slice(&head);
            aad[11..].copy_from_slice(&u16::try_from(len).ok()?.to_be_bytes());
            Some(aad)
        };
        let kind = match &self.kind {
            Kind::Tls13 { key, iv } => {
                if !key.open(&nonce(iv, number), &header, fragment, out) {
                    return None;
                }
                return unpad(start, out);
            }
            Kind::Explicit { key, salt, tag } => {
                let (explicit, sealed) = fragment.split_first_chunk::<EXPLICIT>()?;
                let mut nonce = [0; 12];
                nonce[..4].copy_from_slice(salt);
                nonce[4..].copy_from_slice(explicit);
                let aad = aad(sealed.len().checked_sub(*tag)?)?;
                key.open(&nonce, &aad, sealed, out).then_some(kind)?
            }
            Kind::ChaCha { key, iv } => {
                let aad = aad(fragment.len().checked_sub(16)?)?;
                key.open(&nonce(iv, number), &aad, fragment, out).then_some(kind)?
            }
            Kind::Cbc(key) => {
                let (iv, sealed) = fragment.split_at_checked(key.block_len())?;
                key.open(&head, iv, true, sealed, out).map(|()| kind)?
            }
            Kind::Chained(key, iv) => key.open(&head, iv.as_ref()?, false, fragment, out).map(|()| kind)?,
            Kind::Stream(_) => return None,
        };
        Some(kind)
    }
}

/// Sequence number, type and version of a record, which MACs and additional data begin with.
fn head(number: u64, kind: u8, major: u8, minor: u8) -> [u8; 11] {
    let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_be_bytes();
    [n0, n1, n2, n3, n4, n5, n6, n7, kind, major, minor]
}

/// The IV with the record's number in it (RFC 8446 section 5.3).
fn nonce(iv: &[u8; 12], number: u64) -> [u8; 12] {
    let mut nonce = *iv;
    nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(n, b)| *n ^= b);
    nonce
}

/// Takes content type and padding off the end (RFC 8446 section 5.4).
fn unpad(start: usize, out: &mut Vec<u8>) -> Option<u8> {
    let inner = out.get(start..)?;
    let found = inner.iter().rposition(|b| *b != 0).filter(|_| inner.len() <= PLAINTEXT);
    let kind = found.and_then(|at| inner.get(at).copied());
    out.truncate(start + found.unwrap_or(0));
    kind
}

#[cfg(test)]
mod tests {
    use super::super::suite::suite;
    use super::*;
    use crate::protocol::tls::decrypt::testing::hex;

    /// Records of old suites that openssl sealed, number 5 of their direction. MAC keys are 0, 1, 2 ...; so are cipher keys
    /// and IVs.
    #[test]
    fn old_suites_open_what_openssl_sealed() {
        let bytes: Vec<u8> = (0..32).collect();
        let text = b"GET / HTTP/1.1\r\n\r\n";
        for (number, iv, sealed) in [
            (0x000a, 8, "c513da6e7f291903252fe9be76af3401b8f9697a06a37df1315078c0882f741ec1c30237be961257"),
            (
                0x0084,
                16,
                "4c7e401a5166173f79aa037d99a05142f7592e67999bb6b9fa7d9f5ec741e49c01c1d3184456876da3c6ae41856341e2",
            ),
            (0x0004, 0, "aed914d968c25198528bb8f720ec2745de7b13da7a3652d97d3ab718d0703e156d70"),
        ] {
            let suite = suite(number).unwrap();
            let [mac, key, _] = share_lengths(&suite, 0x0303);
            let share = Share { mac: &bytes[..mac], key: &bytes[..key], iv: &[] };
            let fragment = [&bytes[..iv], &hex(sealed)].concat();
            let record = Record { header: [23, 3, 3, 0, fragment.len() as u8], fragment: &fragment };
            let fresh = || Opener::tls12(&suite, 0x0303, &share, false).unwrap();
            let mut out = b"before".to_vec();
            assert_eq!(fresh().seek(record, (0, 9), &mut out), Some(23), "{number:#06x}");
            assert_eq!(out, [&b"before"[..], text].concat());
            assert_eq!(fresh().seek(record, (0, 4), &mut out), None, "it is number 5");
            let mut lost = fresh();
            lost.lose();
            let found = lost.seek(record, (0, 9), &mut out);
            assert_eq!(found.is_some(), number != 0x0004, "a stream cipher does not go on behind a hole");
        }
    }
}
