//! MQTT 3.1, 3.1.1 and 5 on any port, also inside WebSocket: what CONNECT and AUTH log in with, payloads and properties.

use super::payload::Payload;
use super::reader::{Reader, field, offset};
use super::sasl::{Coding, Sasl};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed, Location, Login, Starttls};

/// MQTT.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "mqtt", probe, open: || Box::new(Units::new(Mqtt::default())), upgrade: None };

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PINGREQ: u8 = 12;
const DISCONNECT: u8 = 14;
const AUTH: u8 = 15;

/// Properties of MQTT 5 (section 2.2.2.2) that are named here.
const AUTHENTICATION_METHOD: u8 = 0x15;
const AUTHENTICATION_DATA: u8 = 0x16;
const USER_PROPERTY: u8 = 0x26;

/// The beginning of a CONNECT is unmistakable; a connection that was joined later is not.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [0x10] => Verdict::More,
        [0x10, ..] => match length(bytes) {
            Ok(None) => Verdict::More,
            Ok(Some((header, len))) if (12..=1 << 19).contains(&len) => {
                let rest = bytes.get(header..).unwrap_or_default();
                let names: [&[u8]; 5] = [
                    b"\0\x04MQTT\x05",
                    b"\0\x04MQTT\x04",
                    b"\0\x06MQIsdp\x03",
                    b"\0\x04MQTT\x84",
                    b"\0\x06MQIsdp\x83",
                ];
                if names.iter().any(|name| rest.starts_with(name)) {
                    Verdict::Yes(Some(Direction::Request))
                } else if names.iter().any(|name| name.starts_with(rest)) {
                    Verdict::More
                } else {
                    Verdict::No
                }
            }
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

/// The length of a fixed header, and the remaining length behind it (section 2.2.3 of 3.1.1).
fn length(bytes: &[u8]) -> Result<Option<(usize, u64)>, Malformed> {
    let mut len = 0;
    for (i, byte) in bytes.iter().skip(1).take(4).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((2 + i, len)));
        }
    }
    if bytes.len() > 4 { Err(Malformed("mqtt_bad_packet")) } else { Ok(None) }
}

#[derive(Default)]
struct Mqtt {
    /// Protocol level: 3, 4 or 5; 0 where no CONNECT was seen.
    level: u8,
    payloads: [Payload; 2],
    login: Option<Login>,
    sasl: Option<Sasl>,
}

impl Grammar for Mqtt {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let payload = &mut self.payloads[dir.index()];
        if payload.is_open() {
            return Ok(Step::Read(payload.push(dir, bytes, at, out)));
        }
        let Some(&first) = bytes.first() else { return Ok(Step::Need(2)) };
        let Some((header, len)) = length(bytes)? else { return Ok(Step::Need(bytes.len() + 1)) };
        if !valid(first, len) {
            return Err(Malformed("mqtt_bad_packet"));
        }
        let all = header.saturating_add(len as usize);
        if first >> 4 == PUBLISH {
            let have = bytes.get(header..all.min(bytes.len())).unwrap_or_default();
            let head = self.head_len(first, have);
            if head as u64 > len {
                return Err(Malformed("mqtt_bad_packet"));
            }
            let Some(head) = have.get(..head) else { return Ok(Step::Need(header + head)) };
            self.publish(dir, (first, head, len), at + header as u64, out)
                .ok_or(Malformed("mqtt_bad_packet"))?;
            return Ok(Step::Read(header + head.len()));
        }
        let Some(body) = bytes.get(header..all) else { return Ok(Step::Need(all)) };
        let at = at + header as u64;
        match first >> 4 {
            CONNECT => self.connect(body, at, out).ok_or(Malformed("mqtt_bad_connect"))?,
            CONNACK => self.outcome(body.get(1).map(|code| *code == 0), out),
            AUTH => self.auth(dir, body, at, out),
            _ => out.say(dir, Location::Command, at, body),
        }
        Ok(Step::Read(all))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        self.payloads[dir.index()].skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.payloads[dir.index()].cut(dir, out);
        self.outcome(None, out);
    }

    /// Packets fill the segment, or the last one goes on behind it.
    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            match length(rest) {
                Ok(Some((header, len))) if valid(*first, len) => {
                    let Some(next) = rest.get(header.saturating_add(len as usize)..) else { break };
                    rest = next;
                }
                _ => return false,
            }
        }
        true
    }
}

