//! The static Huffman code of HPACK (RFC 7541 section 5.2 and appendix B).
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, so the lengths say
//! everything. Short codes are looked up by their first bits, the rare long ones are compared with the first code of
//! each length.

/// Bits of each symbol's code, by symbol; 256 is the end of string (RFC 7541 appendix B).
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

const LONGEST: usize = 30;
/// Bits that the lookup table is indexed by: nearly all codes that occur are shorter.
const SHORT: u32 = 10;

struct Code {
    /// First code of each length, left-aligned in 32 bits, and behind the last one.
    first: [u32; LONGEST + 2],
    /// Index in `symbols` of the first code of each length.
    start: [u16; LONGEST + 2],
    /// Symbols in the order of their codes.
    symbols: [u16; 257],
    /// Symbol and length by the first [`SHORT`] bits; length 0 for longer codes.
    short: [(u8, u8); 1 << SHORT],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut out = Code {
        first: [0; LONGEST + 2],
        start: [0; LONGEST + 2],
        symbols: [0; 257],
        short: [(0, 0); 1 << SHORT],
    };
    let (mut next, mut n, mut len) = (0_u64, 0, 1);
    while len <= LONGEST {
        out.first[len] = next as u32;
        out.start[len] = n as u16;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == len {
                out.symbols[n] = symbol as u16;
                n += 1;
                if len <= SHORT as usize {
                    let mut i = (next >> (32 - SHORT)) as usize;
                    let end = i + (1 << (SHORT as usize - len));
                    while i < end {
                        out.short[i] = (symbol as u8, len as u8);
                        i += 1;
                    }
                }
                next += 1 << (32 - len);
            }
            symbol += 1;
        }
        len += 1;
    }
    // Codes end at 2^32, which does not fit: no code is compared with it.
    out.first[LONGEST + 1] = u32::MAX;
    out.start[LONGEST + 1] = n as u16;
    out
}

/// Decodes `coded` behind `out`. `None` if the padding is longer than 7 bits or is not of ones, or if the end of
/// string is coded (RFC 7541 section 5.2).
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut have, mut next) = (0_u64, 0_u32, 0);
    loop {
        while have <= 32 {
            let Some(byte) = coded.get(next) else { break };
            bits |= u64::from(*byte) << (56 - have);
            have += 8;
            next += 1;
        }
        if have == 0 {
            return Some(());
        }
        let (symbol, len) = symbol((bits >> 32) as u32);
        if len > have {
            // What is left must be padding: the first bits of the end of string, which are all ones.
            return (have < 8 && bits >> (64 - have) == (1 << have) - 1).then_some(());
        }
        out.push(u8::try_from(symbol).ok()?);
        bits <<= len;
        have -= len;
    }
}

/// How many symbols begin within the first `len` bytes of `coded`.
pub(super) fn symbols_before(coded: &[u8], len: usize) -> usize {
    let mut out = Vec::new();
    let prefix = coded.get(..len).unwrap_or(coded);
    // A symbol that is cut counts: it begins here. Padding may be taken for one, and then nothing follows it.
    match decode(prefix, &mut out) {
        Some(()) if bits(&out).is_multiple_of(8) => out.len(),
        _ => out.len() + 1,
    }
}

/// Bits that a text takes (RFC 7541 appendix B).
pub fn bits(text: &[u8]) -> usize {
    text.iter().map(|b| usize::from(LENGTHS[usize::from(*b)])).sum()
}

/// The symbol whose code the bits begin with, and the code's length.
fn symbol(bits: u32) -> (u16, u32) {
    let (symbol, len) = CODE.short[(bits >> (32 - SHORT)) as usize];
    if len > 0 {
        return (symbol.into(), len.into());
    }
    let mut len = SHORT as usize + 1;
    while len < LONGEST && bits >= CODE.first[len + 1] {
        len += 1;
    }
    let index = usize::from(CODE.start[len]) + ((bits - CODE.first[len]) >> (32 - len)) as usize;
    (CODE.symbols[index.min(256)], len as u32)
}

/// The code of a text, padded.
pub(in crate::protocol) fn encode(text: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut have) = (Vec::new(), 0_u64, 0);
    for byte in text {
        let len = usize::from(LENGTHS[usize::from(*byte)]);
        let index = CODE.symbols.iter().position(|s| *s == u16::from(*byte)).unwrap_or(0);
        let code = (CODE.first[len] >> (32 - len)) as u64 + (index - usize::from(CODE.start[len])) as u64;
        bits = bits << len | code;
        have += len;
        while have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    if have > 0 {
        out.push((bits << (8 - have)) as u8 | 0xff >> have);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(coded: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(coded, &mut out).map(|()| out)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&coded).unwrap(), b"www.example.com");
        assert_eq!(encode(b"www.example.com"), coded);
        // Appendix B, at both ends of some lengths.
        for (symbol, code, len) in [
            (48, 0x0, 5),
            (116, 0x9, 5),
            (32, 0x14, 6),
            (90, 0xfd, 8),
            (63, 0x3fc, 10),
            (0, 0x1ff8, 13),
            (92, 0x7fff0, 19),
            (249, 0xffffffe, 28),
            (22, 0x3ffffffe, 30),
            (256, 0x3fffffff, 30),
        ] {
            assert_eq!(super::symbol(code << (32 - len)), (symbol, len), "{symbol}");
        }
    }

    #[test]
    fn padding_is_checked() {
        assert_eq!(decoded(&[0x07]).unwrap(), b"0", "three ones behind 0");
        assert_eq!(decoded(&[0x00, 0x7f]).unwrap(), b"01", "six ones behind 0 and 1");
        assert!(decoded(&[0x06]).is_none(), "not of ones");
        assert!(decoded(&[0x07, 0xff]).is_none(), "longer than seven bits");
        assert!(decoded(&[0xff, 0xff, 0xff, 0xff]).is_none(), "the end of string is coded");
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn what_was_coded_comes_back(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let coded = encode(&text);
            prop_assert_eq!(coded.len(), bits(&text).div_ceil(8));
            prop_assert_eq!(decoded(&coded).unwrap(), text.clone());
            for cut in 0..=coded.len() {
                let begin = |i: usize| bits(&text[..i]) < cut * 8;
                let expected = (0..text.len()).filter(|i| begin(*i)).count();
                let counted = symbols_before(&coded, cut);
                prop_assert!(counted == expected || cut == coded.len() && counted == expected + 1);
            }
        }

        #[test]
        fn no_bytes_are_too_odd(coded in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut out = Vec::new();
            let _ = decode(&coded, &mut out);
            prop_assert!(out.len() <= coded.len() * 8 / 5 + 1);
        }
    }
}
