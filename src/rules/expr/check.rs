//! A syntax tree to operations: resolves names, checks types.

use std::ops::Range;

use super::ast::{Binary, Kind, Node};
use super::error::{ExprError, ExprErrorKind};
use super::op::{Arith, Compare, Op, Segment};
use super::path;
use crate::facts::value::{List, NULL, Schema, Type, Value};

/// A compiled operation and the type of its value.
pub(super) struct Typed {
    pub(super) op: Op,
    pub(super) ty: Type,
}

/// Compiles `node`, which must be a condition.
pub(super) fn condition(node: &Node, schema: &dyn Schema) -> Result<Op, ExprError> {
    let mut checker = Checker { schema, scope: Vec::new() };
    checker.typed(node, &[Type::Bool])
}

pub(super) struct Checker<'a> {
    pub(super) schema: &'a dyn Schema,
    /// Variables of the enclosing `exists` and `all`, innermost last.
    pub(super) scope: Vec<(&'a str, Type)>,
}

impl<'a> Checker<'a> {
    pub(super) fn node(&mut self, node: &'a Node) -> Result<Typed, ExprError> {
        let constant = |value, ty| Ok(Typed { op: Op::Const(value), ty });
        match &node.kind {
            Kind::Null => constant(Value::Json(&NULL), Type::Json),
            Kind::Bool(value) => constant(Value::Bool(*value), Type::Bool),
            Kind::Int(value) => constant(Value::Int(*value), Type::Int),
            Kind::Float(value) => constant(Value::Float(*value), Type::Float),
            Kind::Str(text) => constant(Value::from(text.clone()), Type::Str),
            Kind::List(items) => self.list(items),
            Kind::Name(_) | Kind::Member(..) | Kind::Index(..) => self.path(node),
            Kind::Call(called, target, arguments) => self.call(node, called, target.as_deref(), arguments),
            Kind::Not(inner) => {
                Ok(Typed { op: Op::Not(Box::new(self.typed(inner, &[Type::Bool])?)), ty: Type::Bool })
            }
            Kind::Minus(inner) => {
                let Typed { op, ty } = self.node(inner)?;
                expect(ty, &[Type::Int, Type::Float], &inner.span)?;
                Ok(Typed { op: Op::Minus(Box::new(op)), ty })
            }
            Kind::All(parts) => Ok(Typed { op: Op::All(self.conditions(parts)?), ty: Type::Bool }),
            Kind::Any(parts) => Ok(Typed { op: Op::Any(self.conditions(parts)?), ty: Type::Bool }),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right, &node.span),
            Kind::If(condition, yes, no) => {
                let condition = self.typed(condition, &[Type::Bool])?;
                let (yes, no) = (self.node(yes)?, self.node(no)?);
                let ty = match (yes.ty, no.ty) {
                    (left, right) if left == right => left,
                    (Type::Json | Type::Map, _) | (_, Type::Json | Type::Map) => Type::Json,
                    (left, right) => return Err(mismatch(left, right, &node.span)),
                };
                Ok(Typed { op: Op::If(Box::new([condition, yes.op, no.op])), ty })
            }
        }
    }

    /// Compiles `node`, whose type must be one of `fitting` or dynamic.
    pub(super) fn typed(&mut self, node: &'a Node, fitting: &[Type]) -> Result<Op, ExprError> {
        let Typed { op, ty } = self.node(node)?;
        if matches!(node.kind, Kind::Null) {
            return Err(wrong(fitting, "null", &node.span));
        }
        expect(ty, fitting, &node.span)?;
        Ok(op)
    }

    fn conditions(&mut self, parts: &'a [Node]) -> Result<Box<[Op]>, ExprError> {
        parts.iter().map(|part| self.typed(part, &[Type::Bool])).collect()
    }

    fn list(&mut self, items: &'a [Node]) -> Result<Typed, ExprError> {
        let mut ty = None;
        let mut ops = Vec::with_capacity(items.len());
        for item in items {
            let typed = self.node(item)?;
            ty = Some(match ty {
                None => typed.ty,
                Some(ty) if ty == typed.ty => ty,
                Some(Type::Json | Type::Map) => Type::Json,
                Some(_) if matches!(typed.ty, Type::Json | Type::Map) => Type::Json,
                Some(ty) => return Err(mismatch(ty, typed.ty, &item.span)),
            });
            ops.push(typed.op);
        }
        let ty = list_of(ty.unwrap_or(Type::Json));
        let constants: Option<Vec<Value<'static>>> = ops
            .iter()
            .map(|op| match op {
                Op::Const(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let op = match constants {
            Some(values) => Op::Const(Value::List(List::Owned(values))),
            None => Op::List(ops.into()),
        };
        Ok(Typed { op, ty })
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: &'a Node,
        right: &'a Node,
        span: &Range<usize>,
    ) -> Result<Typed, ExprError> {
        let (a, b) = (self.node(left)?, self.node(right)?);
        let null = matches!(left.kind, Kind::Null) || matches!(right.kind, Kind::Null);
        let dynamic = |ty| matches!(ty, Type::Json);
        if null && !(dynamic(a.ty) && dynamic(b.ty)) {
            let (left, right) = match left.kind {
                Kind::Null => ("null".to_owned(), b.ty.to_string()),
                _ => (a.ty.to_string(), "null".to_owned()),
            };
            return Err(ExprError::new(span.clone(), ExprErrorKind::Mismatch { left, right }));
        }
        let pair = Box::new((a.op, b.op));
        match operator {
            Binary::In => {
                let fits = match b.ty {
                    Type::List(element) => comparable(a.ty, *element),
                    Type::Map => matches!(a.ty, Type::Str | Type::Json),
                    Type::Json => !matches!(a.ty, Type::Map),
                    _ => return Err(wrong(&[Type::List(&Type::Json), Type::Map], b.ty, &right.span)),
                };
                fits.then_some(Typed { op: Op::In(pair), ty: Type::Bool })
            }
            Binary::Arith(arith) => {
                arithmetic(arith, a.ty, b.ty).map(|ty| Typed { op: Op::Arith(arith, pair), ty })
            }
            Binary::Compare(compare) => {
                let ordered = |ty| matches!(ty, Type::Int | Type::Float | Type::Str | Type::Json);
                let equality = matches!(compare, Compare::Eq | Compare::Ne);
                let fits = comparable(a.ty, b.ty) && (equality || ordered(a.ty) && ordered(b.ty));
                fits.then_some(Typed { op: Op::Compare(compare, pair), ty: Type::Bool })
            }
        }
        .ok_or_else(|| mismatch(a.ty, b.ty, span))
    }

    /// A fact, a variable, or a member of one.
    fn path(&mut self, node: &'a Node) -> Result<Typed, ExprError> {
        let (keys, consumed_to) = path::keys(node);
        if let Some((root, rest)) = keys.split_first() {
            let var = self.scope.iter().rev().position(|(name, _)| name == root);
            if var.is_none() {
                let (field, ty, consumed) = path::resolve(self.schema, &keys, &consumed_to.span)?;
                let segments: Box<[Segment]> =
                    keys[consumed..].iter().map(|key| Segment::Key((*key).into())).collect();
                let (op, ty) = match segments.is_empty() {
                    true => (Op::Field(field), ty),
                    false => (Op::Path(field, segments), Type::Json),
                };
                return self.rest(node, consumed_to, Typed { op, ty });
            }
            if let Some(up) = var {
                let (_, ty) = self.scope[self.scope.len() - 1 - up];
                let mut typed = Typed { op: Op::Var(u8::try_from(up).unwrap_or(u8::MAX)), ty };
                for key in rest {
                    typed = member(typed, key, &node.span)?;
                }
                return self.rest(node, consumed_to, typed);
            }
        }
        self.rest(node, consumed_to, Typed { op: Op::Const(Value::Missing), ty: Type::Json })
    }

    /// The members and indices of `node` that come after `done`.
    fn rest(&mut self, node: &'a Node, done: &'a Node, base: Typed) -> Result<Typed, ExprError> {
        if std::ptr::eq(node, done) {
            return match path::is_root(node) {
                true => Ok(base),
                false => self.node(node),
            };
        }
        match &node.kind {
            Kind::Member(inner, key) => member(self.rest(inner, done, base)?, key, &node.span),
            Kind::Index(inner, index) => {
                let typed = self.rest(inner, done, base)?;
                self.index(typed, index, &node.span)
            }
            _ => self.node(node),
        }
    }

    fn index(&mut self, base: Typed, index: &'a Node, span: &Range<usize>) -> Result<Typed, ExprError> {
        let (ty, fitting): (Type, &[Type]) = match base.ty {
            Type::List(element) => (*element, &[Type::Int]),
            Type::Map => (Type::Json, &[Type::Str]),
            Type::Json => (Type::Json, &[Type::Int, Type::Str]),
            other => {
                return Err(ExprError::new(span.clone(), ExprErrorKind::NoMembers(other.to_string())));
            }
        };
        let op = match self.typed(index, fitting)? {
            Op::Const(Value::Str(key)) => with_segment(base.op, Segment::Key((*key).into())),
            Op::Const(Value::Int(at)) => match usize::try_from(at) {
                Ok(at) => with_segment(base.op, Segment::Index(at)),
                Err(_) => Op::Const(Value::Missing),
            },
            index => Op::Index(Box::new((base.op, index))),
        };
        Ok(Typed { op, ty })
    }
}

/// An error unless `found` is one of `fitting`, or dynamic.
pub(super) fn expect(found: Type, fitting: &[Type], span: &Range<usize>) -> Result<(), ExprError> {
    let fits = found == Type::Json || fitting.iter().any(|ty| same_kind(*ty, found));
    if fits { Ok(()) } else { Err(wrong(fitting, found, span)) }
}

pub(super) fn wrong(fitting: &[Type], found: impl ToString, span: &Range<usize>) -> ExprError {
    let names: Vec<String> = fitting.iter().map(ToString::to_string).collect();
    let kind = ExprErrorKind::Type { expected: names.join(" or "), found: found.to_string() };
    ExprError::new(span.clone(), kind)
}

/// The member `key` of `base`.
fn member(base: Typed, key: &str, span: &Range<usize>) -> Result<Typed, ExprError> {
    if !matches!(base.ty, Type::Map | Type::Json) {
        return Err(ExprError::new(span.clone(), ExprErrorKind::NoMembers(base.ty.to_string())));
    }
    Ok(Typed { op: with_segment(base.op, Segment::Key(key.into())), ty: Type::Json })
}

fn with_segment(op: Op, segment: Segment) -> Op {
    match op {
        Op::Path(field, segments) => {
            let mut segments = segments.into_vec();
            segments.push(segment);
            Op::Path(field, segments.into())
        }
        Op::Field(field) => Op::Path(field, Box::new([segment])),
        other => Op::Select(Box::new(other), segment),
    }
}

fn mismatch(left: Type, right: Type, span: &Range<usize>) -> ExprError {
    let kind = ExprErrorKind::Mismatch { left: left.to_string(), right: right.to_string() };
    ExprError::new(span.clone(), kind)
}

/// The list type with elements of type `element`; a list of lists has dynamic elements.
fn list_of(element: Type) -> Type {
    Type::List(match element {
        Type::Bool => &Type::Bool,
        Type::Int => &Type::Int,
        Type::Float => &Type::Float,
        Type::Str => &Type::Str,
        Type::Map => &Type::Map,
        Type::List(_) | Type::Json => &Type::Json,
    })
}

fn same_kind(fitting: Type, found: Type) -> bool {
    match (fitting, found) {
        (Type::List(_), Type::List(_)) => true,
        (a, b) => a == b,
    }
}

fn comparable(a: Type, b: Type) -> bool {
    match (a, b) {
        (Type::Json, _) | (_, Type::Json) => true,
        (Type::Int | Type::Float, Type::Int | Type::Float) => true,
        (Type::List(a), Type::List(b)) => comparable(*a, *b),
        (a, b) => a == b,
    }
}

/// The type of a sum, difference ...; `None` if there is none.
fn arithmetic(arith: Arith, a: Type, b: Type) -> Option<Type> {
    let numeric = |ty| matches!(ty, Type::Int | Type::Float | Type::Json);
    match (a, b) {
        (Type::Str, Type::Str) if arith == Arith::Add => Some(Type::Str),
        (Type::Float, Type::Float) if arith == Arith::Rem => None,
        (Type::Int, Type::Int) | (Type::Float, Type::Float) => Some(a),
        (Type::Json, other) | (other, Type::Json) if numeric(other) => Some(Type::Json),
        (Type::Json, Type::Str) | (Type::Str, Type::Json) if arith == Arith::Add => Some(Type::Json),
        _ => None,
    }
}