/// Whether flags and length of a fixed header are possible (section 2.2.2 of 3.1.1, and of 5).
fn valid(first: u8, len: u64) -> bool {
    match (first >> 4, first & 0x0f) {
        (PUBLISH, flags) => flags & 6 != 6 && len >= 2,
        (6 | 8 | 10, flags) => flags == 2 && len >= 2,
        (CONNECT, flags) => flags == 0 && len >= 12,
        (CONNACK | 4 | 5 | 7 | 9 | 11, flags) => flags == 0 && len >= 2,
        (PINGREQ | 13, flags) => flags == 0 && len == 0,
        (DISCONNECT | AUTH, flags) => flags == 0,
        _ => false,
    }
}

impl Mqtt {
    /// CONNECT (section 3.1). `None` if it is malformed.
    fn connect(&mut self, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let dir = Direction::Request;
        let mut r = Reader(body);
        r.vec16()?;
        self.level = r.u8()? & 0x7f;
        let flags = r.u8()?;
        r.u16()?;
        let mut properties = self.properties(&mut r)?;
        let mut fields = vec![field(body, b"client id", r.vec16()?)];
        let mut will: &[u8] = b"";
        if flags & 0x04 != 0 {
            properties.user.extend(self.properties(&mut r)?.user);
            fields.push(field(body, b"will topic", r.vec16()?));
            will = r.vec16()?;
        }
        let username = if flags & 0x80 != 0 { r.vec16()? } else { b"" };
        let password = if flags & 0x40 != 0 { r.vec16()? } else { b"" };
        fields.extend([field(body, b"username", username), field(body, b"password", password)]);
        fields.retain(|f| !f.value.is_empty());
        out.tell(dir, Location::Connect, at, &fields);
        out.say(dir, Location::Publish, at + u64::from(offset(body, will)), will);
        // A user name alone is no secret, unless it is a token.
        let secret = if password.is_empty() { username } else { password };
        let disclosed = out.disclosed(secret);
        if !password.is_empty() || disclosed == Disclosed::Token {
            let at = at + u64::from(offset(body, secret));
            self.login = Some(out.attempt("password", disclosed, dir, at));
        }
        self.authenticate(dir, body, &properties, at, out);
        Some(())
    }

    /// CONNACK, or nothing that tells how the login went.
    fn outcome(&mut self, accepted: Option<bool>, out: &mut Out<'_>) {
        if let Some(login) = self.login.take() {
            out.login(Login { accepted, ..login });
        }
        if let Some(sasl) = self.sasl.take() {
            sasl.end(accepted, Starttls::Unseen, out);
        }
    }

    /// User properties and the authentication of MQTT 5 (section 4.12), in `body` at layer offset `at`.
    fn authenticate(
        &mut self,
        dir: Direction,
        body: &[u8],
        properties: &Properties<'_>,
        at: u64,
        out: &mut Out<'_>,
    ) {
        let user: Vec<_> = properties.user.iter().map(|(name, value)| field(body, name, value)).collect();
        out.tell(dir, Location::Property, at, &user);
        let Some(data) = properties.data else { return };
        let start = at + u64::from(offset(body, data));
        if dir == Direction::Response {
            return out.say(dir, Location::Sasl, start, data);
        }
        let method = properties.method.unwrap_or_default();
        self.sasl.get_or_insert_with(|| Sasl::new(method)).message(data, start, Coding::Raw, out);
    }

