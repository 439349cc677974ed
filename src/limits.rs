//! Every bound in wirelint, with its reason. A bound that bites is counted in the tally.

mod behaviour;
mod keys;
mod order;
mod pictures;
pub mod redact;

pub use behaviour::*;
pub use keys::*;
pub use order::*;
pub use pictures::*;

/// Flow tables are split into this many partitions, each with its share of every total bound, so that
/// the result does not depend on the number of threads.
pub const PARTITIONS: usize = 64;

/// A tick follows every frame whose ordinal is a multiple of this: there idle flows expire and surplus ones are evicted.
pub const TICK_FRAMES: u64 = 4096;

/// Bytes that a source puts into one block: large enough to amortise, small enough to stay in a core's own cache.
pub const BLOCK_BYTES: usize = 256 << 10;

/// Largest captured frame that is believed; Linux' largest GSO packet is 512 KiB, anything above 16 MiB is damage.
pub const FRAME_BYTES: usize = 16 << 20;

/// One entry of a file of recorded exchanges (HAR, cassettes): browsers keep no body above 10 to 20 MB. While it is
/// read it costs up to five times as much.
pub const ENTRY_BYTES: usize = 32 << 20;
/// Values (strings, numbers, objects) of one entry: each costs some 100 bytes, however short it is written.
pub const ENTRY_VALUES: usize = 1 << 18;
/// Entries in one block.
pub const ENTRIES_BLOCK: usize = 256;
/// Connections of one file whose names are remembered; entries of others stand alone.
pub const ENTRY_CONNECTIONS: usize = 4096;
/// Nodes of a cassette in YAML that aliases may stand for, in bytes of all.
pub const YAML_ANCHORS: usize = 1 << 20;

/// Encapsulation layers that the decoder follows in one frame.
pub const DECODE_DEPTH: usize = 16;

/// IP datagrams that wait for fragments at the same time, and their bytes.
pub const FRAGMENT_DATAGRAMS: usize = 4096;
/// Bytes of fragments held in all.
pub const FRAGMENT_BYTES: usize = 8 << 20;
/// Whole datagrams that are remembered, so that a copy of a fragment that comes behind them is known as one.
pub const FRAGMENT_COPIES: usize = 64;
/// Packet time after which an incomplete datagram is given up, in nanoseconds (RFC 8200 section 4.5: 60 s).
pub const FRAGMENT_TIMEOUT: i64 = 60 * crate::time::SECOND;

/// Flows in all partitions.
pub const FLOWS: usize = 1 << 20;
/// Out-of-order bytes of one direction of one flow, bookkeeping included: more than a thousand full-size
/// segments; the receive window of scaled TCP is rarely larger.
pub const SEGMENT_BYTES_FLOW: usize = 2 << 20;
/// Out-of-order bytes in all, bookkeeping included: one flow may use the share of its partition.
pub const SEGMENT_BYTES: usize = 128 << 20;
/// Segments that may wait in one direction of one flow (bounds the work of one insertion).
pub const SEGMENTS_FLOW: usize = 8192;
/// Packets of a flow after which a hole that the peer acknowledged becomes a gap.
pub const GAP_PACKETS: u32 = 64;
/// Packet time without a packet of the flow after which a hole that the peer acknowledged becomes a gap, in
/// nanoseconds ([`LINGER`] if there are some).
pub const GAP_TIME: i64 = 2 * crate::time::SECOND;
/// Packets of a flow for which the first data of a midstream start waits for earlier data behind it.
pub const HOLD_PACKETS: u32 = 8;
/// Packet time of the same, in nanoseconds.
pub const HOLD_TIME: i64 = crate::time::SECOND / 5;
/// A segment or FIN this many bytes ahead that the peer did not acknowledge is taken for a forgery
/// (16 MiB: the largest buffer that Linux gives a socket unasked is 6 MiB).
pub const FAR_AHEAD: i64 = 16 << 20;
/// Delivered segments of one direction that are remembered while the peer has not acknowledged them (beside the
/// last two), so that a retransmission with other bytes is noticed: more than most windows of requests have.
pub const UNACKNOWLEDGED: usize = 128;
/// Bytes of delivered data of one direction that come again in pieces and are put together, bookkeeping included, beside a
/// last piece: longer than most heads of requests. They count as waiting segments do.
pub const SECOND_READING: usize = 32 << 10;
/// Holes of one direction that are remembered after they were given up, so that late bytes are still read.
pub const HOLES_FLOW: usize = 16;
/// Flows with the same ends in different tunnels that are asked whether a packet by yet another path is theirs.
pub const JOINED_PATHS: usize = 8;
/// Sequence and acknowledgment numbers may be this far from where a flow is for a packet by another path to be its.
pub const JOINED_NEAR: i64 = 1 << 16;
/// Closed flows that are remembered in all ([`LINGER`]): few enough to stay in a core's cache when connections are short.
pub const TOMBSTONES: usize = 2 << 10;
/// Flows whose waiting segments one partition looks at in one tick (bounds the work of a tick).
pub const TICK_WAITING: usize = 256;
/// Idle time of an open TCP flow, in nanoseconds.
pub const TCP_IDLE: i64 = 3600 * crate::time::SECOND;
/// Idle time of a UDP conversation, in nanoseconds.
pub const UDP_IDLE: i64 = 300 * crate::time::SECOND;
/// Packet time by which a file may begin before the end of the one that it continues, in nanoseconds: stamps of
/// packets that are captured on several processors are not quite in order.
pub const ROTATION_OVERLAP: i64 = crate::time::SECOND / 1000;
/// Time that a closed flow is remembered so that its last packets do not open a new one, in nanoseconds.
pub const LINGER: i64 = 30 * crate::time::SECOND;

