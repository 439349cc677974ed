//! The examples of RFC 9204 appendix B, blocks of another encoder, and hostile ones.

use super::*;
use crate::protocol::fields::Entry;
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn decoder(capacity: usize) -> Decoder {
    Decoder { max_capacity: Some(capacity), ..Decoder::default() }
}

/// The fields of a block, one a line.
fn lines(decoder: &Decoder, block: &[u8], wait: bool) -> Result<Vec<String>, Trouble> {
    let mut fields = Fields::default();
    decoder.decode(block, wait, &mut fields)?;
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    let line = |e: &Entry| format!("{}: {}", text(fields.name(e)), text(fields.value(e)));
    Ok(fields.list.iter().map(line).collect())
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // B.1: a name of the static table.
    let mut decoder = decoder(220);
    let block = hex("0000 510b 2f69 6e64 6578 2e68 746d 6c");
    assert_eq!(lines(&decoder, &block, true).unwrap(), [":path: /index.html"]);
    // B.2: entries behind the base, which the block is faster than.
    let block = hex("0381 1011");
    assert_eq!(lines(&decoder, &block, true), Err(Trouble::Blocked));
    let told = "3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468";
    for byte in hex(told) {
        assert_eq!(decoder.instructions(&[byte]), Told::Fine);
    }
    let both = [":authority: www.example.com", ":path: /sample/path"];
    assert_eq!(lines(&decoder, &block, true).unwrap(), both);
    // B.3, B.4: a literal name, a duplicate, relative indices.
    let told = "4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565 02";
    assert_eq!(decoder.instructions(&hex(told)), Told::Fine);
    let block = hex("0500 80c1 81");
    let custom = "custom-key: custom-value";
    assert_eq!(lines(&decoder, &block, true).unwrap(), [both[0], ":path: /", custom]);
    // B.5: the first entry is evicted.
    assert_eq!(decoder.instructions(&hex("810d 6375 7374 6f6d 2d76 616c 7565 32")), Told::Fine);
    assert_eq!(decoder.table.inserted(), 5);
    assert_eq!(decoder.table.get(Some(0)), Lookup::Lost);
    assert_eq!(decoder.table.get(Some(1)), Lookup::Known(b":path", b"/sample/path"));
    assert_eq!(decoder.table.recent(0), Lookup::Known(b"custom-key", b"custom-value2"));
}

#[test]
fn what_breaks_the_format_is_told() {
    let fresh = decoder(220);
    for block in
        ["", "00", "00ff", "0000ff24", "000050", "0000ff", "0e00", "010080", "0000 2781 06 00", "0180"]
    {
        assert_eq!(lines(&fresh, &hex(block), false), Err(Trouble::Broken), "{block}");
    }
    for told in ["c0 8106 00", "ff24 00", "3f01 c000", "00", "c00161"] {
        let mut decoder = decoder(220);
        assert_eq!(decoder.instructions(&hex(told)), Told::Broken, "{told}");
        assert!(decoder.table.is_lost());
    }
}

#[test]
fn without_its_instructions_literals_are_still_read() {
    let mut decoder = decoder(220);
    let mut fields = Fields::default();
    // Entry 0, :method GET, a literal with the name of entry 1, a literal.
    let block = hex("0300 80 d1 4101 61 2178 0179");
    assert_eq!(decoder.decode(&block, true, &mut fields), Err(Trouble::Blocked));
    for lost in [false, true] {
        if lost {
            decoder.lose();
        }
        // For the last time, or with nothing to wait for.
        decoder.decode(&block, lost, &mut fields).unwrap();
        let names: Vec<_> = fields.list.iter().map(|e| (fields.name(e), fields.value(e))).collect();
        assert_eq!(names, [(&b":method"[..], &b"GET"[..]), (b"", b"a"), (b"x", b"y")]);
        assert_eq!(fields.lost, 2);
    }
    assert_eq!(decoder.instructions(&hex("c00161")), Told::Fine, "they are no longer read");
}

#[test]
fn without_settings_a_block_waits_and_then_takes_the_capacity_that_was_set() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.instructions(&hex("3fbd01 4161 0162")), Told::Fine);
    assert_eq!(lines(&decoder, &hex("0200 80"), true), Err(Trouble::Blocked));
    assert_eq!(lines(&decoder, &hex("0200 80"), false).unwrap(), ["a: b"]);
}

#[test]
fn tables_and_instructions_are_held_to_their_bounds() {
    let mut decoder = decoder(usize::MAX);
    assert_eq!(decoder.instructions(&hex("3fe1ffff07")), Told::Large);
    let mut long = hex("4161 7fe1ffff07");
    long.resize(limits::QPACK_INSTRUCTION + 100, b'v');
    assert_eq!(decoder.instructions(&long), Told::Broken);
    assert_eq!(decoder.partial.capacity(), 0);
}

/// Header lists that Python's `pylsqpack` encoded, on a table that is too small for them; see
/// `fixtures/record/qpack_stories.py`.
#[test]
fn recorded_blocks_are_read_as_they_were_meant() {
    let stories: serde_json::Value = serde_json::from_str(include_str!("stories.json")).unwrap();
    let (mut blocks, mut waited) = (0, 0);
    for story in stories.as_array().unwrap() {
        let mut decoder = decoder(story["capacity"].as_u64().unwrap() as usize);
        for case in story["cases"].as_array().unwrap() {
            let expected: Vec<_> =
                case["fields"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
            let block = hex(case["block"].as_str().unwrap());
            waited += u32::from(lines(&decoder, &block, true) == Err(Trouble::Blocked));
            assert_eq!(decoder.instructions(&hex(case["encoder"].as_str().unwrap())), Told::Fine);
            assert_eq!(lines(&decoder, &block, true), Ok(expected));
            blocks += 1;
        }
    }
    assert!(blocks >= 100 && waited >= 10, "{blocks} {waited}");
}

proptest! {
    /// Nothing panics, and bounds hold.
    #[test]
    fn any_bytes_are_blocks_and_instructions(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..8),
    ) {
        let mut decoder = decoder(4096);
        let mut fields = Fields::default();
        for piece in pieces {
            let _ = decoder.decode(&piece, true, &mut fields);
            let _ = decoder.decode(&piece, false, &mut fields);
            decoder.instructions(&piece);
        }
    }
}