    /// AUTH (section 3.15 of MQTT 5).
    fn auth(&mut self, dir: Direction, body: &[u8], at: u64, out: &mut Out<'_>) {
        let mut r = Reader(body);
        if let Some(properties) = r.u8().and_then(|_| properties(&mut r)) {
            self.authenticate(dir, body, &properties, at, out);
        }
    }

    /// How long the head of PUBLISH (section 3.3) is, or as much of it as can be told from what is there.
    fn head_len(&self, flags: u8, have: &[u8]) -> usize {
        let Some(topic) = have.first_chunk::<2>() else { return 2 };
        let id = if flags & 6 == 0 { 0 } else { 2 };
        let before = 2 + usize::from(u16::from_be_bytes(*topic)) + id;
        let rest = have.get(before..).unwrap_or_default();
        if !self.has_properties(rest) {
            return before;
        }
        let mut r = Reader(rest);
        match varint(&mut r) {
            Some(len) => before + rest.len() - r.0.len() + len,
            None => before.max(have.len()) + 1,
        }
    }

    /// PUBLISH: its head, and the length of the packet. `None` if it is malformed.
    fn publish(
        &mut self,
        dir: Direction,
        (flags, head, len): (u8, &[u8], u64),
        at: u64,
        out: &mut Out<'_>,
    ) -> Option<()> {
        let mut r = Reader(head);
        let topic = r.vec16()?;
        if flags & 6 != 0 {
            r.u16()?;
        }
        let properties = self.properties(&mut r)?;
        let mut fields = vec![field(head, b"topic", topic)];
        fields.extend(properties.user.iter().map(|(name, value)| field(head, name, value)));
        let id = out.open(dir, (Location::Publish, Location::Property), at, &fields);
        self.payloads[dir.index()] = Payload::new(id, len - head.len() as u64, dir, out);
        Some(())
    }

    /// Whether a list of properties stands here: the version of a connection that was joined later is not known, but version 5
    /// shows by an empty list of them.
    fn has_properties(&self, rest: &[u8]) -> bool {
        self.level >= 5 || self.level == 0 && rest.first() == Some(&0)
    }

    /// Properties, if the version has some.
    fn properties<'a>(&self, r: &mut Reader<'a>) -> Option<Properties<'a>> {
        if self.has_properties(r.0) { properties(r) } else { Some(Properties::default()) }
    }
}

/// Properties of MQTT 5 that are looked at.
#[derive(Default)]
struct Properties<'a> {
    user: Vec<(&'a [u8], &'a [u8])>,
    method: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

/// A list of properties behind its length (section 2.2.2).
fn properties<'a>(r: &mut Reader<'a>) -> Option<Properties<'a>> {
    let len = varint(r)?;
    let mut r = Reader(r.take(len)?);
    let mut all = Properties::default();
    while !r.0.is_empty() {
        match r.u8()? {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2a => drop(r.u8()?),
            0x13 | 0x21..=0x23 => drop(r.u16()?),
            0x02 | 0x11 | 0x18 | 0x27 => drop(r.u32()?),
            0x0b => drop(varint(&mut r)?),
            USER_PROPERTY => all.user.push((r.vec16()?, r.vec16()?)),
            AUTHENTICATION_METHOD => all.method = Some(r.vec16()?),
            AUTHENTICATION_DATA => all.data = Some(r.vec16()?),
            kind => all.user.push((text_name(kind)?, r.vec16()?)),
        }
    }
    Some(all)
}

/// What properties that are text are called.
fn text_name(kind: u8) -> Option<&'static [u8]> {
    Some(match kind {
        0x03 => b"content type",
        0x08 => b"response topic",
        0x09 => b"correlation data",
        0x12 => b"assigned client id",
        0x1a => b"response information",
        0x1c => b"server reference",
        0x1f => b"reason",
        _ => return None,
    })
}

/// A variable byte integer (section 1.5.5 of MQTT 5).
fn varint(r: &mut Reader<'_>) -> Option<usize> {
    let mut value = 0;
    for i in 0..4 {
        let byte = r.u8()?;
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
