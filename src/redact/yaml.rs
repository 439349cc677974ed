//! Cassettes in YAML: every string is rewritten where it stands.

use super::align::Style;
use super::context::{Context, Place};
use super::text::{BLANK, string};
use super::work::Work;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::ops::Range;

/// A YAML document with its secrets replaced.
pub(super) fn replaced(document: &[u8], work: &mut Work) -> Vec<u8> {
    let mut new = Vec::with_capacity(document.len());
    for chunk in document.utf8_chunks() {
        new.extend_from_slice(chunk.valid().as_bytes());
        new.resize(new.len() + chunk.invalid().len(), BLANK);
    }
    let text = String::from_utf8_lossy(&new).into_owned();
    let mut done = 0;
    strings(&text, &mut |range, style, value, place| {
        // Comments, names, marks.
        between(&text, done..range.start, &mut new, work);
        done = range.end;
        let raw = text.as_bytes().get(range.clone()).unwrap_or_default();
        if let (Some(text), Some(place)) = (string(raw, style, value, place, work), new.get_mut(range)) {
            place.copy_from_slice(&text);
        }
    });
    between(&text, done..text.len(), &mut new, work);
    // What is known and stands where no string was read.
    work.book.finder.replaced(&new).unwrap_or(new)
}

/// Replaces the tokens in what stands between strings.
fn between(text: &str, range: Range<usize>, new: &mut [u8], work: &Work) {
    let text = text.as_bytes().get(range.clone()).unwrap_or_default();
    let found = work.look(|look, found| look.tokens(text, found));
    if let (Some(text), Some(place)) = (work.book.rewritten(text, &found), new.get_mut(range)) {
        place.copy_from_slice(&text);
    }
}

/// Who is given a string: where it is written, how, what it says, and what it is called.
type Each<'a> = &'a mut dyn FnMut(Range<usize>, Style, &str, &Place<'_>);

/// Gives each string value of a YAML document: where it is written, without its quotes, and what it says.
fn strings(document: &str, each: Each<'_>) {
    let mut context = Context::default();
    let mut characters = document.char_indices().map(|(at, _)| at).enumerate().peekable();
    // Events come in order: so do their places.
    let mut offset = |index: usize| {
        while characters.next_if(|(n, _)| *n < index).is_some() {}
        characters.peek().map_or(document.len(), |(_, at)| *at)
    };
    for event in Parser::new_from_str(document) {
        let Ok((event, span)) = event else { return };
        match event {
            Event::MappingStart(..) => context.open(true),
            Event::SequenceStart(..) => context.open(false),
            Event::MappingEnd | Event::SequenceEnd => {
                context.close();
                context.next();
            }
            Event::Alias(_) if context.scalar("", |_| ()) => context.next(),
            Event::Scalar(value, style, ..) => {
                let start = offset(span.start.index());
                let end = offset(span.end.index()).max(start);
                let raw = document.get(start..end).unwrap_or_default();
                // The quote, or the head of a block.
                let (skip, style) = match style {
                    ScalarStyle::DoubleQuoted => (usize::from(raw.starts_with('"')), Style::Double),
                    ScalarStyle::SingleQuoted => (usize::from(raw.starts_with('\'')), Style::Plain),
                    ScalarStyle::Literal | ScalarStyle::Folded if raw.starts_with(['|', '>']) => {
                        (raw.find('\n').map_or(0, |n| n + 1), Style::Plain)
                    }
                    _ => (0, Style::Plain),
                };
                if context.scalar(&value, |place| each(start + skip..end, style, &value, place)) {
                    context.next();
                }
            }
            _ => {}
        }
    }
}
