//! Rules: one TOML file each, with one condition over the facts of one kind of subject.

pub mod bits;
pub mod builtin;
pub mod docs;
pub(crate) mod document;
pub mod error;
pub mod expr;
pub mod folder;
pub mod load;
pub mod nearest;
pub mod rule;
pub mod schema;
pub mod set;
pub mod severity;
mod sieve;

pub use bits::RuleBits;
pub use error::{RuleError, RuleErrorKind};
pub use load::fuzz_rule_file;
pub use rule::{Group, Judged, Rule, Schemas, Subject};
pub use set::RuleSet;
pub use severity::{Confidence, FailOn, Severity};
pub use sieve::Sift;
