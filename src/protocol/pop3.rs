//! POP3 (RFC 1939) on any port: USER and PASS, APOP, AUTH (RFC 5034), STLS (RFC 2595), the text of mails.

use super::gate::Gate;
use super::line::{Dotted, Piece, begins, is_word, line, word};
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{Direction, Disclosed, End, ExchangeId, Location};
use std::collections::VecDeque;

/// POP3.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "pop3", probe, open: || Box::new(Units::new(Pop3::default())), upgrade: None };

/// A greeting with a text, or commands that no other protocol has.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(b'+') => match bytes {
            [b'+', b'O', b'K', b' ', next, ..] if next.is_ascii_graphic() => {
                Verdict::Yes(Some(Direction::Response))
            }
            _ if b"+OK ".starts_with(bytes) => Verdict::More,
            _ => Verdict::No,
        },
        Some(b'C' | b'c' | b'S' | b's' | b'A' | b'a') => {
            let verdicts = [&b"CAPA"[..], b"STLS", b"APOP"].map(|name| begins(bytes, name));
            if verdicts.contains(&Some(true)) {
                Verdict::Yes(Some(Direction::Request))
            } else if verdicts.contains(&None) {
                Verdict::More
            } else {
                Verdict::No
            }
        }
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Pop3 {
    gate: Gate,
    /// Commands that were not answered yet.
    asked: VecDeque<Command>,
    /// A multi-line answer, and the mail that it is.
    text: Option<(Dotted, Option<ExchangeId>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Its answer is one line.
    Plain,
    /// Its answer is a list.
    List,
    /// Its answer is a mail.
    Mail,
    /// It logs in; the user's name is only the first part of it.
    Login,
    Tls,
}

impl Grammar for Pop3 {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        match (dir, self.text) {
            (Direction::Response, Some((dotted, mail))) => self.text(dotted, mail, bytes, at, out),
            (Direction::Response, None) => self.answer(bytes, at, out),
            (Direction::Request, _) => self.command(bytes, at, out),
        }
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        match self.text {
            _ if self.gate.skips(dir, len, out) => true,
            // As far as can be told the mail goes on behind the hole.
            Some((_, Some(id))) if dir == Direction::Response => {
                out.body_gap(id, dir, len);
                true
            }
            _ => false,
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        if dir == Direction::Response
            && let Some((_, Some(id))) = self.text.take()
        {
            out.end(id, dir, End::Cut);
        }
        self.asked.clear();
        self.gate.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        match dir {
            Direction::Request => {
                let verb = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                matches!(verb, 3 | 4) && matches!(bytes.get(verb), Some(b' ' | b'\r'))
            }
            Direction::Response => bytes.starts_with(b"+OK") || bytes.starts_with(b"-ERR"),
        }
    }
}

impl Pop3 {
    fn command(&mut self, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        if self.gate.in_sasl() {
            self.gate.response(text, at, Coding::Base64, out);
            return Ok(Step::Read(n));
        }
        let (verb, rest) = word(text);
        let rest_at = at + (text.len() - rest.len()) as u64;
        let command = match verb.to_ascii_uppercase().as_slice() {
            b"CAPA" | b"LIST" | b"UIDL" | b"AUTH" if rest.is_empty() => Command::List,
            b"STLS" => {
                self.gate.ask();
                Command::Tls
            }
            b"AUTH" => {
                let (mechanism, initial) = word(rest);
                self.gate.sasl(mechanism, out);
                if !initial.is_empty() {
                    let initial_at = at + (text.len() - initial.len()) as u64;
                    self.gate.response(initial.trim_ascii_end(), initial_at, Coding::Base64, out);
                }
                Command::Login
            }
            b"PASS" => {
                // A password may have spaces in it.
                out.connect(b"password", rest_at, rest);
                self.gate.secret("password", rest, rest_at, out);
                Command::Login
            }
            b"APOP" => {
                self.gate.login("apop", Disclosed::Hash, rest_at, out);
                Command::Login
            }
            b"USER" => {
                out.connect(b"user", rest_at, rest);
                Command::Plain
            }
            verb => {
                out.say(Direction::Request, Location::Command, rest_at, rest);
                if matches!(verb, b"RETR" | b"TOP") { Command::Mail } else { Command::Plain }
            }
        };
        if self.asked.len() < limits::PIPELINE {
            self.asked.push_back(command);
        }
        Ok(Step::Read(n))
    }

    fn answer(&mut self, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        let yes = text.starts_with(b"+OK");
        if !yes && !text.starts_with(b"-ERR") {
            // A challenge of SASL.
            if text == b"+" || text.starts_with(b"+ ") {
                return Ok(Step::Read(n));
            }
            return Err(Malformed("pop3_bad_answer"));
        }
        out.say(Direction::Response, Location::Reply, at, text);
        match self.asked.pop_front() {
            Some(Command::Tls) => self.gate.answer(yes, &PROTOCOL, out),
            Some(Command::Login) => self.gate.settle(Some(yes), out),
            Some(Command::List) if yes => self.text = Some((Dotted::default(), None)),
            Some(Command::Mail) if yes => {
                let places = (Location::Mail, Location::Header);
                let id = out.open(Direction::Response, places, at + n as u64, &[]);
                self.text = Some((Dotted::default(), Some(id)));
            }
            _ => {}
        }
        Ok(Step::Read(n))
    }

    /// A multi-line answer: a mail, or lines that are looked at one by one.
    fn text(
        &mut self,
        mut dotted: Dotted,
        mail: Option<ExchangeId>,
        bytes: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<Step, Malformed> {
        let dir = Direction::Response;
        let Some(id) = mail else {
            let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
            if text == b"." {
                self.text = None;
            } else if is_word(text, "stls") {
                self.gate.offer();
            }
            out.say(dir, Location::Reply, at, text);
            return Ok(Step::Read(n));
        };
        match dotted.next(bytes) {
            Piece::Need(n) => Ok(Step::Need(n)),
            Piece::Text(n) => {
                out.body(id, dir, at, &bytes[..n]);
                self.text = Some((dotted, mail));
                Ok(Step::Read(n))
            }
            Piece::End(n) => {
                out.end(id, dir, End::Complete);
                self.text = None;
                Ok(Step::Read(n))
            }
        }
    }
}
