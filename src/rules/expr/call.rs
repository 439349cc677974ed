//! Functions: names, arguments, types.

use super::ast::{Called, Kind, Node};
use super::check::{Checker, Typed, expect, wrong};
use super::error::{ExprError, ExprErrorKind};
use super::op::{Map, Op, Test};
use crate::facts::value::{Type, Value};
use crate::rules::nearest::nearest;

/// Every function, for messages and documentation.
pub(super) const FUNCTIONS: &[&str] = &[
    "has",
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lowerAscii",
    "exists",
    "all",
    "string",
    "int",
    "double",
];

impl<'a> Checker<'a> {
    pub(super) fn call(
        &mut self,
        node: &'a Node,
        called: &'a Called,
        target: Option<&'a Node>,
        arguments: &'a [Node],
    ) -> Result<Typed, ExprError> {
        match (called.name.as_str(), target) {
            ("has", None) => self.has(one(called, arguments)?),
            ("size", None) => self.size(one(called, arguments)?),
            ("size", Some(target)) => {
                none(called, arguments)?;
                self.size(target)
            }
            ("string", None) => {
                let fitting = [Type::Bool, Type::Int, Type::Float, Type::Str];
                self.map(Map::ToString, one(called, arguments)?, &fitting, Type::Str)
            }
            ("int", None) => {
                let fitting = [Type::Int, Type::Float, Type::Str];
                self.map(Map::ToInt, one(called, arguments)?, &fitting, Type::Int)
            }
            ("double", None) => {
                let fitting = [Type::Int, Type::Float, Type::Str];
                self.map(Map::ToFloat, one(called, arguments)?, &fitting, Type::Float)
            }
            ("lowerAscii", Some(target)) => {
                none(called, arguments)?;
                self.map(Map::LowerAscii, target, &[Type::Str], Type::Str)
            }
            ("startsWith", Some(target)) => self.test(Test::StartsWith, called, target, arguments),
            ("endsWith", Some(target)) => self.test(Test::EndsWith, called, target, arguments),
            ("contains", Some(target)) => self.test(Test::Contains, called, target, arguments),
            ("matches", Some(target)) => self.matches(target, one(called, arguments)?),
            ("exists", Some(target)) => self.each(true, node, called, target, arguments),
            ("all", Some(target)) => self.each(false, node, called, target, arguments),
            (name, _) => {
                let error =
                    ExprError::new(called.span.clone(), ExprErrorKind::UnknownFunction(name.to_owned()));
                let hint = match (FUNCTIONS.contains(&name), target) {
                    (true, None) => Some(format!("x.{name}()")),
                    (true, Some(_)) => Some(format!("{name}(x)")),
                    (false, _) => nearest(name, FUNCTIONS.iter().copied()).map(str::to_owned),
                };
                Err(error.meant(hint))
            }
        }
    }

    fn has(&mut self, path: &'a Node) -> Result<Typed, ExprError> {
        if !matches!(path.kind, Kind::Name(_) | Kind::Member(..) | Kind::Index(..)) {
            return Err(ExprError::new(path.span.clone(), ExprErrorKind::NotAPath));
        }
        let op = self.node(path)?.op;
        Ok(Typed { op: Op::Has(Box::new(op)), ty: Type::Bool })
    }

    fn size(&mut self, of: &'a Node) -> Result<Typed, ExprError> {
        self.map(Map::Size, of, &[Type::Str, Type::List(&Type::Json), Type::Map], Type::Int)
    }

    fn map(&mut self, map: Map, of: &'a Node, fitting: &[Type], ty: Type) -> Result<Typed, ExprError> {
        let op = self.typed(of, fitting)?;
        Ok(Typed { op: Op::Map(map, Box::new(op)), ty })
    }

    fn test(
        &mut self,
        test: Test,
        called: &Called,
        target: &'a Node,
        arguments: &'a [Node],
    ) -> Result<Typed, ExprError> {
        let target = self.typed(target, &[Type::Str])?;
        let argument = self.typed(one(called, arguments)?, &[Type::Str])?;
        Ok(Typed { op: Op::Test(test, Box::new((target, argument))), ty: Type::Bool })
    }

    fn matches(&mut self, target: &'a Node, pattern: &'a Node) -> Result<Typed, ExprError> {
        let target = self.typed(target, &[Type::Str])?;
        let Op::Const(Value::Str(text)) = self.typed(pattern, &[Type::Str])? else {
            let why = "it must be a constant".to_owned();
            return Err(ExprError::new(pattern.span.clone(), ExprErrorKind::BadPattern(why)));
        };
        let regex =
            regex_lite::RegexBuilder::new(&text).size_limit(PATTERN_BYTES).build().map_err(|error| {
                ExprError::new(pattern.span.clone(), ExprErrorKind::BadPattern(error.to_string()))
            })?;
        Ok(Typed { op: Op::Matches(Box::new((target, regex))), ty: Type::Bool })
    }

    fn each(
        &mut self,
        exists: bool,
        node: &'a Node,
        called: &Called,
        target: &'a Node,
        arguments: &'a [Node],
    ) -> Result<Typed, ExprError> {
        let [variable, condition] = arguments else {
            return Err(arity(called, 2));
        };
        let Kind::Name(name) = &variable.kind else {
            let kind = ExprErrorKind::Expected("the name of a variable");
            return Err(ExprError::new(variable.span.clone(), kind));
        };
        if self.scope.len() >= LOOPS {
            return Err(ExprError::new(node.span.clone(), ExprErrorKind::Loops));
        }
        let list = self.node(target)?;
        let element = match list.ty {
            Type::List(element) => *element,
            Type::Map => Type::Str,
            Type::Json => Type::Json,
            other => return Err(wrong(&[Type::List(&Type::Json), Type::Map], other, &target.span)),
        };
        self.scope.push((name, element));
        let condition = self.node(condition).and_then(|typed| {
            expect(typed.ty, &[Type::Bool], &condition.span)?;
            Ok(typed.op)
        });
        self.scope.pop();
        let op = Op::Each(exists, Box::new((list.op, condition?)));
        Ok(Typed { op, ty: Type::Bool })
    }
}

fn one<'a>(called: &Called, arguments: &'a [Node]) -> Result<&'a Node, ExprError> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err(arity(called, 1)),
    }
}

fn none(called: &Called, arguments: &[Node]) -> Result<(), ExprError> {
    if arguments.is_empty() { Ok(()) } else { Err(arity(called, 0)) }
}

fn arity(called: &Called, takes: usize) -> ExprError {
    let kind = ExprErrorKind::Arity { function: called.name.clone(), takes };
    ExprError::new(called.span.clone(), kind)
}

/// `exists` and `all` inside each other.
const LOOPS: usize = 3;

/// Compiled size of one pattern.
const PATTERN_BYTES: usize = 256 << 10;
