//! A compiled condition.

use super::check;
use super::error::ExprError;
use super::eval::{Evaluation, Truth};
use super::op::{Compare, Map, Op};
use super::parser::parse;
use crate::facts::value::{FieldId, List, Lookup, Schema, Value};

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not, or it can never be known.
    No,
    /// It does.
    Yes,
    /// It depends on a late fact that is not known yet.
    Pending,
}

/// A condition, checked and compiled.
#[derive(Debug)]
pub struct Program {
    /// Conditions that must all hold, in the order of their weight; those about steady facts alone come last.
    pub(super) parts: Box<[Op]>,
    /// How many are not.
    pub(super) open: usize,
    /// Which of these name a steady fact, too.
    pub(super) mixed: Box<[bool]>,
    fields: Box<[FieldId]>,
}

impl Program {
    /// Compiles an expression.
    pub fn compile(text: &str, schema: &dyn Schema) -> Result<Self, ExprError> {
        let mut parts = match check::condition(&parse(text)?, schema)? {
            Op::All(parts) => parts,
            single => Box::new([single]),
        };
        let rank = |part: &Op| {
            let (mut any, mut steady, mut weight) = (false, true, 0);
            part.fields(&mut |field| {
                any = true;
                steady &= schema.is_steady(field);
                weight = weight.max(schema.weight(field));
            });
            (any && steady, weight)
        };
        parts.sort_by_cached_key(rank);
        let open = parts.iter().filter(|part| !rank(part).0).count();
        let names_steady = |part: &Op| {
            let mut any = false;
            part.fields(&mut |field| any |= schema.is_steady(field));
            any
        };
        let mixed = parts.iter().take(open).map(names_steady).collect();
        let mut fields = Vec::new();
        parts.iter().for_each(|part| part.fields(&mut |field| fields.push(field)));
        fields.sort_unstable();
        fields.dedup();
        Ok(Self { parts, open, mixed, fields: fields.into() })
    }

    /// Judges one subject.
    pub fn eval(&self, lookup: &dyn Lookup) -> Verdict {
        joined(&self.parts, lookup)
    }

    /// Judges one subject of which steady facts were looked at before and ruled nothing out ([`Schema::is_steady`]).
    pub fn eval_open(&self, lookup: &dyn Lookup) -> Verdict {
        joined(self.parts.iter().take(self.open), lookup)
    }

    /// The facts that are used, in order.
    pub fn fields(&self) -> &[FieldId] {
        &self.fields
    }

    /// Boolean facts that must hold, or the condition does not: of each clause, one at least.
    pub fn clauses(&self) -> impl Iterator<Item = Vec<FieldId>> {
        self.parts.iter().filter_map(clause)
    }

    /// What single facts must be, or the condition does not hold, whatever the others are.
    pub fn needs(&self) -> impl Iterator<Item = Need<'_>> {
        let is = |op: &Op, kind| match op {
            Op::Field(field) => Some(Need::Is(*field, kind)),
            _ => None,
        };
        self.parts.iter().filter_map(move |part| match part {
            Op::Field(_) => is(part, Kind::True),
            Op::Not(inner) => is(inner, Kind::False),
            Op::Has(inner) => is(inner, Kind::Present),
            Op::Compare(Compare::Gt, pair) => match &**pair {
                (Op::Map(Map::Size, of), Op::Const(Value::Int(0))) => is(of, Kind::Filled),
                _ => None,
            },
            _ => required(part).map(|(field, texts)| Need::OneOf(field, texts)),
        })
    }
}

fn joined<'p>(parts: impl IntoIterator<Item = &'p Op>, lookup: &dyn Lookup) -> Verdict {
    let evaluation = Evaluation::new(lookup);
    let mut verdict = Verdict::Yes;
    for part in parts {
        match evaluation.condition(part) {
            Truth::Yes => {}
            // Unknown cannot become true any more, so it decides like a plain no.
            Truth::No | Truth::Unknown => return Verdict::No,
            Truth::Pending => verdict = Verdict::Pending,
        }
    }
    verdict
}

