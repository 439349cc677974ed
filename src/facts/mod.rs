//! Facts: what is stated about a subject, for rule files to judge.

pub mod value;
