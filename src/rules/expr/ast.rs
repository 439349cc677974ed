//! The syntax tree of an expression.

use super::op::{Arith, Compare};
use std::ops::Range;

/// One node and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    /// Length of the longest way down, so that no later walk can go too deep.
    pub(super) height: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Node>),
    Name(String),
    Member(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    /// Function, its target if it is called as a method, and its arguments.
    Call(Called, Option<Box<Node>>, Vec<Node>),
    Not(Box<Node>),
    Minus(Box<Node>),
    /// `a && b && c`, flat.
    All(Vec<Node>),
    /// `a || b || c`, flat.
    Any(Vec<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
}

/// The name of a called function and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// Operators between two values, except the logical ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Compare(Compare),
    Arith(Arith),
    In,
}