/// What a condition needs of one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// A text that is one of these.
    OneOf(FieldId, Vec<&'a str>),
    /// A value of that kind.
    Is(FieldId, Kind),
}

/// Kinds of values that conditions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True.
    True,
    /// False.
    False,
    /// Anything but missing.
    Present,
    /// Something that is not empty.
    Filled,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::True, Self::False, Self::Present, Self::Filled];

    /// Whether a value may be of this kind: a pending one may be of any.
    pub fn may_be(self, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::Pending) => true,
            (_, Value::Json(json)) if !matches!(Value::json(json), Value::Json(_)) => {
                self.may_be(&Value::json(json))
            }
            (Self::True, value) => matches!(value, Value::Bool(true)),
            (Self::False, value) => matches!(value, Value::Bool(false)),
            (Self::Present, value) => !matches!(value, Value::Missing),
            (Self::Filled, Value::List(list)) => !list.is_empty(),
            (Self::Filled, Value::Str(text)) => !text.is_empty(),
            (Self::Filled, value) => !matches!(value, Value::Missing),
        }
    }
}

/// Facts of which one must hold for `op` to hold; `None` if that cannot be told.
fn clause(op: &Op) -> Option<Vec<FieldId>> {
    match op {
        Op::Field(field) => Some(vec![*field]),
        Op::All(parts) => parts.iter().find_map(clause),
        Op::Any(parts) => Some(parts.iter().map(clause).collect::<Option<Vec<_>>>()?.concat()),
        _ => None,
    }
}

