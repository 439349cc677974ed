//! Elements of BER (X.690) with one byte of tag and a definite length, as LDAP has them (RFC 4511 section 5.1).

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlv<'a> {
    /// Its tag.
    pub(super) tag: u8,
    /// What it holds.
    pub(super) value: &'a [u8],
}

/// The length of tag and length at the start of `bytes`, and that of the value; `None` while they are not whole.
///
/// # Errors
/// The length is of no definite form that anybody sends.
pub(super) fn length(bytes: &[u8]) -> Result<Option<(usize, u64)>, ()> {
    let Some(first) = bytes.get(1) else { return Ok(None) };
    match first {
        0..=0x7f => Ok(Some((2, u64::from(*first)))),
        0x81..=0x84 => {
            let n = usize::from(first & 0x7f);
            let Some(digits) = bytes.get(2..2 + n) else { return Ok(None) };
            Ok(Some((2 + n, digits.iter().fold(0, |len, b| len << 8 | u64::from(*b)))))
        }
        _ => Err(()),
    }
}

/// Takes the first element off `rest`; `None` if it is not whole.
pub(super) fn tlv<'a>(rest: &mut &'a [u8]) -> Option<Tlv<'a>> {
    let (header, len) = length(rest).ok()??;
    let end = header.checked_add(usize::try_from(len).ok()?)?;
    let (element, after) = rest.split_at_checked(end)?;
    *rest = after;
    Some(Tlv { tag: element[0], value: &element[header..] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_one_by_one() {
        let mut rest = &[2, 1, 5, 4, 0x81, 2, b'h', b'i', 0x30, 0x80][..];
        assert_eq!(tlv(&mut rest), Some(Tlv { tag: 2, value: &[5] }));
        assert_eq!(tlv(&mut rest), Some(Tlv { tag: 4, value: b"hi" }));
        assert_eq!((tlv(&mut rest), length(rest)), (None, Err(())));
        assert_eq!(length(&[0x30, 0x82, 1]), Ok(None));
        assert_eq!(length(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Ok(Some((6, 0xffff_ffff))));
        assert_eq!(tlv(&mut &[4, 0x84, 0xff, 0xff, 0xff, 0xff][..]), None);
    }
}
