//! The elements of one array of a JSON document, found as the document is read: no more than one of them is held.

use super::text::{Passed, Text};
use super::{Broken, Entries, Entry, Flaw};
use serde_json::Value;
use std::io::Read;

/// Reads the elements of an array.
pub(super) struct Elements {
    text: Text,
    /// Names of the members that lead to the array; none if the document is the array.
    path: &'static [&'static str],
    state: State,
    /// Elements so far.
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read.
    Start,
    /// Between the members of the object whose member is `path[n]`.
    Members(usize),
    /// Between the elements.
    Array,
    /// Behind the document.
    Tail,
}

impl Elements {
    /// The elements of the array that `path` leads to in `input`.
    pub(super) fn new(input: Box<dyn Read + Send>, path: &'static [&'static str]) -> Self {
        Self { text: Text::new(input), path, state: State::Start, count: 0 }
    }

    fn broken<T>(&self, cause: &str) -> Result<T, Broken> {
        Err(Broken { offset: self.text.offset(), cause: cause.to_owned() })
    }

    /// The next byte that is no white space, in a document that goes on.
    fn need(&mut self) -> Result<u8, Broken> {
        match self.text.peek()? {
            Some(byte) => Ok(byte),
            None => self.broken(&cut(self.count)),
        }
    }

    fn pass(&mut self, keep: bool) -> Result<Passed, Broken> {
        self.need()?;
        let count = self.count;
        self.text.value(keep)?.map_or_else(|| self.broken(&cut(count)), Ok)
    }

    /// Enters the container that opens with `open`; passes any other value.
    fn enter(&mut self, open: u8, state: State) -> Result<(), Broken> {
        if self.need()? == open {
            self.text.at += 1;
            self.state = state;
        } else {
            self.pass(false)?;
        }
        Ok(())
    }

    /// A member of the object at `level`, or its end.
    fn member(&mut self, level: usize) -> Result<(), Broken> {
        match self.need()? {
            b',' => self.text.at += 1,
            b'}' => {
                self.text.at += 1;
                self.state = level.checked_sub(1).map_or(State::Tail, State::Members);
            }
            b'"' => {
                let name = self.pass(true)?;
                let name = self.text.of(&name);
                let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\""));
                let wanted = self.path.get(level).is_some_and(|wanted| name == Some(wanted.as_bytes()));
                if self.need()? != b':' {
                    return self.broken("a colon is due behind a member's name");
                }
                self.text.at += 1;
                if !wanted {
                    self.pass(false)?;
                } else if level + 1 == self.path.len() {
                    self.enter(b'[', State::Array)?;
                } else {
                    self.enter(b'{', State::Members(level + 1))?;
                }
            }
            _ => return self.broken("a member's name is due"),
        }
        Ok(())
    }
}

fn cut(count: u64) -> String {
    format!("the file ends in the middle, {count} whole entries were read")
}

impl Entries for Elements {
    fn next(&mut self) -> Result<Option<Entry>, Broken> {
        loop {
            match self.state {
                State::Start => match (self.need()?, self.path) {
                    (b'[', []) => self.enter(b'[', State::Array)?,
                    (b'{', [_, ..]) => self.enter(b'{', State::Members(0))?,
                    _ => return self.broken("the document is not what it seemed"),
                },
                State::Members(level) => self.member(level)?,
                State::Array => match self.need()? {
                    b',' => self.text.at += 1,
                    b']' => {
                        self.text.at += 1;
                        self.state = self.path.len().checked_sub(1).map_or(State::Tail, State::Members);
                    }
                    _ => {
                        let offset = self.text.offset();
                        let passed = self.pass(true)?;
                        self.count += 1;
                        let value = match passed.over {
                            Some(cause) => Err(Flaw { offset, cause: cause.to_owned() }),
                            None => parse(self.text.of(&passed), offset),
                        };
                        return Ok(Some(Entry { offset, len: passed.len, value }));
                    }
                },
                State::Tail => {
                    return match self.text.peek()? {
                        None => Ok(None),
                        Some(_) => self.broken("there is more behind the end of the document"),
                    };
                }
            }
        }
    }
}

