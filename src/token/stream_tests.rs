//! Properties of the scanner: chunks do not matter, noise is silent, hostile bytes cost little.

use super::{
    tests::{A1_HEADER, SCANNER, a1, disguises, find, texts},
    *,
};
use proptest::prelude::*;

fn stream(text: &[u8], cuts: &[usize], base: u64) -> Vec<(u64, u64, Vec<u8>)> {
    let mut scan = StreamScan::new();
    let mut hits = Vec::new();
    let mut take = |h: StreamHit<'_>| hits.push((h.at - base, h.len, h.text.to_vec()));
    let mut from = 0;
    for &cut in cuts.iter().chain([&text.len()]) {
        scan.feed(&SCANNER, &text[from..cut], base + from as u64, &mut take);
        from = cut;
    }
    scan.finish(&SCANNER, &mut take);
    assert_eq!(scan.losses(), Losses::default());
    hits
}

fn whole(text: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
    let hits = find(text).into_iter();
    hits.map(|h| (h.0 as u64, (h.1 - h.0) as u64, h.2.into_bytes())).collect()
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_single_hit() {
    for (disguised, _) in disguises() {
        for text in [format!("they: \"{disguised}\" keyed"), disguised] {
            let text = text.as_bytes();
            let expected = whole(text);
            for cut in 0..=text.len() {
                assert_eq!(stream(text, &[cut], 7), expected, "{cut}");
            }
            let every: Vec<usize> = (1..text.len()).collect();
            assert_eq!(stream(text, &every, 7), expected);
        }
    }
    let text = format!("<{}>", a1());
    let expected = whole(text.as_bytes());
    assert_eq!(expected.len(), 1);
    for a in 0..=text.len() {
        for b in a..=text.len() {
            assert_eq!(stream(text.as_bytes(), &[a, b], 0), expected, "{a} {b}");
        }
    }
}

#[test]
fn a_gap_cuts_a_token_and_is_counted() {
    let text = a1();
    let mut scan = StreamScan::new();
    let mut hits = 0;
    scan.feed(&SCANNER, text.as_bytes(), 0, &mut |_| hits += 1);
    scan.feed(&SCANNER, b"\" and more", text.len() as u64 + 9, &mut |_| hits += 1);
    scan.finish(&SCANNER, &mut |_| hits += 1);
    assert_eq!((hits, scan.losses()), (0, Losses { cut: 1, over: 0 }));
}

#[test]
fn an_endless_candidate_is_given_up_and_the_search_goes_on() {
    let mut scan = StreamScan::new();
    let mut hits = 0;
    let mut at = 0;
    let mut feed = |scan: &mut StreamScan, bytes: &[u8]| {
        scan.feed(&SCANNER, bytes, at, &mut |_| hits += 1);
        at += bytes.len() as u64;
    };
    feed(&mut scan, A1_HEADER.as_bytes());
    for _ in 0..200 {
        feed(&mut scan, &[b'A'; 1000]);
        assert!(scan.held_bytes() <= 2 * crate::limits::TOKEN_BYTES + 2000);
    }
    feed(&mut scan, format!(".x\r\n{}\r\n", a1()).as_bytes());
    assert_eq!((hits, scan.losses()), (1, Losses { cut: 0, over: 1 }));
}

#[test]
fn hostile_base64_takes_linear_time() {
    let start = std::time::Instant::now();
    let unit = "eyJhbGciOiJIUzI1NiIsImtpZCI6";
    let text = unit.repeat(40_000);
    assert!(texts(&text).is_empty());
    assert!(texts(&text.replace("6eyJ", "6.eyJ")).is_empty());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn noise_gives_no_hit(text in "[A-Za-z0-9_.\\-]{0,400}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(texts(&text).is_empty());
        prop_assert!(find(&bytes).is_empty());
    }

    #[test]
    fn mutated_tokens_break_nothing(
        which in 0..18_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<u8>(),
        text in "[ -~]{0,20}",
    ) {
        let mut data = disguises()[which].0.clone().into_bytes();
        data.extend(text.bytes());
        data.extend(a1().bytes());
        for (index, byte) in changes {
            let at = index.index(data.len());
            data[at] = byte;
        }
        fuzz_token(&data);
        data.insert(0, cut);
        fuzz_scan(&data);
    }
}
