//! The language of conditions: a strict, typed subset of CEL.
//!
//! A condition is parsed, checked against the [`Schema`](crate::facts::value::Schema) and compiled once, when
//! its rule is loaded, and evaluated for each subject. What is wrong with it is said then, with its place and
//! the nearest name; evaluation cannot fail.
//!
//! Differences from CEL:
//!
//! - Names and types are checked when the rule is loaded. Members of a JSON object are dynamic.
//! - A missing fact is no error but *unknown*, in Kleene's logic: `false && unknown` is false, `!unknown` is
//!   unknown, and a condition that ends unknown does not hold. So do division by zero, overflow, and a JSON
//!   value of the wrong type in a comparison by order. `has(x)` tells whether `x` is there. If `x` is a member
//!   of an object that is missing as a whole (the claims of an encrypted token), that is unknown as well; of
//!   an object that is there, every level of the path may be absent.
//! - A late fact that is not known yet is *pending*, and so is a condition that depends on it.
//! - JSON integers and floats mix in arithmetic and comparisons.
//! - Operators: `+ - * / %`, `== != < <= > >=`, `in`, `&& || !`, `?:`. Functions: `has(x)`, `size(x)`,
//!   `s.startsWith(t)`, `s.endsWith(t)`, `s.contains(t)`, `s.matches(r"constant")`, `s.lowerAscii()`,
//!   `list.exists(x, condition)`, `list.all(x, condition)`, `string(x)`, `int(x)`, `double(x)`.
//! - Length, nesting and the turns of loops are bounded (`limits.rs`).

mod arith;
mod ast;
mod call;
mod check;
mod error;
mod eval;
mod lexer;
mod op;
mod parser;
mod path;
mod possible;
mod program;
mod template;

#[cfg(test)]
mod oracle;
#[cfg(test)]
pub(crate) mod sample;

pub use error::{ExprError, ExprErrorKind};
pub use program::{Kind, Need, Program, Verdict};
pub use template::Template;
