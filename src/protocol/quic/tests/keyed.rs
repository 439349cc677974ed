//! Connections whose keys are known.

use super::*;

/// The random of the client in both examples, which names its secrets.
const RANDOM: &str = "ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c";

/// One end that seals packets with a traffic secret: its generations, and the number of the next packet.
struct Peer {
    mask: Mask,
    generations: Vec<PacketKey>,
    phase: usize,
    number: u64,
    id: Vec<u8>,
}

impl Peer {
    fn new(secret: u8, id: &str) -> Self {
        let (version, aead, hash) = (Version::of(1).unwrap(), Aead::Aes128Gcm, Hash::Sha256);
        let mut secret = vec![secret; 32];
        let mask = Mask::new(version, aead, hash, &secret);
        let generations = (0..4)
            .map(|_| {
                let key = PacketKey::new(version, aead, hash, &secret).unwrap();
                secret = update_secret(hash, &secret, update_label(version));
                key
            })
            .collect();
        Self { mask, generations, phase: 0, number: 0, id: hex(id) }
    }

    /// A packet with these frames; its number is cut to a byte.
    fn seal(&mut self, frames: &[u8]) -> Vec<u8> {
        let first = 0x40 | ((self.phase as u8 & 1) << 2);
        let head = [&[first][..], &self.id, &[self.number as u8]].concat();
        let packet =
            seal(&self.mask, &self.generations[self.phase], &head, 1 + self.id.len(), self.number, frames);
        self.number += 1;
        packet
    }

    /// A packet with a long header of that first byte: both IDs with their lengths, frames.
    fn long(&mut self, first: u8, ids: &str, frames: &[u8]) -> Vec<u8> {
        let len = 1 + frames.len() + 16;
        let head =
            [&[first, 0, 0, 0, 1][..], &hex(ids), &[0x40 | (len >> 8) as u8, len as u8, self.number as u8]]
                .concat();
        let packet = seal(&self.mask, &self.generations[0], &head, head.len() - 1, self.number, frames);
        self.number += 1;
        packet
    }

    /// One with a piece of a stream.
    fn stream(&mut self, stream: u8, offset: u8, data: &[u8], fin: bool) -> Vec<u8> {
        self.seal(&[&[0x0e | u8::from(fin), stream, offset, data.len() as u8], data].concat())
    }
}

/// A connection with secrets: the examples' hellos, then whatever its ends send.
struct Keyed {
    conversation: Conversation,
    tape: Tape,
    id: u64,
    seconds: i64,
    client: Peer,
    server: Peer,
}

impl Keyed {
    fn new() -> Self {
        let mut ring = Keyring::default();
        ring.add(secrets());
        let mut new = Self::with(ring);
        new.hellos();
        assert_eq!(new.said(), ["0 quic", "client 0303 example.com", "server 0304 1301"]);
        new
    }

    fn with(ring: Keyring) -> Self {
        let mut tape = Tape::default();
        tape.keys(ring);
        let (client, server) = (Peer::new(7, "f067a5502a4262b5"), Peer::new(9, ""));
        Self { conversation: Conversation::default(), tape, id: 0, seconds: 0, client, server }
    }

    fn hellos(&mut self) {
        self.send(Direction::Request, &client(1, 2, &hex(CLIENT)));
        self.send(Direction::Response, &hex(SERVER_1));
    }

    fn send(&mut self, dir: Direction, datagram: &[u8]) {
        let transport =
            Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
        let position = Position { time: Timestamp::from_parts(self.seconds, 0), ..Position::default() };
        self.conversation.probe(datagram, &mut self.tape);
        self.conversation.datagram(dir, datagram, position, transport, &mut self.tape, &mut self.id);
    }

    fn c(&mut self, packet: &[u8]) -> &mut Self {
        self.send(Direction::Request, packet);
        self
    }

    fn s(&mut self, packet: &[u8]) -> &mut Self {
        self.send(Direction::Response, packet);
        self
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tape.lines)
    }

    fn all(&mut self) -> Vec<String> {
        let transport =
            Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
        self.conversation.close(transport, &mut self.tape, &mut self.id);
        assert_eq!(self.tape.reserved(), 0);
        self.said()
    }
}

fn secrets() -> Vec<Entry> {
    let id = hex(RANDOM).try_into().unwrap();
    [
        (Label::ClientEarly, 3),
        (Label::ServerHandshake, 5),
        (Label::ClientTraffic, 7),
        (Label::ServerTraffic, 9),
    ]
    .into_iter()
    .map(|(label, byte)| Entry { label, id, secret: vec![byte; 32].into() })
    .collect()
}