fn required(op: &Op) -> Option<(FieldId, Vec<&str>)> {
    match op {
        Op::Compare(Compare::Eq, pair) => match &**pair {
            (Op::Field(field), Op::Const(Value::Str(text)))
            | (Op::Const(Value::Str(text)), Op::Field(field)) => Some((*field, vec![&**text])),
            _ => None,
        },
        Op::In(pair) => match &**pair {
            (Op::Field(field), Op::Const(Value::List(List::Owned(values)))) => {
                let texts = values.iter().map(|value| match value {
                    Value::Str(text) => Some(&**text),
                    _ => None,
                });
                Some((*field, texts.collect::<Option<Vec<&str>>>()?))
            }
            _ => None,
        },
        // `a == "x" || a == "y"`
        Op::Any(parts) => {
            let mut sets = parts.iter().map(required);
            let (field, mut texts) = sets.next()??;
            for set in sets {
                let (other, more) = set?;
                if other != field {
                    return None;
                }
                texts.extend(more);
            }
            Some((field, texts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Facts, SCHEMA};
    use super::super::{ExprError, ExprErrorKind};
    use super::*;

    fn error(text: &str) -> ExprError {
        Program::compile(text, &SCHEMA).unwrap_err()
    }

    #[test]
    fn verdicts() {
        let facts = Facts::default();
        use Verdict::{No, Pending, Yes};
        for (text, expected) in [
            ("token.alg.startsWith('HS') && !has(token.claims.exp)", No),
            ("token.claims.exp - token.claims.iat > 86400", Yes),
            ("token.claims.aud == 'x'", No),
            ("token.claims.aud != 'x'", No),
            ("!has(token.claims.cnf.jkt)", Yes),
            ("has(token.claims.list[1]) && !has(token.claims.list[9])", Yes),
            ("'exp' in token.claims && !('nbf' in token.claims)", Yes),
            ("token.claims.sub < 5", No),
            ("!(token.claims.sub < 5)", No),
            ("token.claims.nothing == null && has(token.claims.nothing)", Yes),
            ("token.claims['list'][0] == 1 && token.claims.list.exists(x, x == 2.5)", Yes),
            ("token.claims.exists(k, k == 'sub')", Yes),
            ("'10.0.0.1' in replay.clients && size(replay.clients) > 1", Yes),
            ("replay.clients.exists(a, replay.clients.exists(b, a != b))", Yes),
            ("replay.clients.all(c, c.startsWith('10.'))", No),
            ("replay.clients[1].contains('203') && replay.clients[0] == '10.0.0.1'", Yes),
            ("missing.text == 'a'", No),
            ("missing.text != 'a'", No),
            ("!(missing.text == 'a')", No),
            ("missing.text == 'a' || true", Yes),
            ("has(missing.text)", No),
            ("!has(missing.text)", Yes),
            ("!has(missing.object.exp)", No),
            ("has(missing.object)", No),
            ("late.cracked", Pending),
            ("!late.cracked", Pending),
            ("has(late.cracked)", Pending),
            ("late.cracked && false", No),
            ("false && late.cracked", No),
            ("late.cracked && missing.text == 'a'", No),
            ("!(late.cracked && missing.text == 'a')", Pending),
            ("late.cracked || true", Yes),
            ("late.cracked || missing.text == 'a'", Pending),
            ("late.cracked == (missing.text == 'a')", No),
            ("late.cracked ? true : false", Pending),
            ("1 / 0 == 1 || 1 % 0 == 1", No),
            ("!(9223372036854775807 + 1 > 0)", No),
            ("token.lifetime * 2 > 100 ? channel == 'cleartext' : false", Yes),
            ("channel in ['cleartext', 'unknown']", Yes),
            ("channel.matches(r'^clear\\w+$')", Yes),
            ("int('12') == 12 && string(12) == '12' && double(2) == 2.0 && 'A'.lowerAscii() == 'a'", Yes),
            ("token.claims.huge > 1 && token.claims.big > 9223372036854775807", Yes),
            ("[1, 2.0 == 2.0 ? 3 : 4].exists(x, x == 3)", Yes),
            ("[token.alg, channel].exists(x, x == 'cleartext')", Yes),
            ("token.claims.list.size() == 3 && [[1]][0] == [1] && token.claims.list != [1, 2]", Yes),
        ] {
            let program = Program::compile(text, &SCHEMA).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(program.eval(&facts), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_name_the_nearest() {
        for (text, span, nearest) in [
            ("token.lifetme > 3", 0..13, Some("token.lifetime")),
            ("a == 1 && chanel == 'x'", 0..1, None),
            ("chanel == 'x'", 0..6, Some("channel")),
            ("token.claim.exp > 1", 0..15, Some("token.claims")),
            ("token > 1", 0..5, Some("token.alg")),
            ("lifetime.x", 0..10, None),
            ("jwt.alg == 'x'", 0..7, Some("token.alg")),
            ("token.alg.start('x')", 10..15, None),
            ("token.alg.startWith('x')", 10..19, Some("startsWith")),
            ("startsWith(token.alg, 'x')", 0..10, Some("x.startsWith()")),
            ("token.alg.x == 1", 0..11, Some("token.alg")),
        ] {
            let error = error(text);
            assert_eq!(error.span, span, "{text}: {error}");
            assert_eq!(error.nearest.as_deref(), nearest, "{text}: {error}");
        }
    }

    #[test]
    fn types_are_checked() {
        for text in [
            "token.lifetime",
            "token.lifetime == 'x'",
            "token.alg > 5",
            "true < false",
            "!token.alg",
            "token.alg && true",
            "-token.alg == 1",
            "token.lifetime + 1.5 > 1.0",
            "1.5 % 1.0 == 0.0",
            "channel in 'cleartext'",
            "1 in replay.clients",
            "size(token.lifetime) > 1",
            "token.lifetime.startsWith('x')",
            "token.alg == null",
            "null",
            "[1, 'a'].exists(x, true)",
            "true ? 1 : 'a'",
            "token.alg.exists(x, true)",
            "replay.clients.exists(x, x > 1)",
            "replay.clients.exists(x, x)",
            "[1]['a'] == 1",
            "has('x')",
            "channel.matches(token.alg)",
            "channel.matches('(')",
            "size() > 1",
            "replay.clients.exists(1, true)",
        ] {
            let error = error(text);
            assert!(!matches!(error.kind, ExprErrorKind::UnknownFact(_)), "{text}: {error}");
        }
    }

    #[test]
    fn fields_and_required_values() {
        let text = "channel == 'cleartext' && token.alg in ['a', 'b'] && (late.cracked || channel != 'x')";
        let program = Program::compile(text, &SCHEMA).unwrap();
        let field = |name: &str| SCHEMA.field(&name.split('.').collect::<Vec<_>>()).unwrap().0;
        let mut expected = vec![field("channel"), field("token.alg"), field("late.cracked")];
        expected.sort_unstable();
        assert_eq!(program.fields(), expected);
        let needs = |text: &str| {
            let program = Program::compile(text, &SCHEMA).unwrap();
            program.needs().map(|need| format!("{need:?}")).collect::<Vec<_>>()
        };
        let need = |need: Need<'_>| format!("{need:?}");
        let one_of = |name: &str, texts: &[&'static str]| need(Need::OneOf(field(name), texts.to_vec()));
        let is = |name: &str, kind| need(Need::Is(field(name), kind));
        assert_eq!(needs(text), [one_of("channel", &["cleartext"]), one_of("token.alg", &["a", "b"])]);
        assert_eq!(needs("channel == 'a' || channel == 'b'"), [one_of("channel", &["a", "b"])]);
        assert_eq!(needs("channel == 'a' || true"), [""; 0]);
        let text = "late.cracked && has(missing.text) && size(replay.clients) > 0 && has(token.claims.exp)";
        let expected =
            [("late.cracked", Kind::True), ("missing.text", Kind::Present), ("replay.clients", Kind::Filled)];
        assert_eq!(needs(text), expected.map(|(name, kind)| is(name, kind)));
        assert_eq!(needs("!late.cracked && true"), [is("late.cracked", Kind::False)]);
    }

    #[test]
    fn threads_may_share_it() {
        fn shared<T: Send + Sync>() {}
        shared::<Program>();
        shared::<super::super::Template>();
    }

    #[test]
    fn loops_are_bounded() {
        let clients = (0..2000).map(|n| n.to_string()).collect();
        let facts = Facts { clients, ..Facts::default() };
        let text = "replay.clients.exists(a, replay.clients.exists(b, a == 'x' && b == 'y'))";
        assert_eq!(Program::compile(text, &SCHEMA).unwrap().eval(&facts), Verdict::No);
        let four = "replay.clients.exists(a, replay.clients.exists(b, replay.clients.exists(c, \
                    replay.clients.exists(d, true))))";
        assert_eq!(error(four).kind, ExprErrorKind::Loops);
    }

    #[test]
    fn the_deepest_fits_a_small_stack() {
        let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(|| {
            let shapes = [
                ("(true && false == ", ")"),
                ("(false || true && ", ")"),
                ("!(", ")"),
                ("[", "][0]"),
                ("(true ? true : ", ")"),
                ("-(1 + 2 * ", ")"),
                ("token.claims[string(", ")]"),
            ];
            for (open, close) in shapes {
                let inner = if open.contains('1') || open.contains("string") { "1" } else { "true" };
                let text = |depth| format!("{}{inner}{} == {inner}", open.repeat(depth), close.repeat(depth));
                let fits = |depth| Program::compile(&text(depth), &SCHEMA);
                assert!(fits(8).is_ok(), "{open} {:?}", fits(8).err());
                let deepest = (1..100).rev().find_map(|depth| fits(depth).ok());
                deepest.unwrap().eval(&Facts::default());
            }
        });
        thread.unwrap().join().unwrap();
    }
}
