//! `syslog+udp:`, `syslog+tcp:`, `syslog+tls:` (RFC 5424; over UDP RFC 5426, over TLS RFC 5425, over TCP RFC 6587).

use super::connection::{Connector, Stream};
use super::{Alarm, Kind, Refusal, Sink, Target};
use std::io;
use std::net::{ToSocketAddrs, UdpSocket};

/// The kind.
pub(super) const KIND: Kind = Kind {
    schemes: &["syslog+udp", "syslog+tcp", "syslog+tls"],
    doc: "RFC 5424: syslog+udp://HOST, syslog+tcp://HOST, syslog+tls://HOST?ca=FILE; facility=N (4)",
    port: 514,
    batch: 50,
    open,
};

/// Security and authorization messages.
const FACILITY: u8 = 4;

/// Longest message over UDP: what fits into a datagram anywhere.
const DATAGRAM: usize = 60_000;

struct Syslog {
    host: String,
    port: u16,
    facility: u8,
    me: String,
    connector: Option<Connector>,
    stream: Option<Box<dyn Stream>>,
    socket: Option<UdpSocket>,
}

fn open(target: &Target) -> Result<Box<dyn Sink>, String> {
    let facility = target.option("facility").map_or(Some(FACILITY), |text| text.parse().ok());
    let facility = facility.filter(|n| *n < 24).ok_or("facility=N is a number below 24")?;
    let connector = match target.scheme.as_str() {
        "syslog+udp" => None,
        scheme => Some(Connector::new(target, scheme == "syslog+tls")?),
    };
    let me = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(Box::new(Syslog {
        host: target.host.clone(),
        port: target.port,
        facility,
        me: header(me.trim()),
        connector,
        stream: None,
        socket: None,
    }))
}

/// A field of the header: visible ASCII, or nothing.
fn header(text: &str) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(48).collect();
    if text.is_empty() { "-".into() } else { text }
}

impl Syslog {
    fn message(&self, alarm: &Alarm) -> String {
        // critical, error, warning, notice, informational (RFC 5424 section 6.2.1).
        let severity = [6, 5, 4, 3, 2].get(usize::from(alarm.severity)).copied().unwrap_or(5);
        format!(
            "<{}>1 {} {} wirelint {} {} - {}",
            self.facility * 8 + severity,
            time(&alarm.time),
            self.me,
            std::process::id(),
            // MSGID has at most 32 characters.
            header(&alarm.rule).chars().take(32).collect::<String>(),
            alarm.record
        )
    }

    fn one(&mut self, alarm: &Alarm) -> io::Result<()> {
        let message = self.message(alarm);
        if let Some(connector) = &self.connector {
            if self.stream.is_none() {
                self.stream = Some(connector.connect()?);
            }
            let Some(stream) = &mut self.stream else { return Ok(()) };
            // Octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
            stream.write_all(format!("{} {message}", message.len()).as_bytes())?;
            return stream.flush();
        }
        if self.socket.is_none() {
            let to = (self.host.as_str(), self.port).to_socket_addrs()?.next();
            let to = to.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))?;
            let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
            socket.connect(to)?;
            self.socket = Some(socket);
        }
        let Some(socket) = &self.socket else { return Ok(()) };
        let end =
            (0..=message.len().min(DATAGRAM)).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        socket.send(&message.as_bytes()[..end]).map(drop)
    }
}

/// At most microseconds (RFC 5424 section 6.2.3).
fn time(text: &str) -> String {
    let Some((seconds, fraction)) = text.split_once('.') else { return text.to_owned() };
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).take(6).collect();
    format!("{seconds}.{digits}Z")
}

impl Sink for Syslog {
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
        for (at, alarm) in batch.iter().enumerate() {
            if let Err(error) = self.one(alarm) {
                (self.stream, self.socket) = (None, None);
                return Err((at, error.into()));
            }
        }
        Ok(())
    }
}