/// Bytes of one direction that are shown to the probes before a flow counts as opaque.
pub const PROBE_BYTES: usize = 64;
/// One TLS handshake message (OpenSSL accepts certificate lists of 100 KiB).
pub const HANDSHAKE_BYTES: usize = 128 << 10;
/// Handshake bytes of one direction of QUIC, and of one message of DTLS, that may wait to be put in order (a ClientHello
/// with post-quantum key shares has 2 KiB).
pub const PIECES_BYTES: usize = 32 << 10;
/// Ranges of such bytes that may lie apart (bounds the work of one piece).
pub const PIECES: usize = 64;
/// Messages of a DTLS handshake that may be incomplete at the same time.
pub const DTLS_MESSAGES: usize = 8;
/// Datagrams of one conversation that are shown to the probes.
pub const PROBE_DATAGRAMS: u8 = 4;
/// Initial packets of one QUIC connection that are opened (each costs a decryption).
pub const QUIC_INITIALS: u8 = 64;
/// Connections that one UDP conversation may hold at the same time.
pub const QUIC_CONNECTIONS: usize = 8;
/// Connection IDs of all connections that are opened with keys, by which one is found whose client has moved.
pub const REACHED_IDS: usize = 1 << 16;
/// Other ends at which flows go on whose client has moved.
pub const MOVED_FLOWS: usize = 1 << 16;
/// Initial packets of one UDP conversation that are tried as the beginning of another connection.
pub const QUIC_BEGINNINGS: usize = 256;
/// Connection IDs of one direction: endpoints allow two to eight.
pub const QUIC_IDS: usize = 16;
/// Streams of one QUIC connection that may be open, and closed ones of each kind that are remembered out of order.
pub const QUIC_STREAMS: usize = 1024;
/// Ranges of packet numbers that are remembered, and read of one acknowledgment.
pub const QUIC_RANGES: usize = 64;
/// Packet numbers with other upper bits that are tried for one packet (within [`TLS_TRIALS`]).
pub const QUIC_SEEK: u64 = 64;
/// Packets of one direction of a connection after which a hole in a stream is given up though nothing shows that its
/// bytes were received: a loss is made good within a few round trips.
pub const QUIC_HOLE_PACKETS: u64 = 2048;
/// Packet time of the same, in nanoseconds.
pub const QUIC_HOLE_TIME: i64 = 30 * crate::time::SECOND;
/// Packets that nothing opens, before any that opens, after which a connection stays closed.
pub const QUIC_STRIKES: u32 = 256;
/// Certificates of one chain that are read; chains of more than four are rare.
pub const CERTIFICATES: usize = 10;
/// DER form of one certificate that is read; those with hundreds of names have about 8 KiB.
pub const CERTIFICATE_BYTES: usize = 32 << 10;
/// Parsed certificates that are remembered, so that a server's is read and stored once.
pub const CERTIFICATE_CACHE: usize = 1024;
/// Alerts of one session that are kept.
pub const ALERTS: usize = 8;
/// Layers in one flow (TLS in CONNECT in SOCKS ...).
pub const LAYERS: usize = 6;

