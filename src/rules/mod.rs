//! Rules: one TOML file each, with one condition over the facts of one kind of subject.

pub mod expr;
pub mod nearest;
pub mod severity;
