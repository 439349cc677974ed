//! What the functions do. Where a position lies outside of the word, or the word would grow beyond the longest one that is
//! tried, the function does nothing, as hashcat's.

use super::super::WORD_BYTES;
use super::{Function, Mutation};

impl Mutation {
    /// Makes of `word` what the rule says, in `out`; false if it rejects the word.
    pub fn apply(&self, word: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        out.extend_from_slice(word);
        // Without a function that memorizes, the memory is the word itself.
        let mut memory: Option<Vec<u8>> = None;
        for function in &self.0 {
            if !apply(*function, out, &mut memory, word) {
                return false;
            }
        }
        true
    }
}

fn apply(function: Function, out: &mut Vec<u8>, memory: &mut Option<Vec<u8>>, word: &[u8]) -> bool {
    use Function as F;
    let len = out.len();
    let room = WORD_BYTES.saturating_sub(len);
    let at = usize::from;
    match function {
        F::Nothing => {}
        F::Lower => out.make_ascii_lowercase(),
        F::Upper => out.make_ascii_uppercase(),
        F::Capitalize => {
            out.make_ascii_lowercase();
            out.iter_mut().take(1).for_each(|byte| byte.make_ascii_uppercase());
        }
        F::InvertCapitalize => {
            out.make_ascii_uppercase();
            out.iter_mut().take(1).for_each(|byte| byte.make_ascii_lowercase());
        }
        F::Toggle => out.iter_mut().for_each(toggle),
        F::ToggleAt(n) => out.iter_mut().skip(at(n)).take(1).for_each(toggle),
        F::ToggleBehind(n, c) => {
            let mut places = out.iter().enumerate().filter(|(_, byte)| **byte == c).map(|(place, _)| place);
            if let Some(place) = places.nth(at(n)) {
                out.iter_mut().skip(place + 1).take(1).for_each(toggle);
            }
        }
        F::Reverse => out.reverse(),
        F::Duplicate if len <= room => out.extend_from_within(..),
        F::DuplicateTimes(n) if len * at(n) <= room => {
            for _ in 0..n {
                out.extend_from_within(..len);
            }
        }
        F::Reflect if len <= room => {
            out.extend_from_within(..);
            if let Some(tail) = out.get_mut(len..) {
                tail.reverse();
            }
        }
        F::RotateLeft if len > 0 => out.rotate_left(1),
        F::RotateRight if len > 0 => out.rotate_right(1),
        F::Append(c) if room > 0 => out.push(c),
        F::Prepend(c) if room > 0 => out.insert(0, c),
        F::TruncateLeft if len > 0 => drop(out.remove(0)),
        F::TruncateRight => drop(out.pop()),
        F::Delete(n) if at(n) < len => drop(out.remove(at(n))),
        F::Extract(n, m) if at(n) < len && at(n) + at(m) <= len => {
            out.truncate(at(n) + at(m));
            out.drain(..at(n));
        }
        F::Omit(n, m) if at(n) < len && at(n) + at(m) <= len => drop(out.drain(at(n)..at(n) + at(m))),
        F::Insert(n, c) if at(n) <= len && room > 0 => out.insert(at(n), c),
        F::Overwrite(n, c) => out.iter_mut().skip(at(n)).take(1).for_each(|byte| *byte = c),
        F::TruncateAt(n) => out.truncate(at(n)),
        F::Replace(a, b) => out.iter_mut().filter(|byte| **byte == a).for_each(|byte| *byte = b),
        F::Purge(c) => out.retain(|byte| *byte != c),
        F::RepeatFirst(n) if at(n) <= room => {
            if let Some(first) = out.first().copied() {
                out.splice(..0, std::iter::repeat_n(first, at(n)));
            }
        }
        F::RepeatLast(n) if at(n) <= room => {
            if let Some(last) = out.last().copied() {
                out.extend(std::iter::repeat_n(last, at(n)));
            }
        }
        F::RepeatEach if len <= room => *out = out.iter().flat_map(|byte| [*byte, *byte]).collect(),
        F::SwapFront if len >= 2 => out.swap(0, 1),
        F::SwapBack if len >= 2 => out.swap(len - 2, len - 1),
        F::Swap(n, m) if at(n) < len && at(m) < len => out.swap(at(n), at(m)),
        F::ShiftLeft(n) => out.iter_mut().skip(at(n)).take(1).for_each(|byte| *byte <<= 1),
        F::ShiftRight(n) => out.iter_mut().skip(at(n)).take(1).for_each(|byte| *byte >>= 1),
        F::Increment(n) => {
            out.iter_mut().skip(at(n)).take(1).for_each(|byte| *byte = byte.wrapping_add(1));
        }
        F::Decrement(n) => {
            out.iter_mut().skip(at(n)).take(1).for_each(|byte| *byte = byte.wrapping_sub(1));
        }
        F::CopyNext(n) if at(n) + 1 < len => out.copy_within(at(n) + 1..at(n) + 2, at(n)),
        F::CopyPrevious(n) if n > 0 && at(n) < len => out.copy_within(at(n) - 1..at(n), at(n)),
        F::RepeatBlockFirst(n) if at(n) <= len && at(n) <= room => {
            let block = out.get(..at(n)).unwrap_or_default().to_vec();
            out.splice(..0, block);
        }
        F::RepeatBlockLast(n) if at(n) <= len && at(n) <= room => out.extend_from_within(len - at(n)..),
        F::Title(separator) => {
            let mut begins = true;
            for byte in out.iter_mut() {
                let separates = *byte == separator;
                byte.make_ascii_lowercase();
                if begins {
                    byte.make_ascii_uppercase();
                }
                begins = separates;
            }
        }
        F::Memorize => *memory = Some(out.clone()),
        F::AppendMemory => {
            let memory = memory.as_deref().unwrap_or(word);
            if memory.len() <= room {
                out.extend_from_slice(memory);
            }
        }
        F::PrependMemory => {
            let memory = memory.as_deref().unwrap_or(word);
            if memory.len() <= room {
                out.splice(..0, memory.iter().copied());
            }
        }
        F::ExtractMemory(n, m, i) => {
            let memory = memory.as_deref().unwrap_or(word);
            if let Some(part) = memory.get(at(n)..at(n) + at(m))
                && part.len() <= room
                && at(i) <= len
            {
                out.splice(at(i)..at(i), part.iter().copied());
            }
        }
        F::RejectLonger(n) => return len <= at(n),
        F::RejectShorter(n) => return len >= at(n),
        F::RejectNotLength(n) => return len == at(n),
        F::RejectHas(c) => return !out.contains(&c),
        F::RejectLacks(c) => return out.contains(&c),
        F::RejectNotFirst(c) => return out.first() == Some(&c),
        F::RejectNotLast(c) => return out.last() == Some(&c),
        F::RejectNotAt(n, c) => return out.get(at(n)) == Some(&c),
        F::RejectFewer(n, c) => return out.iter().filter(|byte| **byte == c).count() >= at(n),
        F::RejectMemory => return memory.as_deref().unwrap_or(word) != out.as_slice(),
        // A guard above did not hold.
        _ => {}
    }
    true
}

fn toggle(byte: &mut u8) {
    if byte.is_ascii_alphabetic() {
        *byte ^= 0x20;
    }
}