/// Secrets of TLS sessions in all; a session has up to five. A key log of a busy server for a day.
pub const KEYLOG_SECRETS: usize = 1 << 19;
/// Bytes of secrets in a capture that are read before its first packet, and of a growing key log that are read at once.
pub const SECRETS_AHEAD: usize = 64 << 20;
/// Handshake messages of one session that are kept for the extended master secret (certificates of both sides).
pub const TRANSCRIPT_BYTES: usize = 64 << 10;
/// Record numbers that are tried for one record behind a hole: a window of TCP in small records.
pub const TLS_SEEK: u64 = 1024;
/// Record numbers that are tried in one flow beyond the ones that are expected (bounds the work for hostile traffic).
pub const TLS_TRIALS: u64 = 16 << 10;
/// Records of one direction that may lack their secret before one that has it: early data and a handshake.
pub const TLS_PASSED: u32 = 64;
/// Bytes of encrypted records of one flow that wait for their secret, and of early data that waits for the server's word.
pub const TLS_WAIT_FLOW: usize = 64 << 10;
/// Packet time for which they wait, in nanoseconds.
pub const TLS_WAIT_TIME: i64 = 2 * crate::time::SECOND;
/// Records in a row that are not authentic, after which a direction that was opened stays closed.
pub const TLS_STRIKES: u32 = 16;
/// The same, where none was opened before: the secret is of another session.
pub const TLS_FIRST_STRIKES: u32 = 3;
/// Longest line of a key log: a label, 32 bytes of identifier and the longest premaster secret in hexadecimal.
pub const KEYLOG_LINE: usize = 4096;
/// Lines of one key log that are complained about one by one; the others are counted.
pub const KEYLOG_COMPLAINTS: usize = 5;

/// Head of one HTTP/1 message (nginx and Apache allow 8 to 32 KiB; tokens in cookies make large ones).
pub const HEAD_BYTES: usize = 256 << 10;
/// Header fields of one message.
pub const HEAD_FIELDS: usize = 256;
/// Heads of open exchanges in all, in bytes; those over it are kept without their fields.
pub const OPEN_HEADS: usize = 256 << 20;
/// Exchanges of one flow that may wait for their response.
pub const PIPELINE: usize = 1024;

/// Layers beside each other inside one layer (tunnels of one HTTP/2 connection); more are scanned as opaque bytes.
pub const INNER_LAYERS: usize = 64;
/// Streams of one HTTP/2 connection that may be open; servers announce 100 to 1000.
pub const HTTP2_STREAMS: usize = 1024;
/// Bytes of one header block of HTTP/2 before it is decoded, and frames that it may come in: none has more than a
/// few, and floods of them are an attack (CVE-2024-27316).
pub const HEADER_BLOCK: usize = 256 << 10;
/// CONTINUATION frames of one header block.
pub const CONTINUATIONS: usize = 256;
/// Dynamic table of HPACK that is kept for one direction: what browsers ask for.
pub const HPACK_TABLE: usize = 64 << 10;

/// Streams of HTTP/3 that may wait for instructions of QPACK: endpoints announce 16 to 100.
pub const QPACK_BLOCKED: usize = 128;
/// Longest instruction of QPACK: an entry as large as the table.
pub const QPACK_INSTRUCTION: usize = HPACK_TABLE + 64;
/// Bytes of the settings of HTTP/3.
pub const HTTP3_SETTINGS: u64 = 4096;
/// A line, frame or other unit of a protocol that is only read as a whole (Postfix takes lines of 2 KiB and SASL
/// responses of 12 KiB; a token may have far more). Payloads are read in pieces, however long they are.
pub const UNIT_BYTES: usize = 64 << 10;
/// Longest batch of records of Kafka that is read as such: brokers take 1 MiB and a little more (`message.max.bytes`).
pub const KAFKA_BATCH: usize = (1 << 20) + 4096;
/// Bytes of records that a compressed batch may become.
pub const KAFKA_RECORDS: usize = 8 << 20;

