//! The `wirelint` command.

fn main() {}
