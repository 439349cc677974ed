//! Text of an expression to tokens.

use std::ops::Range;

use super::error::{ExprError, ExprErrorKind};

/// One token and its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(u64),
    Float(f64),
    Str(String),
    Sign(&'static str),
    End,
}

/// Splits `text` into tokens; the last one is [`Token::End`].
pub(super) fn lex(text: &str) -> Result<Vec<Lexeme>, ExprError> {
    let bytes = text.as_bytes();
    let mut lexemes = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let token = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
                continue;
            }
            b'r' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => {
                let unclosed = || ExprError::new(start..text.len(), ExprErrorKind::Unclosed);
                let raw = &text[at + 2..];
                let len = raw.bytes().position(|b| b == bytes[at + 1]).ok_or_else(unclosed)?;
                at += len + 3;
                Token::Str(raw[..len].to_owned())
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                at += span_of(&bytes[at..], |b| b.is_ascii_alphanumeric() || b == b'_');
                Token::Name(text[start..at].to_owned())
            }
            b'0'..=b'9' => {
                let (token, len) = number(&text[at..])
                    .ok_or_else(|| ExprError::new(start..start + 1, ExprErrorKind::BadNumber))?;
                at += len;
                if bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    return Err(ExprError::new(start..at + 1, ExprErrorKind::BadNumber));
                }
                token
            }
            b'"' | b'\'' => {
                let (value, len) = string(&text[at..], start)?;
                at += len;
                Token::Str(value)
            }
            _ => match SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
                Some(sign) => {
                    at += sign.len();
                    Token::Sign(sign)
                }
                None => {
                    let c = text[at..].chars().next().unwrap_or(' ');
                    return Err(ExprError::new(at..at + c.len_utf8(), ExprErrorKind::BadCharacter(c)));
                }
            },
        };
        lexemes.push(Lexeme { token, span: start..at });
    }
    lexemes.push(Lexeme { token: Token::End, span: text.len()..text.len() });
    Ok(lexemes)
}

/// Longer signs come before their beginnings.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]",
    ",", ".",
];

fn span_of(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| !belongs(*b)).unwrap_or(bytes.len())
}

fn number(text: &str) -> Option<(Token, usize)> {
    let bytes = text.as_bytes();
    if let Some(hex) = text.strip_prefix("0x") {
        let len = span_of(hex.as_bytes(), |b| b.is_ascii_hexdigit());
        return Some((Token::Int(u64::from_str_radix(&hex[..len], 16).ok()?), len + 2));
    }
    let mut len = span_of(bytes, |b| b.is_ascii_digit());
    let mut float = false;
    if bytes.get(len) == Some(&b'.') && bytes.get(len + 1).is_some_and(u8::is_ascii_digit) {
        len += 1 + span_of(&bytes[len + 1..], |b| b.is_ascii_digit());
        float = true;
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let digits = span_of(&bytes[(len + 1 + sign).min(bytes.len())..], |b| b.is_ascii_digit());
        if digits > 0 {
            len += 1 + sign + digits;
            float = true;
        }
    }
    let digits = &text[..len];
    let token = if float {
        Token::Float(digits.parse().ok().filter(|value: &f64| value.is_finite())?)
    } else {
        Token::Int(digits.parse().ok()?)
    };
    Some((token, len))
}

/// Reads a quoted string at the start of `text`; `base` is where that is in the expression.
fn string(text: &str, base: usize) -> Result<(String, usize), ExprError> {
    let unclosed = || ExprError::new(base..base + text.len(), ExprErrorKind::Unclosed);
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, c)| c).ok_or_else(unclosed)?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((value, at + c.len_utf8()));
        }
        if c == '\n' {
            return Err(unclosed());
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        let (_, code) = chars.next().ok_or_else(unclosed)?;
        let digits = match code {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let simple = match code {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            '\\' | '"' | '\'' | '`' | '?' => Some(code),
            _ if digits > 0 => {
                let hex = text.get(at + 2..at + 2 + digits).unwrap_or("");
                (0..digits).for_each(|_| _ = chars.next());
                let all_hex = hex.bytes().all(|b| b.is_ascii_hexdigit()) && !hex.is_empty();
                all_hex.then(|| u32::from_str_radix(hex, 16).ok()).flatten().and_then(char::from_u32)
            }
            _ => None,
        };
        value.push(simple.ok_or_else(|| {
            let end = at + 1 + code.len_utf8();
            ExprError::new(base + at..base + end, ExprErrorKind::BadEscape)
        })?);
    }
    Err(unclosed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(text).unwrap().into_iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn signs_names_and_numbers() {
        assert_eq!(
            tokens("a.b >= 0x10 // note\n&& 1.5e3<7"),
            [
                Token::Name("a".into()),
                Token::Sign("."),
                Token::Name("b".into()),
                Token::Sign(">="),
                Token::Int(16),
                Token::Sign("&&"),
                Token::Float(1500.0),
                Token::Sign("<"),
                Token::Int(7),
                Token::End
            ]
        );
    }

    #[test]
    fn strings() {
        assert_eq!(
            tokens(r#""a\n\"\x41\u00e9" 'it"s'"#)[..2],
            [Token::Str("a\n\"Aé".into()), Token::Str("it\"s".into())]
        );
    }

    #[test]
    fn mistakes_have_spans() {
        for (text, span) in [
            ("a # b", 2..3),
            ("x == 'abc", 5..9),
            (r"'a\qb'", 2..4),
            ("12abc", 0..3),
            ("99999999999999999999", 0..1),
            ("a = b", 2..3),
            ("'\\uD800'", 1..3),
            ("'\\u12", 1..3),
            ("\u{e9}", 0..2),
        ] {
            assert_eq!(lex(text).unwrap_err().span, span, "{text}");
        }
    }
}
