//! The examples of RFC 7541 appendix C, hostile blocks, and a differential test against another decoder.

use super::*;
use crate::limits;
use crate::protocol::fields::{Entry, huffman};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

/// The fields of a block, one a line.
fn lines(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, Broken> {
    let mut fields = Fields::default();
    decoder.decode(block, &mut fields)?;
    let line = |e: &Entry| {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        format!("{}: {}", text(fields.name(e)), text(fields.value(e)))
    };
    Ok(fields.list.iter().map(line).collect())
}

#[track_caller]
fn check(decoder: &mut Decoder, block: &str, expected: &[&str]) {
    assert_eq!(lines(decoder, &hex(block)).unwrap(), expected);
}

#[test]
fn single_fields_are_those_of_the_rfc() {
    let fresh = Decoder::default;
    let literal = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    check(&mut fresh(), literal, &["custom-key: custom-header"]);
    check(&mut fresh(), "040c 2f73 616d 706c 652f 7061 7468", &[":path: /sample/path"]);
    check(&mut fresh(), "1008 7061 7373 776f 7264 0673 6563 7265 74", &["password: secret"]);
    check(&mut fresh(), "82", &[":method: GET"]);
}

#[test]
fn requests_are_those_of_the_rfc() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let coded = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::default();
        let www = ":authority: www.example.com";
        check(&mut decoder, blocks[0], &[":method: GET", ":scheme: http", ":path: /", www]);
        let fields = [":method: GET", ":scheme: http", ":path: /", www, "cache-control: no-cache"];
        check(&mut decoder, blocks[1], &fields);
        let custom = "custom-key: custom-value";
        let fields = [":method: GET", ":scheme: https", ":path: /index.html", www, custom];
        check(&mut decoder, blocks[2], &fields);
    }
}

#[test]
fn responses_with_evictions_are_those_of_the_rfc() {
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];
    let coded = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    let (date, later) = ("date: Mon, 21 Oct 2013 20:13:21 GMT", "date: Mon, 21 Oct 2013 20:13:22 GMT");
    let (private, location) = ("cache-control: private", "location: https://www.example.com");
    let cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
    for blocks in [plain, coded] {
        let mut decoder = Decoder::default();
        decoder.table.resize(256);
        check(&mut decoder, blocks[0], &[":status: 302", private, date, location]);
        check(&mut decoder, blocks[1], &[":status: 307", private, date, location]);
        let last = [":status: 200", private, later, location, "content-encoding: gzip", cookie];
        check(&mut decoder, blocks[2], &last);
    }
}

#[test]
fn what_breaks_the_format_is_told() {
    for block in [
        "80",                   // index 0
        "be",                   // beyond the table
        "ff 80 80 80 80 80 01", // an integer without end
        "40 05 61",             // a string that is cut
        "40 81 06 00",          // padding that is no padding
        "7f",                   // a prefix without its rest
    ] {
        assert_eq!(lines(&mut Decoder::default(), &hex(block)), Err(Broken), "{block}");
    }
}

#[test]
fn without_its_state_literals_are_still_read() {
    let mut decoder = Decoder::default();
    decoder.lose();
    let mut fields = Fields::default();
    // :method GET, entry 70, a literal with the name of entry 65, a new entry, and that entry again.
    decoder.decode(&hex("82 c6 7f02 0161 40 0178 0179 be"), &mut fields).unwrap();
    let names: Vec<_> = fields.list.iter().map(|e| (fields.name(e), fields.value(e))).collect();
    assert_eq!(names, [(&b":method"[..], &b"GET"[..]), (b"", b"a"), (b"x", b"y"), (b"x", b"y")]);
    assert_eq!(fields.lost, 2);
    decoder.decode(&hex("be bf"), &mut fields).unwrap();
    assert_eq!((fields.list.len(), fields.lost), (1, 1), "the newest is known, the one before has no name");
}

#[test]
fn a_bomb_is_held_to_the_bounds() {
    let mut decoder = Decoder::default();
    let mut block = vec![0x40, 1, b'x', 0x7f, 0xa1, 0x1e];
    block.extend([b'v'; 4000]);
    block.extend([0xbe; 16 << 10]);
    let mut fields = Fields::default();
    decoder.decode(&block, &mut fields).unwrap();
    assert!(fields.over && fields.text.len() <= limits::HEAD_BYTES && fields.list.len() > 60);
}

