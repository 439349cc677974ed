//! Nodes of a YAML document put together from the parser's events, within bounds.

use crate::limits;
use saphyr_parser::Tag;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// `!!binary` becomes what cassettes in JSON have for it; a plain `null` is none; all else stays text.
pub(super) fn scalar(text: Cow<'_, str>, tag: Option<&Tag>) -> Value {
    match tag {
        Some(tag) if tag.suffix == "binary" => {
            Value::Object(Map::from_iter([("base64_string".to_owned(), Value::String(text.into_owned()))]))
        }
        None if matches!(&*text, "null" | "~" | "") => Value::Null,
        _ => Value::String(text.into_owned()),
    }
}

/// A node as its events come.
#[derive(Default)]
pub(super) struct Build {
    /// Containers that are open, each with its anchor, the size it began at, and the name of the next member.
    pub(super) open: Vec<(Value, usize, usize, Option<String>)>,
    /// Nodes that are whole and have an anchor: its number, the node, and its size.
    pub(super) anchored: Vec<(usize, Value, usize)>,
    size: usize,
    values: usize,
    /// An alias stood for a node that was too large to be kept.
    pub(super) lost: bool,
}

impl Build {
    pub(super) fn begin(&mut self, container: Value, anchor: usize) -> Option<Value> {
        self.open.push((container, anchor, self.size, None));
        None
    }

    pub(super) fn end(&mut self) -> Option<Value> {
        let (value, anchor, from, _) = self.open.pop()?;
        let size = self.size - from;
        self.put(value, anchor, size)
    }

    /// A node that is whole. Returns the outermost one.
    pub(super) fn node(&mut self, value: Value, size: usize, anchor: usize) -> Option<Value> {
        // What a node costs beside its text.
        let size = size + 64;
        self.size += size;
        self.values += 1;
        // What would be too much is left out, and the entry is told to be.
        let value = if self.over().is_some() { Value::Null } else { value };
        self.put(value, anchor, size)
    }

    fn put(&mut self, value: Value, anchor: usize, size: usize) -> Option<Value> {
        if anchor > 0 && self.over().is_none() && size <= limits::YAML_ANCHORS {
            self.anchored.push((anchor, value.clone(), size));
        }
        match self.open.last_mut() {
            None => return Some(value),
            Some((Value::Array(list), ..)) => list.push(value),
            Some((Value::Object(map), _, _, name)) => match name.take() {
                None => *name = Some(value.as_str().unwrap_or_default().to_owned()),
                Some(name) => drop(map.insert(name, value)),
            },
            Some(_) => {}
        }
        None
    }

    /// Why the node is more than is read at once, if it is.
    pub(super) fn over(&self) -> Option<&'static str> {
        if self.values > limits::ENTRY_VALUES || self.size > 2 * limits::ENTRY_BYTES {
            return Some("the entry has more values than are read at once");
        }
        self.lost.then_some("an alias in the entry stands for more than is kept")
    }
}
