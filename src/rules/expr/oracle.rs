//! The `cel` crate as the oracle: without missing facts, both must agree.

use cel::{Context, Program as CelProgram, Value as CelValue};
use proptest::prelude::*;

use super::{Program, Verdict};
use crate::facts::value::{FieldId, List, Lookup, Schema, Type, Value};

struct World;

const NUMBERS: [i64; 3] = [1, 2, 40];

impl Schema for World {
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
        let at = self.names().iter().position(|name| name == path[0])?;
        let types = [
            Type::Bool,
            Type::Bool,
            Type::Int,
            Type::Int,
            Type::Float,
            Type::Str,
            Type::Str,
            Type::List(&Type::Int),
            Type::List(&Type::Str),
        ];
        Some((FieldId(at as u16), types[at], 1))
    }

    fn names(&self) -> Vec<String> {
        ["yes", "no", "seven", "below", "half", "text", "name", "numbers", "words"]
            .map(str::to_owned)
            .to_vec()
    }
}

struct Fixed(Vec<String>);

impl Lookup for Fixed {
    fn value(&self, field: FieldId) -> Value<'_> {
        match field.0 {
            0 => Value::Bool(true),
            1 => Value::Bool(false),
            2 => Value::Int(7),
            3 => Value::Int(-3),
            4 => Value::Float(0.5),
            5 => Value::str("HS256"),
            6 => Value::str("issuer"),
            7 => Value::List(List::Owned(NUMBERS.map(Value::Int).to_vec())),
            _ => Value::strs(&self.0),
        }
    }
}

fn words() -> Vec<String> {
    ["HS256", "a", ""].map(str::to_owned).to_vec()
}

fn context() -> Context<'static, 'static> {
    let mut context = Context::default();
    context.add_variable("yes", true).unwrap();
    context.add_variable("no", false).unwrap();
    context.add_variable("seven", 7i64).unwrap();
    context.add_variable("below", -3i64).unwrap();
    context.add_variable("half", 0.5f64).unwrap();
    context.add_variable("text", "HS256").unwrap();
    context.add_variable("name", "issuer").unwrap();
    context.add_variable("numbers", NUMBERS.to_vec()).unwrap();
    context.add_variable("words", words()).unwrap();
    context
}

fn int() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        (-50i64..50).prop_map(|n| n.to_string()),
        Just("seven".to_owned()),
        Just("below".to_owned()),
        (0..3u8).prop_map(|n| format!("numbers[{n}]")),
        Just("size(words)".to_owned()),
        Just("size(text)".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/", "%"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), prop::sample::select(vec!["+", "-"]), inner.clone(), inner.clone())
                .prop_map(|(a, op, b, c)| format!("({a} {op} {b} * {c})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(yes ? {a} : {b})")),
        ]
    })
    .boxed()
}

fn float() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        (-50i32..50).prop_map(|n| format!("{:.2}", f64::from(n) / 4.0)),
        Just("half".to_owned()),
        int().prop_map(|int| format!("double({int})")),
    ];
    (leaf.clone(), prop::sample::select(vec!["+", "-", "*", "/"]), leaf)
        .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
        .boxed()
}

fn text() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        "[a-zHS0-9]{0,3}".prop_map(|text| format!("'{text}'")),
        "[a-z]{0,2}".prop_map(|text| format!("\"{text}\\n\\\"\\x41\"")),
        Just("text".to_owned()),
        Just("name".to_owned()),
        (0..3u8).prop_map(|n| format!("words[{n}]")),
        int().prop_map(|int| format!("string({int})")),
    ];
    (leaf.clone(), prop::option::of(leaf))
        .prop_map(|(a, b)| b.map_or(a.clone(), |b| format!("({a} + {b})")))
        .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let compare = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        prop::sample::select(vec!["true", "false", "yes", "no"]).prop_map(str::to_owned),
        (int(), compare(), int()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (float(), compare(), float()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (int(), compare(), float()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), compare(), text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), prop::sample::select(vec!["startsWith", "endsWith", "contains"]), text())
            .prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        (int(), prop_oneof![Just("numbers".to_owned()), int().prop_map(|a| format!("[1, {a}]"))])
            .prop_map(|(a, list)| format!("{a} in {list}")),
        text().prop_map(|a| format!("{a} in words")),
        (compare(), int()).prop_map(|(op, a)| format!("numbers.exists(x, x {op} {a})")),
        (compare(), int()).prop_map(|(op, a)| format!("numbers.all(x, x {op} {a} || x == seven)")),
        text().prop_map(|a| format!("words.exists(w, w.contains({a}))")),
        Just("words.exists(w, words.exists(v, v == 'a' && w.startsWith(v)))".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} && {b} || {c}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("{a} && ({b} || {c})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) == ({b}))")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? {b} : {c})")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_cel(text in condition()) {
        let program = Program::compile(&text, &World).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let ours = program.eval(&Fixed(words()));
        prop_assert!(ours != Verdict::Yes || program.may_hold(&Fixed(words())));
        let theirs = CelProgram::compile(&text).unwrap().execute(&context());
        match theirs {
            Ok(CelValue::Bool(theirs)) => prop_assert_eq!(ours == Verdict::Yes, theirs),
            Ok(other) => prop_assert!(false, "{:?}", other),
            // Division by zero: we know when it does not matter, so nothing is to be compared.
            Err(_) => {}
        }
    }
}
