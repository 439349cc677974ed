//! Content codings, undone.

use super::*;
use crate::message::meter::PIECE;
use flate2::{Compression, write};
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

const BROTLI: &str = "1ba1008015a1d277e7f56afd4be4713cb2c7e3b8a689129722810d387008ac8065113d02fd49b168caed32440b3fea3aa8a007fa76f020971a87d253a7cdc68d38358a153e";
const BROTLI_BOMB: &str = "9bffff3ff825c2e2b14020f7fe07";
const ZSTD: &str = "28b52ffd24a20d0200940354686520717569636b2062726f776e20666f782e207b22746f6b656e223a2265794a68624763694f694a756232356c496e302e6533302e227d01000da6930913c4e099";

fn text() -> Vec<u8> {
    let token = "{\"token\":\"eyJhbGciOiJub25lIn0.e30.\"}";
    ("The quick brown fox. ".repeat(6) + token).into_bytes()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut to = write::GzEncoder::new(Vec::new(), Compression::best());
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut to = write::ZlibEncoder::new(Vec::new(), Compression::fast());
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

fn raw(data: &[u8]) -> Vec<u8> {
    let mut to = write::DeflateEncoder::new(Vec::new(), Compression::fast());
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    compress_to_vec(data, CompressionLevel::Fastest)
}

/// Brotli without compression (RFC 7932 section 9.2, ISUNCOMPRESSED), window of 64 KiB.
fn brotli(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, chunk) in data.chunks(1 << 16).enumerate() {
        // One bit of window size, before the first block only.
        let header = ((chunk.len() as u32 - 1) << 3 | 1 << 19) << u32::from(i == 0);
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(chunk);
    }
    out.push(if data.is_empty() { 6 } else { 3 });
    out
}

/// Pushes `body` cut at `cuts`; what came out, and how it ended.
fn decode(codings: &str, body: &[u8], cuts: &[usize]) -> (Vec<u8>, Result<(), ContentError>) {
    let mut decoder = ContentDecoder::new(codings.as_bytes()).unwrap().unwrap();
    let (mut out, mut at, mut result) = (Vec::new(), 0, Ok(()));
    let mut ends: Vec<_> = cuts.iter().map(|c| c % (body.len() + 1)).chain([body.len()]).collect();
    ends.sort_unstable();
    for end in ends {
        result = result.and(decoder.push(&body[at..end], &mut |b| {
            assert!(b.len() <= PIECE);
            out.extend_from_slice(b);
        }));
        at = end;
    }
    let finish = decoder.finish(&mut |b| out.extend_from_slice(b));
    (out, result.and(finish))
}

