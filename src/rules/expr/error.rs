//! What can be wrong with an expression or a message template.

use std::fmt;
use std::ops::Range;

use crate::limits;

/// A mistake in an expression or a template, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Bytes of the expression that are wrong.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub kind: ExprErrorKind,
    /// What was probably meant.
    pub nearest: Option<String>,
}

/// Kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprErrorKind {
    /// The text is longer than [`limits::EXPRESSION_BYTES`].
    TooLong,
    /// The nesting is deeper than [`limits::EXPRESSION_DEPTH`].
    TooDeep,
    /// Too many `exists` and `all` inside each other.
    Loops,
    /// A character that begins no token.
    BadCharacter(char),
    /// A string without its closing quote.
    Unclosed,
    /// An escape sequence that does not exist.
    BadEscape,
    /// A number that cannot be represented.
    BadNumber,
    /// Something else had to stand here.
    Expected(&'static str),
    /// No fact has this name.
    UnknownFact(String),
    /// A fact that subjects of another kind have.
    OtherSubject {
        /// The fact.
        name: String,
        /// Who has it.
        subjects: String,
    },
    /// No function has this name.
    UnknownFunction(String),
    /// A function with the wrong number of arguments.
    Arity {
        /// The function.
        function: String,
        /// The number of arguments that it takes.
        takes: usize,
    },
    /// A value of the wrong type.
    Type {
        /// Types that fit.
        expected: String,
        /// The type that is there.
        found: String,
    },
    /// Two values that cannot be compared or combined.
    Mismatch {
        /// Type on the left.
        left: String,
        /// Type on the right.
        right: String,
    },
    /// A member of something that has no members.
    NoMembers(String),
    /// `has()` of something that is not a fact or a member.
    NotAPath,
    /// A pattern that is no regular expression, with the reason.
    BadPattern(String),
    /// `{` without `}` or the reverse.
    Brace,
}

impl ExprError {
    /// A mistake without a suggestion.
    pub fn new(span: Range<usize>, kind: ExprErrorKind) -> Self {
        Self { span, kind, nearest: None }
    }

    /// The same with what was probably meant.
    #[must_use]
    pub fn meant(mut self, nearest: Option<impl Into<String>>) -> Self {
        self.nearest = nearest.map(Into::into);
        self
    }
}

impl fmt::Display for ExprErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "expression is longer than {} bytes", limits::EXPRESSION_BYTES),
            Self::TooDeep => {
                write!(f, "expression is nested deeper than {} levels", limits::EXPRESSION_DEPTH)
            }
            Self::Loops => f.write_str("too many `exists` and `all` inside each other"),
            Self::BadCharacter('=') => f.write_str("`=` is not an operator; equality is `==`"),
            Self::BadCharacter(c) => write!(f, "unexpected character `{}`", c.escape_debug()),
            Self::Unclosed => f.write_str("string has no closing quote"),
            Self::BadEscape => f.write_str("unknown escape sequence"),
            Self::BadNumber => f.write_str("number cannot be represented"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::UnknownFact(name) => write!(f, "unknown fact `{name}`"),
            Self::OtherSubject { name, subjects } => {
                write!(f, "`{name}` is no fact of this subject, but of {subjects}")
            }
            Self::UnknownFunction(name) => write!(f, "unknown function `{name}`"),
            Self::Arity { function, takes } => {
                write!(f, "`{function}` takes {takes} argument{}", if *takes == 1 { "" } else { "s" })
            }
            Self::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Mismatch { left, right } => write!(f, "{left} and {right} do not go together"),
            Self::NoMembers(what) => write!(f, "{what} has no such members"),
            Self::NotAPath => f.write_str("`has` takes a fact or a member of one"),
            Self::BadPattern(why) => write!(f, "bad pattern: {why}"),
            Self::Brace => f.write_str("unmatched brace; write `{{` or `}}` for the character itself"),
        }
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.span.start)?;
        match &self.nearest {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExprError {}
