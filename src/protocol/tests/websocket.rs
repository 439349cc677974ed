//! WebSocket behind its handshake, whole, in pieces and with losses.

use super::tape::Wire;

const TEXT: u8 = 0x81;
const RSV1: u8 = 0x40;

/// A frame of a client, masked.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 99, 200, 3];
    let payload: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
    let mut out = frame(first, &payload);
    out[1] |= 0x80;
    let header = out.len() - payload.len();
    out.splice(header..header, mask);
    out
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = match payload.len() {
        n @ ..126 => vec![n as u8],
        n => [&[126][..], &(n as u16).to_be_bytes()].concat(),
    };
    [&[first][..], &len, payload].concat()
}

fn handshake(wire: &mut Wire, extensions: &str) {
    wire.c("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let agreed = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n";
    wire.s(format!("{agreed}Sec-WebSocket-Extensions: {extensions}\r\n\r\n"));
}

/// A conversation behind the handshake, played whole and in pieces: the same must come out.
#[track_caller]
fn check(extensions: &str, play: impl Fn(&mut Wire), expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 5, 7, 11] {
        let mut wire = Wire::in_pieces(piece);
        handshake(&mut wire, extensions);
        play(&mut wire);
        let said = wire.all();
        assert_eq!(said[..2], ["0> GET /ws @1", "0> Complete"]);
        assert!(said.contains(&"0 becomes websocket".to_owned()) && said.contains(&"0< 101 @2".to_owned()));
        let said: Vec<_> = said.into_iter().filter(|l| !l.starts_with('0')).collect();
        assert_eq!(said, expected, "in pieces of {piece}");
    }
}

#[test]
fn messages_stand_alone() {
    let long = "x".repeat(300);
    check(
        "",
        |w| {
            w.c([masked(TEXT, b"hello"), masked(0x82, long.as_bytes())].concat()).s(frame(TEXT, b""));
            w.s([frame(0x89, b"ping"), frame(TEXT, b"reply"), frame(0x88, &[3, 232])].concat());
            w.c(masked(0x88, &[3, 232]));
        },
        &[
            "1> websocket @3",
            "1> body hello",
            "1> Complete",
            "2> websocket @3",
            &format!("2> body {long}"),
            "2> Complete",
            "3< websocket @4",
            "3< Complete",
            "4< websocket @5",
            "4< body reply",
            "4< Complete",
        ],
    );
}

#[test]
fn fragments_are_joined_around_control_frames() {
    check(
        "",
        |w| {
            w.c([masked(0x01, b"eyJ"), masked(0x89, b"ping"), masked(0x00, b"hbG"), masked(0x80, b"")]
                .concat());
            w.c(masked(TEXT, b"next"));
        },
        &[
            "1> websocket @3",
            "1> body eyJhbG",
            "1> Complete",
            "2> websocket @4",
            "2> body next",
            "2> Complete",
        ],
    );
}

/// Messages as a peer with these settings compresses them (RFC 7692 section 7.2.1).
struct Deflater(flate2::Compress, bool);

impl Deflater {
    fn new(bits: u8, keeps: bool) -> Self {
        Self(flate2::Compress::new_with_window_bits(flate2::Compression::default(), false, bits), keeps)
    }

    fn message(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * text.len() + 100);
        self.0.compress_vec(text.as_bytes(), &mut out, flate2::FlushCompress::Sync).unwrap();
        if !self.1 {
            self.0.reset();
        }
        assert_eq!(out.split_off(out.len() - 4), [0, 0, 0xff, 0xff]);
        out
    }
}

#[test]
fn compressed_messages_are_inflated_whatever_was_agreed() {
    let text: String = (0..400).map(|n| format!("{{\"n\":{},\"token\":\"eyJ\"}}", n * 7 % 90)).collect();
    for (bits, keeps) in (9..=15).flat_map(|bits| [(bits, true), (bits, false)]) {
        let takeover = if keeps { "" } else { "client_no_context_takeover; server_no_context_takeover; " };
        let extension = format!("permessage-deflate; {takeover}client_max_window_bits={bits}");
        let mut client = Deflater::new(bits, keeps);
        let mut server = Deflater::new(bits, keeps);
        let (first, second) = (client.message(&text), client.message(&text));
        let reply = server.message("short");
        let (head, tail) = second.split_at(second.len() / 2);
        check(
            &extension,
            |w| {
                w.c(masked(TEXT | RSV1, &first)).s(frame(TEXT | RSV1, &reply));
                w.c([masked(0x01 | RSV1, head), masked(0x80, tail), masked(TEXT, b"plain")].concat());
            },
            &[
                "1> websocket @3",
                &format!("1> body {text}"),
                "1> Complete",
                "2< websocket @4",
                "2< body short",
                "2< Complete",
                "3> websocket @5",
                &format!("3> body {text}"),
                "3> Complete",
                "4> websocket @5",
                "4> body plain",
                "4> Complete",
            ],
        );
    }
}

#[test]
fn a_hole_costs_what_it_must() {
    // In a plain message: the rest is read.
    let mut wire = Wire::new();
    handshake(&mut wire, "");
    let whole = frame(TEXT, &[b'x'; 100]);
    wire.said();
    wire.s(&whole[..20]).s_gap(30).s(&whole[50..]).s(frame(TEXT, b"next"));
    let said = wire.said();
    assert_eq!(said[2..4], ["1< hole 30".to_owned(), format!("1< body {}", "x".repeat(52))]);
    assert_eq!(said[4..], ["1< Complete", "2< websocket @5", "2< body next", "2< Complete"]);
    // Between frames: the next segment that holds whole frames is read.
    wire.s_gap(77).s(b"mid of a frame").s(frame(TEXT, b"again"));
    let said = wire.said();
    assert_eq!(said[..2], ["<< opaque mid of a frame", "<< over"]);
    assert_eq!(said[2..], ["3< websocket @7", "3< body again", "3< Complete"]);
}

