//! What the traffic looked like, for reports that draw it: who talked to whom, and the lives of tokens. All of it is
//! bounded. Its text is as the network sent it: whoever prints it escapes it.

use crate::capture::FileId;
use crate::rules::Severity;
use crate::time::Timestamp;

/// Who talked to whom, and what became of the tokens that matter most.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Clients, servers and what protected them, the most important first.
    pub pairs: Vec<Pair>,
    /// Flows that are in none of them.
    pub flows_left: u64,
    /// Lives of tokens, the most important first.
    pub lives: Vec<TokenLife>,
    /// Tokens whose lives are left out.
    pub tokens_left: u64,
    /// Sightings of tokens that nothing was kept of.
    pub sightings_left: u64,
}

/// The flows between a client and a server under one kind of protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Address of the client.
    pub client: String,
    /// Name and port of the server, or its address and port.
    pub server: String,
    /// The name alone, if it has one.
    pub host: Option<String>,
    /// Protection, as rules name it: "cleartext", "tls-opaque", "tls-decrypted".
    pub channel: &'static str,
    /// The innermost protocols that were recognised.
    pub protocols: Vec<&'static str>,
    /// Flows.
    pub flows: u64,
    /// Packets of both directions.
    pub packets: u64,
    /// Wire bytes of their frames.
    pub bytes: u64,
    /// Token sightings.
    pub sightings: u64,
    /// The worst finding between the two.
    pub worst: Option<Severity>,
}

/// All that is known of one token.
#[derive(Clone, Debug)]
pub struct TokenLife {
    /// Its SHA-256.
    pub token: [u8; 32],
    /// What it is ("jws", "jwe").
    pub kind: &'static str,
    /// Its algorithm.
    pub alg: Option<String>,
    /// Issuer, subject, audience: what they are called, and what they say.
    pub claims: Vec<(&'static str, String)>,
    /// When it expires.
    pub expiry: Option<Timestamp>,
    /// Sightings.
    pub sightings: u64,
    /// First of them.
    pub first: Timestamp,
    /// Last of them.
    pub last: Timestamp,
    /// Clients, then servers, in order of appearance: their names.
    pub parties: Vec<String>,
    /// What happened, in order.
    pub steps: Vec<LifeStep>,
    /// Sightings that are in no step.
    pub left: u64,
}

/// One step of a life, and its repetitions.
#[derive(Clone, Debug)]
pub struct LifeStep {
    /// "issued", "presented" or "carried".
    pub act: &'static str,
    /// Method and path template, where there are such.
    pub request: Option<String>,
    /// Location and name of the place ("header authorization").
    pub place: String,
    /// First digits of the token that it was exchanged for, or that it came in exchange for.
    pub partner: Option<String>,
    /// The client, in [`TokenLife::parties`].
    pub client: usize,
    /// The server, likewise.
    pub server: usize,
    /// From the server to the client.
    pub response: bool,
    /// Protection, as rules name it.
    pub channel: &'static str,
    /// What the server made of it: "accepted", "refused", "answered", "unanswered".
    pub outcome: Option<&'static str>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// It had expired by then.
    pub expired: bool,
    /// How often.
    pub count: u64,
    /// File of the first time.
    pub file: FileId,
    /// Packet of the first time.
    pub packet: u64,
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
}
