//! The compiled form of an expression.

use crate::facts::value::{FieldId, Value};

/// One operation. Names are resolved, types are checked, constants are folded.
#[derive(Debug)]
pub(super) enum Op {
    Const(Value<'static>),
    List(Box<[Op]>),
    Field(FieldId),
    /// Members of a fact, by constant keys.
    Path(FieldId, Box<[Segment]>),
    /// The element that the n-th enclosing `exists` or `all` looks at.
    Var(u8),
    Select(Box<Op>, Segment),
    Index(Box<(Op, Op)>),
    Has(Box<Op>),
    Not(Box<Op>),
    Minus(Box<Op>),
    All(Box<[Op]>),
    Any(Box<[Op]>),
    If(Box<[Op; 3]>),
    Compare(Compare, Box<(Op, Op)>),
    Arith(Arith, Box<(Op, Op)>),
    In(Box<(Op, Op)>),
    /// A function of one value.
    Map(Map, Box<Op>),
    /// A test of one text against another.
    Test(Test, Box<(Op, Op)>),
    Matches(Box<(Op, regex_lite::Regex)>),
    /// `exists` (true) or `all` (false): list and condition.
    Each(bool, Box<(Op, Op)>),
}

/// A constant member key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Key(Box<str>),
    Index(usize),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Checked arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    Size,
    LowerAscii,
    ToString,
    ToInt,
    ToFloat,
}

/// Tests of one text against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    StartsWith,
    EndsWith,
    Contains,
}

impl Op {
    /// Calls `visit` with every fact that is used here.
    pub(super) fn fields(&self, visit: &mut impl FnMut(FieldId)) {
        match self {
            Self::Const(_) | Self::Var(_) => {}
            Self::Field(field) | Self::Path(field, _) => visit(*field),
            Self::List(ops) | Self::All(ops) | Self::Any(ops) => ops.iter().for_each(|op| op.fields(visit)),
            Self::If(ops) => ops.iter().for_each(|op| op.fields(visit)),
            Self::Select(op, _) | Self::Has(op) | Self::Not(op) | Self::Minus(op) | Self::Map(_, op) => {
                op.fields(visit);
            }
            Self::Matches(pair) => pair.0.fields(visit),
            Self::Index(pair)
            | Self::Compare(_, pair)
            | Self::Arith(_, pair)
            | Self::In(pair)
            | Self::Test(_, pair)
            | Self::Each(_, pair) => {
                pair.0.fields(visit);
                pair.1.fields(visit);
            }
        }
    }
}
