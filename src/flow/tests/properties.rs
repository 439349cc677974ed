//! Properties over random segmentations.

use proptest::prelude::*;

use super::support::{FIN, Rig};
use crate::message::End;

/// Cuts of a stream: (start, length) in order, covering all of `len` bytes.
fn cuts(len: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let (mut at, mut i) = (0, 0);
    while at < len {
        let n = sizes[i % sizes.len()].min(len - at);
        out.push((at, n));
        (at, i) = (at + n, i + 1);
    }
    out
}

/// Moves each element by less than `window` places, as `keys` say.
fn shuffle<T: Clone>(items: &[T], keys: &[u8], window: usize) -> Vec<T> {
    let mut order: Vec<(usize, usize)> =
        (0..items.len()).map(|i| (i + usize::from(keys[i % keys.len()]) % window, i)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, i)| items[i].clone()).collect()
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251 + 1) as u8).collect()
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(1_usize), 1..40_usize, 100..1500_usize], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_very_bytes_come_out_in_order(
        len in 1..6000_usize,
        sizes in sizes(),
        keys in prop::collection::vec(any::<u8>(), 1..40),
        window in 1..40_usize,
        isn in prop_oneof![any::<u32>(), (0..6000_u32).prop_map(|n| 0_u32.wrapping_sub(n))],
        syn in any::<bool>(),
        overlap in 0..60_usize,
        acks in any::<bool>(),
    ) {
        let bytes = content(len);
        let mut segments = cuts(len, &sizes);
        for i in 0..segments.len() {
            let (at, n) = segments[i];
            match keys[i % keys.len()] % 5 {
                0 => segments.push((at, n)), // far later
                1 => segments.insert(i, (at, n)),
                2 => {
                    let from = at.saturating_sub(overlap);
                    segments.push((from, (at - from + n + overlap).min(len - from)));
                }
                _ => {}
            }
        }
        // Midstream, the first packets are held only for a moment.
        let window = if syn { window } else { window.min(4) };
        let segments = shuffle(&segments, &keys, window);
        let start = isn.wrapping_add(1);
        let mut rig = if syn { Rig::open(isn) } else { Rig::new() };
        let mut seen = 0;
        for (at, n) in segments {
            let fin = if at + n == len { FIN } else { 0 };
            rig.send(start.wrapping_add(at as u32), fin, &bytes[at..at + n]);
            seen = seen.max(rig.got.next);
            if acks && syn {
                rig.ack(start.wrapping_add(seen as u32));
            }
        }
        rig.finish();
        prop_assert_eq!(&rig.got.data, &bytes);
        prop_assert_eq!(rig.got.end, Some(End::Complete));
        prop_assert!(rig.got.again.is_empty() && rig.got.gaps.is_empty());
        prop_assert_eq!(rig.got.anomalies.overlap_conflicts, 0);
    }

    #[test]
    fn of_conflicting_copies_the_first_wins(
        isn in any::<u32>(),
        segments in prop::collection::vec((0..300_usize, 1..60_usize, any::<u8>()), 1..60),
    ) {
        let mut rig = Rig::open(isn);
        let mut model: Vec<Option<u8>> = vec![None; 400];
        for (at, n, value) in segments {
            let n = n.min(model.len() - at);
            rig.send(isn.wrapping_add(1 + at as u32), 0, &vec![value; n]);
            for byte in &mut model[at..at + n] {
                byte.get_or_insert(value);
            }
        }
        rig.finish();
        let end = rig.got.data.len();
        prop_assert!(model[end..].iter().all(Option::is_none));
        let expected: Vec<u8> = model[..end].iter().map(|b| b.unwrap_or(0)).collect();
        prop_assert_eq!(&rig.got.data, &expected);
        let lost = model[..end].iter().filter(|b| b.is_none()).count() as u64;
        prop_assert_eq!(rig.got.anomalies.gap_bytes, lost);
    }

    #[test]
    fn lost_segments_are_gaps_and_the_rest_is_intact(
        len in 1..20_000_usize,
        sizes in sizes(),
        lost in prop::collection::vec(any::<bool>(), 1..30),
        isn in any::<u32>(),
        late in any::<bool>(),
        peer_seen in any::<bool>(),
    ) {
        let bytes = content(len);
        let start = isn.wrapping_add(1);
        let mut rig = Rig::open(isn);
        rig.peer_seen = peer_seen;
        let mut expected = vec![0; len];
        let (mut gone, mut total) = (Vec::new(), 0);
        for (i, (at, n)) in cuts(len, &sizes).into_iter().enumerate() {
            if lost[i % lost.len()] {
                gone.push((at, n));
                total += n;
            } else {
                expected[at..at + n].copy_from_slice(&bytes[at..at + n]);
                rig.send(start.wrapping_add(at as u32), 0, &bytes[at..at + n]);
            }
            rig.ack(start.wrapping_add((at + n) as u32));
        }
        rig.ack(start.wrapping_add(len as u32));
        rig.pass(100);
        let waiting = rig.assembler.waiting();
        prop_assert!(!waiting);
        if late {
            for &(at, n) in &gone {
                rig.send(start.wrapping_add(at as u32), 0, &bytes[at..at + n]);
            }
        }
        rig.send(start.wrapping_add(len as u32), FIN, b"");
        rig.finish();
        prop_assert_eq!(rig.got.next, len as u64);
        if !late {
            prop_assert_eq!(&rig.got.data, &expected);
            let tail = if total == len || gone.last().is_some_and(|&(at, n)| at + n == len) { 1 } else { 0 };
            prop_assert!(rig.got.anomalies.gap_bytes >= (total as u64).saturating_sub(tail));
        }
        for (at, again) in &rig.got.again {
            let at = *at as usize;
            prop_assert_eq!(&bytes[at..at + again.len()], again.as_slice());
        }
    }

    #[test]
    fn anything_holds_the_contract(data in prop::collection::vec(any::<u8>(), 0..2400)) {
        crate::flow::fuzz_segments(&data);
    }

    #[test]
    fn nearly_sane_packets_hold_the_contract(
        records in prop::collection::vec(
            (0..16_u8, prop_oneof![Just(0_u8), Just(16), Just(1), Just(2), Just(4), Just(18), Just(20)],
             any::<u8>(), 0..4_u8, any::<u8>(), 0..4_u8, 0..64_u8, any::<u8>()), 0..300)
    ) {
        let data: Vec<u8> =
            records.iter().flat_map(|&(a, b, c, d, e, f, g, h)| [a, b, c, d, e, f, g, h & 0x9f]).collect();
        crate::flow::fuzz_segments(&data);
    }
}
