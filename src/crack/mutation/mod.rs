//! Mutations: what else a word may have become, in the rule syntax of hashcat and John the Ripper.
//!
//! A rule is a line of functions, each one letter with its parameters; it makes one word of another, or rejects it. The
//! functions are those that hashcat's documentation lists ("Rule-based attack").

mod apply;
#[cfg(test)]
mod tests;

use std::fmt;

/// Functions of one rule, at most.
const FUNCTIONS: usize = 64;
/// Rules of one file, at most: the largest that are published have some hundred thousand.
const RULES: usize = 1 << 21;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation(Box<[Function]>);

/// A line that is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutationError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong.
    pub cause: String,
}

impl fmt::Display for MutationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.cause)
    }
}

impl std::error::Error for MutationError {}

/// A function; `u8` are positions and numbers (0 to 35) where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Nothing,
    Lower,
    Upper,
    Capitalize,
    InvertCapitalize,
    Toggle,
    ToggleAt(u8),
    /// Toggles what stands behind the nth occurrence of a character.
    ToggleBehind(u8, u8),
    Reverse,
    Duplicate,
    DuplicateTimes(u8),
    Reflect,
    RotateLeft,
    RotateRight,
    Append(u8),
    Prepend(u8),
    TruncateLeft,
    TruncateRight,
    Delete(u8),
    Extract(u8, u8),
    Omit(u8, u8),
    Insert(u8, u8),
    Overwrite(u8, u8),
    TruncateAt(u8),
    Replace(u8, u8),
    Purge(u8),
    RepeatFirst(u8),
    RepeatLast(u8),
    RepeatEach,
    SwapFront,
    SwapBack,
    Swap(u8, u8),
    ShiftLeft(u8),
    ShiftRight(u8),
    Increment(u8),
    Decrement(u8),
    CopyNext(u8),
    CopyPrevious(u8),
    RepeatBlockFirst(u8),
    RepeatBlockLast(u8),
    /// Lower case, then upper case at the beginning and behind each such character.
    Title(u8),
    Memorize,
    AppendMemory,
    PrependMemory,
    /// Inserts a part of the memory: from, length, to.
    ExtractMemory(u8, u8, u8),
    RejectLonger(u8),
    RejectShorter(u8),
    RejectNotLength(u8),
    RejectHas(u8),
    RejectLacks(u8),
    RejectNotFirst(u8),
    RejectNotLast(u8),
    RejectNotAt(u8, u8),
    RejectFewer(u8, u8),
    RejectMemory,
}

impl Mutation {
    /// Reads a file of rules: one a line; empty lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// The first line that is no rule.
    pub fn read(text: &[u8]) -> Result<Vec<Self>, MutationError> {
        let mut rules = Vec::new();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
            if blank || line.starts_with(b"#") {
                continue;
            }
            let error = |cause| MutationError { line: at + 1, cause };
            if rules.len() >= RULES {
                return Err(error(format!("more than {RULES} rules")));
            }
            rules.push(Self::parse(line).map_err(error)?);
        }
        Ok(rules)
    }

    /// Reads one rule.
    fn parse(line: &[u8]) -> Result<Self, String> {
        let mut rest = Parameters { line, at: 0 };
        let mut functions = Vec::new();
        while let Some(letter) = rest.next_letter() {
            if functions.len() >= FUNCTIONS {
                return Err(format!("more than {FUNCTIONS} functions"));
            }
            functions.push(function(letter, &mut rest)?);
        }
        Ok(Self(functions.into()))
    }
}

/// What is still to be read of a rule.
struct Parameters<'l> {
    line: &'l [u8],
    at: usize,
}