/// Reads a whole element.
fn parse(text: &[u8], offset: u64) -> Result<Value, Flaw> {
    let error = match serde_json::from_slice(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(text) = without_lone_surrogates(text)
        && let Ok(value) = serde_json::from_slice(&text)
    {
        return Ok(value);
    }
    // Lines and columns count from 1; a column is a byte.
    let line_start = match error.line().checked_sub(2) {
        None => 0,
        Some(n) => memchr::memchr_iter(b'\n', text).nth(n).map_or(0, |at| at + 1),
    };
    let at = offset + (line_start + error.column().saturating_sub(1)) as u64;
    // The library's words without its place, which is one inside the entry.
    let cause = error.to_string();
    let cause = cause.split(" at line ").next().unwrap_or(&cause).to_owned();
    Err(Flaw { offset: at, cause })
}

/// Escapes of half a UTF-16 character, which browsers write for bodies that are no text, become U+FFFD; `None` if
/// there are none.
fn without_lone_surrogates(text: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let half = |unit: Option<u16>, high: u16| unit.is_some_and(|u| u & 0xfc00 == high);
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        let (first, second) = (unit(at), unit(at + 6));
        if half(first, 0xd800) && half(second, 0xdc00) {
            at += 12;
        } else if half(first, 0xd800) || half(first, 0xdc00) {
            lone.push(at + 2);
            at += 6;
        } else {
            at += 2;
        }
    }
    let mut text = (!lone.is_empty()).then(|| text.to_vec())?;
    for at in lone {
        text.get_mut(at..at + 4)?.copy_from_slice(b"fffd");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::Dribble;
    use crate::limits;
    use std::io::Cursor;

    const PATH: &[&str] = &["log", "entries"];

    fn read(text: &[u8], step: usize, path: &'static [&'static str]) -> (Vec<Entry>, Option<Broken>) {
        let mut elements = Elements::new(Box::new(Dribble(Cursor::new(text.to_vec()), step)), path);
        let mut all = Vec::new();
        loop {
            match elements.next() {
                Ok(Some(entry)) => all.push(entry),
                Ok(None) => return (all, None),
                Err(broken) => return (all, Some(broken)),
            }
        }
    }

    #[test]
    fn elements_are_found_in_any_pieces() {
        let text = "\u{feff}{\"x\":[{\"entries\":[9]},\"]}\\\"\"],\"log\":{\"version\":\"1.2\",\"pages\":[],\n\
                    \"entries\":[{\"a\":\"\\\\\"},7 ,\"s\\\"]\",[1,[2]],null],\"_end\":-1.5e3},\"y\":0}\n ";
        for step in [1, 2, 3, 7, 1000] {
            let (all, broken) = read(text.as_bytes(), step, PATH);
            assert_eq!(broken, None, "{step}");
            let values: Vec<_> = all.iter().map(|e| e.value.clone().unwrap().to_string()).collect();
            assert_eq!(values, ["{\"a\":\"\\\\\"}", "7", "\"s\\\"]\"", "[1,[2]]", "null"]);
            for entry in &all {
                let at = entry.offset as usize..(entry.offset + entry.len) as usize;
                let text = text.get(at).unwrap().trim();
                assert_eq!(serde_json::from_str::<Value>(text).unwrap(), entry.value.clone().unwrap());
            }
        }
        let (all, broken) = read(b"[{\"scope\":1},{}]", 2, &[]);
        assert_eq!((all.len(), broken), (2, None));
    }

    #[test]
    fn what_is_cut_or_broken_says_where() {
        let text = r#"{"log":{"entries":[{"a":1},{"b":"x"}]}}"#;
        for end in 1..text.len() {
            for step in [1, 100] {
                let (all, broken) = read(&text.as_bytes()[..end], step, PATH);
                let broken = broken.unwrap_or_else(|| panic!("{end} bytes are whole"));
                assert_eq!(broken.offset, end as u64, "{}", broken.cause);
                assert_eq!(all.len(), usize::from(end > 25) + usize::from(end > 35), "{end}");
            }
        }
        let (all, broken) = read(b"{\"log\":{\"entries\":[{\"a\":\n tru},{\"b\":2}]}}!", 9, PATH);
        let flaw = all[0].value.as_ref().unwrap_err();
        assert_eq!((flaw.offset, &*flaw.cause), (29, "expected ident"));
        assert!(all[1].value.is_ok());
        assert_eq!(broken.map(|b| b.offset), Some(41));
    }

    #[test]
    fn entries_over_the_bounds_are_passed() {
        let long = "x".repeat(limits::ENTRY_BYTES);
        let many = "[],".repeat(limits::ENTRY_VALUES + 1);
        let text = format!("[\"{long}\",[{many}0],1]");
        let (all, broken) = read(text.as_bytes(), 1 << 20, &[]);
        assert_eq!(broken, None);
        assert!(all[0].value.is_err() && all[1].value.is_err());
        assert_eq!(all[2].value, Ok(Value::from(1)));
    }

    #[test]
    fn half_characters_are_replaced() {
        let (all, _) = read(br#"["\ud83d\ude00 \ud83d \ude00\\ud83d \u00e9"]"#, 5, &[]);
        assert_eq!(all[0].value, Ok(Value::from("\u{1f600} \u{fffd} \u{fffd}\\ud83d \u{e9}")));
    }
}
