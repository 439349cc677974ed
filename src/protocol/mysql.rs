//! The client/server protocol of MySQL and MariaDB on any port: the switch to TLS, how clients log in, statements and rows.
//! Text of the protocol: MySQL documentation, "Client/Server Protocol".

use super::gate::Gate;
use super::payload::Payload;
use super::reader::{Reader, offset};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed, Location};

/// MySQL.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "mysql", probe, open: || open(Stage::Greeting), upgrade: None };

/// What is inside TLS goes on where the connection was.
const SECURED: Protocol = Protocol { probe: |_| Verdict::No, open: || open(Stage::Response), ..PROTOCOL };

fn open(stage: Stage) -> Box<dyn super::Dissector> {
    Box::new(Units::new(Mysql { stage, ..Mysql::default() }))
}

/// Capabilities of a client.
const CONNECT_WITH_DB: u32 = 1 << 3;
const SSL: u32 = 1 << 11;
const PROTOCOL_41: u32 = 1 << 9;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
const PLUGIN_AUTH_LENENC: u32 = 1 << 21;

/// Packets of the login are no longer than that.
const WHOLE: usize = 60 << 10;

/// The greeting of a server: packet 0, protocol version 10, and the version of the server.
fn probe(bytes: &[u8]) -> Verdict {
    let [a, b, 0, 0, 10, version @ ..] = bytes else {
        return match bytes {
            // Those in use have 70 to 130 bytes.
            [0x40..=0xc0] => Verdict::More,
            [_, 0 | 1] | [_, 0 | 1, 0] | [_, 0 | 1, 0, 0] => Verdict::More,
            _ => Verdict::No,
        };
    };
    let len = usize::from(u16::from_le_bytes([*a, *b]));
    if !(40..=512).contains(&len) || bytes.len() > 4 + len {
        return Verdict::No;
    }
    let digits = version.iter().take_while(|b| b.is_ascii_digit()).count();
    match version.get(digits) {
        Some(b'.') if (1..=2).contains(&digits) => Verdict::Yes(Some(Direction::Response)),
        None if digits <= 2 => Verdict::More,
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Mysql {
    gate: Gate,
    stage: Stage,
    /// The plugin that the client logs in with.
    plugin: Vec<u8>,
    payloads: [Payload; 2],
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Greeting,
    /// The client's answer to the greeting.
    Response,
    /// What plugins have to say.
    Login,
    Commands,
}

impl Grammar for Mysql {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &SECURED, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let payload = &mut self.payloads[dir.index()];
        if payload.is_open() {
            return Ok(Step::Read(payload.push(dir, bytes, at, out)));
        }
        let Some(&[a, b, c, _]) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
        let len = u32::from_le_bytes([a, b, c, 0]) as usize;
        if self.stage == Stage::Commands {
            let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
            let id = out.open(dir, (location, location), at, &[]);
            self.payloads[dir.index()] = Payload::new(id, len as u64, dir, out);
            return Ok(Step::Read(4));
        }
        if len > WHOLE {
            return Err(BAD);
        }
        let Some(body) = bytes.get(4..4 + len) else { return Ok(Step::Need(4 + len)) };
        self.login(dir, body, at + 4, out).ok_or(BAD)?;
        Ok(Step::Read(4 + len))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let payload = &mut self.payloads[dir.index()];
        self.gate.skips(dir, len, out) || payload.is_open() && payload.skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.payloads[dir.index()].cut(dir, out);
        self.stage = Stage::Commands;
        self.gate.settle(None, out);
    }

    /// A command, or the first packet of an answer, that fills the segment or goes on behind it.
    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        let Some(&[a, b, c, number, first]) = bytes.first_chunk::<5>() else { return false };
        let len = u32::from_le_bytes([a, b, c, 0]) as usize;
        match dir {
            Direction::Request => number == 0 && (1..=0x1f).contains(&first) && bytes.len() <= 4 + len,
            Direction::Response => number == 1 && (1..1 << 16).contains(&len),
        }
    }
}

const BAD: Malformed = Malformed("mysql_bad_packet");

