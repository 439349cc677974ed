//! Other values in the place of those of a header block, without a change of its length. Nothing needs to be known of the
//! compression's state for it: literals stand for themselves (RFC 7541 section 6.2).

use crate::protocol::fields::{Input, huffman};

/// Replaces literal values of an HPACK block: `rewrite` is given each, decoded, and says what is to stand there instead. False if
/// some new value has another length when it is coded: that one stays. What is behind a mistake is not read.
pub fn rewrite_block(block: &mut [u8], rewrite: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> bool {
    let old = block.to_vec();
    let mut input = Input::new(&old);
    let mut fits = true;
    while let Some(first) = input.peek() {
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let Some(index) = input.integer(prefix) else { return fits };
        if first >= 0x80 || first & 0xe0 == 0x20 {
            continue;
        }
        for _ in 0..=u8::from(index == 0) {
            let Some(literal) = input.string(7) else { return fits };
            let mut text = Vec::new();
            if literal.decode(&mut text).is_none() {
                continue;
            }
            let Some(new) = rewrite(&text) else { continue };
            let coded = if literal.is_huffman() { huffman(&new) } else { new };
            match block.get_mut(literal.range()) {
                Some(place) if place.len() == coded.len() => place.copy_from_slice(&coded),
                _ => fits = false,
            }
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_nothing_else() {
        for coded in [false, true] {
            let string = |text: &[u8]| {
                let bytes = if coded { huffman(text) } else { text.to_vec() };
                [&[bytes.len() as u8 | u8::from(coded) << 7], bytes.as_slice()].concat()
            };
            let block = |value: &[u8]| {
                [
                    &[0x82, 0x3f, 0x21, 0x40][..],
                    &string(b"x-key"),
                    &string(value),
                    &[0x0f, 0x0d],
                    &string(value),
                ]
                .concat()
            };
            let mut bytes = block(b"s3cret");
            let mut seen = Vec::new();
            // As many bits of Huffman's code.
            let fits = rewrite_block(&mut bytes, &mut |value| {
                seen.push(value.to_vec());
                (value == b"s3cret").then(|| b"t4apes".to_vec())
            });
            assert!(fits);
            assert_eq!(seen, [&b"x-key"[..], b"s3cret", b"s3cret"]);
            assert_eq!(bytes, block(b"t4apes"));
            assert!(!rewrite_block(&mut bytes, &mut |value| (value == b"t4apes").then(|| vec![b'0'; 40])));
            assert_eq!(bytes, block(b"t4apes"));
        }
    }
}
