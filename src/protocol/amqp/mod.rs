//! AMQP on any port: 0-9-1 and what came before it, and 1.0 (ISO 19464), told by their protocol header. How clients log in, properties
//! and bodies of messages.

mod classic;
mod one;
mod table;
mod value;

use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End, ExchangeId};
use classic::Classic;
use one::One;

/// AMQP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "amqp", probe, open: || Box::new(Units::new(Amqp::default())), upgrade: None };

const BAD: Malformed = Malformed("amqp_bad_frame");
/// The protocol header: these four bytes and four more.
const NAME: &[u8] = b"AMQP";
const HEADER: usize = 8;
/// Messages of one direction that may be in progress: one for each channel or link that sends.
const MESSAGES: usize = 64;

fn probe(bytes: &[u8]) -> Verdict {
    let n = bytes.len().min(NAME.len());
    if bytes[..n] != NAME[..n] {
        return Verdict::No;
    }
    match bytes.get(NAME.len()..HEADER) {
        None => Verdict::More,
        Some(version) if version_of(version).is_some() => Verdict::Yes(Some(Direction::Request)),
        Some(_) => Verdict::No,
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Version {
    #[default]
    Unknown,
    Classic,
    One,
    /// TLS inside 1.0 (section 5.2.1).
    Tls,
}

/// What four bytes behind the name say: 0-8, 0-9 and 0-9-1 have two forms; 1.0 tells TLS, SASL and itself apart (section 2.2).
fn version_of(bytes: &[u8]) -> Option<Version> {
    match bytes {
        [0, 0, 8 | 9, 0 | 1] | [1, 1, 0 | 8 | 9, 0..=10] => Some(Version::Classic),
        [0 | 3, 1, 0, 0] => Some(Version::One),
        [2, 1, 0, 0] => Some(Version::Tls),
        _ => None,
    }
}

#[derive(Default)]
struct Amqp {
    version: Version,
    classic: Classic,
    one: One,
}

impl Grammar for Amqp {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.version == Version::Tls && self.one.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let inside = match self.version {
            Version::Classic => self.classic.is_inside(dir),
            Version::One => self.one.is_inside(dir),
            Version::Tls | Version::Unknown => false,
        };
        let begins = bytes.len() < NAME.len() && NAME.starts_with(bytes) || bytes.starts_with(NAME);
        if !inside && begins {
            let Some(version) = bytes.get(NAME.len()..HEADER) else { return Ok(Step::Need(HEADER)) };
            let version = version_of(version).ok_or(BAD)?;
            match (version, dir) {
                (Version::Tls, Direction::Request) => self.one.gate.ask(),
                (Version::Tls, Direction::Response) => self.one.gate.answer(true, &PROTOCOL, out),
                // The server wants another version, and says goodbye.
                (_, Direction::Response) if self.version == Version::Tls => {
                    self.one.gate.answer(false, &PROTOCOL, out);
                }
                _ => {}
            }
            if dir == Direction::Request || self.version == Version::Unknown {
                self.version = version;
            }
            return Ok(Step::Read(HEADER));
        }
        match self.version {
            Version::Classic => self.classic.step(dir, bytes, at, out),
            Version::One => self.one.step(dir, bytes, at, out),
            Version::Tls | Version::Unknown => Err(BAD),
        }
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        match self.version {
            Version::Classic => self.classic.skip(dir, len, out),
            Version::One => self.one.skip(dir, len, out),
            Version::Tls => self.one.gate.skips(dir, len, out),
            Version::Unknown => false,
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.classic.lose(dir, out);
        self.one.lose(dir, out);
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        match self.version {
            Version::Classic => classic::is_frame(bytes),
            Version::One => one::is_frame(bytes),
            Version::Tls | Version::Unknown => false,
        }
    }
}

/// Messages in progress of one direction, each with a key that tells what it comes on, and what is still to come of it if that
/// is known.
#[derive(Default)]
struct Messages(Vec<(u64, ExchangeId, u64)>);

impl Messages {
    /// Begins a message that comes on `key`, of which so many bytes are to come.
    fn begin(&mut self, key: u64, id: ExchangeId, left: u64, dir: Direction, out: &mut Out<'_>) {
        self.cut(key, dir, out);
        if left == 0 {
            return out.end(id, dir, End::Complete);
        }
        if self.0.len() >= MESSAGES {
            let (_, oldest, _) = self.0.remove(0);
            out.end(oldest, dir, End::Cut);
        }
        self.0.push((key, id, left));
    }

    /// The message that comes on `key`.
    fn get(&self, key: u64) -> Option<ExchangeId> {
        self.0.iter().find(|m| m.0 == key).map(|m| m.1)
    }

    /// The next bytes of it.
    fn body(&mut self, key: u64, dir: Direction, at: u64, bytes: &[u8], out: &mut Out<'_>) {
        let Some(i) = self.0.iter().position(|m| m.0 == key) else { return out.opaque(dir, at, bytes) };
        let (_, id, left) = &mut self.0[i];
        out.body(*id, dir, at, bytes);
        *left = left.saturating_sub(bytes.len() as u64);
        if *left == 0 {
            out.end(*id, dir, End::Complete);
            self.0.remove(i);
        }
    }

    /// Bytes of it never arrived.
    fn hole(&mut self, key: u64, dir: Direction, len: u64, out: &mut Out<'_>) {
        let Some(i) = self.0.iter().position(|m| m.0 == key) else { return };
        let (_, id, left) = &mut self.0[i];
        out.body_gap(*id, dir, len);
        *left = left.saturating_sub(len);
        if *left == 0 {
            out.end(*id, dir, End::Complete);
            self.0.remove(i);
        }
    }

    /// It is whole.
    fn end(&mut self, key: u64, dir: Direction, out: &mut Out<'_>) {
        if let Some(i) = self.0.iter().position(|m| m.0 == key) {
            out.end(self.0.remove(i).1, dir, End::Complete);
        }
    }

    /// Its rest will not come.
    fn cut(&mut self, key: u64, dir: Direction, out: &mut Out<'_>) {
        if let Some(i) = self.0.iter().position(|m| m.0 == key) {
            out.end(self.0.remove(i).1, dir, End::Cut);
        }
    }

    /// Nor that of any other.
    fn cut_all(&mut self, dir: Direction, out: &mut Out<'_>) {
        for (_, id, _) in std::mem::take(&mut self.0) {
            out.end(id, dir, End::Cut);
        }
    }
}
