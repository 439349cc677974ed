//! A closed exchange: a request and its response, as they are judged and printed.

use super::{
    End, ExchangeId, Position, StoredHead, Target, Transport, Version, answers_for_itself, path_template,
};
use std::sync::OnceLock;

/// One message of a closed exchange.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its head.
    pub head: StoredHead,
    /// Where its first byte was captured.
    pub position: Position,
    /// Body length in bytes, all codings undone as far as that was possible.
    pub body_len: u64,
    /// SHA-256 of that body, if a command asked for it.
    pub body_sha256: Option<[u8; 32]>,
    /// How it ended.
    pub end: End,
    /// Body bytes that were lost or could not be decoded: digest and length do not describe what was sent.
    pub damaged: bool,
    /// `grpc-status` of its trailers, or of its head where that is all there is.
    pub grpc_status: Option<u32>,
}

/// What else an exchange was seen to do; each is a fact of the same name. See `facts/marks.rs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(pub u64);

impl Marks {
    /// Whether all of `bits` are set.
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// Sets bits.
    pub const fn set(&mut self, bits: u64) {
        self.0 |= bits;
    }
}

/// A request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number in the flow.
    pub id: ExchangeId,
    /// What carried it.
    pub transport: Transport,
    /// The request, if it was seen.
    pub request: Option<Message>,
    /// The final response, if it was seen.
    pub response: Option<Message>,
    /// What was recognised in it beside tokens.
    pub marks: Marks,
    /// Names of the places where marks were found: the bit, and the field or parameter.
    pub marked: Vec<(u64, super::Place)>,
    /// What the request redeems and nobody may redeem twice: the mark of its grant, and the first half of the SHA-256 of
    /// the refresh token or authorization code.
    pub spent: Vec<(u64, [u8; 16])>,
    /// Locations of the tokens in the request, in order.
    pub request_tokens: Vec<super::Location>,
    /// Tokens in the response.
    pub response_tokens: u32,
    /// The decoded body of the response, if somebody asked for documents of its kind and it is one.
    pub document: Option<std::sync::Arc<[u8]>>,
    /// What is worked out of the fields above when it is asked for first.
    pub derived: Derived,
}

/// What many facts ask of one exchange: each is worked out once.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    host: OnceLock<Option<Box<str>>>,
    route: OnceLock<Option<Box<str>>>,
    for_itself: OnceLock<bool>,
    grants: OnceLock<bool>,
}

impl Exchange {
    /// Method, as sent.
    pub fn method(&self) -> Option<&[u8]> {
        self.request.as_ref().map(|r| r.head.method())
    }

    /// Request target, as sent.
    pub fn target(&self) -> Option<&[u8]> {
        self.request.as_ref().map(|r| r.head.target())
    }

    /// Status of the response.
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|r| r.head.status)
    }

    /// Whether it was answered with success: 2xx, and of a gRPC call the status OK.
    pub fn success(&self) -> Option<bool> {
        let response = self.response.as_ref()?;
        Some((200..300).contains(&response.head.status) && response.grpc_status.is_none_or(|s| s == 0))
    }

    /// Whether it is one of HTTP, and not of a protocol like it.
    pub fn is_http(&self) -> bool {
        let head = self.request.as_ref().or(self.response.as_ref());
        head.is_some_and(|m| m.head.version != Version::Other)
    }

    /// Where its first byte was captured.
    pub fn position(&self) -> Position {
        self.request.as_ref().or(self.response.as_ref()).map(|m| m.position).unwrap_or_default()
    }

    /// The host that the request names, lower case: that of an absolute target, else `:authority` or the Host field.
    pub fn host(&self) -> Option<&str> {
        let host = self.derived.host.get_or_init(|| {
            let head = &self.request.as_ref()?.head;
            let authority = Target::parse(head.target()).host.map(|h| h.bytes);
            let field = || head.field(":authority").or_else(|| head.field("host"));
            let host = authority.or_else(field).filter(|h| !h.is_empty())?;
            Some(super::host_of(host).into())
        });
        host.as_deref()
    }

    /// Method and template of the path ([`path_template`]): requests of one route are answered by one piece of code.
    pub fn route(&self) -> Option<&str> {
        let route = self.derived.route.get_or_init(|| {
            let method = String::from_utf8_lossy(self.method()?);
            Some(format!("{method} {}", path_template(self.path())).into())
        });
        route.as_deref()
    }

    /// Path of the request target, as sent; empty without a request.
    pub fn path(&self) -> &[u8] {
        Target::parse(self.target().unwrap_or_default()).path.bytes
    }

    /// Whether the answer says nothing about the credentials that came with the request ([`answers_for_itself`]).
    pub fn answers_for_itself(&self) -> bool {
        *self.derived.for_itself.get_or_init(|| answers_for_itself(self.path()))
    }

    /// Whether the answer is what only somebody with a right to it should get, worked out by whoever asks first.
    pub fn grants(&self, work_out: impl FnOnce() -> bool) -> bool {
        *self.derived.grants.get_or_init(work_out)
    }

    /// Looks at what lies apart in memory, and says nothing: where that is not in the processor's cache, it comes while other
    /// things are done.
    pub fn warm(&self) -> u8 {
        let head = |m: &Option<Message>| m.as_ref().map_or(0, |m| m.head.warm() ^ m.position.frame as u8);
        let text = |text: &OnceLock<Option<Box<str>>>| {
            let text = text.get().and_then(Option::as_deref).unwrap_or_default();
            text.as_bytes().first().copied().unwrap_or(0)
        };
        head(&self.request) ^ head(&self.response) ^ text(&self.derived.host) ^ text(&self.derived.route)
    }

    /// Approximate bytes that it holds, for bounds.
    pub fn size(&self) -> usize {
        let head = |m: &Option<Message>| m.as_ref().map_or(0, |m| m.head.size());
        let document = self.document.as_ref().map_or(0, |document| document.len());
        512 + head(&self.request) + head(&self.response) + document
    }
}
