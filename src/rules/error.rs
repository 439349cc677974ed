//! What can be wrong with rules and configuration, shown with the line that is wrong.

use std::fmt;
use std::ops::Range;

use super::expr::{ExprError, ExprErrorKind};
use crate::text::escape;

/// A mistake in a rule file, in the configuration, or in a choice of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The file, or the place that names rules, as the user knows it.
    pub file: String,
    /// What is wrong.
    pub kind: RuleErrorKind,
    /// Where.
    pub at: Option<Box<Place>>,
    /// What was probably meant.
    pub nearest: Option<String>,
}

/// Kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleErrorKind {
    /// The file cannot be read, with the system's reason.
    Read(String),
    /// The file is larger than one of its kind may be.
    TooLarge,
    /// The file is no TOML, with the parser's reason.
    Toml(String),
    /// The file's stem is not in kebab-case.
    Id(String),
    /// A key that such files do not have.
    UnknownKey(String),
    /// A key that such files must have.
    MissingKey(&'static str),
    /// A value of the wrong type.
    Type {
        /// The key.
        key: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A word that is none of those allowed.
    Choice {
        /// The key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: &'static [&'static str],
    },
    /// An empty text or list where something must stand.
    Empty(String),
    /// A value of the right type that means nothing, with the reason.
    Value {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A condition or a message that does not compile.
    Expression(ExprErrorKind),
    /// Two rules of one name.
    Duplicate {
        /// The id.
        id: String,
        /// The file that has it already.
        other: String,
    },
    /// A choice that names no rule and no group.
    UnknownRule(String),
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters that are wrong.
    pub width: usize,
    /// The line's text.
    pub text: String,
}

impl RuleError {
    /// A mistake in `file` as a whole.
    pub fn new(file: impl Into<String>, kind: RuleErrorKind) -> Self {
        Self { file: file.into(), kind, at: None, nearest: None }
    }

    /// A mistake at some bytes of `file`, whose text is `source`.
    pub fn at(file: impl Into<String>, kind: RuleErrorKind, source: &str, span: Range<usize>) -> Self {
        Self { at: Some(Box::new(Place::new(source, span))), ..Self::new(file, kind) }
    }

    /// The same with what was probably meant.
    #[must_use]
    pub fn meant(mut self, nearest: Option<impl Into<String>>) -> Self {
        self.nearest = nearest.map(Into::into);
        self
    }

    /// The mistake in one line, without the file.
    pub fn plain(&self) -> String {
        match &self.nearest {
            Some(name) => format!("{}; did you mean `{name}`?", self.kind),
            None => self.kind.to_string(),
        }
    }

    /// A mistake in an expression that stands at `span` of `source`.
    pub(super) fn expression(file: &str, error: ExprError, source: &str, span: Range<usize>) -> Self {
        let kind = RuleErrorKind::Expression(error.kind);
        Self::at(file, kind, source, span).meant(error.nearest)
    }
}

impl Place {
    /// The place of some bytes of `source`.
    pub fn new(source: &str, span: Range<usize>) -> Self {
        let floor = |mut at: usize| {
            at = at.min(source.len());
            while !source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        let first = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = floor(span.end).clamp(start, last);
        Self {
            line: source[..first].matches('\n').count() + 1,
            column: source[first..start].chars().count() + 1,
            width: source[start..end].chars().count().max(1),
            text: source[first..last].trim_end().to_owned(),
        }
    }
}

impl fmt::Display for RuleErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(why) => write!(f, "cannot be read: {why}"),
            Self::TooLarge => f.write_str("the file is too large"),
            Self::Toml(why) => write!(f, "not TOML: {why}"),
            Self::Id(id) => {
                write!(f, "`{}` is no rule id: the file's name must be in kebab-case", id.escape_debug())
            }
            Self::UnknownKey(key) => write!(f, "unknown key `{}`", key.escape_debug()),
            Self::MissingKey(key) => write!(f, "key `{key}` is missing"),
            Self::Type { key, expected } => write!(f, "`{key}` must be {expected}"),
            Self::Choice { key, found, allowed } => {
                write!(f, "`{key}` cannot be `{}`: it is one of {}", found.escape_debug(), allowed.join(", "))
            }
            Self::Value { key, why } => write!(f, "`{key}`: {why}"),
            Self::Empty(key) => write!(f, "`{key}` is empty"),
            Self::Expression(kind) => kind.fmt(f),
            Self::Duplicate { id, other } => {
                write!(f, "rule `{id}` exists already, in {}; rename the file", escape(other))
            }
            Self::UnknownRule(name) => write!(f, "no rule and no group is named `{}`", name.escape_debug()),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.file))?;
        let Some(place) = &self.at else {
            return write!(f, ": {}", self.plain());
        };
        writeln!(f, ":{}:{}: {}", place.line, place.column, self.kind)?;
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let skip = place.column.saturating_sub(WIDTH * 3 / 4);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = place.text.chars().skip(skip).take(WIDTH).map(visible).collect();
        let before = " ".repeat(place.column - 1 - skip.min(place.column - 1));
        let room = WIDTH.saturating_sub(before.len()).max(1);
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {text}")?;
        write!(f, "{margin} | {before}{}", "^".repeat(place.width.min(room)))?;
        match &self.nearest {
            Some(name) => write!(f, "\n{margin} = help: did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleError {}

/// Characters of the offending line that are shown.
const WIDTH: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line() {
        let source = "title = 'é'\nwhen = 'token.lifetme > 3'\n";
        let at = source.find("token").unwrap();
        let kind = RuleErrorKind::UnknownKey("x".into());
        let error = RuleError::at("a.toml", kind, source, at..at + 13).meant(Some("token.lifetime"));
        assert_eq!(
            error.to_string(),
            "a.toml:2:9: unknown key `x`\n  |\n2 | when = 'token.lifetme > 3'\n  |         ^^^^^^^^^^^^^\n  \
             = help: did you mean `token.lifetime`?"
        );
    }

    #[test]
    fn any_place_is_shown() {
        let long = format!("é{}\n", "x".repeat(5000));
        for source in ["", "\n", "é", &long] {
            for start in 0..source.len() + 2 {
                for end in [start, start + 1, start + 9000] {
                    let kind = RuleErrorKind::TooLarge;
                    assert!(!RuleError::at("f", kind, source, start..end).to_string().is_empty());
                }
            }
        }
    }
}
