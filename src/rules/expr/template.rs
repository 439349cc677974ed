//! Message templates: `token of {token.iss} seen from {replay.clients}`.

use std::fmt::Write;
use std::ops::Range;

use super::ast::{Kind, Node};
use super::check::Checker;
use super::error::{ExprError, ExprErrorKind};
use super::eval::Evaluation;
use super::op::Op;
use super::parser::parse;
use crate::facts::value::{FieldId, Lookup, Schema, Value};
use crate::limits;
use crate::text::escape_into;

/// A text with facts in it, checked and compiled.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    /// A fact, and the names of the members of it that lead to what is shown.
    Fact(Op, Vec<String>),
}

impl Template {
    /// Compiles a template. `{path}` is a fact or a member of one; `{{` and `}}` are braces.
    pub fn compile(text: &str, schema: &dyn Schema) -> Result<Self, ExprError> {
        if text.len() > limits::EXPRESSION_BYTES {
            return Err(ExprError::new(limits::EXPRESSION_BYTES..text.len(), ExprErrorKind::TooLong));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push(c);
                at += 2;
            } else if c == '{' {
                let len = rest.find('}').ok_or_else(|| brace(at..text.len()))?;
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                let (op, members) = path(&rest[1..len], schema).map_err(|mut error| {
                    error.span = error.span.start + at + 1..error.span.end + at + 1;
                    error
                })?;
                pieces.push(Piece::Fact(op, members));
                at += len + 1;
            } else if c == '}' {
                return Err(brace(at..at + 1));
            } else {
                literal.push(c);
                at += c.len_utf8();
            }
        }
        pieces.push(Piece::Text(literal));
        Ok(Self { pieces })
    }

    /// The text for one subject. What is missing becomes `?`; control characters are escaped.
    pub fn render(&self, lookup: &dyn Lookup) -> String {
        let evaluation = Evaluation::new(lookup);
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Fact(op, members) => {
                    write_value(&mut out, &lookup.shown(members, evaluation.of(op)));
                }
            }
        }
        out
    }

    /// Calls `visit` with every fact that is used.
    pub fn fields(&self, visit: &mut impl FnMut(FieldId)) {
        for piece in &self.pieces {
            if let Piece::Fact(op, _) = piece {
                op.fields(visit);
            }
        }
    }
}

fn path(text: &str, schema: &dyn Schema) -> Result<(Op, Vec<String>), ExprError> {
    let node = parse(text)?;
    let mut names = Vec::new();
    walk(&node, &mut names);
    let known = schema.field(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let members = names.split_off(known.map_or(0, |(_, _, segments)| segments.min(names.len())));
    if !matches!(node.kind, Kind::Name(_) | Kind::Member(..) | Kind::Index(..)) {
        return Err(ExprError::new(node.span, ExprErrorKind::Expected("a fact")));
    }
    Ok((Checker { schema, scope: Vec::new() }.node(&node)?.op, members))
}

/// The names in a path, in order; numbers of elements are none.
fn walk(node: &Node, names: &mut Vec<String>) {
    match &node.kind {
        Kind::Name(name) => names.push(name.clone()),
        Kind::Member(of, name) => {
            walk(of, names);
            names.push(name.clone());
        }
        Kind::Index(of, at) => {
            walk(of, names);
            if let Kind::Str(name) = &at.kind {
                names.push(name.clone());
            }
        }
        _ => {}
    }
}

fn brace(span: Range<usize>) -> ExprError {
    ExprError::new(span, ExprErrorKind::Brace)
}

fn write_value(out: &mut String, value: &Value<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Missing | Value::Pending => out.write_char('?'),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{value}"),
        Value::Str(text) => {
            escape_into(out, text);
            Ok(())
        }
        Value::List(list) => {
            for (index, item) in list.iter().enumerate() {
                if index == ITEMS {
                    let _ = write!(out, " and {} more", list.len() - ITEMS);
                    break;
                }
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(out, &item);
            }
            Ok(())
        }
        Value::Json(json) => {
            escape_into(out, &json.to_string());
            Ok(())
        }
    };
}

/// Elements of a list that are shown.
const ITEMS: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::sample::{Facts, SCHEMA};
    use super::*;

    #[test]
    fn renders() {
        for (text, expected) in [
            ("plain {{x}}", "plain {x}"),
            ("{token.iss} from {replay.clients}", "https://issuer.example from 10.0.0.1, 203.0.113.9"),
            ("{missing.text} {late.cracked} {token.claims.none}", "? ? ?"),
            ("{token.claims.sub} {token.claims.list}", "u\\u{1b}[31m [1,2.5,\"x\"]"),
            ("{replay.clients[0]} {token.lifetime}", "10.0.0.1 1000000"),
        ] {
            let template = Template::compile(text, &SCHEMA).unwrap();
            assert_eq!(template.render(&Facts::default()), expected);
        }
    }

    #[test]
    fn mistakes() {
        for (text, span) in
            [("a {token.isss}", 3..13), ("é {", 3..4), ("}", 0..1), ("{1}", 1..2), ("{}", 1..1)]
        {
            assert_eq!(Template::compile(text, &SCHEMA).unwrap_err().span, span, "{text}");
        }
        let error = Template::compile("{token.isss}", &SCHEMA).unwrap_err();
        assert_eq!(error.nearest.as_deref(), Some("token.iss"));
    }
}
