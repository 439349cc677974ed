//! One direction with its SYN: order, overlap, holes, ends.

use super::support::{FIN, Rig, SYN, URG};
use crate::{flow::Assembler, limits, message::End};

#[test]
fn an_assembler_is_small() {
    assert!(size_of::<Assembler>() <= 64, "{}", size_of::<Assembler>());
}

#[test]
fn in_order_data_and_fin() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"hello ");
    rig.send(106, FIN, b"world");
    assert_eq!((rig.data(), rig.got.end), ("hello world", Some(End::Complete)));
    rig.send(111, FIN, b""); // retransmitted FIN
    rig.send(106, FIN, b"world");
    assert_eq!(rig.got.anomalies.retransmitted, 1);
    assert!(rig.got.again.is_empty());
}

#[test]
fn out_of_order_segments_keep_their_origins() {
    let mut rig = Rig::open(99);
    rig.send(104, 0, b"ef"); // packet 2
    rig.send(102, 0, b"cdef"); // packet 3: "cd" is new
    rig.send(100, 0, b"abcd"); // packet 4: "ab" is new
    assert_eq!(rig.data(), "abcdef");
    assert_eq!(rig.got.origins, [(0, 4, 40_000), (2, 3, 30_000), (4, 2, 20_000)]);
    rig.finish();
}

#[test]
fn origins_of_partial_segments_are_advanced() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"abcd");
    rig.send(102, 0, b"cdef");
    assert_eq!(rig.got.origins, [(0, 2, 20_000), (4, 3, 30_002)]);
}

#[test]
fn sequence_numbers_wrap() {
    let mut rig = Rig::open(u32::MAX - 3);
    rig.send(1, 0, b"efgh");
    rig.send(u32::MAX - 2, 0, b"abcd");
    rig.send(5, FIN, b"i");
    assert_eq!((rig.data(), rig.got.end), ("abcdefghi", Some(End::Complete)));
}

#[test]
fn a_stream_longer_than_the_sequence_space() {
    let mut rig = Rig::open(7);
    let bytes = vec![b'x'; 1 << 20];
    for i in 0..5_000_u32 {
        rig.send(8_u32.wrapping_add(i.wrapping_mul(1 << 20)), 0, &bytes);
        rig.got.data.clear();
    }
    assert_eq!(rig.got.next, 5_000 << 20);
}

#[test]
fn retransmissions_are_counted_and_conflicts_are_shown() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"good data");
    rig.send(100, 0, b"good data");
    assert_eq!((rig.got.anomalies.retransmitted, rig.got.anomalies.overlap_conflicts), (1, 0));
    rig.send(100, 0, b"evil data");
    assert_eq!((rig.got.anomalies.retransmitted, rig.got.anomalies.overlap_conflicts), (2, 1));
    rig.send(109, 0, b"!");
    rig.finish();
    // What follows may go on where the second reading ends.
    assert_eq!(rig.got.again, [(0, b"evil data!".to_vec())]);
    assert_eq!(rig.data(), "good data!");
}

#[test]
fn a_conflicting_retransmission_may_start_earlier_and_go_on() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"ab");
    rig.send(102, 0, b"cd");
    rig.send(100, 0, b"abXdef");
    rig.finish();
    assert_eq!(rig.data(), "abcdef");
    assert_eq!(rig.got.again, [(0, b"abXdef".to_vec())]);
}

#[test]
fn conflicts_with_all_that_is_unacknowledged_are_shown() {
    for forged in 0..limits::UNACKNOWLEDGED as u32 + 2 {
        let mut rig = Rig::open(99);
        for i in 0..limits::UNACKNOWLEDGED as u32 + 2 {
            rig.send(100 + 10 * i, 0, &[b'a' + i as u8; 10]);
        }
        rig.send(100 + 10 * forged, 0, &[b'a' + forged as u8; 10]);
        assert_eq!((rig.got.anomalies.overlap_conflicts, rig.got.again.len()), (0, 0));
        rig.send(100 + 10 * forged, 0, b"!!!!!!!!!!");
        assert_eq!(rig.got.anomalies.overlap_conflicts, 1);
        rig.finish();
        assert_eq!(rig.got.again, [(u64::from(10 * forged), b"!!!!!!!!!!".to_vec())]);
    }
}

#[test]
fn of_waiting_copies_the_first_wins() {
    let mut rig = Rig::open(99);
    rig.send(103, 0, b"DEF");
    rig.send(102, 0, b"cdefg");
    rig.send(100, 0, b"abc");
    assert_eq!(rig.data(), "abcDEFg");
    assert_eq!(rig.got.anomalies.overlap_conflicts, 1);
    // All of the other copy, since what differs may belong to what does not.
    assert_eq!(rig.got.again, [(2, b"cdefg".to_vec())]);
}

