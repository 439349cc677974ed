//! Memory stays bounded, whatever comes.

use super::support::Rig;
use crate::{flow::Budget, limits};

#[test]
fn thousands_of_segments_may_be_out_of_order() {
    let mut rig = Rig::open(99);
    for i in (0..6000_u32).rev() {
        rig.send(100 + 4 * i, 0, b"data");
    }
    assert_eq!((rig.got.data.len(), rig.got.anomalies.gaps), (24_000, 0));
    rig.finish();
}

#[test]
fn a_flood_behind_a_hole_becomes_a_gap() {
    let mut rig = Rig::open(99);
    let bytes = [b'x'; 1000];
    for i in 0..10_000_u32 {
        rig.send(200 + 1000 * i, 0, &bytes);
        assert!(rig.budget.used() <= limits::SEGMENT_BYTES_FLOW + 2000);
    }
    assert_eq!(rig.got.gaps, [(0, 100)]);
    assert_eq!(rig.got.next, 10_000_100);
    assert_eq!(rig.got.anomalies.segments_bounded, 1);
    rig.finish();
}

#[test]
fn a_flood_far_ahead_does_not_disturb_the_stream() {
    let mut rig = Rig::open(99);
    let bytes = [b'x'; 1000];
    for i in 0..5_000_u32 {
        rig.send(1_000_000 + 2000 * i, 0, &bytes);
        rig.send(100 + i, 0, b"d");
        assert!(rig.budget.used() <= limits::SEGMENT_BYTES_FLOW + 2000);
    }
    assert_eq!((rig.got.next, rig.got.anomalies.gaps), (5_000, 0));
    let kept = rig.got.again.len();
    assert!(kept > 2000, "what was dropped was shown: {kept}");
    rig.finish();
}

#[test]
fn the_budget_of_the_partition_holds_for_each_flow() {
    let mut rig = Rig::open(99);
    rig.budget = Budget::new(1000);
    for i in 0..1000_u32 {
        rig.send(110 + 10 * i, 0, b"0123456789");
        assert!(rig.budget.used() <= 1000 + 200);
    }
    rig.finish();
    assert_eq!(rig.got.next, 10_010);
    let mut rig = Rig::new();
    rig.budget = Budget::new(0);
    rig.send(100, 0, b"held");
    assert_eq!(rig.data(), "held", "no room to hold");
    rig.finish();
}
