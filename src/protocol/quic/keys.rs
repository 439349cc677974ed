//! Packet protection (RFC 9001 section 5): header protection first, then the cipher.

use super::version::Version;
use crate::message::Direction;
use crate::protocol::tls::decrypt::{Aead, AeadKey, Hash, expand_label};
use aes::{Aes128, Aes256};
use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use hkdf::Hkdf;
use sha2::Sha256;

/// Bytes that the mask is made from (section 5.4.2).
const SAMPLE: usize = 16;

/// What hides the number of a packet and some bits of its first byte (section 5.4). It stays when keys are updated.
pub(super) enum Mask {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    ChaCha20([u8; 32]),
}

/// Key and IV of one generation.
pub(super) struct PacketKey {
    aead: AeadKey,
    iv: [u8; 12],
}

/// A packet whose header is no longer hidden.
pub(super) struct Unmasked {
    /// The header, as the cipher authenticates it.
    head: Vec<u8>,
    /// The end of its number, and the bits of it.
    pub(super) truncated: u64,
    pub(super) bits: u32,
    /// The key phase bit (section 6).
    pub(super) phase: bool,
}

/// Labels of the keys (RFC 9001 section 5.1, RFC 9369 section 3.3.2).
fn label(version: Version, which: usize) -> &'static str {
    let labels = if version.second {
        ["quicv2 key", "quicv2 iv", "quicv2 hp"]
    } else {
        ["quic key", "quic iv", "quic hp"]
    };
    labels[which]
}

/// The label of the secret that follows (RFC 9001 section 6.1).
pub(super) fn update_label(version: Version) -> &'static str {
    if version.second { "quicv2 ku" } else { "quic ku" }
}

impl PacketKey {
    pub(super) fn new(version: Version, aead: Aead, hash: Hash, secret: &[u8]) -> Option<Self> {
        let (mut key, mut iv) = (vec![0; aead.key_len()], [0; 12]);
        expand_label(hash, secret, label(version, 0), &mut key);
        expand_label(hash, secret, label(version, 1), &mut iv);
        Some(Self { aead: AeadKey::new(aead, &key)?, iv })
    }

    /// Opens a packet with that number to the end of `out`; false, and nothing is added, if it is not authentic.
    pub(super) fn open(&self, packet: &[u8], unmasked: &Unmasked, number: u64, out: &mut Vec<u8>) -> bool {
        let sealed = packet.get(unmasked.head.len()..).unwrap_or_default();
        self.aead.open(&self.nonce(number), &unmasked.head, sealed, out)
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, of)| *byte ^= of);
        nonce
    }
}

impl Mask {
    pub(super) fn new(version: Version, aead: Aead, hash: Hash, secret: &[u8]) -> Self {
        let mut key = [0; 32];
        let key = &mut key[..aead.key_len()];
        expand_label(hash, secret, label(version, 2), key);
        match (aead, key.first_chunk::<16>(), key.first_chunk::<32>()) {
            (Aead::ChaCha20Poly1305, _, Some(key)) => Self::ChaCha20(*key),
            (_, _, Some(key)) => Self::Aes256(Box::new(Aes256::new(key.into()))),
            (_, key, None) => Self::Aes128(Box::new(Aes128::new(key.unwrap_or(&[0; 16]).into()))),
        }
    }

    fn of(&self, sample: [u8; SAMPLE]) -> [u8; 5] {
        let mut block: Array<u8, _> = sample.into();
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.encrypt_block(&mut block),
            Self::ChaCha20(key) => {
                let [a, b, c, d, nonce @ ..] = sample;
                let mut mask = [0; 5];
                let mut cipher = ChaCha20::new(key.into(), &nonce.into());
                // The counter of a block of 64 bytes.
                let at = u64::from(u32::from_le_bytes([a, b, c, d])) * 64;
                if cipher.try_seek(at).is_ok() {
                    cipher.apply_keystream(&mut mask);
                }
                return mask;
            }
        }
        [block[0], block[1], block[2], block[3], block[4]]
    }

    /// Shows the header of a packet whose number begins at `number_at`; `None` if the packet is too short.
    pub(super) fn remove(&self, packet: &[u8], number_at: usize) -> Option<Unmasked> {
        let sample = packet.get(number_at + 4..)?.first_chunk::<SAMPLE>()?;
        let mask = self.of(*sample);
        let first = packet.first()?;
        let first = first ^ (mask[0] & if first & 0x80 == 0 { 0x1f } else { 0x0f });
        let number_len = usize::from(first & 3) + 1;
        let mut head = packet.get(..number_at + number_len)?.to_vec();
        *head.first_mut()? = first;
        let mut truncated = 0;
        for (byte, mask) in head.get_mut(number_at..)?.iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        Some(Unmasked { head, truncated, bits: 8 * number_len as u32, phase: first & 4 != 0 })
    }
}

