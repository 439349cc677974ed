//! A classic capture written again as pcapng, with comments.

/// The pcapng of a little-endian classic capture with microseconds. `section` is the comment of the section, `packet` gives that of
/// each packet, by number; an empty one is none.
pub(crate) fn commented(classic: &[u8], section: &str, packet: &dyn Fn(u64) -> String) -> Vec<u8> {
    assert_eq!(word(classic, 0), 0xa1b2_c3d4);
    let mut out = block(0x0a0d_0d0a, &[&words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]), &comment(section)]);
    out.extend(block(1, &[&words(&[word(classic, 20), 0])]));
    let (mut at, mut number) = (24, 0);
    while at < classic.len() {
        number += 1;
        let [seconds, micros, len, wire] = [0, 4, 8, 12].map(|field| word(classic, at + field));
        let ticks = u64::from(seconds) * 1_000_000 + u64::from(micros);
        let data = &classic[at + 16..at + 16 + len as usize];
        let mut padded = data.to_vec();
        padded.resize(data.len().next_multiple_of(4), 0);
        let head = words(&[0, (ticks >> 32) as u32, ticks as u32, len, wire]);
        out.extend(block(6, &[&head, &padded, &comment(&packet(number))]));
        at += 16 + len as usize;
    }
    out
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Option 1 and the end of options.
fn comment(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut option = words(&[1 | (text.len() as u32) << 16]);
    option.extend(text.as_bytes());
    option.resize(option.len().next_multiple_of(4), 0);
    option.extend(words(&[0]));
    option
}

fn block(kind: u32, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let len = body.len() as u32 + 12;
    [words(&[kind, len]), body, words(&[len])].concat()
}
