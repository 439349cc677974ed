//! The trust boundary of this module, for the fuzzer and for a test.

use super::{DecodeOptions, Decoder, LINKS};
use crate::capture::{Block, FrameRef, LinkType};
use crate::tally::Tally;

/// Decodes any bytes: the first picks the link type, the rest is the frame, whole and (second byte) cut short.
pub fn fuzz_frame(data: &[u8]) {
    let [pick, cut, data @ ..] = data else { return };
    let Some(link) = LINKS.get(usize::from(*pick) % LINKS.len()).and_then(|l| l.numbers.first()) else {
        return;
    };
    let mut block = Block::default();
    block.bytes.extend(data);
    let Ok(wire_len) = u32::try_from(data.len()) else { return };
    for len in [wire_len, wire_len.saturating_sub(u32::from(*cut)), wire_len] {
        block.frames.push(FrameRef { len, wire_len, link: LinkType(*link), ..FrameRef::default() });
    }
    for verify_checksums in [false, true] {
        let mut decoder = Decoder::new(DecodeOptions { verify_checksums });
        for index in 0..block.frames.len() {
            let Some(packet) = decoder.decode(&mut block, index, &mut Tally::default()) else { continue };
            let base = if packet.payload.side { &block.side } else { block.bytes.filled() };
            let end = packet.payload.start as usize + packet.payload.len as usize;
            assert!(end <= base.len(), "payload lies outside its buffer");
            assert!(packet.key.path == 0 || !decoder.paths().tunnel(packet.key.path).is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::samples;
    use super::*;

    #[test]
    fn good_frames_with_flipped_bits_and_cut_short() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for (link, frame) in samples() {
            let pick = LINKS.iter().position(|l| l.numbers.contains(&link)).unwrap() as u8;
            for n in 0..frame.len() {
                fuzz_frame(&[&[pick, 7], &frame[..n]].concat());
                for bit in 0..8 {
                    let mut bad = [&[pick, 1], &frame[..]].concat();
                    bad[n + 2] ^= 1 << bit;
                    fuzz_frame(&bad);
                }
                let mut bad = [&[pick, 1], &frame[..]].concat();
                for _ in 0..4 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let at = 2 + state as usize % frame.len();
                    bad[at] = (state >> 32) as u8;
                    fuzz_frame(&bad);
                }
            }
        }
    }

    #[test]
    fn every_link_takes_every_short_frame() {
        for pick in 0..LINKS.len() as u8 {
            for fill in [0, 1, 0x45, 0x60, 0x88, 0xff] {
                for len in 0..200 {
                    fuzz_frame(&[vec![pick, 3], vec![fill; len]].concat());
                }
            }
        }
    }
}
