//! Tokens to a syntax tree: a Pratt parser with bounded depth.

use std::ops::Range;

use super::ast::{Binary, Called, Kind, Node};
use super::error::{ExprError, ExprErrorKind};
use super::lexer::{Lexeme, Token, lex};
use super::op::{Arith, Compare};
use crate::limits;

/// Parses a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, ExprError> {
    if text.len() > limits::EXPRESSION_BYTES {
        return Err(ExprError::new(limits::EXPRESSION_BYTES..text.len(), ExprErrorKind::TooLong));
    }
    let mut parser = Parser { lexemes: lex(text)?, at: 0, depth: 0, frames: 0 };
    let node = parser.ternary()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => Err(parser.expected("an operator or the end")),
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: usize,
    /// Calls of [`Parser::binary`] in each other: what bounds the stack.
    frames: usize,
}

impl Parser {
    fn ternary(&mut self) -> Result<Node, ExprError> {
        self.depth += 1;
        if self.depth > limits::EXPRESSION_DEPTH {
            return Err(ExprError::new(self.span(), ExprErrorKind::TooDeep));
        }
        let condition = self.binary(0)?;
        let node = if self.accept("?") {
            let yes = self.binary(0)?;
            self.expect(":", "`:`")?;
            let no = self.ternary()?;
            let span = condition.span.start..no.span.end;
            let height = condition.height.max(yes.height).max(no.height);
            self.node(Kind::If(Box::new(condition), Box::new(yes), Box::new(no)), span, height)?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(node)
    }

    /// Operators that bind at least as tightly as `least`.
    fn binary(&mut self, least: u8) -> Result<Node, ExprError> {
        self.frames += 1;
        if self.frames > HEIGHT {
            return Err(ExprError::new(self.span(), ExprErrorKind::TooDeep));
        }
        let mut left = self.unary()?;
        while let Some((power, operator)) = self.operator() {
            if power < least {
                break;
            }
            self.at += 1;
            let right = self.binary(power + 1)?;
            let span = left.span.start..right.span.end;
            let height = left.height.max(right.height);
            left = match operator {
                Operator::All | Operator::Any => {
                    // Flat, so that a long chain is not a deep one.
                    let (mut parts, height) = match (operator, left.kind) {
                        (Operator::All, Kind::All(parts)) | (Operator::Any, Kind::Any(parts)) => {
                            (parts, left.height.max(right.height + 1) - 1)
                        }
                        (_, kind) => (vec![Node { kind, span: left.span, height: left.height }], height),
                    };
                    parts.push(right);
                    let all = operator == Operator::All;
                    self.node(if all { Kind::All(parts) } else { Kind::Any(parts) }, span, height)?
                }
                Operator::Binary(binary) => {
                    self.node(Kind::Binary(binary, Box::new(left), Box::new(right)), span, height)?
                }
            };
        }
        self.frames -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, ExprError> {
        let start = self.span().start;
        let mut signs = Vec::new();
        while let Token::Sign(sign @ ("!" | "-")) = *self.peek() {
            if sign == "-" && matches!(self.after(), Token::Int(_) | Token::Float(_)) {
                break;
            }
            signs.push((sign, self.span().start));
            self.at += 1;
        }
        if signs.len() > limits::EXPRESSION_DEPTH {
            return Err(ExprError::new(start..self.span().end, ExprErrorKind::TooDeep));
        }
        let mut node = self.postfix()?;
        for (sign, start) in signs.into_iter().rev() {
            let (span, height) = (start..node.span.end, node.height);
            let kind = if sign == "!" { Kind::Not(Box::new(node)) } else { Kind::Minus(Box::new(node)) };
            node = self.node(kind, span, height)?;
        }
        Ok(node)
    }

    fn postfix(&mut self) -> Result<Node, ExprError> {
        let mut node = self.primary()?;
        loop {
            let start = node.span.start;
            if self.accept(".") {
                let called = self.name("a member name")?;
                if *self.peek() == Token::Sign("(") {
                    let arguments = self.arguments()?;
                    let height = arguments.iter().map(|a| a.height).max().unwrap_or(0).max(node.height);
                    let span = start..self.before();
                    node = self.node(Kind::Call(called, Some(Box::new(node)), arguments), span, height)?;
                } else {
                    let (span, height) = (start..called.span.end, node.height);
                    node = self.node(Kind::Member(Box::new(node), called.name), span, height)?;
                }
            } else if self.accept("[") {
                let index = self.ternary()?;
                self.expect("]", "`]`")?;
                let (span, height) = (start..self.before(), node.height.max(index.height));
                node = self.node(Kind::Index(Box::new(node), Box::new(index)), span, height)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn primary(&mut self) -> Result<Node, ExprError> {
        let span = self.span();
        let token = self.peek().clone();
        self.at += 1;
        let kind = match token {
            Token::Str(text) => Kind::Str(text),
            Token::Float(value) => Kind::Float(value),
            Token::Int(value) => Kind::Int(
                i64::try_from(value).map_err(|_| ExprError::new(span.clone(), ExprErrorKind::BadNumber))?,
            ),
            Token::Sign("-") => return self.negative(span.start),
            Token::Sign("(") => {
                let mut node = self.ternary()?;
                self.expect(")", "`)`")?;
                node.span = span.start..self.before();
                return Ok(node);
            }
            Token::Sign("[") => {
                let items = self.items("]", "`,` or `]`")?;
                let height = items.iter().map(|item| item.height).max().unwrap_or(0);
                return self.node(Kind::List(items), span.start..self.before(), height);
            }
            Token::Name(name) => match name.as_str() {
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                "null" => Kind::Null,
                _ if *self.peek() == Token::Sign("(") => {
                    let called = Called { name, span: span.clone() };
                    let arguments = self.arguments()?;
                    let height = arguments.iter().map(|a| a.height).max().unwrap_or(0);
                    let kind = Kind::Call(called, None, arguments);
                    return self.node(kind, span.start..self.before(), height);
                }
                _ => Kind::Name(name),
            },
            Token::Sign(_) | Token::End => {
                self.at -= 1;
                return Err(self.expected("a value"));
            }
        };
        Ok(Node { kind, span, height: 1 })
    }

    /// A negative number; its own case so that the smallest integer can be written.
    fn negative(&mut self, start: usize) -> Result<Node, ExprError> {
        let span = start..self.span().end;
        let kind = match *self.peek() {
            Token::Int(value) => 0i64.checked_sub_unsigned(value).map(Kind::Int),
            Token::Float(value) => Some(Kind::Float(-value)),
            _ => return Err(self.expected("a number")),
        };
        self.at += 1;
        let kind = kind.ok_or_else(|| ExprError::new(span.clone(), ExprErrorKind::BadNumber))?;
        Ok(Node { kind, span, height: 1 })
    }

    fn arguments(&mut self) -> Result<Vec<Node>, ExprError> {
        self.expect("(", "`(`")?;
        self.items(")", "`,` or `)`")
    }

    /// Values with commas between them, up to the closing sign.
    fn items(&mut self, close: &'static str, what: &'static str) -> Result<Vec<Node>, ExprError> {
        let mut items = Vec::new();
        if self.accept(close) {
            return Ok(items);
        }
        loop {
            items.push(self.ternary()?);
            if self.accept(close) {
                return Ok(items);
            }
            self.expect(",", what)?;
        }
    }

    fn name(&mut self, what: &'static str) -> Result<Called, ExprError> {
        match self.peek().clone() {
            Token::Name(name) => {
                let span = self.span();
                self.at += 1;
                Ok(Called { name, span })
            }
            _ => Err(self.expected(what)),
        }
    }

    fn operator(&self) -> Option<(u8, Operator)> {
        let (power, operator) = match self.peek() {
            Token::Name(name) if name == "in" => (2, Operator::Binary(Binary::In)),
            Token::Sign(sign) => match *sign {
                "||" => (0, Operator::Any),
                "&&" => (1, Operator::All),
                "==" => (2, Operator::Binary(Binary::Compare(Compare::Eq))),
                "!=" => (2, Operator::Binary(Binary::Compare(Compare::Ne))),
                "<" => (2, Operator::Binary(Binary::Compare(Compare::Lt))),
                "<=" => (2, Operator::Binary(Binary::Compare(Compare::Le))),
                ">" => (2, Operator::Binary(Binary::Compare(Compare::Gt))),
                ">=" => (2, Operator::Binary(Binary::Compare(Compare::Ge))),
                "+" => (3, Operator::Binary(Binary::Arith(Arith::Add))),
                "-" => (3, Operator::Binary(Binary::Arith(Arith::Sub))),
                "*" => (4, Operator::Binary(Binary::Arith(Arith::Mul))),
                "/" => (4, Operator::Binary(Binary::Arith(Arith::Div))),
                "%" => (4, Operator::Binary(Binary::Arith(Arith::Rem))),
                _ => return None,
            },
            _ => return None,
        };
        Some((power, operator))
    }

    fn node(&self, kind: Kind, span: Range<usize>, height: usize) -> Result<Node, ExprError> {
        if height >= HEIGHT {
            return Err(ExprError::new(span, ExprErrorKind::TooDeep));
        }
        Ok(Node { kind, span, height: height + 1 })
    }

    fn peek(&self) -> &Token {
        self.lexemes.get(self.at).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn after(&self) -> &Token {
        self.lexemes.get(self.at + 1).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn span(&self) -> Range<usize> {
        self.lexemes.get(self.at).or(self.lexemes.last()).map_or(0..0, |lexeme| lexeme.span.clone())
    }

    /// End of the token that was read last.
    fn before(&self) -> usize {
        self.lexemes.get(self.at.saturating_sub(1)).map_or(0, |lexeme| lexeme.span.end)
    }

    fn accept(&mut self, sign: &'static str) -> bool {
        let there = *self.peek() == Token::Sign(sign);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &'static str, what: &'static str) -> Result<(), ExprError> {
        if self.accept(sign) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn expected(&self, what: &'static str) -> ExprError {
        ExprError::new(self.span(), ExprErrorKind::Expected(what))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    All,
    Any,
    Binary(Binary),
}

/// Height of a syntax tree: each level of nesting may hold an operator or a member on the way to the next.
const HEIGHT: usize = 3 * limits::EXPRESSION_DEPTH;

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> ExprErrorKind {
        parse(text).unwrap_err().kind
    }

    #[test]
    fn depth_is_bounded_on_a_small_stack() {
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(|| {
            for (open, close) in [("(", ")"), ("!", ""), ("-", ""), ("[", "]"), ("a[", "]"), ("f(", ")")] {
                let text = format!("{}a{}", open.repeat(1000), close.repeat(1000));
                assert_eq!(kind(&text), ExprErrorKind::TooDeep, "{open}");
                let text = format!("{}a{}", open.repeat(20), close.repeat(20));
                assert!(parse(&text).is_ok(), "{open}");
            }
            for chain in ["a+", "a.", "a==", "a?a:", "a-a*"] {
                let text = format!("{}a", chain.repeat(800));
                assert_eq!(kind(&text), ExprErrorKind::TooDeep, "{chain}");
            }
            let wide = format!("{}a", "a && ".repeat(500));
            assert_eq!(parse(&wide).unwrap().height, 2);
            let worst = "(a||a&&a==a+a*".repeat(40) + "a" + &")".repeat(40);
            assert_eq!(kind(&worst), ExprErrorKind::TooDeep);
            assert_eq!(kind(&" ".repeat(5000)), ExprErrorKind::TooLong);
        });
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn mistakes_have_spans() {
        for (text, span) in [
            ("", 0..0),
            ("a &&", 4..4),
            ("a b", 2..3),
            ("f(a", 3..3),
            ("a.1", 2..3),
            ("(a]", 2..3),
            ("9223372036854775808", 0..19),
            ("a ? b", 5..5),
        ] {
            assert_eq!(parse(text).unwrap_err().span, span, "{text}");
        }
        assert!(parse("-9223372036854775808 == a").is_ok());
    }

    #[test]
    fn precedence() {
        let Kind::Any(parts) = parse("a || b && c == d + e * f").unwrap().kind else { panic!() };
        let Kind::All(parts) = &parts[1].kind else { panic!() };
        assert!(matches!(parts[1].kind, Kind::Binary(Binary::Compare(Compare::Eq), ..)));
        let Kind::Binary(Binary::Arith(Arith::Sub), left, _) = parse("a - b - c").unwrap().kind else {
            panic!()
        };
        assert!(matches!(left.kind, Kind::Binary(Binary::Arith(Arith::Sub), ..)));
    }
}