impl Mysql {
    /// A packet before the first command. `None` if it is malformed.
    fn login(&mut self, dir: Direction, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        match (dir, self.stage) {
            (Direction::Response, Stage::Greeting) => {
                self.greeting(body)?;
                self.stage = Stage::Response;
            }
            (Direction::Request, Stage::Greeting | Stage::Response) => self.response(body, at, out)?,
            (Direction::Request, _) => self.proof(body, at, out),
            (Direction::Response, _) => match *body.first()? {
                0 => self.settle(true, out),
                0xff => {
                    self.settle(false, out);
                    out.say(dir, Location::Reply, at, body);
                }
                // Another plugin (AuthSwitchRequest).
                0xfe => {
                    let end = memchr::memchr(0, body).unwrap_or(body.len());
                    self.plugin = body.get(1..end)?.to_vec();
                    self.stage = Stage::Login;
                }
                _ => {}
            },
        }
        Some(())
    }

    /// The greeting, in which the server may offer TLS.
    fn greeting(&mut self, body: &[u8]) -> Option<()> {
        let version = memchr::memchr(0, body)?;
        // Thread, the first part of the challenge, a filler, and the lower half of the capabilities.
        let mut r = Reader(body.get(version + 1 + 4 + 8 + 1..)?);
        let low = r.array::<2>().map(u16::from_le_bytes)?;
        if u32::from(low) & SSL != 0 {
            self.gate.offer();
        }
        Some(())
    }

    /// The answer to the greeting; one that is cut short asks for TLS.
    fn response(&mut self, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut r = Reader(body);
        let low = u32::from(r.array::<2>().map(u16::from_le_bytes)?);
        let capabilities = low | u32::from(r.array::<2>().map(u16::from_le_bytes)?) << 16;
        if capabilities & PROTOCOL_41 == 0 {
            // Older than version 4.1: nothing that is still met.
            self.stage = Stage::Login;
            return Some(());
        }
        r.take(4 + 1 + 23)?;
        if r.0.is_empty() && capabilities & SSL != 0 {
            // Nobody answers: TLS begins.
            self.gate.answer(true, &SECURED, out);
            return Some(());
        }
        self.stage = Stage::Login;
        let user = text(&mut r)?;
        out.connect(b"user", at + u64::from(offset(body, user)), user);
        let proof = if capabilities & PLUGIN_AUTH_LENENC != 0 {
            lenenc(&mut r)?
        } else if capabilities & SECURE_CONNECTION != 0 {
            r.vec8()?
        } else {
            text(&mut r)?
        };
        if capabilities & CONNECT_WITH_DB != 0 {
            text(&mut r)?;
        }
        self.plugin = match text(&mut r) {
            Some(plugin) if capabilities & PLUGIN_AUTH != 0 => plugin.to_vec(),
            _ => b"mysql_native_password".to_vec(),
        };
        let attributes = r.0;
        out.say(Direction::Request, Location::Connect, at + u64::from(offset(body, attributes)), attributes);
        let place = at + u64::from(offset(body, proof));
        self.proof(proof, place, out);
        Some(())
    }

    /// What the client logs in with.
    fn proof(&mut self, proof: &[u8], at: u64, out: &mut Out<'_>) {
        let name: String = String::from_utf8_lossy(&self.plugin).chars().take(32).collect();
        let secret = proof.strip_suffix(&[0]).unwrap_or(proof);
        match self.plugin.as_slice() {
            _ if proof.is_empty() => {}
            b"mysql_clear_password" | b"dialog" => {
                out.connect(b"password", at, secret);
                self.gate.secret(&name, secret, at, out);
            }
            // A hash of 32 bytes; one byte asks for the key of the server, 256 are encrypted with it; anything else is the
            // password, which is only sent inside TLS.
            b"caching_sha2_password" | b"sha256_password"
                if proof.ends_with(&[0]) && !matches!(proof.len(), 1 | 32 | 256) =>
            {
                out.connect(b"password", at, secret);
                self.gate.secret(&name, secret, at, out);
            }
            _ if proof.len() == 1 => {}
            _ => self.gate.login(&name, Disclosed::Hash, at, out),
        }
    }

    fn settle(&mut self, accepted: bool, out: &mut Out<'_>) {
        self.gate.settle(Some(accepted), out);
        self.stage = Stage::Commands;
    }
}

/// A text up to a zero byte.
fn text<'a>(r: &mut Reader<'a>) -> Option<&'a [u8]> {
    let text = r.take(memchr::memchr(0, r.0)?)?;
    r.u8()?;
    Some(text)
}

/// Bytes behind a length of one, three or four bytes.
fn lenenc<'a>(r: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len = match r.u8()? {
        len @ 0..=250 => usize::from(len),
        0xfc => usize::from(r.array().map(u16::from_le_bytes)?),
        0xfd => r.array::<3>().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) as usize)?,
        _ => return None,
    };
    r.take(len)
}
