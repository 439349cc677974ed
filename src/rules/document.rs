//! A rule file as a tree of keys and values that know where they stand.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::error::{RuleError, RuleErrorKind};
use super::nearest::nearest;

/// One table of a rule file.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    /// Name of the table, for messages; empty at the top.
    name: &'static str,
}

/// A text and where it stands.
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The top of a file. Only `known` keys may stand in it.
    pub(super) fn top(
        file: &'a str,
        text: &'a str,
        table: &'a DeTable<'a>,
        known: &[&'static str],
    ) -> Result<Self, RuleError> {
        let section = Self { file, text, table, span: 0..0, name: "" };
        section.deny(known)?;
        Ok(section)
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<Text<'a>, RuleError> {
        let missing =
            || RuleError::at(self.file, RuleErrorKind::MissingKey(key), self.text, self.span.clone());
        let text = self.optional(key)?.ok_or_else(missing)?;
        if text.value.trim().is_empty() {
            return Err(self.error(RuleErrorKind::Empty(key.to_owned()), text.span));
        }
        Ok(text)
    }

    /// A text that may be there.
    pub(super) fn optional(&self, key: &str) -> Result<Option<Text<'a>>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(text) => Ok(Some(Text { value: text, span: value.span() })),
            _ => Err(self.wrong(key, "a string", value.span())),
        }
    }

    /// One of some words, which must be there.
    pub(super) fn choice<T>(
        &self,
        key: &'static str,
        allowed: &'static [&'static str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RuleError> {
        let text = self.required(key)?;
        parse(text.value).ok_or_else(|| {
            let found = text.value.to_owned();
            let kind = RuleErrorKind::Choice { key, found, allowed };
            self.error(kind, text.span).meant(nearest(text.value, allowed.iter().copied()))
        })
    }

    /// A list of texts; none if the key is not there.
    pub(super) fn texts(&self, key: &'static str) -> Result<Vec<String>, RuleError> {
        self.list(key, "a list of strings", |value| match value {
            DeValue::String(text) => Some(text.as_ref().to_owned()),
            _ => None,
        })
    }

    /// A list of numbers; none if the key is not there.
    pub(super) fn numbers(&self, key: &'static str) -> Result<Vec<u32>, RuleError> {
        self.list(key, "a list of numbers", |value| {
            let number = value.as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A list of tables in which only `known` keys may stand; none if the key is not there.
    pub(super) fn sections(&self, key: &'static str, known: &[&'static str]) -> Result<Vec<Self>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let expected = "a list of tables";
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong(key, expected, value.span()))?;
        let mut sections = Vec::new();
        for item in array.iter() {
            let wrong = || self.wrong(key, expected, item.span());
            let table = item.get_ref().as_table().ok_or_else(wrong)?;
            let section = Self { table, span: item.span(), name: key, ..self.clone() };
            section.deny(known)?;
            sections.push(section);
        }
        Ok(sections)
    }

    /// The only key of this table and its place.
    pub(super) fn only(&self, expected: &'static str) -> Result<Text<'a>, RuleError> {
        match self.table.iter().next() {
            Some((key, value)) if self.table.len() == 1 && value.get_ref().is_table() => {
                Ok(Text { value: key.get_ref(), span: key.span() })
            }
            _ => Err(self.wrong(self.name, expected, self.span.clone())),
        }
    }

    /// Line on which the table begins, from 1.
    pub(super) fn line(&self) -> usize {
        super::error::Place::new(self.text, self.span.clone()).line
    }

    /// An error at some bytes of the file.
    pub(super) fn error(&self, kind: RuleErrorKind, span: Range<usize>) -> RuleError {
        RuleError::at(self.file, kind, self.text, span)
    }

    fn deny(&self, known: &[&'static str]) -> Result<(), RuleError> {
        // A section that names no keys is read with `only`.
        if known.is_empty() {
            return Ok(());
        }
        let unknown = self.table.keys().filter(|key| !known.contains(&&**key.get_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => {
                let kind = RuleErrorKind::UnknownKey(key.get_ref().to_string());
                Err(self.error(kind, key.span()).meant(nearest(key.get_ref(), known.iter().copied())))
            }
            None => Ok(()),
        }
    }

    fn list<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        take: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Result<Vec<T>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong(key, expected, value.span()))?;
        let items = array
            .iter()
            .map(|item| take(item.get_ref()).ok_or_else(|| self.wrong(key, expected, item.span())));
        items.collect()
    }

    fn wrong(&self, key: &str, expected: &'static str, span: Range<usize>) -> RuleError {
        self.error(RuleErrorKind::Type { key: key.to_owned(), expected }, span)
    }
}

impl Text<'_> {
    /// Where bytes of the text stand in the file. If the text is written with escapes that cannot be told,
    /// and it is the whole.
    pub(super) fn place(&self, source: &str, inner: Range<usize>) -> Range<usize> {
        let raw = source.get(self.span.clone()).unwrap_or("");
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| raw.starts_with(quote));
        let mut body = quote.map_or(0, str::len);
        if body == 3 {
            let rest = &raw[body..];
            body += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        match raw.get(body..).is_some_and(|rest| rest.starts_with(self.value)) {
            true => {
                let base = self.span.start + body;
                base + inner.start..base + inner.end
            }
            false => self.span.clone(),
        }
    }
}
