//! Keys of Initial packets, which everyone can derive (RFC 9001 section 5.2, RFC 9369 section 3.3).

use crate::message::Direction;
use aes::Aes128;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt};
use hkdf::Hkdf;
use sha2::Sha256;

/// Bytes of the tag behind each packet.
const TAG: usize = 16;

/// What differs between versions of QUIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    salt: &'static [u8; 20],
    /// Version 2 has labels and packet types of its own.
    pub(super) second: bool,
}

impl Version {
    /// The version of that number: 1, 2, drafts, and those of large sites that are one of these.
    pub(super) fn of(number: u32) -> Option<Self> {
        let (salt, second) = match number {
            1 | 0xff00_0021..=0xff00_0022 | 0xface_b003 => (&SALT_1, false),
            0x6b33_43cf => (&SALT_2, true),
            0xff00_001d..=0xff00_0020 => (&SALT_29, false),
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e | 0xface_b011 | 0xface_b013 => {
                (&SALT_23, false)
            }
            0xff00_0015..=0xff00_0016 | 0xface_b001 => (&SALT_21, false),
            0xff00_0011..=0xff00_0014 => (&SALT_17, false),
            0x5430_3530 => (&SALT_T050, false),
            0x5430_3531 => (&SALT_T051, false),
            _ => return None,
        };
        Some(Self { salt, second })
    }
}

/// Keys of both directions.
pub(super) struct InitialKeys {
    sides: [SideKeys; 2],
    /// What they were derived from.
    pub(super) id: Vec<u8>,
}

struct SideKeys {
    packet: Aes128Gcm,
    iv: [u8; 12],
    header: Aes128,
}

impl InitialKeys {
    /// The keys that the client's first destination connection ID gives.
    pub(super) fn new(version: Version, id: &[u8]) -> Self {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(version.salt), id);
        let sides = ["client in", "server in"].map(|side| {
            let secret: [u8; 32] = expand(&initial, side);
            let labels = match version.second {
                true => ["quicv2 key", "quicv2 iv", "quicv2 hp"],
                false => ["quic key", "quic iv", "quic hp"],
            };
            let packet: [u8; 16] = derive(&secret, labels[0]);
            let header: [u8; 16] = derive(&secret, labels[2]);
            SideKeys {
                packet: Aes128Gcm::new(&packet.into()),
                iv: derive(&secret, labels[1]),
                header: Aes128::new(&header.into()),
            }
        });
        Self { sides, id: id.to_vec() }
    }

    /// Opens a packet: its bytes up to its end, and where its number stands. `None` if these are not its keys.
    pub(super) fn open(&self, from: Direction, packet: &[u8], number_at: usize) -> Option<Vec<u8>> {
        let keys = &self.sides[from.index()];
        let sample: [u8; 16] = packet.get(number_at + 4..)?.first_chunk::<16>().copied()?;
        let mut mask: Array<u8, U16> = sample.into();
        keys.header.encrypt_block(&mut mask);
        let first = packet.first()? ^ (mask[0] & 0x0f);
        let number_len = usize::from(first & 3) + 1;
        let (head, sealed) = packet.split_at_checked(number_at + number_len)?;
        let mut head = head.to_vec();
        *head.first_mut()? = first;
        let mut number = 0;
        for (byte, mask) in head.get_mut(number_at..)?.iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
            number = number << 8 | u64::from(*byte);
        }
        // Initial packets are few: their numbers are never cut.
        let mut nonce = keys.iv;
        for (byte, of) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= of;
        }
        let (text, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let mut out = vec![0; text.len()];
        let buffer = InOutBuf::new(text, &mut out).ok()?;
        keys.packet.decrypt_inout_detached(&nonce.into(), &head, buffer, tag.try_into().ok()?).ok()?;
        Some(out)
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
        number: u8,
        text: &[u8],
    ) -> Vec<u8> {
        let keys = &self.sides[from.index()];
        let mut nonce = keys.iv;
        nonce[11] ^= number;
        let mut out = text.to_vec();
        let buffer = InOutBuf::from(&mut out[..]);
        let tag = keys.packet.encrypt_inout_detached(&nonce.into(), head, buffer).unwrap();
        let mut packet = [head, &out, &tag].concat();
        let mut mask: Array<u8, U16> = packet[number_at + 4..][..16].try_into().unwrap();
        keys.header.encrypt_block(&mut mask);
        let number_len = usize::from(head[0] & 3) + 1;
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at..][..number_len].iter_mut().zip(&mask[1..]).for_each(|(b, m)| *b ^= m);
        packet
    }
}

/// HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context.
fn derive<const N: usize>(secret: &[u8], label: &str) -> [u8; N] {
    Hkdf::<Sha256>::from_prk(secret).map_or([0; N], |hkdf| expand(&hkdf, label))
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, label: &str) -> [u8; N] {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let info = [&(N as u16).to_be_bytes()[..], &[label.len() as u8], &label, &[0]].concat();
    let mut out = [0; N];
    // It fails only for outputs of more than 255 digests.
    let _ = hkdf.expand(&info, &mut out);
    out
}

const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];
const SALT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
];
const SALT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe,
    0xf9, 0xf5, 0x02,
];
const SALT_21: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a,
    0x02, 0x64, 0x4a,
];
const SALT_17: [u8; 20] = [
    0xef, 0x4f, 0xb0, 0xab, 0xb4, 0x74, 0x70, 0xc4, 0x1b, 0xef, 0xcf, 0x80, 0x31, 0x33, 0x4f, 0xae, 0x48,
    0x5e, 0x09, 0xa0,
];
const SALT_T050: [u8; 20] = [
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60,
    0x48, 0x83, 0x10,
];
const SALT_T051: [u8; 20] = [
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda,
    0x6e, 0x03, 0x3d,
];