#[test]
fn without_its_window_a_message_is_counted_and_the_next_may_be_read() {
    for keeps in [true, false] {
        let takeover = if keeps { "" } else { "; server_no_context_takeover" };
        let mut wire = Wire::new();
        handshake(&mut wire, &format!("permessage-deflate{takeover}"));
        wire.said();
        let mut server = Deflater::new(15, keeps);
        let lost = frame(TEXT | RSV1, &server.message("the first one is lost"));
        wire.s(&lost[..10])
            .s_gap(lost.len() as u64 - 10)
            .s(frame(TEXT | RSV1, &server.message("the first one is")));
        let said = wire.all();
        assert!(keeps == said.contains(&"weird websocket_undecodable".to_owned()), "{said:?}");
        assert!(keeps != said.contains(&"2< body the first one is".to_owned()), "{said:?}");
    }
}

#[test]
fn over_http2_each_stream_is_a_connection() {
    let literal = |name: &str, value: &str| {
        [&[0, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
    };
    let h2 = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], payload].concat()
    };
    let ask =
        [literal(":method", "CONNECT"), literal(":protocol", "websocket"), literal(":path", "/ws")].concat();
    let agree = [vec![0x88], literal("sec-websocket-extensions", "permessage-deflate")].concat();
    for piece in [usize::MAX, 1, 3] {
        let mut wire = Wire::in_pieces(piece);
        wire.c([&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &h2(4, 0, 0, &[])].concat());
        wire.c([h2(1, 4, 1, &ask), h2(1, 4, 3, &ask)].concat());
        wire.s([h2(4, 0, 0, &[]), h2(4, 1, 0, &[]), h2(1, 4, 1, &agree), h2(1, 4, 3, &agree)].concat());
        let (one, three) =
            (masked(TEXT, b"one"), masked(TEXT | RSV1, &Deflater::new(15, true).message("three")));
        let (start, end) = one.split_at(5);
        wire.c([h2(0, 0, 1, start), h2(0, 0, 3, &three), h2(0, 1, 1, end)].concat());
        wire.s(h2(0, 1, 3, &frame(TEXT, b"done")));
        let said = wire.all();
        let expected = [
            "0> CONNECT /ws @2",
            "1> CONNECT /ws @2",
            "0< 200 @3",
            "0> Complete",
            "0< Complete",
            "1< 200 @3",
            "1> Complete",
            "1< Complete",
        ];
        assert_eq!(said[..8], expected, "in pieces of {piece}");
        // Which message begins first depends on the pieces, what is in it does not.
        let mut bodies: Vec<_> = said.iter().filter_map(|l| Some(l.split_once(" body ")?.1)).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, ["done", "one", "three"]);
        assert_eq!(said.iter().filter(|l| l.ends_with("Complete")).count(), 7);
    }
}

#[test]
fn stomp_and_mqtt_are_read_inside() {
    // Told by their first message.
    check(
        "",
        |w| {
            w.c(masked(TEXT, b"CONNECT\nlogin:me\npasscode:eyJ.a.b\n\n\0"));
            w.s(frame(TEXT, b"CONNECTED\nversion:1.2\n\n\0"));
            w.c([masked(0x01, b"SEND\ndestination:/q\n\n{\"a\""), masked(0x80, b":1}\0")].concat());
        },
        &[
            "1 stomp",
            "1> publish connect:login=me connect:passcode=eyJ.a.b @3",
            "1> Complete",
            "login password token - accepted @3",
            "2< publish header:version=1.2 @4",
            "2< Complete",
            "3> publish header:destination=/q @5",
            "3> body {\"a\":1}",
            "3> Complete",
        ],
    );
    check(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        |w| {
            let connect = b"\x10\x15\0\x04MQTT\x04\xc2\0\x3c\0\x01c\0\x01u\0\x03eyJ";
            w.c(masked(0x82 | RSV1, &deflated(connect)));
            w.s(frame(0x82, &[0x20, 2, 0, 0]));
            w.c(masked(0x82, b"\x30\x09\0\x01t{\"b\"")).c(masked(0x82, b":"));
        },
        &[
            "1 mqtt",
            "1> connect connect:client id=c connect:username=u connect:password=eyJ @3",
            "1> Complete",
            "login password token - accepted @3",
            "2> publish property:topic=t @5",
            "2> body {\"b\":",
            "2> Cut",
        ],
    );
}

/// Compressed as RFC 7692 section 7.2.1 has it.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut deflate = flate2::Compress::new(flate2::Compression::default(), false);
    let mut out = Vec::with_capacity(bytes.len() + 64);
    deflate.compress_vec(bytes, &mut out, flate2::FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

#[test]
fn the_subprotocol_tells_what_is_inside() {
    let mut wire = Wire::new();
    wire.c("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: x, mqtt\r\n\r\n");
    wire.s(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
    );
    // Joined behind the first packets.
    wire.c(masked(0x82, b"\x30\x05\0\x01t")).c(masked(0x82, b"{}"));
    let said = wire.all();
    let inside = ["1 mqtt", "1> publish property:topic=t @3", "1> body {}", "1> Complete"];
    assert_eq!(said[said.len() - 4..], inside, "{said:?}");
}
