//! A connection of which every packet is open: what the fuzzer needs to get behind the ciphers.

use super::decryption::Decryption;
use super::header::Level;
use super::ids::Ids;
use super::version::Version;
use crate::message::Direction;
use crate::protocol::ClientHello;
use crate::protocol::datagram::DatagramOut;

/// Plays frames: packets, each behind a byte that says what it is and one that says how long. The first byte of all
/// chooses the protocol inside.
pub(in crate::protocol) fn play(data: &[u8], out: &mut DatagramOut<'_>) {
    let Some((first, mut rest)) = data.split_first() else { return };
    let Some(version) = Version::of(1) else { return };
    let alpn = if first & 1 == 0 { b"h3".to_vec() } else { b"other".to_vec() };
    let hello = ClientHello { alpn: vec![alpn], ..ClientHello::default() };
    let mut decryption = Decryption::new(version, &hello);
    let mut ids: [Ids; 2] = Default::default();
    let mut number = 0;
    while let [kind, len, more @ ..] = rest {
        let (plain, next) = more.split_at(more.len().min(usize::from(*len)));
        let dir = if kind & 1 == 0 { Direction::Request } else { Direction::Response };
        let level = match kind >> 1 & 3 {
            0 => Level::Handshake,
            1 => Level::Early,
            _ => Level::Application,
        };
        number += u64::from(kind >> 3);
        decryption.content(dir, level, (number, plain.to_vec()), &mut ids, out);
        rest = next;
    }
    decryption.close(&mut ids, out);
}