impl Unmasked {
    /// The number that is likeliest after `largest` (RFC 9000 appendix A.3).
    pub(super) fn number(&self, largest: Option<u64>) -> u64 {
        let expected = largest.map_or(0, |largest| largest + 1);
        let window = 1 << self.bits;
        let candidate = expected & !(window - 1) | self.truncated;
        if candidate + window / 2 <= expected {
            candidate + window
        } else if candidate > expected + window / 2 && candidate >= window {
            candidate - window
        } else {
            candidate
        }
    }
}

/// Keys of Initial packets, which everyone can derive (RFC 9001 section 5.2, RFC 9369 section 3.3).
pub(super) struct InitialKeys {
    sides: [(Mask, Option<PacketKey>); 2],
    /// What they were derived from.
    pub(super) id: Vec<u8>,
    pub(super) version: Version,
}

impl InitialKeys {
    /// The keys that the client's first destination connection ID gives.
    pub(super) fn new(version: Version, id: &[u8]) -> Self {
        let (initial, _) = Hkdf::<Sha256>::extract(Some(version.salt), id);
        let sides = ["client in", "server in"].map(|side| {
            let mut secret = [0; 32];
            expand_label(Hash::Sha256, &initial, side, &mut secret);
            let key = PacketKey::new(version, Aead::Aes128Gcm, Hash::Sha256, &secret);
            (Mask::new(version, Aead::Aes128Gcm, Hash::Sha256, &secret), key)
        });
        Self { sides, id: id.to_vec(), version }
    }

    /// Opens a packet: its bytes up to its end, and where its number stands. `None` if these are not its keys.
    pub(super) fn open(&self, from: Direction, packet: &[u8], number_at: usize) -> Option<Vec<u8>> {
        let (mask, key) = &self.sides[from.index()];
        let unmasked = mask.remove(packet, number_at)?;
        let mut out = Vec::new();
        // Initial packets are few: their numbers are never cut.
        let opened = key.as_ref()?.open(packet, &unmasked, unmasked.truncated, &mut out);
        opened.then_some(out)
    }
}

#[cfg(test)]
impl InitialKeys {
    /// Seals a packet: header as it is before protection, and what it holds.
    pub(super) fn seal(
        &self,
        from: Direction,
        head: &[u8],
        number_at: usize,
        number: u64,
        text: &[u8],
    ) -> Vec<u8> {
        let (mask, key) = &self.sides[from.index()];
        seal(mask, key.as_ref().unwrap(), head, number_at, number, text)
    }
}

/// Seals a packet: header as it is before protection, and what it holds.
#[cfg(test)]
pub(super) fn seal(
    mask: &Mask,
    key: &PacketKey,
    head: &[u8],
    number_at: usize,
    number: u64,
    text: &[u8],
) -> Vec<u8> {
    let sealed = key.aead.seal(&key.nonce(number), head, text);
    let mut packet = [head, &sealed].concat();
    let bytes = mask.of(packet[number_at + 4..][..SAMPLE].try_into().unwrap());
    let number_len = usize::from(head[0] & 3) + 1;
    packet[0] ^= bytes[0] & if head[0] & 0x80 == 0 { 0x1f } else { 0x0f };
    packet[number_at..][..number_len].iter_mut().zip(&bytes[1..]).for_each(|(b, m)| *b ^= m);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tls::decrypt::testing::hex;
    use crate::protocol::tls::decrypt::update_secret;

    const SECRET: &str = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";

    fn version(number: u32) -> Version {
        Version::of(number).unwrap()
    }

    /// RFC 9001 appendix A.5: ChaCha20-Poly1305, a short header without connection ID, a cut number.
    #[test]
    fn the_packet_with_a_short_header_opens() {
        let (aead, hash, secret) = (Aead::ChaCha20Poly1305, Hash::Sha256, hex(SECRET));
        let mask = Mask::new(version(1), aead, hash, &secret);
        let key = PacketKey::new(version(1), aead, hash, &secret).unwrap();
        let packet = hex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
        let unmasked = mask.remove(&packet, 1).unwrap();
        assert_eq!((&unmasked.head[..], unmasked.bits), (&hex("4200bff4")[..], 24));
        assert_eq!(unmasked.number(Some(654_360_563)), 654_360_564);
        let mut plain = b"before".to_vec();
        assert!(key.open(&packet, &unmasked, 654_360_564, &mut plain));
        assert_eq!(plain, b"before\x01");
        assert!(!key.open(&packet, &unmasked, 654_360_565, &mut plain));
        assert_eq!(seal(&mask, &key, &hex("4200bff4"), 1, 654_360_564, &[1]), packet);
        let next = "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9";
        assert_eq!(update_secret(hash, &secret, update_label(version(1))), hex(next));
        assert!(mask.remove(&packet[..20], 1).is_none());
    }

    /// RFC 9000 appendix A.3.
    #[test]
    fn numbers_are_completed() {
        let unmasked = |truncated, bits| Unmasked { head: Vec::new(), truncated, bits, phase: false };
        assert_eq!(unmasked(0x9b32, 16).number(Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(unmasked(0x02, 8).number(None), 2);
        assert_eq!(unmasked(0xff, 8).number(Some(0x100)), 0xff);
        assert_eq!(unmasked(0x01, 8).number(Some(0x2fe)), 0x301);
    }
}
