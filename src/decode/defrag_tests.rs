//! Fragments in every order, overlapping, too many.

use proptest::prelude::*;

use super::*;

fn origin(id: u32) -> Origin {
    Origin {
        source: [10, 0, 0, 1].into(),
        destination: [10, 0, 0, 2].into(),
        protocol: 17,
        id,
        path: 0,
        vlan: 0,
    }
}

fn arrival(id: u32, offset: u32, more: bool, data: &[u8]) -> Arrival<'_> {
    Arrival { origin: origin(id), at: Fragment { id, offset, more }, protocol: 17, data, cut: 0 }
}

/// Pushes all; the payloads that came out.
fn push_all(all: &[Arrival<'_>], tally: &mut Tally) -> Vec<Vec<u8>> {
    let mut defrag = Defragmenter::default();
    let time = Timestamp::default();
    all.iter().filter_map(|&a| defrag.push(a, time, tally)).map(|j| j.bytes).collect()
}

#[test]
fn first_copy_wins_and_a_conflict_is_counted() {
    let mut tally = Tally::default();
    let all = [
        arrival(1, 8, true, b"BBBBBBBB"),
        arrival(1, 0, true, b"aaaaaaaabbbbbbbbcccccccc"),
        arrival(1, 24, false, b"dd"),
    ];
    assert_eq!(push_all(&all, &mut tally), [b"aaaaaaaaBBBBBBBBccccccccdd"]);
    assert_eq!(tally.weirds, [("fragment_overlap_conflict", 1)].into());
    let mut tally = Tally::default();
    let equal = [all[1], arrival(1, 8, true, b"bbbbbbbb"), all[1], all[2]];
    assert_eq!(push_all(&equal, &mut tally), [b"aaaaaaaabbbbbbbbccccccccdd"]);
    assert!(tally.weirds.is_empty());
}

#[test]
fn oversized_unaligned_and_contradicting_fragments_are_counted() {
    let mut tally = Tally::default();
    let all = [
        arrival(1, 65_528, false, b"ping of death"),
        arrival(1, 0, true, b""),
        arrival(1, 0, true, b"aaaaaaaa?"),
        arrival(1, 8, false, b"bb"),
        arrival(2, 8, false, b"bb"),
        arrival(2, 8, false, b"bbb"),
        arrival(2, 16, true, b"cccccccc"),
        arrival(3, 16, true, b"cccccccc"),
        arrival(3, 8, false, b"b"),
    ];
    assert_eq!(push_all(&all, &mut tally), [b"aaaaaaaabb"]);
    let want = [
        ("fragment_conflicting_end", 3),
        ("fragment_empty", 1),
        ("fragment_overflow", 1),
        ("fragment_unaligned", 1),
    ];
    assert_eq!(tally.weirds, want.into());
}

#[test]
fn what_the_snap_length_cut_off_is_missing() {
    let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
    let mut first = arrival(1, 0, true, b"aaaaa");
    first.cut = 11;
    assert_eq!(defrag.push(first, Timestamp::default(), &mut tally), None);
    let joined = defrag.push(arrival(1, 16, false, b"bb"), Timestamp::default(), &mut tally);
    assert_eq!(joined, Some(Joined { protocol: 17, bytes: b"aaaaa".to_vec(), missing: 13 }));
    assert_eq!(defrag.held, 0);
}

#[test]
fn floods_are_bounded_in_number_bytes_and_time() {
    let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
    for id in 0..20_000 {
        defrag.push(arrival(id, 0, true, &[0; 1480]), Timestamp::default(), &mut tally);
        assert!(defrag.held <= limits::FRAGMENT_BYTES && defrag.ages.len() <= limits::FRAGMENT_DATAGRAMS);
    }
    let left = defrag.ages.len() as u64;
    assert_eq!(tally.weirds["fragments_evicted"], 20_000 - left);
    // The newest survived.
    assert!(defrag.push(arrival(19_999, 1480, false, b"x"), Timestamp::default(), &mut tally).is_some());
    let late = Timestamp::from_nanos(limits::FRAGMENT_TIMEOUT + 1);
    defrag.push(arrival(1, 0, true, &[0; 8]), late, &mut tally);
    assert_eq!((defrag.waiting.len(), tally.weirds["fragments_expired"]), (1, left - 1));
    assert_eq!(defrag.held, WAITING_COST + PIECE_COST + 8);
}

#[test]
fn copies_that_come_after_the_whole_are_no_loss() {
    let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
    for part in [arrival(1, 0, true, b"aaaaaaaa"), arrival(1, 8, false, b"b")] {
        defrag.push(part, Timestamp::default(), &mut tally);
        defrag.push(part, Timestamp::default(), &mut tally);
    }
    defrag.push(arrival(2, 0, true, b"aaaaaaaa"), Timestamp::default(), &mut tally);
    defrag.clear(&mut tally);
    assert_eq!(tally.weirds, [("fragments_expired", 1)].into());
    assert_eq!((defrag.waiting.len(), defrag.held), (0, 0));
}

proptest! {
    #[test]
    fn any_fragmentation_in_any_order_gives_the_payload(
        payload in prop::collection::vec(any::<u8>(), 9..4000),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..30),
        seed in any::<u64>(),
    ) {
        // A complete cut by one stride, and random overlapping extras.
        let units = payload.len().div_ceil(8);
        let stride = cuts.len() + 1;
        let mut parts: Vec<(usize, usize)> = (0..units).step_by(stride).map(|u| (u, stride)).collect();
        parts.extend(cuts.iter().map(|(at, len)| (at.index(units), *len)));
        let mut state = seed | 1;
        parts.sort_by_cached_key(|_| { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state });
        let all: Vec<_> = parts.iter().map(|&(from, len)| {
            let end = ((from + len) * 8).min(payload.len());
            arrival(7, (from * 8) as u32, end < payload.len(), &payload[from * 8..end])
        }).collect();
        let mut tally = Tally::default();
        let out = push_all(&all, &mut tally);
        prop_assert!(!out.is_empty());
        prop_assert!(out.iter().all(|o| *o == payload));
        prop_assert!(tally.weirds.is_empty());
    }

    #[test]
    fn of_conflicting_copies_the_first_wins(
        parts in prop::collection::vec((0_u32..40, 1_usize..12, any::<u8>()), 1..40),
    ) {
        let units = 40;
        let mut model: Vec<Option<u8>> = vec![None; units * 8];
        let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
        let (mut conflict, mut joined) = (false, None);
        // What is missing in the end comes last.
        let rest = (0..units as u32).map(|unit| (unit, 1, 0));
        for (unit, len, value) in parts.into_iter().chain(rest) {
            let start = unit as usize * 8;
            let end = (start + len * 8).min(model.len());
            let bytes = vec![value; end - start];
            let last = end == model.len();
            joined = defrag.push(arrival(7, unit * 8, !last, &bytes), Timestamp::default(), &mut tally);
            for byte in &mut model[start..end] {
                conflict |= *byte.get_or_insert(value) != value;
            }
            if joined.is_some() {
                break;
            }
        }
        let want: Vec<u8> = model.into_iter().map(|byte| byte.unwrap()).collect();
        prop_assert_eq!(joined.map(|j| j.bytes), Some(want));
        prop_assert_eq!(tally.weirds.contains_key("fragment_overlap_conflict"), conflict);
        prop_assert_eq!(defrag.held, 0);
    }
}