impl Parameters<'_> {
    /// The letter of the next function: space between functions means nothing.
    fn next_letter(&mut self) -> Option<u8> {
        while matches!(self.line.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.next()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.line.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// A character, which may be written as `\xHH`.
    fn character(&mut self, of: u8) -> Result<u8, String> {
        let byte = self.next().ok_or_else(|| missing(of))?;
        let digits = self.line.get(self.at..self.at + 3).filter(|_| byte == b'\\');
        if let Some([b'x', high, low]) = digits
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            self.at += 3;
            return Ok((high << 4) | low);
        }
        Ok(byte)
    }

    /// A position or number: `0` to `9`, then `A` to `Z` from 10 on.
    fn number(&mut self, of: u8) -> Result<u8, String> {
        match self.next().ok_or_else(|| missing(of))? {
            byte @ b'0'..=b'9' => Ok(byte - b'0'),
            byte @ b'A'..=b'Z' => Ok(byte - b'A' + 10),
            byte => Err(format!("`{}` is no number (0 to 9, A to Z) for `{}`", shown(byte), shown(of))),
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn missing(of: u8) -> String {
    format!("the function `{}` lacks a parameter", shown(of))
}

fn shown(byte: u8) -> String {
    byte.escape_ascii().to_string()
}

/// Reads the parameters of the function `letter`.
fn function(letter: u8, p: &mut Parameters<'_>) -> Result<Function, String> {
    use Function as F;
    Ok(match letter {
        b':' => F::Nothing,
        b'l' => F::Lower,
        b'u' => F::Upper,
        b'c' => F::Capitalize,
        b'C' => F::InvertCapitalize,
        b't' => F::Toggle,
        b'T' => F::ToggleAt(p.number(letter)?),
        b'3' => F::ToggleBehind(p.number(letter)?, p.character(letter)?),
        b'r' => F::Reverse,
        b'd' => F::Duplicate,
        b'p' => F::DuplicateTimes(p.number(letter)?),
        b'f' => F::Reflect,
        b'{' => F::RotateLeft,
        b'}' => F::RotateRight,
        b'$' => F::Append(p.character(letter)?),
        b'^' => F::Prepend(p.character(letter)?),
        b'[' => F::TruncateLeft,
        b']' => F::TruncateRight,
        b'D' => F::Delete(p.number(letter)?),
        b'x' => F::Extract(p.number(letter)?, p.number(letter)?),
        b'O' => F::Omit(p.number(letter)?, p.number(letter)?),
        b'i' => F::Insert(p.number(letter)?, p.character(letter)?),
        b'o' => F::Overwrite(p.number(letter)?, p.character(letter)?),
        b'\'' => F::TruncateAt(p.number(letter)?),
        b's' => F::Replace(p.character(letter)?, p.character(letter)?),
        b'@' => F::Purge(p.character(letter)?),
        b'z' => F::RepeatFirst(p.number(letter)?),
        b'Z' => F::RepeatLast(p.number(letter)?),
        b'q' => F::RepeatEach,
        b'k' => F::SwapFront,
        b'K' => F::SwapBack,
        b'*' => F::Swap(p.number(letter)?, p.number(letter)?),
        b'L' => F::ShiftLeft(p.number(letter)?),
        b'R' => F::ShiftRight(p.number(letter)?),
        b'+' => F::Increment(p.number(letter)?),
        b'-' => F::Decrement(p.number(letter)?),
        b'.' => F::CopyNext(p.number(letter)?),
        b',' => F::CopyPrevious(p.number(letter)?),
        b'y' => F::RepeatBlockFirst(p.number(letter)?),
        b'Y' => F::RepeatBlockLast(p.number(letter)?),
        b'E' => F::Title(b' '),
        b'e' => F::Title(p.character(letter)?),
        b'M' => F::Memorize,
        b'4' => F::AppendMemory,
        b'6' => F::PrependMemory,
        b'X' => F::ExtractMemory(p.number(letter)?, p.number(letter)?, p.number(letter)?),
        b'<' => F::RejectLonger(p.number(letter)?),
        b'>' => F::RejectShorter(p.number(letter)?),
        b'_' => F::RejectNotLength(p.number(letter)?),
        b'!' => F::RejectHas(p.character(letter)?),
        b'/' => F::RejectLacks(p.character(letter)?),
        b'(' => F::RejectNotFirst(p.character(letter)?),
        b')' => F::RejectNotLast(p.character(letter)?),
        b'=' => F::RejectNotAt(p.number(letter)?, p.character(letter)?),
        b'%' => F::RejectFewer(p.number(letter)?, p.character(letter)?),
        b'Q' => F::RejectMemory,
        _ => return Err(format!("there is no function `{}`", shown(letter))),
    })
}

/// Fuzzing: a file of rules, each applied to some words; no word grows beyond the bound.
pub fn fuzz_mutation(data: &[u8]) {
    let Ok(rules) = Mutation::read(data) else { return };
    let mut out = Vec::new();
    for rule in &rules {
        for word in [&b""[..], b"a", b"Pass Word-1", &[0xff; super::WORD_BYTES]] {
            rule.apply(word, &mut out);
            assert!(out.len() <= super::WORD_BYTES, "{rule:?}");
        }
    }
}
