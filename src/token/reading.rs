//! What is worked out of a token once, when it is asked for first.

use super::{Issuer, Role, Token, content, dates::date_problems};
use foldhash::fast::FixedState;
use serde_json::Value;
use std::{hash::BuildHasher, sync::OnceLock};

/// What the claims mean, worked out once for each token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) role: Role,
    pub(super) sample: bool,
    pub(super) privileges: Box<[String]>,
    pub(super) content: content::Content,
    pub(super) issuer: Option<&'static Issuer>,
    pub(super) dates: Box<[String]>,
    /// `iat`, `nbf`, `exp`, `auth_time`.
    pub(super) times: [Option<i64>; 4],
    /// [`Token::payload_name`].
    payload_name: u64,
    /// [`Token::names`].
    names: OnceLock<Names>,
}

/// What claims say, as those want it who compare it: digests within this run, and hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the issuer.
    pub issuer: Option<u128>,
    /// Of whose token it is and its `jti`; true if `iss` says whose, false if a key in the header does.
    pub identifier: Option<(bool, u128)>,
    /// Hosts that its audiences name.
    pub audience: Box<[Box<str>]>,
}

impl Token {
    /// What its claims mean.
    pub(super) fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| {
            let privileges = self.claims().map(content::privileges).unwrap_or_default();
            let mut content = self.claims().map(content::content).unwrap_or_default();
            content::header(self.header(), &mut content);
            Box::new(Reading {
                role: self.work_out_role(),
                sample: self.looks_like_a_sample(),
                privileges: privileges.into(),
                content,
                issuer: self.work_out_issuer(),
                dates: self.claims().map(date_problems).unwrap_or_default().into(),
                times: ["iat", "nbf", "exp", "auth_time"].map(|name| {
                    let value = self.claim(name)?;
                    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64))
                }),
                payload_name: FixedState::default()
                    .hash_one(self.segments().nth(1).unwrap_or_default().as_bytes()),
                names: OnceLock::new(),
            })
        })
    }

    /// Looks at what lies apart in memory, and says nothing ([`Exchange::warm`](crate::message::Exchange::warm)).
    pub fn warm(&self) -> u8 {
        let reading = self.reading.get().map_or(0, |reading| {
            let names = reading.names.get().map_or(0, |names| names.issuer.unwrap_or(0) as u8);
            reading.payload_name as u8 ^ reading.role as u8 ^ reading.times[0].unwrap_or(0) as u8 ^ names
        });
        let first =
            |value: &Value| value.as_object().and_then(|o| o.values().next()).is_some_and(Value::is_string);
        let (claims, header) = (self.claims().is_some_and(first), first(self.header()));
        reading ^ self.sha256()[0] ^ u8::from(claims) ^ u8::from(header)
    }

    /// A hash of the payload as sent, the same in every run: it tells tokens with one payload without reading their texts.
    pub fn payload_name(&self) -> u64 {
        self.reading().payload_name
    }

    /// What whoever compares claims calls them, worked out by whoever asks first.
    pub fn names(&self, work_out: impl FnOnce() -> Names) -> &Names {
        self.reading().names.get_or_init(work_out)
    }
}
