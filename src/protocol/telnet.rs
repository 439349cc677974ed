//! Telnet (RFC 854) on any port: options are taken out of the text, and what is typed at a prompt for a password is told.

use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed};

/// Telnet.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "telnet", probe, open: || Box::new(Units::new(Telnet::default())), upgrade: None };

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
/// Longest parameter of an option.
const SUBOPTION: usize = 1024;
/// Longest line that is taken for a password.
const PASSWORD: usize = 256;

/// Options are agreed on first.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [IAC, 251..=254, 0..=49, rest @ ..] => match rest.first() {
            None | Some(&IAC) => Verdict::Yes(None),
            Some(b) if b.is_ascii_graphic() || b.is_ascii_whitespace() => Verdict::Yes(None),
            Some(_) => Verdict::No,
        },
        [IAC, 251..=254] | [IAC] => Verdict::More,
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Telnet {
    /// The last characters of the server.
    prompt: Vec<u8>,
    /// What is typed at a prompt for a password, and where it began.
    typed: Option<(Vec<u8>, u64)>,
}

impl Grammar for Telnet {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let text = memchr::memchr(IAC, bytes).unwrap_or(bytes.len());
        if text > 0 {
            self.text(dir, &bytes[..text], at, out);
            return Ok(Step::Read(text));
        }
        Ok(match bytes {
            [IAC, SB, rest @ ..] => match memchr::memmem::find(rest, &[IAC, SE]) {
                Some(end) => Step::Read(end + 4),
                None if rest.len() > SUBOPTION => Step::Read(2),
                None => Step::Until(SE),
            },
            [IAC, 251..=254, ..] if bytes.len() < 3 => Step::Need(3),
            [IAC, 251..=254, ..] => Step::Read(3),
            [IAC] => Step::Need(2),
            _ => Step::Read(2),
        })
    }

    fn skip(&mut self, dir: Direction, _: u64, out: &mut Out<'_>) -> bool {
        self.typed = None;
        out.opaque_end(dir);
        true
    }

    fn lose(&mut self, _: Direction, _: &mut Out<'_>) {
        self.typed = None;
    }

    fn resumes(&self, _: Direction, _: &[u8]) -> bool {
        true
    }
}

impl Telnet {
    fn text(&mut self, dir: Direction, text: &[u8], at: u64, out: &mut Out<'_>) {
        out.opaque(dir, at, text);
        if dir == Direction::Response {
            let more = &text[text.len().saturating_sub(32)..];
            self.prompt.extend_from_slice(more);
            let over = self.prompt.len().saturating_sub(32);
            self.prompt.drain(..over);
            let last = self.prompt.trim_ascii_end().to_ascii_lowercase();
            if last.ends_with(b"password:") {
                self.typed = Some((Vec::new(), 0));
            }
            return;
        }
        let Some((typed, began)) = &mut self.typed else { return };
        let end = text.iter().position(|b| matches!(b, b'\r' | b'\n'));
        if typed.is_empty() {
            *began = at;
        }
        typed.extend_from_slice(&text[..end.unwrap_or(text.len())]);
        if end.is_some() && !typed.is_empty() && typed.len() <= PASSWORD {
            out.secret(dir, *began, typed);
            out.login(out.attempt("password", Disclosed::Password, dir, *began));
        }
        if end.is_some() || typed.len() > PASSWORD {
            self.typed = None;
            self.prompt.clear();
        }
    }
}
