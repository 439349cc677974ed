//! A batch of records that says nothing, in the place of one that is compressed and cannot be changed as it is.

use super::batch::HEAD;

/// Where the checksum of a batch stands, and what it is of: all that follows.
const CHECKSUM: usize = 17;
const CHECKED: usize = 21;
/// Where the compression is named, and where the number of records.
const ATTRIBUTES: usize = 22;
const COUNT: usize = 57;
/// Longest number in records, whose sign is its lowest bit.
const NUMBER: usize = 5;

/// As many bytes as `batch` has, not compressed: as many records, of which the last has spaces as its value; where they have no
/// room, one. `None` if not even that fits.
pub(super) fn blanked(batch: &[u8]) -> Option<Vec<u8>> {
    let (head, coded) = batch.split_at_checked(HEAD)?;
    let count = u32::from_be_bytes(*head.get(COUNT..)?.first_chunk()?);
    let (count, records) = [count, 1].iter().find_map(|n| Some((*n, records(*n, coded.len())?)))?;
    let mut new = [head, &records].concat();
    *new.get_mut(ATTRIBUTES)? &= !7;
    new.get_mut(COUNT..)?.first_chunk_mut().map(|place: &mut [u8; 4]| *place = count.to_be_bytes())?;
    let checksum = crc32c(new.get(CHECKED..)?);
    new.get_mut(CHECKSUM..)?.first_chunk_mut().map(|place: &mut [u8; 4]| *place = checksum.to_be_bytes())?;
    Some(new)
}

/// So many records in exactly `len` bytes.
fn records(count: u32, len: usize) -> Option<Vec<u8>> {
    // The shortest has seven bytes.
    let last = count.checked_sub(1).filter(|n| (*n as usize) < len / 7)?;
    let mut out = Vec::with_capacity(len);
    for n in 0..last {
        record(n, 0, (0, 0), &mut out);
    }
    let room = len.checked_sub(out.len())?;
    // Where one of the two lengths takes a byte more no value fits exactly: then a byte of a key does, or of the length itself.
    let spare = [(0, 0), (1, 0), (0, 1), (1, 1)];
    (room.saturating_sub(7 + 3 * NUMBER)..room).rev().find_map(|value| {
        spare.iter().find_map(|(key, more)| {
            let mut all = out.clone();
            record(last, *key, (value, *more), &mut all);
            (all.len() == len).then_some(all)
        })
    })
}

/// A record: attributes, time and number since the first one, key, value, headers. Its length is written in `more` bytes than it
/// needs.
fn record(n: u32, key: usize, (value, more): (usize, usize), out: &mut Vec<u8>) {
    let mut body = vec![0, 0];
    signed(n.into(), 0, &mut body);
    signed(key as u64, 0, &mut body);
    body.resize(body.len() + key, b' ');
    signed(value as u64, 0, &mut body);
    body.resize(body.len() + value, b' ');
    body.push(0);
    signed(body.len() as u64, more, out);
    out.extend(body);
}

/// A number that is not negative, in `more` bytes than it needs.
fn signed(n: u64, more: usize, out: &mut Vec<u8>) {
    let mut rest = n << 1;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8 | if more > 0 { 0x80 } else { 0 });
    out.resize(out.len() + more, 0);
}

/// CRC-32C (RFC 9260 appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // RFC 3720 appendix B.4: 32 bytes of zeros, and of ones.
        assert_eq!((crc32c(&[0; 32]), crc32c(&[0xff; 32])), (0x8a91_36aa, 0x62a8_ab43));
    }

    #[test]
    fn records_fill_what_they_take_the_place_of() {
        for len in (7..600).chain(8190..8210) {
            for count in [1, 2, 70] {
                let Some(records) = records(count, len) else {
                    assert!(len < 7 * count as usize + 100, "{count} in {len}");
                    continue;
                };
                assert_eq!(records.len(), len);
                // Each is read by its length.
                let (mut at, mut n) = (0, 0);
                while at < len {
                    let (mut size, mut shift) = (0_usize, 0);
                    loop {
                        let byte = records[at];
                        at += 1;
                        size |= usize::from(byte & 0x7f) << shift;
                        shift += 7;
                        if byte < 0x80 {
                            break;
                        }
                    }
                    (at, n) = (at + size / 2, n + 1);
                }
                assert_eq!((at, n), (len, count), "{count} in {len}");
            }
        }
        assert!(records(1, 6).is_none() && records(0, 50).is_none());
    }

    #[test]
    fn a_batch_is_no_longer_compressed() {
        let mut batch = vec![7; HEAD + 100];
        batch[ATTRIBUTES] = 0x12;
        batch[COUNT..HEAD].copy_from_slice(&[0, 0, 0, 3]);
        let new = blanked(&batch).unwrap();
        assert_eq!((new.len(), new[ATTRIBUTES], &new[COUNT..HEAD]), (batch.len(), 0x10, &batch[COUNT..HEAD]));
        assert_eq!(new[CHECKSUM..CHECKED], crc32c(&new[CHECKED..]).to_be_bytes());
        // More than have room.
        batch[COUNT..HEAD].copy_from_slice(&[0, 0, 9, 9]);
        assert_eq!(blanked(&batch).unwrap()[COUNT..HEAD], [0, 0, 0, 1]);
        assert!(blanked(&batch[..HEAD + 6]).is_none());
    }
}
