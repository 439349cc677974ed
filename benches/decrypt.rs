//! How fast TLS records are opened, beside the cipher alone: `cargo bench --bench decrypt`.
//!
//! One session of TLS 1.3 with AES-GCM, in full records, cut into segments of a network and in one piece. The bar is
//! half of the speed of the cipher's own crate.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use hkdf::Hkdf;
use sha2::{Sha256, Sha384};
use std::sync::Arc;
use std::time::Instant;
use wirelint::keylog::{Entry, Keyring, Label};
use wirelint::message::{Channel, Direction, End, ExchangeId, Head, Position, Transport};
use wirelint::protocol::{Carrier, Layer, Sink, TlsEvent};

const RECORDS: usize = 4096;
const PLAIN: usize = 16 << 10;
const RANDOM: [u8; 32] = [7; 32];

fn main() {
    for (name, suite, long) in [("AES-128-GCM", 0x1301_u16, false), ("AES-256-GCM", 0x1302, true)] {
        let secret = vec![3; if long { 48 } else { 32 }];
        let (key, iv) = keys(&secret, long);
        let plain = vec![b'x'; PLAIN];
        let records: Vec<_> = (0..RECORDS as u64).map(|n| seal(&key, &iv, n, &plain)).collect();
        let stream = records.concat();
        let cipher = best(|| records.iter().for_each(|r| open(&key, &iv, r)));
        println!("{name}: the cipher alone {:>6.0} MB/s", cipher);
        for piece in [1448, 64 << 10, usize::MAX] {
            let ours = best(|| run(suite, &secret, &stream, piece));
            let what =
                if piece == usize::MAX { "one piece".to_owned() } else { format!("pieces of {piece}") };
            println!("{name}: a layer, {what:<16} {ours:>6.0} MB/s, {:.2} of that", ours / cipher);
        }
    }
}

enum Cipher {
    Short(Box<Aes128Gcm>),
    Long(Box<Aes256Gcm>),
}

/// Of RFC 8446 section 7.3.
fn keys(secret: &[u8], long: bool) -> (Cipher, [u8; 12]) {
    let expand = |label: &[u8], out: &mut [u8]| {
        let name = [b"tls13 ", label].concat();
        let info = [&[0, out.len() as u8, name.len() as u8][..], &name, &[0]].concat();
        let done = if long {
            Hkdf::<Sha384>::from_prk(secret).expect("a secret").expand(&info, out)
        } else {
            Hkdf::<Sha256>::from_prk(secret).expect("a secret").expand(&info, out)
        };
        done.expect("a short output");
    };
    let mut key = vec![0; if long { 32 } else { 16 }];
    let mut iv = [0; 12];
    expand(b"key", &mut key);
    expand(b"iv", &mut iv);
    let cipher = if long {
        Cipher::Long(Box::new(Aes256Gcm::new_from_slice(&key).expect("a key")))
    } else {
        Cipher::Short(Box::new(Aes128Gcm::new_from_slice(&key).expect("a key")))
    };
    (cipher, iv)
}

fn nonce(iv: &[u8; 12], number: u64) -> [u8; 12] {
    let mut nonce = *iv;
    nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(n, b)| *n ^= b);
    nonce
}

fn seal(cipher: &Cipher, iv: &[u8; 12], number: u64, plain: &[u8]) -> Vec<u8> {
    let len = (plain.len() + 17) as u16;
    let header = [&[23, 3, 3][..], &len.to_be_bytes()].concat();
    let mut text = [plain, &[23]].concat();
    let nonce = nonce(iv, number);
    let tag = match cipher {
        Cipher::Short(c) => c.encrypt_inout_detached((&nonce).into(), &header, text.as_mut_slice().into()),
        Cipher::Long(c) => c.encrypt_inout_detached((&nonce).into(), &header, text.as_mut_slice().into()),
    };
    [&header[..], &text, &tag.expect("sealed")].concat()
}