#[test]
fn an_in_order_segment_does_not_replace_what_waits() {
    let mut rig = Rig::open(99);
    rig.send(102, 0, b"CD");
    rig.send(106, 0, b"GH");
    rig.send(100, 0, b"abcdefghij");
    rig.finish();
    assert_eq!(rig.data(), "abCDefGHij");
    assert_eq!(rig.got.again, [(0, b"abcdefghij".to_vec())]);
}

#[test]
fn keep_alives_are_neither_data_nor_conflict() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"abc");
    rig.send(102, 0, b"\0");
    rig.send(102, 0, b"");
    assert_eq!(rig.got.anomalies.keepalives, 2);
    assert_eq!(rig.got.anomalies.overlap_conflicts, 0);
    assert!(rig.got.again.is_empty());
}

#[test]
fn an_acknowledged_hole_becomes_a_gap_after_its_grace() {
    for by_time in [false, true] {
        let mut rig = Rig::open(99);
        rig.send(100, 0, b"ab");
        rig.send(105, 0, b"fg");
        rig.pass(1000);
        assert_eq!(rig.data(), "ab", "no ACK, no gap");
        rig.ack(107);
        rig.pass(limits::GAP_PACKETS - 1);
        assert_eq!(rig.data(), "ab");
        if by_time {
            rig.wait(limits::GAP_TIME)
        } else {
            rig.pass(1)
        }
        assert_eq!(rig.got.data, b"ab\0\0\0fg");
        assert_eq!((rig.got.anomalies.gaps, rig.got.anomalies.gap_bytes), (1, 3));
        rig.send(101, 0, b"bcdef");
        assert_eq!(rig.got.again, [(2, b"cde".to_vec())], "late bytes are still shown");
        rig.send(101, 0, b"bcdef");
        assert_eq!(rig.got.again.len(), 1, "but once");
        rig.finish();
    }
}

#[test]
fn time_gives_a_hole_up_only_where_nothing_comes() {
    let mut rig = Rig::open(99);
    rig.send(103, 0, b"def");
    rig.ack(106);
    for _ in 0..10 {
        rig.now = rig.now.plus(limits::GAP_TIME);
        rig.pass(1);
    }
    assert_eq!((rig.data(), rig.got.anomalies.gaps), ("", 0));
    rig.send(100, 0, b"abc");
    assert_eq!((rig.data(), rig.got.anomalies.gaps), ("abcdef", 0));
    rig.send(109, 0, b"jkl");
    rig.ack(112);
    rig.now = rig.now.plus(limits::LINGER);
    rig.pass(1);
    assert_eq!(rig.got.anomalies.gaps, 1, "but not for ever");
}

#[test]
fn a_hole_that_is_filled_in_its_grace_is_none() {
    let mut rig = Rig::open(99);
    rig.send(103, 0, b"def");
    rig.ack(106);
    rig.pass(10);
    rig.send(100, 0, b"abc");
    rig.pass(100);
    assert_eq!((rig.data(), rig.got.anomalies.gaps), ("abcdef", 0));
}

#[test]
fn holes_that_waited_together_are_given_up_together() {
    let mut rig = Rig::open(99);
    for i in 0..10_u32 {
        rig.send(101 + 2 * i, 0, b"x");
    }
    rig.ack(120);
    rig.pass(limits::GAP_PACKETS + 12);
    assert_eq!(rig.got.anomalies.gaps, 10);
    rig.finish();
}

#[test]
fn without_a_peer_the_first_waiting_segment_starts_the_grace() {
    let mut rig = Rig::open(99);
    rig.peer_seen = false;
    rig.send(105, 0, b"fg");
    rig.pass(limits::GAP_PACKETS);
    assert_eq!(rig.got.gaps, [(0, 5)]);
}

#[test]
fn a_segment_far_ahead_does_not_make_the_stream_jump() {
    let mut rig = Rig::open(99);
    rig.send(50_000_000, 0, b"bogus");
    rig.send(200_000, 0, b"bogus too");
    for i in 0..500_u32 {
        rig.send(100 + 4 * i, 0, b"data");
        rig.ack(104 + 4 * i);
    }
    assert_eq!((rig.got.data.len(), rig.got.anomalies.gaps), (2000, 0));
    rig.finish();
    assert_eq!(rig.got.again, [(49_999_900, b"bogus".to_vec())]);
    assert_eq!(rig.got.anomalies.far_ahead, 1);
}

#[test]
fn a_gap_ends_where_the_acknowledgment_does() {
    let mut rig = Rig::open(99);
    rig.send(100_000, 0, b"bogus");
    rig.ack(110);
    rig.pass(limits::GAP_PACKETS);
    assert_eq!(rig.got.gaps, [(0, 10)]);
    rig.send(110, 0, b"go on");
    assert_eq!(&rig.got.data[10..], b"go on");
}

