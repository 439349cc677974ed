//! A run of token characters, with the escapes undone on the way.

use super::{
    base64url::{is_base64_char, leading},
    wrapping::{Wrapping, Wrappings},
};
use crate::limits::TOKEN_BYTES;
use std::borrow::Cow;

/// A run, read from its first character as far as it goes.
pub(super) struct Run<'a> {
    /// Its characters.
    pub(super) text: Cow<'a, [u8]>,
    /// Where it ends in the raw text.
    pub(super) raw_end: usize,
    /// Escapes that were undone.
    pub(super) wrappings: Wrappings,
    /// Whether the raw text ended before the run did.
    pub(super) open: bool,
    /// Whether the run is longer than a token may be; it was read that far.
    pub(super) over: bool,
}

impl Run<'_> {
    /// Tells where in `raw` the characters of this run, which begins at `start`, stand.
    pub(super) const fn cursor<'a>(&self, raw: &'a [u8], start: usize) -> Cursor<'a> {
        Cursor { raw, at: start, index: 0, plain: matches!(self.text, Cow::Borrowed(_)) }
    }
}

/// A place in a run, which only goes forward: asked in ascending order, it takes each step once.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    raw: &'a [u8],
    at: usize,
    index: usize,
    plain: bool,
}

impl Cursor<'_> {
    /// Offset in the raw text of the character `index`, which is not before the one that was asked for last.
    pub(super) fn to(&mut self, index: usize) -> usize {
        if self.plain {
            self.at += index.saturating_sub(self.index);
            self.index = self.index.max(index);
        }
        while self.index < index {
            match step(self.raw, self.at) {
                Step::Char(_, len, _) => self.at += len,
                Step::End | Step::Open => break,
            }
            self.index += 1;
        }
        self.at
    }
}

/// Reads the run at `start`, `max` characters at most.
pub(super) fn run(raw: &[u8], start: usize, max: usize) -> Run<'_> {
    let max = max.min(TOKEN_BYTES);
    let rest = raw.get(start..).unwrap_or_default();
    let window = &rest[..rest.len().min(max)];
    let plain = leading(window, is_plain);
    let mut wrappings = Wrappings::default();
    let ended = |text, at: usize, wrappings, open| Run { text, raw_end: at, wrappings, open, over: false };
    if plain == window.len() {
        let over = rest.len() > plain && is_plain(rest[plain]);
        let open = rest.len() == plain;
        let at = start + plain;
        return Run { text: Cow::Borrowed(window), raw_end: at, wrappings, open, over };
    }
    let mut at = start + plain;
    match step(raw, at) {
        Step::End => return ended(Cow::Borrowed(&rest[..plain]), at, wrappings, false),
        Step::Open => return ended(Cow::Borrowed(&rest[..plain]), at, wrappings, true),
        Step::Char(..) => {}
    }
    let mut text = rest[..plain].to_vec();
    while text.len() < max {
        match step(raw, at) {
            Step::Char(byte, len, wrapping) => {
                text.push(byte);
                at += len;
                if let Some(wrapping) = wrapping {
                    wrappings.add(wrapping);
                }
            }
            Step::End => return ended(Cow::Owned(text), at, wrappings, false),
            Step::Open => return ended(Cow::Owned(text), at, wrappings, true),
        }
    }
    Run { text: Cow::Owned(text), raw_end: at, wrappings, open: false, over: true }
}

/// Whether `byte` can be part of a run, plain or in an escape.
#[inline]
pub(super) const fn can_continue(byte: u8) -> bool {
    let escape = (byte == b'%') | (byte == b'\\') | (byte == b'&') | (byte == b'#') | (byte == b';');
    is_plain(byte) | escape
}

enum Step {
    /// A character of a token, the raw bytes that it takes, and how it was written.
    Char(u8, usize, Option<Wrapping>),
    /// Not part of a token.
    End,
    /// The raw text ends inside what may be an escape, or here.
    Open,
}

#[inline]
const fn is_plain(byte: u8) -> bool {
    is_base64_char(byte) | (byte == b'.') | (byte == b'~') | (byte == b'=')
}

fn step(raw: &[u8], at: usize) -> Step {
    let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) else { return Step::Open };
    match rest[0] {
        b'%' => match hex(rest, 1, 2) {
            Hex::Open => Step::Open,
            Hex::Value(0x25) => match hex(rest, 3, 2) {
                Hex::Open => Step::Open,
                Hex::Value(value) => char_of(value, 5, Wrapping::PercentTwice),
                Hex::Not => Step::End,
            },
            Hex::Value(value) => char_of(value, 3, Wrapping::Percent),
            Hex::Not => Step::End,
        },
        b'\\' => match rest.get(1) {
            None => Step::Open,
            Some(b'/') => Step::Char(b'/', 2, Some(Wrapping::Json)),
            Some(b'u') => match hex(rest, 2, 4) {
                Hex::Open => Step::Open,
                Hex::Value(value) => char_of(value, 6, Wrapping::Json),
                Hex::Not => Step::End,
            },
            Some(_) => Step::End,
        },
        b'&' => reference(rest),
        byte if is_plain(byte) => Step::Char(byte, 1, None),
        _ => Step::End,
    }
}

/// `&#46;` or `&#x2e;` (HTML section 13.1.4), with up to six digits.
fn reference(rest: &[u8]) -> Step {
    match rest.get(1) {
        None => return Step::Open,
        Some(b'#') => {}
        Some(_) => return Step::End,
    }
    let hexadecimal = matches!(rest.get(2), Some(b'x' | b'X'));
    let start = if hexadecimal { 3 } else { 2 };
    let mut value: u32 = 0;
    for at in start..start + 7 {
        match rest.get(at) {
            None => return Step::Open,
            Some(b';') if at > start => return char_of(value, at + 1, Wrapping::Html),
            Some(&digit) => match char::from(digit).to_digit(if hexadecimal { 16 } else { 10 }) {
                Some(digit) => value = value * if hexadecimal { 16 } else { 10 } + digit,
                None => return Step::End,
            },
        }
    }
    Step::End
}

fn char_of(value: u32, len: usize, wrapping: Wrapping) -> Step {
    match u8::try_from(value) {
        Ok(byte) if is_plain(byte) => Step::Char(byte, len, Some(wrapping)),
        _ => Step::End,
    }
}

enum Hex {
    Value(u32),
    Not,
    Open,
}

fn hex(rest: &[u8], from: usize, digits: usize) -> Hex {
    let mut value = 0;
    for at in from..from + digits {
        match rest.get(at).map(|&b| char::from(b).to_digit(16)) {
            None => return Hex::Open,
            Some(None) => return Hex::Not,
            Some(Some(digit)) => value = value * 16 + digit,
        }
    }
    Hex::Value(value)
}
