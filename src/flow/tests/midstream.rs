//! Streams whose SYN was not seen, or late.

use super::support::{FIN, Rig, SYN};
use crate::{limits, message::End};

#[test]
fn the_first_data_waits_for_earlier_data() {
    let mut rig = Rig::new();
    rig.send(106, 0, b"ghi");
    rig.send(103, 0, b"def");
    rig.send(100, 0, b"abc");
    assert_eq!(rig.data(), "");
    rig.pass(limits::HOLD_PACKETS);
    assert_eq!(rig.data(), "abcdefghi");
    rig.send(109, FIN, b"j");
    assert_eq!((rig.data(), rig.got.end), ("abcdefghij", Some(End::Complete)));
    rig.send(98, 0, b"yz");
    assert_eq!(rig.got.again, [(0, b"yz".to_vec())], "older than the start");
}

#[test]
fn time_or_the_end_releases_what_is_held() {
    let mut rig = Rig::new();
    rig.send(100, 0, b"abc");
    rig.wait(limits::HOLD_TIME);
    assert_eq!(rig.data(), "abc");
    let mut rig = Rig::new();
    rig.send(100, FIN, b"abc");
    rig.finish();
    assert_eq!((rig.data(), rig.got.end), ("abc", Some(End::Complete)));
}

#[test]
fn the_start_of_a_message_need_not_wait() {
    let mut rig = Rig::new();
    rig.got.hint = true;
    rig.send(100, 0, b"GET / ");
    assert_eq!(rig.data(), "GET / ");
    let mut rig = Rig::new();
    rig.got.hint = true;
    rig.send(106, 0, b"HTTP");
    rig.send(100, 0, b"GET / ");
    assert_eq!(rig.data(), "GET / HTTP");
}

#[test]
fn the_peers_acknowledgment_tells_the_start() {
    let mut rig = Rig::new();
    rig.ack(100);
    rig.send(100, 0, b"abc");
    assert_eq!(rig.data(), "abc");
    let mut rig = Rig::new();
    rig.send(100, 0, b"abc");
    rig.ack(103);
    assert_eq!(rig.data(), "abc");
}

#[test]
fn a_bare_acknowledgment_tells_the_start() {
    let mut rig = Rig::new();
    rig.send(100, 0, b"");
    rig.send(103, 0, b"def");
    rig.send(100, 0, b"abc");
    assert_eq!(rig.data(), "abcdef");
    let mut rig = Rig::new();
    rig.send(99, 0, b""); // a keep-alive probe
    rig.send(100, 0, b"abc");
    assert_eq!((rig.data(), rig.got.gaps.len()), ("abc", 0));
}

#[test]
fn a_late_syn_fixes_the_start() {
    let mut rig = Rig::new();
    rig.send(103, 0, b"def");
    rig.send(99, SYN, b"");
    rig.send(100, 0, b"abc");
    assert_eq!(rig.data(), "abcdef");
    let mut rig = Rig::new();
    rig.send(100, 0, b"abc");
    rig.pass(20);
    assert!(rig.assembler.accepts_syn(99));
    rig.send(99, SYN, b"");
    assert_eq!(rig.data(), "abc");
}

#[test]
fn held_data_wraps_around() {
    let mut rig = Rig::new();
    rig.send(1, 0, b"cd");
    rig.send(u32::MAX, 0, b"ab");
    rig.finish();
    assert_eq!(rig.data(), "abcd");
}
