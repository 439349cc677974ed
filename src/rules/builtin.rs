//! The rules that come with wirelint.

/// Id and text of every built-in rule, in the order of the alphabet.
pub const BUILTIN: &[(&str, &str)] = &[
    ("jwt-alg-none", include_str!("../../rules/jwt-alg-none.toml")),
    ("jwt-missing-exp", include_str!("../../rules/jwt-missing-exp.toml")),
];
