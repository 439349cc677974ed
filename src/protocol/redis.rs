//! RESP2 and RESP3, the protocol of Redis, on any port: AUTH and HELLO, the arguments of commands, and what is answered.

use super::gate::Gate;
use super::line::line;
use super::payload::Payload;
use super::reader::offset;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Field, Location};

/// Redis.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "redis", probe, open: || Box::new(Units::new(Redis::default())), upgrade: None };

/// Nesting of a value that is believed; Redis answers with four levels at most.
const DEPTH: usize = 32;
/// Arguments and values up to this length are read as a whole, so that they get the name of their command.
const SHORT: u64 = 16 << 10;

/// A command is an array of bulk strings; the first one is its name.
fn probe(bytes: &[u8]) -> Verdict {
    let mut rest = match bytes.strip_prefix(b"*") {
        Some(rest) => rest,
        None => return Verdict::No,
    };
    for (mark, digits) in [(None, 1..=7), (Some(b'$'), 1..=2)] {
        if let Some(mark) = mark {
            match rest.split_first() {
                Some((first, after)) if *first == mark => rest = after,
                Some(_) => return Verdict::No,
                None => return Verdict::More,
            }
        }
        let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        match rest.get(n..) {
            Some([b'\r', b'\n', after @ ..]) if digits.contains(&n) && rest.first() != Some(&b'0') => {
                rest = after
            }
            Some([] | [b'\r']) if digits.contains(&n) || n == 0 => return Verdict::More,
            _ => return Verdict::No,
        }
    }
    match rest.first() {
        None => Verdict::More,
        Some(first) if first.is_ascii_alphabetic() => Verdict::Yes(None),
        Some(_) => Verdict::No,
    }
}

#[derive(Default)]
struct Redis {
    gate: Gate,
    halves: [Half; 2],
    command: Command,
    /// Commands that were sent, and answers to them.
    asked: u64,
    answered: u64,
    /// The number of the command that logs in.
    login: Option<u64>,
    /// The kind of the answer in progress.
    answer: u8,
}

#[derive(Default)]
struct Half {
    /// Elements that are still to come, of each open aggregate.
    open: Vec<u64>,
    payload: Payload,
    /// Behind a bulk string stands the end of its line.
    ends: bool,
}

/// The command in progress.
#[derive(Default)]
struct Command {
    /// In lower case, as it names places.
    name: Vec<u8>,
    /// Words of it so far, and in all.
    words: u64,
    all: u64,
    /// The option of HELLO that logs in was read, and so many words behind it.
    auth: Option<u8>,
}

impl Grammar for Redis {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let half = &mut self.halves[dir.index()];
        if half.payload.is_open() {
            return Ok(Step::Read(half.payload.push(dir, bytes, at, out)));
        }
        if half.ends {
            return match bytes {
                [b'\r', b'\n', ..] => {
                    half.ends = false;
                    self.passed(dir, out);
                    Ok(Step::Read(2))
                }
                [b'\r'] => Ok(Step::Need(2)),
                _ => Err(BAD),
            };
        }
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        let Some((kind, rest)) = text.split_first() else {
            return if dir == Direction::Request { Ok(Step::Read(n)) } else { Err(BAD) };
        };
        if half.open.is_empty() && dir == Direction::Response {
            self.answer = *kind;
        }
        match kind {
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let pairs = matches!(kind, b'%' | b'|');
                let count = number(rest)?.saturating_mul(if pairs { 2 } else { 1 });
                self.aggregate(dir, count, out)?;
            }
            b'$' | b'=' | b'!' => {
                let Ok(len) = u64::try_from(number(rest)?) else {
                    // There is no value.
                    self.passed(dir, out);
                    return Ok(Step::Read(n));
                };
                return self.bulk(dir, len, (bytes, n), at, out);
            }
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' if dir == Direction::Response => {
                out.say(dir, Location::Reply, at + 1, rest);
                self.passed(dir, out);
            }
            _ if dir == Direction::Request && kind.is_ascii_alphabetic() && half.open.is_empty() => {
                self.inline(text, at, out);
            }
            _ => return Err(BAD),
        }
        Ok(Step::Read(n))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let payload = &mut self.halves[dir.index()].payload;
        payload.is_open() && payload.skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.payload.cut(dir, out);
        *half = Half::default();
        self.command = Command::default();
        self.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        let Some((text, _)) = line(bytes) else { return false };
        match (text.split_first(), dir) {
            (Some((b'*', rest)), Direction::Request) => number(rest).is_ok() && bytes.contains(&b'$'),
            (Some((b'*' | b'$' | b'%' | b'~' | b'>' | b':', rest)), Direction::Response) => {
                number(rest).is_ok()
            }
            (Some((b'+' | b'-', rest)), Direction::Response) => {
                rest.first().is_some_and(u8::is_ascii_alphabetic)
            }
            _ => false,
        }
    }
}