/// What dissectors keep between chunks, in bytes of all flows: 10 000 decompressors (WebSocket) of 48 KiB, or TLS records
/// that are not whole or wait for their secret.
pub const DISSECTOR_BYTES: usize = 480 << 20;

/// Bytes of a body that are kept so that a token's JSON path or form field can be named.
pub const BODY_CONTEXT: usize = 256 << 10;
/// Body bytes kept for context in all.
pub const BODY_CONTEXT_TOTAL: usize = 32 << 20;
/// Output of one decoded body, all content codings undone.
pub const INFLATE_BYTES: u64 = 64 << 20;
/// Output bytes for each input byte of a content coding, once [`INFLATE_FREE`] is passed. DEFLATE reaches 1032.
pub const INFLATE_RATIO: u64 = 200;
/// Output that no ratio is asked of.
pub const INFLATE_FREE: u64 = 1 << 20;
/// Bytes of one body in gzip that are held until it is whole. They count as memory of decoders.
pub const GATHERED_BYTES: usize = 128 << 10;
/// Memory of all content decoders at work: the share of a partition (12 MiB) has room for the largest window of
/// Zstandard in HTTP (8 MiB, RFC 9659) and some fifty inflaters beside it.
pub const DECODER_BYTES: usize = 768 << 20;
/// Content codings on top of each other.
pub const CODINGS: usize = 4;

/// Longest token that is recognised, in bytes of its compact text.
pub const TOKEN_BYTES: usize = 128 << 10;
/// Parsed tokens that are remembered in all so that a repeated one is not parsed again.
pub const TOKEN_CACHE: usize = 8192;
/// Bytes of their texts in all (each costs about four times its text).
pub const TOKEN_CACHE_BYTES: usize = 16 << 20;
/// Heads of HTTP/1 that each shard remembers.
pub const KNOWN_HEADS: usize = 128;
/// Hashes of heads that came once, likewise.
pub const KNOWN_PRINTS: usize = 1024;
/// The longest head that is remembered, in bytes.
pub const KNOWN_HEAD_BYTES: usize = 1024;
/// Bodies that are remembered in all because they come again and again.
pub const REPEATED_BODIES: usize = 4096;
/// Starts of a token that are tried in one run of token characters (bounds the work of hostile base64).
pub const TOKEN_TRIES: usize = 16;
/// Decoded JSON nesting that is parsed (`serde_json` stops at 128).
pub const JSON_DEPTH: usize = 64;
/// Bytes of the compact texts of tokens in JSON serialisation in one body; each of many signatures repeats the payload.
pub const JSON_FORM_BYTES: usize = 1 << 20;
/// Defects of one token that are told apart, beside the first of each kind in each part: repeated member names are
/// without end, and each is compared with those before it.
pub const DEFECTS: usize = 64;
/// Encodings that are undone around a token (percent in base64 in JSON ...).
pub const WRAPPINGS: usize = 3;
/// Sightings of one exchange; more are counted.
pub const SIGHTINGS_EXCHANGE: usize = 256;

/// Findings that are kept; more are counted.
pub const FINDINGS: usize = 100_000;
/// Distinct tokens that are counted; those beyond are judged, but no longer counted.
pub const COUNTED_TOKENS: usize = 1 << 20;
/// Different sets of rules that tokens rule out by themselves; tokens beyond rule out none, which only costs time.
pub const RULE_SETS: usize = 4096;
/// Subjects retained for `late` facts.
pub const RETAINED: usize = 16_384;
/// Bytes of retained subjects as they are used: a token that many have in common counts once.
pub const RETAINED_BYTES: usize = 14 << 20;
/// Hosts, clients and issuers that are remembered, each; those over it are judged early.
pub const ROLL: usize = 4096;
/// Packet time without a token of theirs after which they are over, in nanoseconds.
pub const ROLL_IDLE: i64 = 3600 * crate::time::SECOND;
/// Hosts, keys and tampered tokens of which the forms are remembered, each, in some 100 bytes; the least recently seen give way.
pub const FORMS: usize = 4096;

/// What a flow costs at least, in bytes, where it is counted as memory: `benches/idle.rs` measures it.
pub const FLOW_COST: usize = 1 << 10;
/// What a finding costs about, in bytes: its texts, and up to ten tokens.
pub const FINDING_COST: usize = 4 << 10;

