//! The examples of RFC 9001 appendix A and RFC 9369 appendix A, and hellos in pieces.

mod keyed;

use super::keys::{Mask, PacketKey, seal, update_label};
use super::version::Version;
use super::*;
use crate::keylog::{Entry, Keyring, Label};
use crate::message::{Channel, Position, Transport};
use crate::protocol::Conversation;
use crate::protocol::tests::tape::Tape;
use crate::protocol::tls::decrypt::{Aead, Hash, update_secret};
use crate::time::Timestamp;

/// The client's destination connection ID in both examples.
const ID: &str = "8394c8f03e515708";
/// RFC 9001 appendix A.2: the CRYPTO frame of the client's first packet.
const CLIENT: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301130201000\
                      0c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d0020\
                      9370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302030804080508060\
                      02d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
/// RFC 9001 appendix A.3: the server's first packet, protected.
const SERVER_1: &str = "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3\
                        dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee";
/// RFC 9369 appendix A.3.
const SERVER_2: &str = "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17f9\
                        af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140";

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect()
}

/// The protected first packet of the client, with these frames.
fn client(version: u32, number: u8, frames: &[u8]) -> Vec<u8> {
    let kind = if version == 1 { 0xc3 } else { 0xd3 };
    let mut frames = frames.to_vec();
    frames.resize(1162, 0);
    let head =
        [&[kind][..], &version.to_be_bytes(), &[8], &hex(ID), &[0, 0, 0x44, 0x9e, 0, 0, 0, number]].concat();
    let keys = InitialKeys::new(Version::of(version).unwrap(), &hex(ID));
    keys.seal(Direction::Request, &head, 18, number.into(), &frames)
}

/// What a conversation says to datagrams of client and server.
fn said(datagrams: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let transport =
        Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
    let (mut conversation, mut tape, mut id) = (Conversation::default(), Tape::default(), 0);
    for (dir, bytes) in datagrams {
        if let Some(told) = conversation.probe(bytes, &mut tape) {
            assert_eq!(told, *dir);
        }
        conversation.datagram(*dir, bytes, Position::default(), transport, &mut tape, &mut id);
    }
    tape.lines
}

#[test]
fn the_examples_are_read() {
    // The first and the last bytes of RFC 9001 appendix A.2: what is sealed here is what stands there.
    let packet = client(1, 2, &hex(CLIENT));
    assert_eq!(packet.len(), 1200);
    assert!(packet.starts_with(&hex("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11")));
    assert!(packet.ends_with(&hex("e221af44860018ab0856972e194cd934")));
    for (version, server) in [(1, SERVER_1), (0x6b33_43cf, SERVER_2)] {
        let client = (Direction::Request, client(version, 2, &hex(CLIENT)));
        let server = (Direction::Response, hex(server));
        let expected = ["0 quic", "client 0303 example.com", "## encrypted 1335", "server 0304 1301"];
        assert_eq!(said(&[client, server]), expected, "version {version:x}");
    }
}

#[test]
fn a_hello_may_come_in_any_order_over_packets() {
    let hello = &hex(CLIENT)[4..];
    let frame = |from: usize, to: usize| {
        let head = [6, 0x40, from as u8, 0x40, (to - from) as u8];
        [&head[..], &hello[from..to]].concat()
    };
    let ping = [vec![1, 0, 0], frame(200, 241), vec![2, 0, 0, 0, 0], frame(60, 130)].concat();
    let first = client(1, 0, &ping);
    let second = client(1, 1, &[frame(0, 61), frame(120, 200)].concat());
    let both = [(Direction::Request, first.clone()), (Direction::Request, second.clone())];
    assert_eq!(said(&both)[..2], ["0 quic", "## encrypted 2400"]);
    assert_eq!(said(&both)[2..], ["client 0303 example.com"]);
    // Both in one datagram.
    assert!(
        said(&[(Direction::Request, [first, second].concat())])
            .contains(&"client 0303 example.com".to_owned())
    );
}

#[test]
fn what_is_cut_or_changed_opens_nothing() {
    let packet = client(1, 2, &hex(CLIENT));
    for cut in 0..packet.len() {
        let lines = said(&[(Direction::Request, packet[..cut].to_vec())]);
        assert!(!lines.iter().any(|l| l.starts_with("client")), "cut at {cut}");
    }
    let mut changed = packet;
    changed[700] ^= 1;
    assert_eq!(said(&[(Direction::Request, changed)]), ["0 quic", "## encrypted 1200"]);
}

#[test]
fn initials_are_opened_up_to_a_limit() {
    let many = vec![(Direction::Request, client(1, 0, &[1])); 100];
    let lines = said(&many);
    assert_eq!(lines.iter().filter(|l| l.contains("quic_initials_limit")).count(), 1);
}
