//! `nats:`: NATS JetStream. The protocol is lines of text; a message counts as arrived when the stream has acknowledged it, and its
//! identity keeps the stream from storing it twice.

use super::connection::{Connector, Stream};
use super::{Alarm, Kind, Refusal, Sink, Target};
use std::io::{self, Read, Write};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The kind.
pub(super) const KIND: Kind = Kind {
    schemes: &["nats"],
    doc: "NATS JetStream: nats://[USER:PASSWORD@]HOST/SUBJECT (wirelint.findings), which a stream must listen to",
    port: 4222,
    batch: 100,
    open,
};

/// Longest line or message of the server that is read: acknowledgements are short.
const ANSWER: usize = 64 << 10;

struct Nats {
    connector: Connector,
    subject: String,
    user: Option<String>,
    session: Option<Session>,
}

struct Session {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
    inbox: String,
}

fn open(target: &Target) -> Result<Box<dyn Sink>, String> {
    let subject = target.path.trim_matches('/');
    let subject = if subject.is_empty() { "wirelint.findings" } else { subject };
    let fits = |b: u8| b.is_ascii_graphic() && b != b'*' && b != b'>';
    if !subject.bytes().all(fits) {
        return Err("a subject has neither spaces nor wildcards".into());
    }
    Ok(Box::new(Nats {
        connector: Connector::new(target, false)?,
        subject: subject.to_owned(),
        user: target.user.clone(),
        session: None,
    }))
}

impl Nats {
    fn begin(&self) -> io::Result<Session> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let inbox = format!("_INBOX.wirelint{}x{nanos}", std::process::id());
        let mut session = Session { stream: self.connector.connect()?, read: Vec::new(), inbox };
        let info = session.line()?;
        if !info.starts_with("INFO ") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no NATS server"));
        }
        let mut options = serde_json::json!({
            "verbose": false, "pedantic": false, "headers": true, "no_responders": true, "protocol": 1,
            "lang": "rust", "name": "wirelint", "version": env!("CARGO_PKG_VERSION"),
        });
        if let (Some(user), Some(options)) = (&self.user, options.as_object_mut()) {
            match user.split_once(':') {
                Some((user, password)) => {
                    options.insert("user".into(), user.into());
                    options.insert("pass".into(), password.into());
                }
                None => drop(options.insert("auth_token".into(), user.as_str().into())),
            }
        }
        let hello = format!("CONNECT {options}\r\nSUB {}.* 1\r\nPING\r\n", session.inbox);
        session.stream.write_all(hello.as_bytes())?;
        session.stream.flush()?;
        loop {
            let line = session.line()?;
            if line == "PONG" {
                return Ok(session);
            }
            if line.starts_with("-ERR") {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, line));
            }
        }
    }
}

impl Session {
    fn publish(&mut self, subject: &str, number: usize, alarm: &Alarm) -> io::Result<()> {
        let header =
            format!("NATS/1.0\r\nNats-Msg-Id: {}-{}-{}\r\n\r\n", alarm.fingerprint, alarm.count, alarm.time);
        let total = header.len() + alarm.record.len();
        let head = format!("HPUB {subject} {}.{number} {} {total}\r\n", self.inbox, header.len());
        self.stream.write_all([head.as_str(), &header, &alarm.record, "\r\n"].concat().as_bytes())
    }

    /// Waits for acknowledgements of all that was published; they come in any order.
    fn acknowledged(&mut self, count: usize) -> Result<(), (usize, Refusal)> {
        let mut open: Vec<bool> = vec![true; count];
        let started = Instant::now();
        while let Some(first) = open.iter().position(|open| *open) {
            if started.elapsed() > super::connection::PATIENCE {
                return Err((first, Refusal::Later("no acknowledgement".into())));
            }
            let line = self.line().map_err(|e| (first, e.into()))?;
            let words: Vec<&str> = line.split(' ').collect();
            let number =
                |inbox: &str| words.get(1)?.strip_prefix(inbox)?.strip_prefix('.')?.parse::<usize>().ok();
            match words.first().copied() {
                Some("PING") => self.stream.write_all(b"PONG\r\n").map_err(|e| (first, e.into()))?,
                Some("-ERR") => return Err((first, Refusal::Later(line.clone()))),
                Some("MSG" | "HMSG") => {
                    let at = number(&self.inbox);
                    let len = words.last().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
                    let body = self.bytes(len + 2).map_err(|e| (first, e.into()))?;
                    let text = String::from_utf8_lossy(&body);
                    if text.contains("NATS/1.0 503") {
                        return Err((first, Refusal::Later("no stream listens to the subject".into())));
                    }
                    if text.contains("\"error\"") {
                        return Err((first, Refusal::Later(text.trim().to_owned())));
                    }
                    if let Some(open) = at.and_then(|at| open.get_mut(at)) {
                        *open = false;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read) {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.more()?;
        }
    }

    fn bytes(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < n {
            self.more()?;
        }
        Ok(self.read.drain(..n).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 4096];
        let n = self.stream.read(&mut piece)?;
        if n == 0 || self.read.len() > ANSWER {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server went away"));
        }
        self.read.extend(&piece[..n]);
        Ok(())
    }
}

impl Sink for Nats {
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.begin().map_err(|e| (0, e.into()))?,
        };
        for (number, alarm) in batch.iter().enumerate() {
            session.publish(&self.subject, number, alarm).map_err(|e| (0, e.into()))?;
        }
        session.stream.flush().map_err(|e| (0, e.into()))?;
        session.acknowledged(batch.len())?;
        self.session = Some(session);
        Ok(())
    }
}