/// The bounds that make up the memory of a run, all partitions together. Those that are left out are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// [`FLOWS`].
    pub flows: usize,
    /// [`SEGMENT_BYTES`].
    pub segments: usize,
    /// [`OPEN_HEADS`].
    pub heads: usize,
    /// [`DISSECTOR_BYTES`].
    pub dissectors: usize,
    /// [`BODY_CONTEXT_TOTAL`].
    pub context: usize,
    /// [`DECODER_BYTES`].
    pub decoders: usize,
    /// [`FINDINGS`].
    pub findings: usize,
    /// [`COUNTED_TOKENS`].
    pub tokens: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Room {
    /// The bounds as they are.
    pub const WHOLE: Self = Self {
        flows: FLOWS,
        segments: SEGMENT_BYTES,
        heads: OPEN_HEADS,
        dissectors: DISSECTOR_BYTES,
        context: BODY_CONTEXT_TOTAL,
        decoders: DECODER_BYTES,
        findings: FINDINGS,
        tokens: COUNTED_TOKENS,
    };

    /// Memory that no bound here is about: the program, blocks, caches, what waits for late facts.
    pub const BASE: usize = 96 << 20;

    /// Bytes that the bounds allow in all, [`Room::BASE`] not included.
    pub const fn bytes(&self) -> usize {
        self.flows * FLOW_COST
            + self.segments
            + self.heads
            + self.dissectors
            + self.context
            + self.decoders
            + self.findings * FINDING_COST
            + self.tokens * 32
    }

    /// The same bounds, smaller by one factor, so that all of it fits into `memory` bytes; no larger than they are.
    pub fn within(memory: usize) -> Self {
        let (have, whole) = (memory.saturating_sub(Self::BASE) as u128, Self::WHOLE.bytes() as u128);
        let part = |n: usize| ((n as u128 * have / whole) as usize).min(n).max(PARTITIONS);
        let all = Self::WHOLE;
        Self {
            flows: part(all.flows),
            segments: part(all.segments),
            heads: part(all.heads),
            dissectors: part(all.dissectors),
            context: part(all.context),
            decoders: part(all.decoders),
            findings: part(all.findings),
            tokens: part(all.tokens),
        }
    }

    /// The share of one partition.
    #[must_use]
    pub const fn share(&self) -> Self {
        Self {
            flows: self.flows / PARTITIONS,
            segments: self.segments / PARTITIONS,
            heads: self.heads / PARTITIONS,
            dissectors: self.dissectors / PARTITIONS,
            context: self.context / PARTITIONS,
            decoders: self.decoders / PARTITIONS,
            findings: self.findings,
            tokens: self.tokens,
        }
    }
}

/// Bytes of blocks that `live --write` keeps while it is not known whether a finding comes of them.
pub const EVIDENCE_BYTES: usize = 64 << 20;
/// Flows with findings whose packets are written, the latest ones.
pub const EVIDENCE_FLOWS: usize = 1 << 16;
/// Bytes of TLS secrets that each file of evidence begins with.
pub const EVIDENCE_SECRETS: usize = 1 << 20;

/// Alarms on their way to the thread of one sink.
pub const ALARM_QUEUE: usize = 1024;
/// Alarms that wait in memory for a sink that is down, where there is no folder for them.
pub const SPOOL_MEMORY: usize = 4096;
/// Bytes of alarms that wait in one file for a sink that is down, where nothing else is said.
pub const SPOOL_BYTES: u64 = 64 << 20;

/// Source text of one rule expression, in bytes.
pub const EXPRESSION_BYTES: usize = 4096;
/// Nesting of one rule expression.
pub const EXPRESSION_DEPTH: usize = 32;
/// Turns that the loops (`exists`, `all`) of one evaluation may take; then the condition is unknown.
pub const EXPRESSION_TURNS: u32 = 10_000;
/// Bytes of one rule file; ours are about 2 KiB.
pub const RULE_BYTES: usize = 64 << 10;
/// Bytes of one configuration file.
pub const CONFIG_BYTES: usize = 1 << 20;
/// Suppressions of a run, those that captures bring included; further ones suppress nothing.
pub const SUPPRESSIONS: usize = 10_000;
/// Rules in all: a folder that has more is not a folder of rules.
pub const RULES: usize = 4096;

#[cfg(test)]
mod tests;
