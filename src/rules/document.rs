//! A file of rules or of configuration as a tree of keys and values that know where they stand.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::error::{RuleError, RuleErrorKind};
use super::nearest::nearest;

/// One table of a file.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    table: &'a DeTable<'a>,
    pub(crate) span: Range<usize>,
    /// Name of the table, for messages; empty at the top.
    name: &'static str,
}

/// One of a list that may hold both.
pub(crate) enum Item<'a> {
    /// A text.
    Text(Text<'a>),
    /// A table.
    Section(Section<'a>),
}

/// A text and where it stands.
pub(crate) struct Text<'a> {
    pub(crate) value: &'a str,
    pub(crate) span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The top of a file. Only `known` keys may stand in it.
    pub(crate) fn top(
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
    pub(crate) fn required(&self, key: &'static str) -> Result<Text<'a>, RuleError> {
        let missing =
            || RuleError::at(self.file, RuleErrorKind::MissingKey(key), self.text, self.span.clone());
        let text = self.optional(key)?.ok_or_else(missing)?;
        if text.value.trim().is_empty() {
            return Err(self.error(RuleErrorKind::Empty(key.to_owned()), text.span));
        }
        Ok(text)
    }

    /// A text that may be there.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Text<'a>>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(text) => Ok(Some(Text { value: text, span: value.span() })),
            _ => Err(self.wrong(key, "a string", value.span())),
        }
    }

    /// One of some words, which must be there.
    pub(crate) fn choice<T>(
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
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, RuleError> {
        Ok(self.strings(key)?.into_iter().map(|text| text.value.to_owned()).collect())
    }

    /// A list of texts and where they stand; none if the key is not there.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<Text<'a>>, RuleError> {
        self.list(key, "a list of strings", |value| match value.get_ref() {
            DeValue::String(text) => Some(Text { value: text, span: value.span() }),
            _ => None,
        })
    }

    /// A list of texts and tables; none if the key is not there.
    pub(crate) fn items(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Vec<Item<'a>>, RuleError> {
        self.list(key, expected, |value| match value.get_ref() {
            DeValue::String(text) => Some(Item::Text(Text { value: text, span: value.span() })),
            DeValue::Table(table) => {
                Some(Item::Section(Self { table, span: value.span(), name: key, ..self.clone() }))
            }
            _ => None,
        })
    }

    /// A yes or no that may be there.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.wrong(key, "true or false", value.span()))
    }

    /// A number without sign or fraction that may be there.
    pub(crate) fn count(&self, key: &str) -> Result<Option<u64>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        number.map(Some).ok_or_else(|| self.wrong(key, "a whole number", value.span()))
    }

    /// A number from 0 to 1 that may be there.
    pub(crate) fn share(&self, key: &str) -> Result<Option<f64>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let share = number.filter(|share| (0.0..=1.0).contains(share));
        share.map(Some).ok_or_else(|| self.wrong(key, "a number from 0 to 1", value.span()))
    }

    /// A day of the calendar that may be there, as year, month and day.
    pub(crate) fn date(&self, key: &str) -> Result<Option<(u16, u8, u8)>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let date = match value.get_ref() {
            DeValue::Datetime(toml::value::Datetime { date: Some(date), time: None, offset: None }) => {
                Some((date.year, date.month, date.day))
            }
            _ => None,
        };
        date.map(Some).ok_or_else(|| self.wrong(key, "a date like 2027-01-31", value.span()))
    }

    /// The keys and where they stand, in the order of the file.
    pub(crate) fn keys(&self) -> Vec<Text<'a>> {
        let mut keys: Vec<_> =
            self.table.keys().map(|key| Text { value: key.get_ref(), span: key.span() }).collect();
        keys.sort_by_key(|key| key.span.start);
        keys
    }

    /// Where the value of a key stands.
    pub(crate) fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span.clone(), toml::Spanned::span)
    }

    /// A table that may be there, in which only `known` keys may stand; any, if none is named.
    pub(crate) fn section(
        &self,
        key: &'static str,
        known: &[&'static str],
    ) -> Result<Option<Self>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let wrong = || self.wrong(key, "a table", value.span());
        let table = value.get_ref().as_table().ok_or_else(wrong)?;
        let section = Self { table, span: value.span(), name: key, ..self.clone() };
        section.deny(known)?;
        Ok(Some(section))
    }

    /// A list of numbers; none if the key is not there.
    pub(crate) fn numbers(&self, key: &'static str) -> Result<Vec<u32>, RuleError> {
        self.list(key, "a list of numbers", |value| {
            let number = value.get_ref().as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A list of tables in which only `known` keys may stand; none if the key is not there.
    pub(crate) fn sections(&self, key: &'static str, known: &[&'static str]) -> Result<Vec<Self>, RuleError> {
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
    pub(crate) fn only(&self, expected: &'static str) -> Result<Text<'a>, RuleError> {
        match self.table.iter().next() {
            Some((key, value)) if self.table.len() == 1 && value.get_ref().is_table() => {
                Ok(Text { value: key.get_ref(), span: key.span() })
            }
            _ => Err(self.wrong(self.name, expected, self.span.clone())),
        }
    }

    /// Line on which the table begins, from 1.
    pub(crate) fn line(&self) -> usize {
        super::error::Place::new(self.text, self.span.clone()).line
    }

    /// An error at some bytes of the file.
    pub(crate) fn error(&self, kind: RuleErrorKind, span: Range<usize>) -> RuleError {
        RuleError::at(self.file, kind, self.text, span)
    }

    /// Refuses other keys than these.
    pub(crate) fn deny(&self, known: &[&'static str]) -> Result<(), RuleError> {
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
        key: &str,
        expected: &'static str,
        take: impl Fn(&'a toml::Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Result<Vec<T>, RuleError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong(key, expected, value.span()))?;
        let items = array.iter().map(|item| take(item).ok_or_else(|| self.wrong(key, expected, item.span())));
        items.collect()
    }

    /// A value of the wrong type.
    pub(crate) fn wrong(&self, key: &str, expected: &'static str, span: Range<usize>) -> RuleError {
        self.error(RuleErrorKind::Type { key: key.to_owned(), expected }, span)
    }
}

impl Text<'_> {
    /// Where bytes of the text stand in the file. If the text is written with escapes that cannot be told,
    /// and it is the whole.
    pub(crate) fn place(&self, source: &str, inner: Range<usize>) -> Range<usize> {
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