/// Blocks of an encoder that chooses at random: tables change their size, entries are evicted, indices are used.
fn encode(choices: &[(u8, u8, u8)]) -> Vec<Vec<u8>> {
    // Sizes are counted as the encoder must, so that it names only what is there.
    let mut table: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let (mut limit, mut blocks, mut block) = (4096_usize, Vec::new(), Vec::new());
    let size = |t: &[(Vec<u8>, Vec<u8>)]| t.iter().map(|(n, v)| n.len() + v.len() + 32).sum::<usize>();
    let integer = |out: &mut Vec<u8>, first: u8, bits: u8, value: usize| {
        let mask = (1 << bits) - 1;
        if value < mask {
            return out.push(first | value as u8);
        }
        out.push(first | mask as u8);
        let mut rest = value - mask;
        while rest >= 128 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    };
    for &(kind, a, b) in choices {
        let string = |out: &mut Vec<u8>, text: &[u8]| {
            if a & 1 == 0 {
                integer(out, 0, 7, text.len());
                out.extend_from_slice(text);
            } else {
                let coded = huffman(text);
                integer(out, 0x80, 7, coded.len());
                out.extend(coded);
            }
        };
        match kind % 8 {
            0 => {
                blocks.push(std::mem::take(&mut block));
                if a & 3 == 0 {
                    limit = usize::from(b) * 16;
                    integer(&mut block, 0x20, 5, limit);
                    // Theirs wants a field behind it.
                    block.push(0x82);
                }
            }
            1 | 2 => {
                let index = 1 + usize::from(a) % (61 + table.len());
                integer(&mut block, 0x80, 7, index);
            }
            _ => {
                let (first, bits) =
                    [(0x40, 6), (0x40, 6), (0, 4), (0x10, 4), (0x40, 6)][usize::from(kind % 8) - 3];
                let value = vec![b'a' + b % 26; usize::from(b)];
                let index = usize::from(a) % (61 + table.len());
                integer(&mut block, first, bits, index);
                let name = match index {
                    0 => {
                        let name = vec![b'n' + a % 10; usize::from(a) % 9 + 1];
                        string(&mut block, &name);
                        name
                    }
                    1..=61 => table::STATIC[index - 1].0.as_bytes().to_vec(),
                    _ => table[index - 62].0.clone(),
                };
                string(&mut block, &value);
                if first == 0x40 {
                    table.insert(0, (name, value));
                }
            }
        }
        while size(&table) > limit {
            table.pop();
        }
    }
    blocks.push(block);
    blocks
}

proptest! {
    /// loona-hpack reads the same fields from the blocks of a correct encoder.
    #[test]
    fn another_decoder_agrees(choices in proptest::collection::vec(any::<(u8, u8, u8)>(), 0..200)) {
        let mut ours = Decoder::default();
        let mut theirs = loona_hpack::Decoder::new();
        theirs.set_max_allowed_table_size(64 << 10);
        for block in encode(&choices) {
            let expected: Vec<_> = theirs
                .decode(&block)
                .unwrap()
                .iter()
                .map(|(n, v)| format!("{}: {}", String::from_utf8_lossy(n), String::from_utf8_lossy(v)))
                .collect();
            prop_assert_eq!(lines(&mut ours, &block), Ok(expected));
        }
    }

    /// On any bytes: what the other decoder accepts is read alike, nothing panics, and bounds hold.
    #[test]
    fn any_bytes_are_blocks(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6)) {
        let mut ours = Decoder::default();
        let mut theirs = loona_hpack::Decoder::new();
        theirs.set_max_allowed_table_size(64 << 10);
        for block in blocks {
            let read = lines(&mut ours, &block);
            let Ok(expected) = theirs.decode(&block) else { break };
            prop_assert_eq!(read.map(|r| r.len()), Ok(expected.len()));
        }
    }
}

/// Header lists that Python's `hpack` and nghttp2 encoded, with evictions and changes of size; see
/// `fixtures/record/hpack_stories.py`.
#[test]
fn recorded_blocks_are_read_as_they_were_meant() {
    are_read(include_str!("stories.json"));
    are_read(include_str!("stories_nghttp2.json"));
}

fn are_read(stories: &str) {
    let stories: serde_json::Value = serde_json::from_str(stories).unwrap();
    let mut blocks = 0;
    for story in stories.as_array().unwrap() {
        let mut decoder = Decoder::default();
        for case in story.as_array().unwrap() {
            let expected: Vec<_> =
                case["fields"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
            assert_eq!(lines(&mut decoder, &hex(case["block"].as_str().unwrap())), Ok(expected));
            blocks += 1;
        }
    }
    assert!(blocks >= 100);
}