const BAD: Malformed = Malformed("redis_bad_value");

/// The number in the first line of a value: a length or a count, -1 where there is no value.
fn number(digits: &[u8]) -> Result<i64, Malformed> {
    let number = std::str::from_utf8(digits).ok().and_then(|s| s.parse::<i64>().ok());
    number.filter(|n| *n >= -1).ok_or(BAD)
}

impl Redis {
    /// An aggregate of so many elements begins.
    fn aggregate(&mut self, dir: Direction, count: i64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let open = &mut self.halves[dir.index()].open;
        if open.is_empty() && dir == Direction::Request {
            self.command = Command { all: count.max(0) as u64, ..Command::default() };
        }
        if count <= 0 {
            self.passed(dir, out);
        } else if open.len() < DEPTH {
            open.push(count as u64);
        } else {
            return Err(BAD);
        }
        Ok(())
    }

    /// A string of `len` bytes behind its first line, of `n` bytes.
    fn bulk(
        &mut self,
        dir: Direction,
        len: u64,
        (bytes, n): (&[u8], usize),
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<Step, Malformed> {
        let at = at + n as u64;
        if len > SHORT {
            let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
            let id = out.open(dir, (location, location), at, &[]);
            let half = &mut self.halves[dir.index()];
            half.payload = Payload::new(id, len, dir, out);
            half.ends = true;
            return Ok(Step::Read(n));
        }
        let all = n + len as usize + 2;
        let Some(value) = bytes.get(n..all) else { return Ok(Step::Need(all)) };
        let Some(value) = value.strip_suffix(b"\r\n") else { return Err(BAD) };
        if dir == Direction::Request {
            self.word(value, at, out);
        } else {
            out.say(dir, Location::Reply, at, value);
        }
        self.passed(dir, out);
        Ok(Step::Read(all))
    }

    /// The next word of a command.
    fn word(&mut self, value: &[u8], at: u64, out: &mut Out<'_>) {
        let command = &mut self.command;
        command.words += 1;
        if command.words == 1 {
            command.name = value.iter().take(24).map(u8::to_ascii_lowercase).collect();
            return;
        }
        let last = command.words == command.all;
        let secret = match (command.name.as_slice(), &mut command.auth) {
            (b"auth", _) => Some(last),
            (b"hello", Some(nth @ 0..2)) => {
                *nth += 1;
                Some(*nth == 2)
            }
            (b"hello", auth @ None) if value.eq_ignore_ascii_case(b"AUTH") => {
                *auth = Some(0);
                None
            }
            _ => None,
        };
        match secret {
            Some(false) => out.connect(b"user", at, value),
            Some(true) => {
                out.connect(b"password", at, value);
                self.gate.secret("password", value, at, out);
                self.login = Some(self.asked + 1);
            }
            None if value.first().is_some_and(|b| b"{[".contains(b)) => {
                out.say(Direction::Request, Location::Command, at, value);
            }
            None => {
                let field = Field { name: &self.command.name, value, at: 0 };
                out.tell(Direction::Request, Location::Command, at, &[field]);
            }
        }
    }

    /// A command as people type it.
    fn inline(&mut self, text: &[u8], at: u64, out: &mut Out<'_>) {
        let words: Vec<_> = text.split(|b| *b == b' ').filter(|w| !w.is_empty()).collect();
        self.command = Command { all: words.len() as u64, ..Command::default() };
        for word in words {
            self.word(word, at + u64::from(offset(text, word)), out);
        }
        self.passed(Direction::Request, out);
    }

    /// A value is over, and with it the aggregates whose last element it was.
    fn passed(&mut self, dir: Direction, out: &mut Out<'_>) {
        let open = &mut self.halves[dir.index()].open;
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            open.pop();
        }
        match dir {
            Direction::Request => self.asked += 1,
            // What is pushed answers nothing.
            Direction::Response if self.answer == b'>' => {}
            Direction::Response => {
                self.answered = (self.answered + 1).min(self.asked);
                if self.login.is_some_and(|n| n == self.answered) {
                    self.settle(Some(!matches!(self.answer, b'-' | b'!')), out);
                }
            }
        }
    }

    fn settle(&mut self, accepted: Option<bool>, out: &mut Out<'_>) {
        self.login = None;
        self.gate.settle(accepted, out);
    }
}