/// What the crate alone does with a record: the wrong nonce costs as much, up to the decryption, so it is the right one
/// of the first record for all, and encryption stands for the opening, which does the same work.
fn open(cipher: &Cipher, iv: &[u8; 12], record: &[u8]) {
    let (header, text) = record.split_at(5);
    let mut text = text[..text.len() - 16].to_vec();
    let nonce = nonce(iv, 0);
    let tag = match cipher {
        Cipher::Short(c) => c.encrypt_inout_detached((&nonce).into(), header, text.as_mut_slice().into()),
        Cipher::Long(c) => c.encrypt_inout_detached((&nonce).into(), header, text.as_mut_slice().into()),
    };
    std::hint::black_box(tag.expect("sealed"));
}

/// The best of a few runs, in MB/s of plaintext.
fn best(mut run: impl FnMut()) -> f64 {
    let time = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    (RECORDS * PLAIN) as f64 / 1e6 / time.fold(f64::MAX, f64::min)
}

fn run(suite: u16, secret: &[u8], stream: &[u8], piece: usize) {
    let entry = |label| Entry { label, id: RANDOM, secret: secret.to_vec().into() };
    let mut ring = Keyring::default();
    ring.add(vec![entry(Label::ServerTraffic)]);
    let mut sink = Counter { ring: Arc::new(ring), opened: 0 };
    let transport =
        Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
    let (mut layer, mut id) = (Layer::new(transport, 0), 0);
    let [high, low] = suite.to_be_bytes();
    let hello = |kind: u8, body: Vec<u8>| {
        let message = [&[kind, 0, 0, body.len() as u8][..], &body].concat();
        [&[22, 3, 3, 0, message.len() as u8][..], &message].concat()
    };
    let versions = [0, 7, 0, 43, 0, 3, 2, 3, 4];
    let client = [&[3, 3][..], &RANDOM, &[0, 0, 2, high, low, 1, 0], &versions].concat();
    let server = [&[3, 3][..], &[9; 32], &[0, high, low, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    let at = Position::default();
    layer.data(Direction::Request, &hello(1, client), at, &mut sink, &mut id);
    layer.data(Direction::Response, &hello(2, server), at, &mut sink, &mut id);
    for bytes in stream.chunks(piece) {
        layer.data(Direction::Response, bytes, at, &mut sink, &mut id);
    }
    assert_eq!(sink.opened, (RECORDS * PLAIN) as u64, "all of it is opened");
}

/// Counts what comes out.
struct Counter {
    ring: Arc<Keyring>,
    opened: u64,
}

impl Sink for Counter {
    fn begin(&mut self, _: Carrier<'_>, _: ExchangeId, _: &Head<'_>) {}
    fn body(&mut self, _: Carrier<'_>, _: ExchangeId, _: Direction, _: u64, _: &[u8]) {}
    fn body_gap(&mut self, _: ExchangeId, _: Direction, _: u64) {}
    fn trailers(&mut self, _: Carrier<'_>, _: ExchangeId, _: Direction, _: &Head<'_>) {}
    fn end(&mut self, _: ExchangeId, _: Direction, _: End) {}
    fn opaque(&mut self, _: Carrier<'_>, _: Direction, _: u64, bytes: &[u8]) {
        self.opened += bytes.len() as u64;
    }
    fn opaque_gap(&mut self, _: &Transport, _: Direction, _: bool) {}
    fn encrypted(&mut self, _: u64) {}
    fn keyring(&self) -> Option<Arc<Keyring>> {
        Some(Arc::clone(&self.ring))
    }
    fn tls(&mut self, _: Carrier<'_>, _: TlsEvent<'_>) {}
    fn protocol(&mut self, _: usize, _: &'static str) {}
    fn upgraded(&mut self, _: usize, _: &'static str) {}
    fn reserve(&mut self, _: usize) -> bool {
        true
    }
    fn release(&mut self, _: usize) {}
    fn weird(&mut self, _: &'static str) {}
}
