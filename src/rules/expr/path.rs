//! Dotted paths: which fact one begins with.

use std::ops::Range;

use super::ast::{Kind, Node};
use super::error::{ExprError, ExprErrorKind};
use crate::facts::value::{FieldId, Schema, Type};
use crate::rules::nearest::{distance, nearest};

/// The constant keys at the start of a path, and the node where they end. No keys: the path does not begin
/// with a name, but with another value.
pub(super) fn keys(node: &Node) -> (Vec<&str>, &Node) {
    match &node.kind {
        Kind::Name(name) => (vec![name], node),
        Kind::Member(inner, key) => extend(inner, node, key),
        Kind::Index(inner, index) => match &index.kind {
            Kind::Str(key) => extend(inner, node, key),
            _ => keys(inner),
        },
        _ => (Vec::new(), node),
    }
}

/// Whether a path can begin here, or have its constant keys end here.
pub(super) fn is_root(node: &Node) -> bool {
    matches!(node.kind, Kind::Name(_) | Kind::Member(..) | Kind::Index(..))
}

/// The fact that `keys` begin with.
pub(super) fn resolve(
    schema: &dyn Schema,
    keys: &[&str],
    span: &Range<usize>,
) -> Result<(FieldId, Type, usize), ExprError> {
    let unknown = || {
        let name = keys.join(".");
        if let Some(subjects) = schema.elsewhere(keys).filter(|_| schema.field(keys).is_none()) {
            return ExprError::new(span.clone(), ExprErrorKind::OtherSubject { name, subjects });
        }
        let error = ExprError::new(span.clone(), ExprErrorKind::UnknownFact(name));
        error.meant(suggestion(schema, keys))
    };
    let (field, ty, consumed) = schema.field(keys).ok_or_else(unknown)?;
    if consumed < keys.len() && !matches!(ty, Type::Map | Type::Json) {
        return Err(unknown());
    }
    Ok((field, ty, consumed.min(keys.len())))
}

fn extend<'a>(inner: &'a Node, node: &'a Node, key: &'a str) -> (Vec<&'a str>, &'a Node) {
    let (mut found, done) = keys(inner);
    if found.is_empty() || !std::ptr::eq(done, inner) {
        return (found, done);
    }
    found.push(key);
    (found, node)
}

/// The fact that was probably meant: the nearest name, compared with as many segments as it has itself.
fn suggestion(schema: &dyn Schema, keys: &[&str]) -> Option<String> {
    let names = schema.names();
    let whole = keys.join(".");
    if let Some(inside) =
        names.iter().find(|name| name.strip_prefix(&*whole).is_some_and(|r| r.starts_with('.')))
    {
        return Some(inside.clone());
    }
    if let Some(name) = nearest(&whole, names.iter().map(String::as_str)) {
        return Some(name.to_owned());
    }
    // The same last segment in another family, or a mistyped start of a longer path.
    let start = |name: &str| keys[..name.split('.').count().min(keys.len())].join(".");
    let near = names.iter().filter(|name| distance(&start(name), name) <= (name.len() / 4).max(1));
    let near = near.min_by_key(|name| distance(&start(name), name));
    let same_end = || {
        let last = keys.last().filter(|_| keys.len() > 1)?;
        names.iter().find(|name| name.rsplit('.').next() == Some(last))
    };
    near.or_else(same_end).cloned()
}
