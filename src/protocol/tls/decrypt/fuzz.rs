//! A session whose keys are known, of any content: what the fuzzer needs to get behind the ciphers.

use super::aead::AeadKey;
use super::schedule::traffic_keys;
use super::suite::{Aead, Hash};
use crate::keylog::{Entry, Keyring, Label};
use crate::message::Direction;

const RANDOM: [u8; 32] = [7; 32];
const LABELS: [Label; 6] = [
    Label::ClientEarly,
    Label::ClientHandshake,
    Label::ServerHandshake,
    Label::ClientTraffic,
    Label::ServerTraffic,
    Label::Master,
];

/// The secrets of the session.
pub(in crate::protocol) fn ring() -> Keyring {
    let entry = |label| {
        let len = if label == Label::Master { 48 } else { 32 };
        Entry { label, id: RANDOM, secret: vec![label as u8; len].into() }
    };
    let mut ring = Keyring::default();
    ring.add(LABELS.into_iter().map(entry).collect());
    ring
}

/// Records that begin a session of that suite: ClientHello or ServerHello.
pub(in crate::protocol) fn hello(dir: Direction, suite: u16, tls13: bool) -> Vec<u8> {
    let [high, low] = suite.to_be_bytes();
    let body = match dir {
        // supported_versions, early_data
        Direction::Request => {
            [&[3, 3][..], &RANDOM, &[0, 0, 2, high, low, 1, 0, 0, 11, 0, 43, 0, 3, 2, 3, 4, 0, 42, 0, 0]]
                .concat()
        }
        // supported_versions, pre_shared_key
        Direction::Response if tls13 => {
            [&[3, 3][..], &[9; 32], &[0, high, low, 0, 0, 12, 0, 43, 0, 2, 3, 4, 0, 41, 0, 2, 0, 0]].concat()
        }
        // encrypt_then_mac
        Direction::Response => [&[3, 3][..], &[9; 32], &[0, high, low, 0, 0, 4, 0, 22, 0, 0]].concat(),
    };
    let kind = if dir == Direction::Request { 1 } else { 2 };
    let message = [&[kind, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, 3, 3, 0, message.len() as u8][..], &message].concat()
}

/// A record of TLS 1.3 with TLS_AES_128_GCM_SHA256 (0x1301), sealed under the secret of that index.
pub(in crate::protocol) fn seal(secret: usize, number: u64, kind: u8, plain: &[u8]) -> Vec<u8> {
    let label = LABELS.get(secret).copied().unwrap_or(Label::ClientTraffic);
    let (key, mut nonce) = traffic_keys(Hash::Sha256, &[label as u8; 32], 16);
    nonce.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(n, b)| *n ^= b);
    let plain = [plain, &[kind]].concat();
    let len = (plain.len() + 16) as u16;
    let mut record = [&[23, 3, 3][..], &len.to_be_bytes()].concat();
    let header = record.clone();
    if let Some(key) = AeadKey::new(Aead::Aes128Gcm, &key) {
        record.extend(key.seal(&nonce, &header, &plain));
    }
    record
}
