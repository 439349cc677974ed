//! A forward tokenizer of JSON that knows where it is: names the place of a byte, and lists string members.
//!
//! It does not validate. It takes JSON (RFC 8259), JSON lines, concatenated values and text sequences
//! (RFC 7464), a byte order mark, protective prefixes such as `)]}',` and input that is cut.

use super::text::{json_string, path_member};
use crate::limits;
use std::{borrow::Cow, ops::Range};

/// Walks a JSON body from its start, never back, and holds no more than one frame a level.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonWalk {
    at: usize,
    stack: Vec<Level>,
    /// Levels past [`limits::JSON_DEPTH`], which are not named.
    over: usize,
    string: Option<Text>,
}

/// An open object or array.
#[derive(Clone, Debug)]
enum Level {
    Object {
        /// Where the last member name stands, without its quotes.
        key: Option<Range<usize>>,
        /// The next string is a member name.
        names: bool,
    },
    Array(u64),
}

/// An open string.
#[derive(Clone, Copy, Debug)]
struct Text {
    start: usize,
    key: bool,
    escaped: bool,
}

/// A string value that ended: the range between its quotes.
type Value = Range<usize>;

impl JsonWalk {
    /// A walk over JSON that begins at an offset of its body.
    pub(super) fn starting(at: usize) -> Self {
        Self { at, ..Self::default() }
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Goes on to `to`, or to the end of the next string value. `body` always starts at the same byte.
    pub(super) fn advance(&mut self, body: &[u8], to: usize) -> Option<Value> {
        let to = to.min(body.len());
        while self.at < to {
            if let Some(text) = self.string {
                if let Some(value) = self.text(body, to, text) {
                    return Some(value);
                }
                continue;
            }
            // Between strings only the structure counts.
            let structural = |b: &u8| matches!(b, b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':');
            let rest = body.get(self.at..to).unwrap_or_default();
            let Some(skip) = rest.iter().position(structural) else {
                self.at = to;
                return None;
            };
            self.at += skip + 1;
            self.structure(rest.get(skip).copied().unwrap_or_default());
        }
        None
    }

    /// The path of the byte it stands before: of the value, or for a member name of its object (RFC 9535).
    pub(super) fn path(&self, body: &[u8]) -> Option<Box<str>> {
        if self.over > 0 {
            return None;
        }
        let in_key = self.string.is_some_and(|s| s.key);
        let mut path = String::from("$");
        for (depth, level) in self.stack.iter().enumerate() {
            let last = depth + 1 == self.stack.len();
            match level {
                Level::Object { key: Some(key), names } if !(last && (in_key || *names)) => {
                    path_member(&mut path, &json_string(body.get(key.clone())?));
                }
                Level::Object { .. } => {}
                Level::Array(index) => path.push_str(&format!("[{index}]")),
            }
        }
        Some(path.into())
    }

    /// The name of the nearest member around the byte it stands before, undecoded.
    fn key(&self) -> Option<Range<usize>> {
        self.stack.iter().rev().find_map(|level| match level {
            Level::Object { key, .. } => key.clone(),
            Level::Array(_) => None,
        })
    }

    /// Goes on inside a string.
    fn text(&mut self, body: &[u8], to: usize, mut text: Text) -> Option<Value> {
        if text.escaped {
            text.escaped = false;
            self.string = Some(text);
            self.at += 1;
            return None;
        }
        let rest = body.get(self.at..to).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
            self.at = to;
            return None;
        };
        self.at += end + 1;
        if rest.get(end) == Some(&b'\\') {
            text.escaped = true;
            self.string = Some(text);
            return None;
        }
        self.string = None;
        let range = text.start..self.at - 1;
        if !text.key {
            return Some(range);
        }
        if let Some(Level::Object { key, names }) = self.stack.last_mut() {
            *key = Some(range);
            *names = false;
        }
        None
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'"' => {
                let key =
                    self.over == 0 && matches!(self.stack.last(), Some(Level::Object { names: true, .. }));
                self.string = Some(Text { start: self.at, key, escaped: false });
            }
            b'{' | b'[' if self.stack.len() >= limits::JSON_DEPTH => self.over += 1,
            b'{' => self.stack.push(Level::Object { key: None, names: true }),
            b'[' => self.stack.push(Level::Array(0)),
            b'}' | b']' if self.over > 0 => self.over -= 1,
            b'}' | b']' => {
                self.stack.pop();
            }
            b',' if self.over == 0 => match self.stack.last_mut() {
                Some(Level::Object { names, .. }) => *names = true,
                Some(Level::Array(index)) => *index += 1,
                None => {}
            },
            // Robust against a member name that is not quoted (JavaScript).
            b':' if self.over == 0 => {
                if let Some(Level::Object { names, .. }) = self.stack.last_mut() {
                    *names = false;
                }
            }
            _ => {}
        }
    }
}

/// A string that stands as, or in an array below, a member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonMember<'a> {
    /// Name of the nearest member, escapes undone; empty for a top-level string.
    pub name: Cow<'a, str>,
    /// The string, escapes undone.
    pub value: Cow<'a, str>,
    /// Offset of the string (after its quote) in the body.
    pub at: usize,
}

/// Gives every string value of a JSON body, at any depth, with the name of its member: at most `limit` of them.
pub fn json_members(body: &[u8], limit: usize, f: &mut dyn FnMut(&JsonMember<'_>)) {
    let mut walk = JsonWalk::default();
    for _ in 0..limit {
        let Some(value) = walk.advance(body, body.len()) else { return };
        let name = walk.key().and_then(|key| body.get(key)).map(json_string).unwrap_or_default();
        let at = value.start;
        f(&JsonMember { name, value: json_string(body.get(value).unwrap_or_default()), at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(body: &str) -> Vec<(String, String, usize)> {
        let mut all = Vec::new();
        json_members(body.as_bytes(), 10, &mut |m| all.push((m.name.to_string(), m.value.to_string(), m.at)));
        all
    }

    #[test]
    fn string_members_are_listed_with_their_names() {
        let body = r#"{"grant_type":"password","n":1,"user":{"pass\u0077ord":"a\"b\ud83d\ude00"},"scopes":["x","y"]}"#;
        let found = members(body);
        assert_eq!(found[0], ("grant_type".into(), "password".into(), 15));
        assert_eq!((&*found[1].0, &*found[1].1), ("password", "a\"b\u{1f600}"));
        assert_eq!((&*found[3].0, &*found[3].1), ("scopes", "y"));
        assert_eq!(found.len(), 4);
        assert_eq!(members("\"top\"")[0], (String::new(), "top".into(), 1));
        assert_eq!(members(&"[\"x\"]".repeat(50)).len(), 10);
    }
}
