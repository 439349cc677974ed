//! SMTP and LMTP (RFC 5321, RFC 2033) on any port: AUTH (RFC 4954), STARTTLS (RFC 3207), the text of mails.

use super::gate::Gate;
use super::line::{Dotted, Piece, begins, is_word, line, word};
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End, ExchangeId, Location};

/// SMTP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "smtp", probe, open: || Box::new(Units::new(Smtp::default())), upgrade: None };

/// A client begins with its name; the greeting of a server may be that of FTP.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(b'E' | b'e' | b'H' | b'h' | b'L' | b'l') => {
            let names: [&[u8]; 3] = [b"EHLO", b"HELO", b"LHLO"];
            let verdicts = names.map(|name| begins(bytes, name));
            if verdicts.contains(&Some(true)) {
                Verdict::Yes(Some(Direction::Request))
            } else if verdicts.contains(&None) {
                Verdict::More
            } else {
                Verdict::No
            }
        }
        Some(b'2') => match bytes {
            [b'2', b'2', b'0', b' ' | b'-', text @ ..] => {
                let text = text.get(..1024).unwrap_or(text);
                if is_word(text, "smtp") || is_word(text, "esmtp") || is_word(text, "lmtp") {
                    Verdict::Yes(Some(Direction::Response))
                } else if text.contains(&b'\n') && is_word(text, "ftp") {
                    Verdict::No
                } else {
                    Verdict::More
                }
            }
            _ if b"220".starts_with(bytes) => Verdict::More,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Smtp {
    gate: Gate,
    text: Text,
    /// A mail in progress.
    mail: Option<ExchangeId>,
    /// Bytes of it that are still to come in a chunk, and whether that is its last one (RFC 3030).
    chunk: u64,
    last: bool,
    /// The server was heard.
    answers: bool,
}

/// What the client sends.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Commands,
    /// The server was asked to take a mail.
    Asked,
    /// The text of a mail, up to a line with a dot alone.
    Mail(Dotted),
}

impl Grammar for Smtp {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        if dir == Direction::Response {
            return self.reply(bytes, at, out);
        }
        if self.chunk > 0 {
            let n = self.chunk.min(bytes.len() as u64);
            let id = self.mail(at, out);
            out.body(id, dir, at, &bytes[..n as usize]);
            self.pass(n, out);
            return Ok(Step::Read(n as usize));
        }
        if self.text == Text::Asked {
            // Nobody is heard: what follows is what was announced.
            self.text = if self.answers { Text::Commands } else { Text::Mail(Dotted::default()) };
        }
        match &mut self.text {
            Text::Mail(dotted) => match dotted.next(bytes) {
                Piece::Need(n) => Ok(Step::Need(n)),
                Piece::Text(n) => {
                    let id = self.mail(at, out);
                    out.body(id, dir, at, &bytes[..n]);
                    Ok(Step::Read(n))
                }
                Piece::End(n) => {
                    self.end_mail(End::Complete, out);
                    self.text = Text::Commands;
                    Ok(Step::Read(n))
                }
            },
            Text::Commands | Text::Asked => self.command(bytes, at, out),
        }
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        if self.gate.skips(dir, len, out) {
            return true;
        }
        let request = dir == Direction::Request;
        match (self.mail, self.text) {
            (Some(id), _) if request && self.chunk >= len => {
                out.body_gap(id, dir, len);
                self.pass(len, out);
                true
            }
            // The end may be in the hole: then the next command is taken for text, up to the end of the next mail.
            (Some(id), Text::Mail(_)) if request => {
                out.body_gap(id, dir, len);
                true
            }
            _ => false,
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        if dir == Direction::Request {
            self.end_mail(End::Cut, out);
            self.chunk = 0;
            self.text = Text::Commands;
        }
        self.gate.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        match dir {
            Direction::Request => {
                let verb = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                matches!(verb, 4 | 8) && matches!(bytes.get(verb), Some(b' ' | b'\r'))
            }
            Direction::Response => matches!(bytes, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]),
        }
    }
}

impl Smtp {
    fn command(&mut self, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        let (verb, rest) = word(text);
        let rest_at = at + (text.len() - rest.len()) as u64;
        match verb.to_ascii_uppercase().as_slice() {
            _ if self.gate.in_sasl() => self.gate.response(text, at, Coding::Base64, out),
            b"AUTH" => {
                let (mechanism, initial) = word(rest);
                self.gate.sasl(mechanism, out);
                if !initial.is_empty() {
                    let initial_at = at + (text.len() - initial.len()) as u64;
                    self.gate.response(initial.trim_ascii_end(), initial_at, Coding::Base64, out);
                }
            }
            b"STARTTLS" => self.gate.ask(),
            b"DATA" => self.text = Text::Asked,
            b"BDAT" => {
                let (size, last) = word(rest);
                let size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok());
                self.chunk = size.ok_or(Malformed("smtp_bad_chunk"))?;
                self.last = last.eq_ignore_ascii_case(b"LAST");
                self.mail(at + n as u64, out);
                self.pass(0, out);
            }
            _ => out.say(Direction::Request, Location::Command, rest_at, rest),
        }
        Ok(Step::Read(n))
    }

    fn reply(&mut self, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        let [a @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', rest @ ..] = text else {
            return Err(Malformed("smtp_bad_reply"));
        };
        self.answers = true;
        let words = rest.get(1..).unwrap_or_default();
        if words.eq_ignore_ascii_case(b"STARTTLS") {
            self.gate.offer();
        }
        match (&text[..3], a) {
            _ if rest.first() == Some(&b'-') => {}
            (b"334", _) => {}
            (b"354", _) => self.text = Text::Mail(Dotted::default()),
            _ if self.gate.asked() => self.gate.answer(*a == b'2', &PROTOCOL, out),
            (_, b'2') if self.gate.waits() => self.gate.settle(Some(true), out),
            (_, b'4' | b'5') if self.gate.waits() => self.gate.settle(Some(false), out),
            _ => {}
        }
        out.say(Direction::Response, Location::Reply, at + 4, words);
        Ok(Step::Read(n))
    }

    /// The mail in progress, or one that begins at layer offset `at`.
    fn mail(&mut self, at: u64, out: &mut Out<'_>) -> ExchangeId {
        *self
            .mail
            .get_or_insert_with(|| out.open(Direction::Request, (Location::Mail, Location::Header), at, &[]))
    }

    /// So many bytes of a chunk were taken.
    fn pass(&mut self, n: u64, out: &mut Out<'_>) {
        self.chunk -= n;
        if self.chunk == 0 && self.last {
            self.end_mail(End::Complete, out);
        }
    }

    fn end_mail(&mut self, end: End, out: &mut Out<'_>) {
        if let Some(id) = self.mail.take() {
            out.end(id, Direction::Request, end);
        }
    }
}
