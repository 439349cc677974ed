//! The control connection of FTP (RFC 959) on any port: USER, PASS and AUTH TLS (RFC 4217).

use super::gate::Gate;
use super::line::{begins, is_word, line, word};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed, Location};

/// FTP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "ftp", probe, open: || Box::new(Units::new(Ftp::default())), upgrade: None };

/// A greeting that says so, or the commands that a session begins with. POP3, which has USER too, is told by its greeting.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(b'2') => match bytes {
            [b'2', b'2', b'0', b' ' | b'-', text @ ..] => {
                let text = text.get(..1024).unwrap_or(text);
                let ftp = |w: &[u8]| w.len() >= 3 && w.windows(3).any(|w| w.eq_ignore_ascii_case(b"ftp"));
                match text.split(|b| !b.is_ascii_alphanumeric()).any(ftp) {
                    true if !is_word(text, "smtp") && !is_word(text, "esmtp") => {
                        Verdict::Yes(Some(Direction::Response))
                    }
                    true => Verdict::No,
                    false => Verdict::More,
                }
            }
            _ if b"220".starts_with(bytes) => Verdict::More,
            _ => Verdict::No,
        },
        Some(b'U' | b'u' | b'A' | b'a') => match (begins(bytes, b"USER"), begins(bytes, b"AUTH")) {
            (Some(true), _) => Verdict::Yes(Some(Direction::Request)),
            (_, Some(true)) => {
                let (_, how) = word(bytes.trim_ascii_end());
                let tls = [&b"TLS"[..], b"SSL", b"TLS-C", b"TLS-P"]
                    .iter()
                    .any(|name| how.eq_ignore_ascii_case(name));
                if tls && bytes.ends_with(b"\n") {
                    Verdict::Yes(Some(Direction::Request))
                } else {
                    Verdict::More
                }
            }
            (None, _) | (_, None) => Verdict::More,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Ftp {
    gate: Gate,
    /// The user needs no password worth the name.
    anonymous: bool,
    /// The lines of an answer go on up to one that begins with this code and a space.
    goes_on: Option<[u8; 3]>,
}

impl Grammar for Ftp {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        match dir {
            Direction::Request => self.command(text, at, out),
            Direction::Response => self.answer(text, at, out)?,
        }
        Ok(Step::Read(n))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        self.gate.skips(dir, len, out)
    }

    fn lose(&mut self, _: Direction, out: &mut Out<'_>) {
        self.goes_on = None;
        self.gate.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        match dir {
            Direction::Request => {
                let verb = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                matches!(verb, 3 | 4) && matches!(bytes.get(verb), Some(b' ' | b'\r'))
            }
            Direction::Response => matches!(bytes, [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]),
        }
    }
}

impl Ftp {
    fn command(&mut self, text: &[u8], at: u64, out: &mut Out<'_>) {
        let (verb, rest) = word(text);
        let rest_at = at + (text.len() - rest.len()) as u64;
        match verb.to_ascii_uppercase().as_slice() {
            b"USER" => {
                self.anonymous = rest.eq_ignore_ascii_case(b"anonymous") || rest.eq_ignore_ascii_case(b"ftp");
                out.connect(b"user", rest_at, rest);
            }
            b"PASS" => {
                out.connect(b"password", rest_at, rest);
                if self.anonymous {
                    self.gate.login("password", Disclosed::Nothing, rest_at, out);
                } else {
                    self.gate.secret("password", rest, rest_at, out);
                }
            }
            b"AUTH" => self.gate.ask(),
            _ => out.say(Direction::Request, Location::Command, rest_at, rest),
        }
    }

    fn answer(&mut self, text: &[u8], at: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let code = text.first_chunk::<3>().filter(|c| c.iter().all(u8::is_ascii_digit)).copied();
        let last = text.get(3).is_none_or(|b| *b == b' ');
        match (self.goes_on, code) {
            (Some(open), code) if code != Some(open) || !last => {}
            (_, Some(code)) if last => {
                self.goes_on = None;
                match code[0] {
                    b'1' | b'3' => {}
                    first if self.gate.asked() => self.gate.answer(first == b'2', &PROTOCOL, out),
                    first if self.gate.waits() => self.gate.settle(Some(first == b'2'), out),
                    _ => {}
                }
            }
            (_, Some(code)) => self.goes_on = Some(code),
            (_, None) => return Err(Malformed("ftp_bad_answer")),
        }
        // RFC 4217 section 4: a line of FEAT.
        if text.trim_ascii().len() >= 8 && is_word(text, "auth") && is_word(text, "tls") {
            self.gate.offer();
        }
        out.say(Direction::Response, Location::Reply, at, text);
        Ok(())
    }
}