/// What is said when the first packet is opened: the example offers a protocol that nobody knows.
const OPENED: [&str; 2] = ["established", "opened"];

/// Whether the server took it is known from its EncryptedExtensions, or from a client that goes on without them.
#[test]
fn early_data_is_told_apart() {
    let taken = [0, 4, 0, 42, 0, 0];
    let refused = [0, 0];
    for (extensions, is_taken) in [(Some(&taken[..]), true), (Some(&refused), false), (None, true)] {
        let mut ring = Keyring::default();
        ring.add(secrets());
        let mut wire = Keyed::with(ring);
        let (mut early, mut handshake) = (Peer::new(3, ""), Peer::new(5, ""));
        let request = b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n";
        let frames = [&[0x0a, 0, request.len() as u8][..], request].concat();
        let packet = early.long(0xd0, &format!("08{ID}00"), &frames);
        wire.send(Direction::Request, &client(1, 2, &hex(CLIENT)));
        wire.c(&packet);
        assert_eq!(wire.said(), ["0 quic", "client 0303 example.com", "opened"]);
        wire.s(&hex(SERVER_1));
        if let Some(extensions) = extensions {
            let message = [&[8, 0, 0, extensions.len() as u8], extensions].concat();
            let frames = [&[6, 0, message.len() as u8][..], &message].concat();
            let packet = handshake.long(0xe0, "0008f067a5502a4262b5", &frames);
            wire.s(&packet);
        }
        wire.client.number = 1;
        let late = wire.client.stream(4, 0, b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n", true);
        wire.c(&late);
        let said = wire.said();
        let at =
            |line: &str| said.iter().position(|l| l == line).unwrap_or_else(|| panic!("{line}: {said:?}"));
        assert_eq!(
            said.iter().filter(|l| l.starts_with("early data")).count(),
            usize::from(is_taken),
            "{said:?}"
        );
        if is_taken {
            assert!(
                at("early data at 0") < at("0> GET /early @0")
                    && at("0> GET /early @0") < at("1> GET /late @0")
            );
        } else {
            assert!(at("weird tls_early_data_rejected") < at("0> GET /late @0"), "{said:?}");
        }
    }
}

#[test]
fn streams_are_put_in_order_whatever_comes_twice_or_late() {
    let mut wire = Keyed::new();
    let pieces = [
        wire.client.stream(0, 0, b"GET / HT", false),
        wire.client.stream(0, 8, b"TP/1.1\r\n", false),
        wire.client.stream(0, 4, b"/ HTTP/1.1\r\nHost: a\r\n", false),
        wire.client.stream(0, 25, b"\r\n", true),
    ];
    for i in [3, 1, 1, 0, 2, 0, 3] {
        wire.c(&pieces[i]);
    }
    assert_eq!(wire.said(), [&OPENED[..], &["1 http1", "0> GET / @0", "0> Complete"]].concat());
    let answer = wire.server.stream(0, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true);
    wire.s(&answer).s(&answer);
    assert_eq!(wire.said(), ["0< 200 @0", "0< body hi", "0< Complete"]);
    // The stream is over: nothing opens it again.
    let again = wire.client.stream(0, 0, b"GET /again HTTP/1.1\r\n\r\n", true);
    assert_eq!(wire.c(&again).all(), [""; 0]);
}

#[test]
fn keys_are_updated_and_old_packets_are_still_opened() {
    let mut wire = Keyed::new();
    let first = wire.client.stream(0, 0, b"=", false);
    let late = wire.client.stream(0, 1, b";", false);
    wire.client.phase = 1;
    let updated = wire.client.stream(0, 2, b",", false);
    wire.client.phase = 2;
    let twice = wire.client.stream(0, 3, b"?", false);
    wire.c(&first).c(&updated).c(&late).c(&twice);
    assert_eq!(wire.said(), [&OPENED[..], &[">> opaque =;,?"]].concat());
    // Two updates in a hole.
    let mut wire = Keyed::new();
    wire.c(&first).c(&twice);
    assert_eq!(
        wire.all(),
        [&OPENED[..], &[">> opaque =", "weird quic_hole", ">> hole", ">> opaque ?", ">> over"]].concat()
    );
}

#[test]
fn numbers_are_found_again_behind_a_hole() {
    let mut wire = Keyed::new();
    let first = wire.client.stream(0, 0, b"=", false);
    wire.client.number += 5000;
    let second = wire.client.stream(0, 1, b";", false);
    wire.client.number += 256 * (limits::QUIC_SEEK + 2);
    let third = wire.client.stream(0, 2, b",", false);
    wire.c(&first).c(&second).c(&third);
    let said = wire.said();
    assert_eq!(said, [&OPENED[..], &[">> opaque =;", "weird quic_bad_tag", "## encrypted 31"]].concat());
}

#[test]
fn a_hole_is_given_up_when_the_peer_has_what_it_hides() {
    for (acknowledged, gives_up) in [(true, true), (false, false)] {
        let mut wire = Keyed::new();
        let first = wire.client.stream(0, 0, b"=", false);
        wire.client.number += 1;
        let third = wire.client.stream(0, 2, b",", false);
        wire.c(&first).c(&third);
        for n in 0..limits::GAP_PACKETS + 2 {
            let ping = wire.client.seal(&[1, 0, 0]);
            // All to packet 2, or 0 and 2 only.
            let ack = if acknowledged { &[2, 2, 0, 0, 2][..] } else { &[2, 2, 0, 1, 0, 0, 0] };
            let ack = wire.server.seal(ack);
            wire.c(&ping).s(&ack);
            assert!(n == 0 || !gives_up || n < limits::GAP_PACKETS || wire.tape.lines.len() > 3);
        }
        let said = wire.said();
        assert_eq!(said.contains(&"weird quic_hole".to_owned()), gives_up, "{said:?}");
        // What was lost on the way comes again.
        if !gives_up {
            let again = wire.client.stream(0, 1, b";", false);
            assert_eq!(wire.c(&again).said(), [">> opaque ;,"]);
        }
    }
}

#[test]
fn secrets_that_come_late_open_what_waits() {
    let mut ring = Keyring::default();
    ring.await_more(true);
    let mut wire = Keyed::with(ring.clone());
    wire.hellos();
    let packets: Vec<_> =
        [b"a", b"b"].iter().enumerate().map(|(i, d)| wire.client.stream(0, i as u8, *d, false)).collect();
    wire.c(&packets[0]);
    assert_eq!(wire.said(), ["0 quic", "client 0303 example.com", "server 0304 1301", "established"]);
    ring.add(secrets());
    wire.tape.keys(ring);
    wire.c(&packets[1]);
    assert_eq!(wire.all(), ["opened", ">> opaque ab", ">> over"]);
}

#[test]
fn secrets_that_do_not_come_or_do_not_fit_are_said() {
    let mut ring = Keyring::default();
    ring.await_more(true);
    let mut wire = Keyed::with(ring);
    wire.hellos();
    let packet = wire.client.stream(0, 0, b"a", false);
    wire.c(&packet);
    wire.seconds += 3;
    wire.c(&packet);
    let said = wire.all();
    for line in ["locked Secret", "## encrypted 62"] {
        assert!(said.contains(&line.to_owned()), "{said:?}");
    }

    let mut wire = Keyed::new();
    wire.client = Peer::new(1, "f067a5502a4262b5");
    for n in 0..limits::QUIC_STRIKES as usize + 9 {
        let packet = wire.client.stream(0, n as u8, b"a", false);
        wire.c(&packet);
    }
    let said = wire.all();
    assert_eq!(said.iter().filter(|l| *l == "weird quic_bad_tag").count(), limits::QUIC_STRIKES as usize);
    assert!(said.contains(&"locked Tag".to_owned()) && !said.iter().any(|l| l.contains("opaque")));
}

#[test]
fn what_waits_is_held_to_a_bound() {
    let mut wire = Keyed::new();
    let first = wire.client.stream(0, 0, b"a", false);
    wire.c(&first);
    let many = limits::SEGMENT_BYTES_FLOW / 1000 + 100;
    for n in 0..many {
        let offset = (0x8000_0000_u32 + 2 + 1000 * n as u32).to_be_bytes();
        let frame = [&[0x0c, 0][..], &offset, &[b'x'; 1000]].concat();
        let packet = wire.client.seal(&frame);
        let ack = wire.server.seal(&[1, 0, 0]);
        wire.c(&packet).s(&ack);
        if n % 32 == 0 {
            assert!(wire.tape.reserved() <= limits::SEGMENT_BYTES_FLOW + 2000);
        }
    }
    let said = wire.all();
    assert!(
        said.contains(&"weird quic_waiting_limit".to_owned()) || said.contains(&"weird quic_hole".to_owned())
    );
}
