//! Comments in pcapng that speak to this program: option 1 of packets and of section headers (section 3.5).

use super::Comment;
use super::field::{half, word};
use super::pcapng::{ENHANCED, SECTION};
use super::reader::Out;

/// What such a comment has in it.
const CALL: &[u8] = b"wirelint:";
/// The code of a comment, and of the end of options.
const COMMENT: u16 = 1;
const END: u16 = 0;

/// Notes what a block says. A section header is noted in any case: what the one before said ends there. The block has been taken,
/// so the number of its packet is the last one.
pub(super) fn note(kind: u32, block: &[u8], big: bool, out: &mut Out<'_>) {
    let (options, packet) = match kind {
        ENHANCED => (28 + (word(block, 20, big) as usize).next_multiple_of(4), out.number),
        SECTION => (24, out.number + 1),
        _ => return,
    };
    let section = kind == SECTION;
    let before = out.comments.len();
    each(block.get(options..block.len().saturating_sub(4)).unwrap_or_default(), big, |text| {
        let first = section && out.comments.len() == before;
        out.comments.push(Comment { packet, section, begins: first, text });
    });
    if section && out.comments.len() == before {
        out.comments.push(Comment { packet, section, begins: true, text: String::new() });
    }
}

/// The comments among some options.
fn each(mut options: &[u8], big: bool, mut found: impl FnMut(String)) {
    while options.len() >= 4 {
        let (code, len) = (half(options, 0, big), usize::from(half(options, 2, big)));
        let Some(value) = options.get(4..4 + len).filter(|_| code != END) else { return };
        if code == COMMENT && memchr::memmem::find(value, CALL).is_some() {
            found(String::from_utf8_lossy(value).into_owned());
        }
        options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{Order, read_all};

    #[test]
    fn comments_of_packets_and_sections() {
        for order in [Order(false), Order(true)] {
            let option = |text: &str| order.option(1, text.as_bytes());
            let section = |options: &[u8]| {
                let version =
                    [order.words(&[0x1a2b_3c4d]), order.halves(&[1, 0]), order.words(&[u32::MAX; 2])];
                order.block(SECTION, &[&version.concat(), options])
            };
            let packet =
                |options: &[u8]| order.block(ENHANCED, &[&order.words(&[0, 0, 0, 3, 3]), b"abc\0", options]);
            let mut data = section(&[option("by hand"), option("wirelint:ignore[a] reason=b")].concat());
            data.extend(order.interface(1, 0, &[]));
            data.extend(packet(&[]));
            data.extend(packet(&[order.option(2, &[0; 4]), option("wirelint:ignore[c] reason=d")].concat()));
            data.extend(packet(&[order.option(0, &[]), option("wirelint:ignore[e] reason=f")].concat()));
            data.extend(section(&[]));
            let all = read_all(&data).unwrap();
            assert_eq!((all.frames.len(), all.damage.len()), (3, 0));
            let seen: Vec<_> =
                all.comments.iter().map(|c| (c.packet, c.section, c.begins, c.text.as_str())).collect();
            assert_eq!(
                seen,
                [
                    (1, true, true, "wirelint:ignore[a] reason=b"),
                    (2, false, false, "wirelint:ignore[c] reason=d"),
                    (4, true, true, ""),
                ]
            );
        }
    }

    #[test]
    fn options_that_are_cut_end_the_search() {
        let order = Order(false);
        for options in [&b"\x01"[..], b"\x01\0\xff\xffwirelint:", b"\x01\0\x04\0"] {
            let packet = order.block(ENHANCED, &[&order.words(&[0, 0, 0, 4, 4]), b"abcd", options]);
            let data = [order.section(), order.interface(1, 0, &[]), packet].concat();
            assert_eq!(read_all(&data).unwrap().comments.iter().filter(|c| !c.section).count(), 0);
        }
    }
}
