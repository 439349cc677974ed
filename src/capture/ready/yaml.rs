//! The interactions of a cassette in YAML, read one by one. Aliases are followed within a bound, so that a few of them
//! cannot become millions.

use super::characters::{Characters, Marks};
use super::nodes::{Build, scalar};
use super::{Broken, Entries, Entry, Flaw};
use crate::limits;
use saphyr_parser::{BufferedInput, Event, Parser, Span};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Reads the interactions.
pub(super) struct Interactions {
    parser: Parser<'static, BufferedInput<Characters>>,
    marks: Arc<Mutex<Marks>>,
    /// Bytes that one interaction may have.
    bound: u64,
    state: State,
    /// Nodes that aliases may stand for, each with its size.
    anchors: HashMap<usize, (Value, usize)>,
    /// Their size.
    anchored: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the mapping that is the document.
    Start,
    /// Between its members.
    Members,
    /// Between the interactions.
    Items,
    /// Behind the document.
    Tail,
}

type Parsed = (Event<'static>, Span);

impl Interactions {
    /// The interactions of the cassette in `input`.
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self::bounded(input, limits::ENTRY_BYTES as u64)
    }

    fn bounded(input: Box<dyn Read + Send>, bound: u64) -> Self {
        let (characters, marks) = Characters::new(input, bound);
        let parser = Parser::new(BufferedInput::new(characters));
        Self { parser, marks, bound, state: State::Start, anchors: HashMap::new(), anchored: 0 }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offset(&self, span: &Span) -> u64 {
        self.marks().offset(span.start.line(), span.start.col())
    }

    /// The next event; `None` at the end of the stream.
    fn event(&mut self) -> Result<Option<Parsed>, Broken> {
        let event = self.parser.next_event();
        let marks = self.marks();
        match event {
            Some(Err(error)) => {
                let offset = marks.offset(error.marker().line(), error.marker().col());
                let cause = || format!("line {}: {}", error.marker().line(), error.info());
                Err(Broken { offset, cause: marks.error.clone().unwrap_or_else(cause) })
            }
            Some(Ok((_, span))) if marks.error.is_some() => {
                let offset = marks.offset(span.start.line(), span.start.col());
                Err(Broken { offset, cause: marks.error.clone().unwrap_or_default() })
            }
            Some(Ok(parsed)) => Ok(Some(parsed)),
            None => Ok(None),
        }
    }

    fn need(&mut self) -> Result<Parsed, Broken> {
        match self.event()? {
            Some(parsed) => Ok(parsed),
            None => {
                Err(Broken { offset: self.marks().offset(usize::MAX, 0), cause: "it ends early".to_owned() })
            }
        }
    }

    /// Passes the rest of a node.
    fn pass(&mut self, first: &Event<'_>) -> Result<(), Broken> {
        let mut depth = usize::from(opens(first));
        while depth > 0 {
            let (event, span) = self.need()?;
            depth = (depth + usize::from(opens(&event))).saturating_sub(usize::from(closes(&event)));
            if depth > limits::JSON_DEPTH {
                return Err(Broken {
                    offset: self.offset(&span),
                    cause: "it is nested too deeply".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The interaction that begins with `first`.
    fn item(&mut self, first: Parsed) -> Result<Entry, Broken> {
        let offset = self.offset(&first.1);
        self.marks().limit = offset + self.bound;
        let mut build = Build::default();
        let mut next = first;
        let (value, end) = loop {
            let (event, span) = next;
            let place = self.offset(&span);
            if build.open.len() > limits::JSON_DEPTH {
                return Err(Broken { offset: place, cause: "it is nested too deeply".to_owned() });
            }
            let done = match event {
                Event::Alias(id) => {
                    let known = self.anchors.get(&id).cloned();
                    build.lost |= known.is_none();
                    let (value, size) = known.unwrap_or_default();
                    build.node(value, size, 0)
                }
                Event::Scalar(text, _, anchor, tag) => {
                    let size = text.len();
                    build.node(scalar(text, tag.as_deref()), size, anchor)
                }
                Event::SequenceStart(anchor, _) => build.begin(Value::Array(Vec::new()), anchor),
                Event::MappingStart(anchor, _) => build.begin(Value::Object(Map::new()), anchor),
                Event::SequenceEnd | Event::MappingEnd => build.end(),
                _ => None,
            };
            for (id, value, size) in build.anchored.drain(..) {
                if self.anchored + size <= limits::YAML_ANCHORS {
                    self.anchored += size;
                    self.anchors.insert(id, (value, size));
                }
            }
            if let Some(value) = done {
                break (value, place);
            }
            next = self.need()?;
        };
        let value = match build.over() {
            None => Ok(value),
            Some(cause) => Err(Flaw { offset, cause: cause.to_owned() }),
        };
        Ok(Entry { offset, len: end.saturating_sub(offset), value })
    }
}

impl Entries for Interactions {
    fn next(&mut self) -> Result<Option<Entry>, Broken> {
        loop {
            let Some((event, span)) = self.event()? else { return Ok(None) };
            match (self.state, event) {
                (State::Start, Event::MappingStart(..)) => self.state = State::Members,
                (State::Members, Event::MappingEnd) => self.state = State::Tail,
                (State::Members, Event::Scalar(name, ..)) => {
                    let wanted = matches!(&*name, "interactions" | "http_interactions");
                    let (event, _) = self.need()?;
                    match event {
                        Event::SequenceStart(..) if wanted => self.state = State::Items,
                        other => self.pass(&other)?,
                    }
                }
                (State::Items, Event::SequenceEnd) => self.state = State::Members,
                (State::Items, event) => return self.item((event, span)).map(Some),
                (State::Tail, Event::DocumentStart(_))
                | (
                    State::Start | State::Members,
                    Event::SequenceStart(..) | Event::Scalar(..) | Event::MappingStart(..) | Event::Alias(_),
                ) => {
                    let cause = "the document is not what it seemed".to_owned();
                    return Err(Broken { offset: self.offset(&span), cause });
                }
                _ => {}
            }
        }
    }
}

fn opens(event: &Event<'_>) -> bool {
    matches!(event, Event::SequenceStart(..) | Event::MappingStart(..))
}

fn closes(event: &Event<'_>) -> bool {
    matches!(event, Event::SequenceEnd | Event::MappingEnd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::Dribble;
    use std::io::Cursor;

    const BOUND: u64 = 2 << 20;

    fn read(text: &[u8], step: usize) -> (Vec<Entry>, Option<Broken>) {
        let mut entries = Interactions::bounded(Box::new(Dribble(Cursor::new(text.to_vec()), step)), BOUND);
        let mut all = Vec::new();
        loop {
            match entries.next() {
                Ok(Some(entry)) => all.push(entry),
                Ok(None) => return (all, None),
                Err(broken) => return (all, Some(broken)),
            }
        }
    }

    #[test]
    fn interactions_are_read_in_any_pieces() {
        let text = "---\nrecorded_with: \u{e9}\ninteractions:\n- request: &r\n    body: null\n    uri: 'http://a/'\n\
                    - request: *r\n  response: {body: {string: !!binary \"aGk=\"}, n: 7}\nversion: 1\n";
        for step in [1, 2, 3, 1000] {
            let (all, broken) = read(text.as_bytes(), step);
            assert_eq!(broken, None);
            let values: Vec<_> = all.iter().map(|e| e.value.clone().unwrap()).collect();
            let request = serde_json::json!({ "body": null, "uri": "http://a/" });
            let response = serde_json::json!({ "body": { "string": { "base64_string": "aGk=" } }, "n": "7" });
            assert_eq!(values[0], serde_json::json!({ "request": request }));
            assert_eq!(values[1], serde_json::json!({ "request": request, "response": response }));
            for entry in &all {
                assert!(text[entry.offset as usize..].starts_with("request:"), "{}", entry.offset);
            }
        }
    }

    #[test]
    fn what_is_broken_says_where() {
        let text = "interactions:\n- request:\n    a: 1\n- request:\n    b: 'x\n";
        let (all, broken) = read(text.as_bytes(), 7);
        let broken = broken.unwrap();
        assert_eq!(all.len(), 1);
        assert!(broken.offset >= text.find("- request:\n    b").unwrap() as u64, "{broken:?}");
        assert!(broken.cause.starts_with("line "), "{broken:?}");
        let (all, broken) = read(b"interactions:\n- request:\n    a: 1\n...\n---\nb: 2\n", 9);
        assert_eq!((all.len(), broken.map(|b| b.offset > 30)), (1, Some(true)));
    }

    #[test]
    fn a_few_aliases_do_not_become_millions() {
        let mut text = "interactions:\n- a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..30 {
            let many = vec![format!("*a{}", n - 1); 10].join(",");
            text += &format!("  a{n}: &a{n} [{many}]\n");
        }
        let (all, broken) = read(text.as_bytes(), 4096);
        assert_eq!((all.len(), broken), (1, None));
        assert!(all[0].value.is_err());
    }

    #[test]
    fn depth_and_size_have_bounds() {
        let deep = format!("interactions:\n- {}1{}\n", "[".repeat(200), "]".repeat(200));
        let (_, broken) = read(deep.as_bytes(), 4096);
        assert_eq!(broken.unwrap().cause, "it is nested too deeply");
        let large = format!("interactions:\n- a: {}\n- b: 1\n", "x".repeat(BOUND as usize));
        let (all, broken) = read(large.as_bytes(), 1 << 20);
        assert!(all.is_empty() && broken.unwrap().cause.contains("larger"));
        let many = format!("interactions:\n- [{}]\n- b: 1\n", "1,".repeat(limits::ENTRY_VALUES + 2));
        let (all, broken) = read(many.as_bytes(), 1 << 20);
        assert!(all[0].value.is_err() && all[1].value.is_ok() && broken.is_none());
    }
}
