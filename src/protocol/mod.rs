//! Stream bytes become messages: dissectors stacked in layers.
//!
//! A dissector emits two things only: a message (its head, then its body as it arrives), or inner bytes for
//! the layer inside it. What it learns about its own session is described with [`Out::tls`].

mod again;
mod amqp;
mod ber;
mod coap;
mod composed;
mod datagram;
mod dns;
mod dtls;
mod fields;
mod ftp;
mod fuzz;
mod gate;
mod gelf;
mod http1;
mod http2;
mod http3;
mod imap;
mod inner;
mod kafka;
mod layer;
mod ldap;
mod line;
mod mqtt;
mod mysql;
mod nats;
mod out;
mod payload;
mod pieces;
mod pop3;
mod postgresql;
mod quic;
mod radius;
mod reader;
mod redis;
mod rest;
mod sasl;
mod sink;
mod sip;
mod smtp;
mod socks;
mod statsd;
mod stomp;
mod streams;
mod syslog;
mod telnet;
#[cfg(test)]
mod tests;
mod tls;
mod trail;
mod units;
mod websocket;
mod xmpp;

pub use datagram::Conversation;
pub use fields::huffman_bits;
pub use fuzz::{
    fuzz_datagram, fuzz_datagrams, fuzz_http1, fuzz_http2, fuzz_probe, fuzz_quic, fuzz_stream, fuzz_tls,
    fuzz_tls_keys, fuzz_websocket,
};
pub use http1::parse_head;
pub use http2::{fuzz_hpack, rewrite_block};
pub use http3::fuzz_qpack;
pub use layer::Layer;
pub use out::Out;
pub use rest::Rest;
pub use sink::{Carrier, Sink};
pub use tls::{
    Alert, Certificate, ClientHello, Lock, Over, ServerHello, TlsEvent, alert_name, group_name, is_grease,
    signature_name,
};
pub use trail::Trail;

use crate::message::{Direction, End, Head};

/// What a probe thinks of the first bytes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not this protocol.
    No,
    /// More bytes are needed to tell.
    More,
    /// This protocol; the bytes are of the given direction (`None`: cannot tell which).
    Yes(Option<Direction>),
}

/// Bytes that break the protocol so that the dissector cannot go on. Counted, never thrown further: the layer
/// turns opaque and is scanned as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(
    /// Name under which it is counted, in `snake_case`.
    pub &'static str,
);

/// One protocol of one layer of one flow.
pub trait Dissector: Send {
    /// Takes the next bytes of one direction; their offset in the layer is [`Out::at`].
    ///
    /// # Errors
    /// [`Malformed`] if the protocol cannot be followed any further; bytes from [`Out::consumed`] on are then scanned as opaque.
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed>;

    /// `len` bytes of one direction will never arrive: resynchronise if the protocol can.
    ///
    /// # Errors
    /// As [`Dissector::data`].
    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed>;

    /// No more bytes of this direction.
    fn close(&mut self, dir: Direction, end: End, out: &mut Out<'_>);

    /// The oldest layer offset of `dir` whose position may still be asked for.
    fn held(&self, dir: Direction) -> u64;

    /// Gives up the next bytes of `dir`, and says how many: they are encrypted, whatever they are, and are counted
    /// without being shown. What comes next, be it data or a gap, is what lies behind them.
    fn passed_over(&mut self, _dir: Direction) -> u64 {
        0
    }

    /// Whether a fresh dissector would go on as well, in both directions: nothing is open, and nothing was learned that
    /// matters for what comes.
    fn is_idle(&self) -> bool {
        false
    }
}

/// A protocol that wirelint knows: one file, one line in [`PROTOCOLS`].
pub struct Protocol {
    /// As the records print it.
    pub name: &'static str,
    /// Looks at the first bytes of a direction; never at more than it is given.
    pub probe: fn(&[u8]) -> Verdict,
    /// A fresh dissector.
    pub open: fn() -> Box<dyn Dissector>,
    /// Whether an upgrade leads to this protocol.
    pub upgrade: Option<fn(&Upgrade<'_>) -> Option<Upgraded>>,
}

/// An exchange that turns into another protocol: 101 in HTTP/1.1 (RFC 9110 section 7.8), an extended CONNECT in HTTP/2
/// (RFC 8441).
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    /// What the protocol is called there, without its version.
    pub token: &'a [u8],
    /// The response that agrees.
    pub response: &'a Head<'a>,
}

/// What an upgrade leads to.
pub struct Upgraded {
    /// For the bytes that follow.
    pub dissector: Box<dyn Dissector>,
    /// The protocol answers the request that asked for the upgrade.
    pub answers: bool,
}

/// Every protocol, in order of probing.
pub const PROTOCOLS: &[&Protocol] = &[
    &tls::PROTOCOL,
    &http1::PROTOCOL,
    &http2::PROTOCOL,
    &websocket::PROTOCOL,
    &sip::PROTOCOL,
    &mqtt::PROTOCOL,
    &smtp::PROTOCOL,
    &imap::PROTOCOL,
    &pop3::PROTOCOL,
    &ftp::PROTOCOL,
    &xmpp::PROTOCOL,
    &ldap::PROTOCOL,
    &postgresql::PROTOCOL,
    &mysql::PROTOCOL,
    &redis::PROTOCOL,
    &nats::PROTOCOL,
    &stomp::PROTOCOL,
    &amqp::PROTOCOL,
    &syslog::PROTOCOL,
    &gelf::PROTOCOL,
    &socks::PROTOCOL,
    &dns::PROTOCOL,
    &kafka::PROTOCOL,
    &telnet::PROTOCOL,
];

/// The protocol that a name of ALPN (RFC 7301) stands for, where its first bytes do not tell it: a server may speak
/// first in HTTP/2.
pub(crate) fn by_alpn(name: &str) -> Option<&'static Protocol> {
    if name == "h2" { by_name("http2") } else { None }
}

/// The name of a protocol of streams or datagrams, as transports have it.
pub fn name_of(name: &str) -> Option<&'static str> {
    by_name(name).map(|p| p.name).or_else(|| datagram::name_of(name))
}

/// The protocol of that name.
pub fn by_name(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().copied().find(|p| p.name == name)
}
