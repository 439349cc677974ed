//! SASL (RFC 4422) inside other protocols: the messages of the client become parts, and what they disclose is told as a
//! login.

use super::Out;
use crate::message::{Authorization, BASE64, Direction, Disclosed, Field, Location, Login, Starttls};
use ::base64::Engine as _;

/// An exchange in progress.
pub(super) struct Sasl {
    mechanism: Box<str>,
    login: Option<Login>,
    /// Messages of the client so far.
    messages: u32,
}

/// How a protocol carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Raw,
    /// In base64.
    Base64,
}

impl Sasl {
    /// An exchange with that mechanism.
    pub(super) fn new(mechanism: &[u8]) -> Self {
        Self { mechanism: name(mechanism), login: None, messages: 0 }
    }

    /// A message of the client, at layer offset `at`.
    pub(super) fn message(&mut self, text: &[u8], at: u64, coding: Coding, out: &mut Out<'_>) {
        let field = Field { name: self.mechanism.as_bytes(), value: text, at: 0 };
        out.tell(Direction::Request, Location::Sasl, at, &[field]);
        let decoded = match coding {
            Coding::Raw => text.to_vec(),
            Coding::Base64 => BASE64.decode(text).unwrap_or_default(),
        };
        let disclosed = disclosed(&self.mechanism, self.messages, &decoded, out);
        self.messages = self.messages.saturating_add(1);
        if let Some(disclosed) = disclosed {
            self.login = Some(out.attempt(&self.mechanism, disclosed, Direction::Request, at));
        }
    }

    /// The exchange is over; `accepted` says how, if that was seen.
    pub(super) fn end(self, accepted: Option<bool>, starttls: Starttls, out: &mut Out<'_>) {
        if let Some(login) = self.login {
            out.login(Login { starttls, accepted, ..login });
        }
    }
}

/// The name of a mechanism (RFC 4422 section 3.1: up to 20 letters, digits, hyphens and underscores), in lower case.
fn name(mechanism: &[u8]) -> Box<str> {
    let fits = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    mechanism.iter().take_while(fits).take(20).map(|b| char::from(b.to_ascii_lowercase())).collect()
}

/// What message number `nth` of the client discloses; `None` if that is no more than the ones before.
fn disclosed(mechanism: &str, nth: u32, message: &[u8], out: &Out<'_>) -> Option<Disclosed> {
    match mechanism {
        // RFC 4616: authorization identity, authentication identity, password.
        "plain" => Some(out.disclosed(message.splitn(3, |b| *b == 0).nth(2)?)),
        "login" => (nth == 1).then(|| out.disclosed(message)),
        // RFC 7628 section 3.1; a client acknowledges an error with one more message.
        "oauthbearer" | "xoauth2" => Some(bearer(bearer_of(message)?, out)),
        "external" | "anonymous" | "gssapi" | "gs2-krb5" => (nth == 0).then_some(Disclosed::Nothing),
        "" => None,
        _ => (nth == 0).then_some(Disclosed::Hash),
    }
}

/// The bearer token in a message of OAUTHBEARER or XOAUTH2.
pub(super) fn bearer_of(message: &[u8]) -> Option<&[u8]> {
    let value = message.split(|b| *b == 1).find_map(|pair| pair.strip_prefix(b"auth="))?;
    Authorization::parse(value).filter(|a| a.is("bearer") && !a.credentials.is_empty()).map(|a| a.credentials)
}

/// What a bearer token discloses that is sent as it is.
pub(super) fn bearer(token: &[u8], out: &Out<'_>) -> Disclosed {
    match out.disclosed(token) {
        Disclosed::Password => Disclosed::Bearer,
        other => other,
    }
}
