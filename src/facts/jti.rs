//! Token identifiers that can be guessed.

use super::memory::{Given, Memory, Wants};
use super::names::names;
use super::recent::Recent;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::limits::ROLL;
use crate::tally::Tally;
use crate::token::Token;
use serde_json::Value as Json;
use std::borrow::Cow;

pub(super) const FAMILY: Family = Family {
    name: "jti",
    doc: "How an issuer makes the identifiers of its tokens.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: false,
    rest: Some(|c| pattern(c).is_none()),
    undecided: None,
    source: Source::memory::<Identifiers>(),
    fields: &[Field {
        name: "jti.pattern",
        ty: Type::Str,
        doc: "What the jti of this token and of the three before it with the same iss have in common: \"sequential\" (numbers that rise in small steps), \"timestamp\" (the time of issue), \"UUID version 1\" (time and address of the machine); missing otherwise.",
        get: |c| Value::or_missing(pattern(c)),
    }],
};

/// Tokens in a row that make a pattern.
const ROW: u8 = 4;
/// Largest step of numbers that are counted up.
const STEP: u128 = 10_000;
/// Seconds between a time of issue and a jti that is made of it.
const NEAR: u128 = 60;

/// What is known of recent issuers.
pub(super) struct Identifiers {
    /// By the name of the issuer.
    known: Recent<u128, Row>,
}

/// The latest identifiers of one issuer.
#[derive(Default)]
struct Row {
    last: Option<u128>,
    sequential: u8,
    timestamp: u8,
    version1: u8,
}

impl Memory for Identifiers {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(ROLL) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting.filter(|_| case.new) else { return };
        let token = &sighting.token;
        let Some((iss, jti)) = names(token).issuer.zip(token.claim("jti")) else { return };
        if self.known.touch(&iss).is_none() {
            self.known.insert(iss, Row::default());
        }
        if let Some(row) = self.known.touch(&iss) {
            row.add(token, &text(jti));
        }
    }
}

impl Row {
    fn add(&mut self, token: &Token, jti: &str) {
        let count = |so_far: u8, holds: bool| if holds { so_far.saturating_add(1) } else { 0 };
        let number = jti.parse::<u128>().ok();
        let rises = number
            .zip(self.last)
            .is_none_or(|(number, last)| (1..=STEP).contains(&number.wrapping_sub(last)));
        self.sequential = if rises { count(self.sequential, number.is_some()) } else { 1 };
        self.last = number;
        self.timestamp = count(self.timestamp, number.is_some_and(|number| is_time(token, number)));
        self.version1 = count(self.version1, is_version1(jti));
    }
}

/// Whether a number is the time of issue in seconds, or thousands, millions or billions of their parts.
fn is_time(token: &Token, number: u128) -> bool {
    let Some(issued) = token.times()[0].and_then(|issued| u128::try_from(issued).ok()) else { return false };
    [1, 1_000, 1_000_000, 1_000_000_000].iter().any(|unit| (number / unit).abs_diff(issued) <= NEAR)
}

/// RFC 9562 section 5.1.
fn is_version1(jti: &str) -> bool {
    let bytes = jti.as_bytes();
    let dashes = [8, 13, 18, 23];
    let fits = |(at, byte): (usize, &u8)| {
        if dashes.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    bytes.len() == 36 && bytes.iter().enumerate().all(fits) && bytes.get(14) == Some(&b'1')
}

fn text(value: &Json) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

fn pattern(case: &Case<'_>) -> Option<&'static str> {
    let row = case.memory::<Identifiers>()?.known.get(&names(token(case)?).issuer?)?;
    match () {
        () if row.timestamp >= ROW => Some("timestamp"),
        () if row.sequential >= ROW => Some("sequential"),
        () if row.version1 >= ROW => Some("UUID version 1"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_of_time_are_told_from_random_ones() {
        assert!(is_version1("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        assert!(!is_version1("f81d4fae-7dec-41d0-a765-00a0c91e6bf6"));
        assert!(!is_version1("f81d4fae7dec11d0a76500a0c91e6bf6"));
    }
}