#[test]
fn every_coding_is_undone_whatever_its_name_and_order() {
    let text = text();
    assert!(ContentDecoder::new(b" identity, chunked,").unwrap().is_none());
    let cases = [
        ("gzip", gzip(&text)),
        ("X-GZip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("x-deflate", raw(&text)),
        ("br", hex(BROTLI)),
        ("zstd", zstd(&text)),
        ("zstd", hex(ZSTD)),
        ("gzip, identity , deflate", zlib(&gzip(&text))),
        ("br,gzip", gzip(&hex(BROTLI))),
        ("br", brotli(&text)),
        ("deflate,zstd,gzip,gzip", gzip(&gzip(&zstd(&raw(&text))))),
    ];
    for (codings, body) in cases {
        assert_eq!(decode(codings, &body, &[]), (text.clone(), Ok(())), "{codings}");
        let each: Vec<_> = (0..body.len()).collect();
        assert_eq!(decode(codings, &body, &each), (text.clone(), Ok(())), "{codings}");
    }
}

#[test]
fn unknown_codings_and_tall_stacks_are_refused_by_name() {
    let error = |codings: &[u8]| ContentDecoder::new(codings).err().unwrap();
    assert_eq!(error(b"gzip, SDCH"), ContentError::Unknown("sdch".into()));
    assert_eq!(error(b"gzip,gzip,gzip,gzip,gzip"), ContentError::TooMany);
    assert_eq!(error(b"aws-chunked").to_string(), "unknown coding \"aws-chunked\"");
}

#[test]
fn gzip_takes_all_header_parts_members_and_trailing_garbage() {
    let text = text();
    let mut body = flate2::GzBuilder::new()
        .extra(vec![7; 300])
        .filename("a.json")
        .comment("x")
        .write(Vec::new(), Compression::fast());
    body.write_all(&text).unwrap();
    let mut body = body.finish().unwrap();
    body[3] |= HCRC;
    let at = 10 + 2 + 300 + 7 + 2;
    body.splice(at..at, [0, 0]);
    body.extend(gzip(&text));
    let mut twice = text.clone();
    twice.extend(&text);
    for garbage in [&b""[..], b"\0\0\0", b"\x1f", b"\x1f\x8bgarbage"] {
        let mut body = body.clone();
        body.extend(garbage);
        let each: Vec<_> = (0..body.len()).collect();
        assert_eq!(decode("gzip", &body, &each), (twice.clone(), Ok(())));
        assert_eq!(decode("gzip", &body, &[]), (twice.clone(), Ok(())));
    }
}
const HCRC: u8 = 2;

#[test]
fn a_wrong_checksum_is_reported_and_the_data_kept() {
    let text = text();
    for (codings, name, mut body, back) in [
        ("gzip", "gzip", gzip(&text), 6),
        ("deflate", "deflate", zlib(&text), 1),
        ("zstd", "zstd", hex(ZSTD), 1),
    ] {
        let at = body.len() - back;
        body[at] ^= 1;
        assert_eq!(decode(codings, &body, &[3]), (text.clone(), Err(ContentError::Checksum(name))));
    }
}

#[test]
fn cut_and_damaged_bodies_give_what_they_have() {
    let text = text();
    for (codings, name, body) in
        [("gzip", "gzip", gzip(&text)), ("deflate", "deflate", raw(&text)), ("br", "br", hex(BROTLI))]
    {
        let (out, end) = decode(codings, &body[..body.len() - 10], &[]);
        assert!(!out.is_empty() && text.starts_with(&out), "{codings}");
        assert_eq!(end, Err(ContentError::Truncated(name)));
    }
    let long = text.repeat(4000);
    let body = zstd(&long);
    let (out, end) = decode("zstd", &body[..body.len() - 10], &[]);
    assert!(out.len() >= long.len() - (128 << 10) && long.starts_with(&out));
    assert_eq!(end, Err(ContentError::Truncated("zstd")));
    let long: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect();
    let body = brotli(&long);
    let (out, end) = decode("br", &body[..body.len() - 1000], &[]);
    assert!(out.len() > long.len() - 1010 && long.starts_with(&out), "{}", out.len());
    assert_eq!(end, Err(ContentError::Truncated("br")));
    for (codings, name) in [("gzip", "gzip"), ("zstd", "zstd")] {
        let (out, end) = decode(codings, b"<html>not coded", &[]);
        assert_eq!((out.len(), end), (0, Err(ContentError::Malformed(name))));
        assert_eq!(decode(codings, b"", &[]), (Vec::new(), Ok(())));
    }
}

#[test]
fn bombs_stop_at_the_ratio_and_stacked_ones_count_from_the_wire() {
    let zeros = vec![0; 8 << 20];
    for (codings, body) in [
        ("gzip", gzip(&zeros)),
        ("gzip,gzip", gzip(&gzip(&zeros))),
        ("zstd", zstd(&zeros)),
        ("br", hex(BROTLI_BOMB)),
    ] {
        let (out, end) = decode(codings, &body, &[7, 900]);
        assert_eq!(end, Err(ContentError::Bomb), "{codings}");
        assert!(out.len() as u64 >= limits::INFLATE_FREE, "{codings} {}", out.len());
        assert!(out.len() < zeros.len(), "{codings} {}", out.len());
    }
}

#[test]
fn what_a_window_holds_back_counts_as_given() {
    let block = |kind: u32, size: u32| (size << 3 | kind << 1).to_le_bytes()[..3].to_vec();
    let mut body = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    for _ in 0..40 {
        body.extend([block(1, 128 << 10), vec![b'x']].concat());
    }
    let mut decoder = ContentDecoder::new(b"zstd").unwrap().unwrap();
    let mut out = 0;
    assert_eq!(decoder.push(&body, &mut |b| out += b.len()), Err(ContentError::Bomb));
    assert!((limits::INFLATE_FREE..=limits::INFLATE_FREE + (128 << 10)).contains(&(out as u64)), "{out}");
    assert!(decoder.memory() < 2 << 20);
}

#[test]
fn windows_of_every_size_keep_what_matches_reach() {
    // Noise, then a compressed block of one sequence: a match that reaches back to the first byte.
    let noise: Vec<u8> = (0..150_000_u32).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect();
    let block = |last: u32, kind: u32, size: usize| {
        ((size as u32) << 3 | kind << 1 | last).to_le_bytes()[..3].to_vec()
    };
    for (window, first) in [([13 << 3], 100_000), ([8 << 3], 100_000), ([5 << 3], 20_000)] {
        let mut body = [&[0x28, 0xb5, 0x2f, 0xfd, 0][..], &window].concat();
        let parts =
            if first > 30_000 { vec![&noise[..first], &noise[first..]] } else { vec![&noise[..first]] };
        let sent = parts.concat();
        for part in parts {
            body.extend([&block(0, 0, part.len())[..], part].concat());
        }
        // No literals; one sequence, all codes RLE: literal length 0, offset code, match length 3.
        let offset = sent.len() as u32 + 3;
        let code = 31 - offset.leading_zeros();
        let extra = (offset - (1 << code)) | (1 << code);
        let bits = extra.to_le_bytes();
        let bits = &bits[..(code as usize + 8) / 8];
        let sequence = [&[0, 1, 0b0101_0100, 0, code as u8, 0][..], bits].concat();
        body.extend([&block(1, 2, sequence.len())[..], &sequence].concat());
        let cuts: Vec<_> = (0..body.len()).step_by(999).collect();
        let (out, end) = decode("zstd", &body, &cuts);
        assert_eq!((out.len(), end), (sent.len() + 3, Ok(())), "{window:?}");
        assert!(out.starts_with(&sent) && out.ends_with(&sent[..3]), "{window:?}");
    }
}

#[test]
fn pooled_stages_start_afresh() {
    let mut pool = ContentPool::default();
    let text = text();
    for _ in 0..3 {
        for (codings, body) in [
            ("gzip", gzip(&text)),
            ("deflate", raw(&text)),
            ("zstd", hex(ZSTD)),
            ("br", hex(BROTLI)),
            ("gzip,br", gzip(&text)),
        ] {
            let mut decoder = pool.decoder(codings.as_bytes()).unwrap().unwrap();
            let mut out = Vec::new();
            let good = decoder.push(&body, &mut |b| out.extend_from_slice(b)).is_ok();
            assert_eq!(good, codings != "gzip,br");
            assert!(out == text || !good);
            // Left in the middle of the next member.
            let _ = decoder.push(b"\x1f\x8b", &mut |_| ());
            pool.recycle(decoder);
        }
    }
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        seed in proptest::collection::vec(any::<u8>(), 0..300),
        repeat in 1usize..400,
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        kind in 0usize..8,
    ) {
        let data = seed.repeat(repeat);
        let (codings, body) = [
            ("gzip", gzip(&data)), ("deflate", zlib(&data)), ("deflate", raw(&data)), ("zstd", zstd(&data)),
            ("gzip,zstd", zstd(&gzip(&data))), ("zstd,gzip", gzip(&zstd(&data))),
            ("br", brotli(&data)), ("deflate,br", brotli(&raw(&data))),
        ][kind].clone();
        let (out, end) = decode(codings, &body, &cuts);
        prop_assert_eq!(end, Ok(()));
        prop_assert!(out == data);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_content(&data);
    }

    #[test]
    fn damage_does_not_panic(at in any::<usize>(), bit in 0u8..8, kind in 0u8..4, n in 1usize..2000) {
        let data = text().repeat(n);
        let mut body = [gzip(&data), zlib(&data), hex(BROTLI), zstd(&data)][usize::from(kind)].clone();
        let at = at % body.len();
        body[at] ^= 1 << bit;
        body.insert(0, kind);
        fuzz_content(&body);
    }
}