#[test]
fn bytes_cut_by_the_snap_length_are_a_gap_at_once() {
    let mut rig = Rig::open(99);
    rig.send_cut(100, 0, b"ab", 3);
    rig.send_cut(105, 0, b"", 2);
    rig.send_cut(109, FIN, b"j", 1);
    rig.send_cut(107, 0, b"h", 1);
    assert_eq!(rig.got.data, b"ab\0\0\0\0\0h\0j\0");
    assert_eq!((rig.got.end, rig.got.anomalies.gap_bytes), (Some(End::Complete), 7));
    rig.finish();
}

#[test]
fn a_lost_tail_is_known_from_the_acknowledgment() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"ab");
    rig.ack(110);
    rig.finish();
    assert_eq!((rig.got.gaps.as_slice(), rig.got.end), (&[(2, 8)][..], Some(End::Cut)));
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"ab");
    rig.ack(103); // perhaps a FIN that was lost
    rig.finish();
    assert!(rig.got.gaps.is_empty());
}

#[test]
fn fin_waits_for_the_data_before_it() {
    let mut rig = Rig::open(99);
    rig.send(103, FIN, b"def");
    rig.send(106, FIN, b"");
    assert_eq!(rig.got.end, None);
    rig.send(100, 0, b"abc");
    assert_eq!((rig.data(), rig.got.end), ("abcdef", Some(End::Complete)));
    rig.send(106, 0, b"more");
    rig.send(106, 0, b"more");
    assert_eq!(rig.got.again, [(6, b"more".to_vec())]);
    assert_eq!(rig.got.anomalies.after_end, 1);
}

#[test]
fn urgent_bytes_stay_in_line_and_are_left_out_of_another_reading() {
    let mut rig = Rig::open(99);
    rig.urgent = 4;
    rig.send(100, URG, b"eyJ!hbG");
    assert_eq!(
        (rig.got.data.as_slice(), rig.got.again.as_slice()),
        (&b"eyJ!hbG"[..], &[(0, b"eyJhbG".to_vec())][..])
    );
    // At an end there is nothing that it parts; a pointer behind the segment tells of bytes to come.
    for pointer in [0, 1, 2, 3, 600] {
        rig.urgent = pointer;
        rig.send(rig.got.next as u32 + 100, URG, b"a");
    }
    assert_eq!((rig.got.again.len(), rig.got.anomalies.urgent), (1, 6));
    assert_eq!(rig.got.data, b"eyJ!hbGaaaaa");
}

#[test]
fn zero_windows_and_their_probes_are_neither_data_nor_hole() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"GET / HTTP/1.1\r\n");
    rig.ack(116);
    // The window is shut: the sender asks with one byte that the peer does not take, then sends it again.
    for _ in 0..3 {
        rig.send(116, 0, b"H");
        rig.ack(116);
    }
    rig.send(116, 0, b"Host: a\r\n\r\n");
    assert_eq!(rig.got.data, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(rig.got.gaps.is_empty() && rig.got.again.is_empty(), "{:?}", rig.got.anomalies);
    assert_eq!(rig.got.anomalies.overlap_conflicts, 0);
}

#[test]
fn a_reset_must_be_in_the_window() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"abc");
    assert!(!rig.rst(100 + 0x5000_0000, true));
    assert!(!rig.rst(101, true));
    assert_eq!(rig.got.anomalies.resets_ignored, 2);
    assert!(rig.rst(103, true));
    assert_eq!(rig.got.end, Some(End::Reset));
}

#[test]
fn a_reset_behind_a_hole_waits_for_it() {
    let mut rig = Rig::open(99);
    rig.ack(106);
    assert!(rig.rst(106, true));
    assert_eq!(rig.got.end, None);
    rig.send(100, 0, b"abcdef");
    assert_eq!((rig.data(), rig.got.end), ("abcdef", Some(End::Reset)));
}

#[test]
fn a_reset_of_a_direction_never_seen_must_answer_the_peer() {
    assert!(!Rig::new().rst(77, false));
    let mut rig = Rig::new();
    assert!(rig.rst(0, true));
    assert_eq!(rig.got.end, Some(End::Reset));
}

#[test]
fn syn_with_data_and_its_retransmission() {
    let mut rig = Rig::new();
    rig.send(99, SYN, b"fast"); // RFC 7413
    rig.send(99, SYN, b"");
    rig.send(100, 0, b"fast open");
    assert_eq!(rig.data(), "fast open");
}

#[test]
fn a_syn_with_another_number_is_another_connection() {
    let mut rig = Rig::open(99);
    assert!(rig.assembler.accepts_syn(99));
    assert!(!rig.assembler.accepts_syn(100));
    rig.send(100, 0, b"abc");
    assert!(rig.assembler.accepts_syn(99) && !rig.assembler.accepts_syn(5_000_000));
}
