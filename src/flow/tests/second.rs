//! What comes a second time, and says something else.

use super::support::*;
use crate::limits;

#[test]
fn a_second_reading_is_put_together_however_it_is_cut() {
    let (first, other) = (b"the first reading of the stream", b"the OTHER reading of the stream");
    for sent in [3, 7, 10, 31] {
        for cut in [1, 2, 5, 9, 10, 30, 31] {
            let mut rig = Rig::open(99);
            let mut send = |text: &[u8; 31], size: usize| {
                for (number, piece) in text.chunks(size).enumerate() {
                    rig.send(100 + (number * size) as u32, 0, piece);
                }
            };
            send(first, sent);
            // What is the same in other cuts is nothing to read again.
            send(first, 4);
            send(other, cut);
            rig.finish();
            let conflicts = rig.got.anomalies.overlap_conflicts;
            assert_eq!(rig.got.again, [(0, other.to_vec())], "{sent} {cut}");
            assert_eq!(
                (conflicts > 0, rig.data(), rig.budget.used()),
                (true, "the first reading of the stream", 0)
            );
            let pieces: Vec<usize> = rig.got.pieces[0].iter().map(|(at, _)| *at).collect();
            assert_eq!(pieces, (0..31_usize.div_ceil(cut)).map(|n| n * cut).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_differs_late_is_read_with_what_did_not_differ_before() {
    let mut rig = Rig::open(99);
    for text in [b"one two three", b"one two THREE"] {
        (0..13).step_by(4).for_each(|at| rig.send(100 + at as u32, 0, &text[at..13.min(at + 4)]));
    }
    rig.finish();
    assert_eq!((rig.got.again.len(), &rig.got.again[0].1[..]), (1, &b"one two THREE"[..]));
    let told = [(0, true), (4, true), (8, false), (12, false)];
    assert_eq!(rig.got.pieces[0], told);
    // A packet that is captured twice is not waited for.
    let mut rig = Rig::open(99);
    rig.send(100, 0, b"one");
    rig.send(100, 0, b"one");
    assert!(!rig.assembler.waiting());
}

#[test]
fn a_second_reading_does_not_wait_for_ever() {
    let mut rig = Rig::open(99);
    rig.send(100, 0, &[b'a'; 100]);
    rig.send(100, 0, &[b'b'; 100]);
    assert!(rig.got.again.is_empty() && (100..400).contains(&rig.budget.used()));
    rig.pass(limits::HOLD_PACKETS);
    assert_eq!((rig.got.again.len(), rig.budget.used()), (1, 0));
    // Nor does it grow for ever.
    let mut rig = Rig::open(99);
    for at in 0..100 {
        rig.send(100 + 1000 * at, 0, &[b'a'; 1000]);
    }
    for at in 0..100 {
        rig.send(100 + 1000 * at, 0, &[b'b'; 1000]);
        assert!(rig.budget.used() <= limits::SECOND_READING + 1200);
    }
    rig.finish();
    let shown: usize = rig.got.again.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!((shown, rig.got.anomalies.overlap_conflicts), (100_000, 100));
}
