//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929) on any port: the login, and whatever is inside the tunnel.

use super::gate::Gate;
use super::reader::Reader;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Location};

/// SOCKS.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "socks", probe, open: || Box::new(Units::new(Socks::default())), upgrade: None };

/// Longest user name or host name of version 4.
const NAME: usize = 255;

/// A greeting is all that a client says until it is answered; so is a request of version 4.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [5] => Verdict::More,
        [5, n @ 1..=9, methods @ ..] if methods.len() < usize::from(*n) => {
            if methods.iter().all(method) {
                Verdict::More
            } else {
                Verdict::No
            }
        }
        [5, n @ 1..=9, methods @ ..] if methods.len() == usize::from(*n) && methods.iter().all(method) => {
            Verdict::Yes(Some(Direction::Request))
        }
        [4, 1 | 2, rest @ ..] if rest.len() >= 7 => match request4(bytes) {
            Some(Some(n)) if n == bytes.len() => Verdict::Yes(Some(Direction::Request)),
            Some(None) if rest[6..].iter().all(|b| *b == 0 || b.is_ascii_graphic()) => Verdict::More,
            _ => Verdict::No,
        },
        [4] | [4, 1 | 2, ..] if bytes.len() < 9 => Verdict::More,
        _ => Verdict::No,
    }
}

/// A method that is in use: none, GSSAPI, a password, and those that IANA has registered.
fn method(method: &u8) -> bool {
    matches!(method, 0..=3 | 5..=9)
}

/// The length of a request of version 4; `None` inside while it is not whole. `None` if it is none.
fn request4(bytes: &[u8]) -> Option<Option<usize>> {
    let name = |from: usize| -> Option<Option<usize>> {
        let rest = bytes.get(from..)?;
        match memchr::memchr(0, rest.get(..NAME + 1).unwrap_or(rest)) {
            Some(n) if rest[..n].iter().all(|b| *b >= b' ') => Some(Some(from + n + 1)),
            None if rest.len() <= NAME => Some(None),
            _ => None,
        }
    };
    let [4, 1 | 2, p, q, a, b, c, d, ..] = bytes else { return None };
    if (*p, *q) == (0, 0) {
        return None;
    }
    match name(8)? {
        // Version 4a: an address that cannot be says that a name follows.
        Some(end) if [*a, *b, *c] == [0, 0, 0] && *d != 0 => name(end),
        end if *a != 0 || *d == 0 || end.is_none() => Some(end),
        _ => None,
    }
}

#[derive(Default)]
struct Socks {
    gate: Gate,
    client: Stage,
    server: Stage,
}

/// What a side says next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Greeting,
    Login,
    Request,
    Tunnel,
}

impl Grammar for Socks {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let stage = if dir == Direction::Request { self.client } else { self.server };
        if stage == Stage::Tunnel {
            out.inner(dir, at, bytes);
            return Ok(Step::Read(bytes.len()));
        }
        let read = match dir {
            Direction::Request => self.client(stage, bytes, at, out)?,
            Direction::Response => self.server(stage, bytes, out)?,
        };
        Ok(read.map_or(Step::Need(bytes.len() + 1), Step::Read))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let stage = if dir == Direction::Request { self.client } else { self.server };
        if stage == Stage::Tunnel {
            out.inner_gap(dir, len);
        }
        stage == Stage::Tunnel
    }

    fn lose(&mut self, _: Direction, out: &mut Out<'_>) {
        self.gate.settle(None, out);
    }

    fn resumes(&self, _: Direction, _: &[u8]) -> bool {
        false
    }

    fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.lose(dir, out);
    }
}

/// How long what was read is; `None` while it is not whole.
type Whole = Result<Option<usize>, Malformed>;

impl Socks {
    fn client(&mut self, stage: Stage, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Whole {
        let mut r = Reader(bytes);
        let read = |r: Reader<'_>| Some(bytes.len() - r.0.len());
        match (stage, bytes.first()) {
            (Stage::Greeting, Some(4)) => {
                let n = request4(bytes).ok_or(Malformed("socks_bad_request"))?;
                if let Some(n) = n {
                    out.say(Direction::Request, Location::Connect, at + 8, &bytes[8..n]);
                    self.client = Stage::Tunnel;
                    self.server = Stage::Request;
                }
                Ok(n)
            }
            (Stage::Greeting, Some(5)) => {
                r.u8();
                let Some(methods) = r.vec8() else { return Ok(None) };
                // Until the server has chosen, what comes next can be a login or a request.
                self.client = if methods.contains(&2) { Stage::Login } else { Stage::Request };
                Ok(read(r))
            }
            (Stage::Login, Some(1)) => {
                r.u8();
                let (Some(user), Some(password)) = (r.vec8(), r.vec8()) else { return Ok(None) };
                out.connect(b"user", at + 2, user);
                let password_at = at + 3 + user.len() as u64;
                out.connect(b"password", password_at, password);
                self.gate.secret("password", password, password_at, out);
                self.client = Stage::Request;
                Ok(read(r))
            }
            (Stage::Login | Stage::Request, Some(5)) => {
                let Some(address) = address(&mut r)? else { return Ok(None) };
                out.say(Direction::Request, Location::Connect, at + 4, address);
                self.client = Stage::Tunnel;
                Ok(read(r))
            }
            _ => Err(Malformed("socks_bad_request")),
        }
    }

    fn server(&mut self, stage: Stage, bytes: &[u8], out: &mut Out<'_>) -> Whole {
        let mut r = Reader(bytes);
        let bad = Malformed("socks_bad_answer");
        match (stage, bytes) {
            (Stage::Greeting | Stage::Request, [5]) | (Stage::Login, [1]) => Ok(None),
            (Stage::Greeting, [5, method, ..]) => {
                self.server = if *method == 2 { Stage::Login } else { Stage::Request };
                Ok(Some(2))
            }
            (Stage::Login, [1, status, ..]) => {
                self.gate.settle(Some(*status == 0), out);
                self.server = Stage::Request;
                Ok(Some(2))
            }
            (Stage::Request, [0, ..]) => {
                let Some(answer) = bytes.first_chunk::<8>() else { return Ok(None) };
                self.server = if answer[1] == 90 { Stage::Tunnel } else { return Err(bad) };
                Ok(Some(8))
            }
            (Stage::Request, [5, status, ..]) => {
                if *status != 0 {
                    return Err(Malformed("socks_refused"));
                }
                if address(&mut r)?.is_none() {
                    return Ok(None);
                }
                self.server = Stage::Tunnel;
                Ok(Some(bytes.len() - r.0.len()))
            }
            _ => Err(bad),
        }
    }
}

/// The address of a request or an answer of version 5 (RFC 1928 section 4), with its port.
fn address<'a>(r: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    let mut read = || {
        let [_, _, _, kind] = r.array::<4>()?;
        Some(match kind {
            1 => Ok(r.take(4 + 2)?),
            4 => Ok(r.take(16 + 2)?),
            3 => {
                let len = *r.0.first()?;
                Ok(r.take(usize::from(len) + 3)?)
            }
            _ => Err(Malformed("socks_bad_address")),
        })
    };
    read().transpose()
}
