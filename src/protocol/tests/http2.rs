//! HTTP/2, whole, in pieces and with losses.

use super::tape::Wire;
use crate::limits;
use crate::message::End;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;
const WHOLE: u8 = END_STREAM | END_HEADERS;

fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Literals, not indexed.
fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in list {
        out.push(0);
        for text in [name, value] {
            out.push(text.len() as u8);
            out.extend(text.bytes());
        }
    }
    out
}

fn get(path: &str) -> Vec<u8> {
    [vec![0x82, 0x86, 0x41, 1, b'h'], fields(&[(":path", path)])].concat()
}

const OK: &[u8] = &[0x88];

fn begin() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, [])].concat()
}

/// A conversation, played whole and in pieces of every small size: the same must come out.
#[track_caller]
fn check(play: impl Fn(&mut Wire), expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 5, 7, 11] {
        let mut wire = Wire::in_pieces(piece);
        wire.c(begin()).s([frame(SETTINGS, 0, 0, [0, 3, 0, 0, 0, 100]), frame(SETTINGS, 1, 0, [])].concat());
        play(&mut wire);
        assert_eq!(wire.all(), expected, "in pieces of {piece}");
    }
}

#[test]
fn streams_are_exchanges_whatever_their_order() {
    check(
        |w| {
            w.c([frame(HEADERS, END_HEADERS, 1, get("/a")), frame(HEADERS, WHOLE, 3, get("/b"))].concat());
            w.c(frame(DATA, 0, 1, "ab")).s(frame(HEADERS, END_HEADERS, 3, OK));
            w.c(frame(DATA, END_STREAM, 1, "c")).s(frame(DATA, END_STREAM, 3, "b's"));
            w.s([frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, 0, 1, "a'"), frame(DATA, 1, 1, "s")]
                .concat());
        },
        &[
            "0> GET /a @3",
            "1> GET /b @3",
            "1> Complete",
            "0> body abc",
            "1< 200 @5",
            "0> Complete",
            "1< body b's",
            "1< Complete",
            "0< 200 @8",
            "0< body a's",
            "0< Complete",
        ],
    );
}

#[test]
fn padding_priority_and_continuation_leave_the_fields() {
    let block = [get("/long"), fields(&[("x-a", "1")])].concat();
    let (first, rest) = block.split_at(7);
    let (second, third) = rest.split_at(4);
    let headers = [&[3, 0, 0, 0, 0, 16][..], first, &[0; 3]].concat();
    check(
        |w| {
            w.c(frame(HEADERS, END_STREAM | PADDED | PRIORITY, 1, &headers));
            w.c([frame(CONTINUATION, 0, 1, second), frame(CONTINUATION, 0, 1, [])].concat());
            w.c(frame(CONTINUATION, END_HEADERS, 1, third));
            w.s(frame(HEADERS, END_HEADERS | PADDED, 1, [&[2], OK, &[0; 2]].concat()));
            w.s([frame(DATA, PADDED, 1, b"\x03abcPAD"), frame(DATA, PADDED | END_STREAM, 1, b"\x02PA")]
                .concat());
        },
        &["0> GET /long @3", "0> Complete", "0< 200 @6", "0< body abc", "0< Complete"],
    );
}

#[test]
fn trailers_follow_the_body_and_interim_responses_answer_nothing() {
    check(
        |w| {
            w.c(frame(HEADERS, WHOLE, 1, get("/a")));
            w.s(frame(HEADERS, END_HEADERS, 1, fields(&[(":status", "103"), ("link", "x")])));
            w.s([frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, 0, 1, "body")].concat());
            w.s(frame(HEADERS, WHOLE, 1, fields(&[("grpc-status", "0"), ("x", "y")])));
        },
        &[
            "0> GET /a @3",
            "0> Complete",
            "0< 200 @5",
            "0< body body",
            "0< trailer grpc-status=0",
            "0< trailer x=y",
            "0< Complete",
        ],
    );
}

#[test]
fn promised_requests_are_the_clients() {
    check(
        |w| {
            w.c(frame(HEADERS, WHOLE, 1, get("/a")));
            w.s(frame(PUSH_PROMISE, END_HEADERS, 1, [vec![0, 0, 0, 2], get("/style")].concat()));
            w.s([frame(HEADERS, WHOLE, 1, OK), frame(HEADERS, END_HEADERS, 2, OK)].concat());
            w.s(frame(DATA, END_STREAM, 2, "css"));
        },
        &[
            "0> GET /a @3",
            "0> Complete",
            "1> GET /style @4",
            "1> Complete",
            "0< 200 @5",
            "0< Complete",
            "1< 200 @5",
            "1< body css",
            "1< Complete",
        ],
    );
}

#[test]
fn a_reset_ends_both_sides_and_debug_data_is_scanned() {
    check(
        |w| {
            w.c(frame(HEADERS, END_HEADERS, 1, get("/a"))).s(frame(RST_STREAM, 0, 1, [0, 0, 0, 8]));
            w.c(frame(DATA, END_STREAM, 1, "late")).s(frame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\x0bdebug"));
        },
        &[
            "0> GET /a @3",
            "0> Reset",
            "0< Reset",
            ">> opaque late",
            "<< opaque \0\0\0\x01\0\0\0\x0bdebug",
            "<< over",
            ">> over",
        ],
    );
}

#[test]
fn an_upgrade_is_answered_on_stream_1() {
    for piece in [usize::MAX, 1, 4] {
        let mut wire = Wire::in_pieces(piece);
        wire.c("GET /a HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
        let agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
        wire.s([&agreed[..], &frame(SETTINGS, 0, 0, [0, 3, 0, 0, 0, 100])].concat());
        wire.c(begin()).s([frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, END_STREAM, 1, "ok")].concat());
        wire.c(frame(HEADERS, WHOLE, 3, get("/b"))).s(frame(HEADERS, WHOLE, 3, OK));
        let expected = [
            "0> GET /a @1",
            "0> Complete",
            "0 becomes http2",
            "0< 200 @4",
            "0< body ok",
            "0< Complete",
            "1> GET /b @5",
            "1> Complete",
            "1< 200 @6",
            "1< Complete",
        ];
        assert_eq!(wire.all(), expected, "in pieces of {piece}");
    }
}

#[test]
fn a_tunnel_has_its_own_layer() {
    let connect = fields(&[(":method", "CONNECT"), (":authority", "a.test:80")]);
    let http1 = "GET /in HTTP/1.1\r\nHost: h\r\n\r\n";
    let (first, rest) = http1.split_at(9);
    check(
        |w| {
            w.c([frame(HEADERS, END_HEADERS, 1, &connect), frame(HEADERS, END_HEADERS, 3, &connect)].concat());
            w.s([frame(HEADERS, END_HEADERS, 1, OK), frame(HEADERS, END_HEADERS, 3, OK)].concat());
            w.c([frame(DATA, 0, 1, first), frame(DATA, 0, 3, http1), frame(DATA, 0, 1, rest)].concat());
            w.s([frame(DATA, 0, 1, "HTTP/1.1 204 No\r\n\r\n"), frame(DATA, 1, 1, "")].concat());
            w.c([frame(DATA, 1, 1, ""), frame(DATA, 0, 3, "GET /cut HT")].concat());
        },
        &[
            "0> CONNECT a.test:80 @3",
            "1> CONNECT a.test:80 @3",
            "0< 200 @4",
            "0> Complete",
            "0< Complete",
            "1< 200 @4",
            "1> Complete",
            "1< Complete",
            "1 http1",
            "1 http1",
            "2> GET /in @5",
            "2> Complete",
            "3> GET /in @5",
            "3> Complete",
            "3< 204 @6",
            "3< Complete",
            ">> opaque GET /cut HT",
            ">> over",
            "2< Cut",
        ],
    );
}

#[test]
fn a_hole_in_data_keeps_the_framing_and_the_state() {
    let mut wire = Wire::new();
    wire.c([begin(), frame(HEADERS, END_HEADERS, 1, get("/a"))].concat());
    wire.c(&frame(DATA, 0, 1, [b'x'; 100])[..50]).c_gap(20).c([b'y'; 39]);
    wire.c(frame(HEADERS, WHOLE, 3, [0x82, 0x86, 0xbe]));
    let said = wire.said();
    assert_eq!(said[1], format!("0> body {}", "x".repeat(41)));
    assert_eq!(
        said[2..],
        [
            "0> hole 20".to_owned(),
            format!("0> body {}", "y".repeat(39)),
            "1> GET  @4".to_owned(),
            "1> Complete".to_owned()
        ]
    );
}

#[test]
fn frames_are_found_again_behind_a_hole_and_lost_state_is_told() {
    let mut wire = Wire::new();
    wire.c(begin()).s(frame(SETTINGS, 0, 0, []));
    wire.c(frame(HEADERS, WHOLE, 1, get("/a"))).c_gap(500);
    // The tail of a frame, then frames; entry 62 was the authority.
    wire.c([
        b"tail".to_vec(),
        frame(HEADERS, WHOLE, 5, [vec![0xbe], get("/b")].concat()),
        frame(SETTINGS, 1, 0, []),
    ]
    .concat());
    wire.c(frame(HEADERS, WHOLE, 7, [0x82, 0xbe]));
    let expected = [
        "0> GET /a @3",
        "0> Complete",
        ">> opaque tail",
        ">> over",
        "weird hpack_state_lost",
        "1> GET /b @4",
        "1> Complete",
        "2> GET  @5",
        "2> Complete",
    ];
    assert_eq!(wire.said(), expected);
}

#[test]
fn a_connection_joined_midway_is_told_by_its_frames() {
    let mut wire = Wire::new();
    wire.s(b"rest of a frame").c(frame(HEADERS, WHOLE, 9, get("/a"))).s(frame(HEADERS, WHOLE, 9, OK));
    let said = wire.said();
    assert_eq!(
        said,
        ["<< opaque rest of a frame", "<< over", "0> GET /a @2", "0> Complete", "0< 200 @3", "0< Complete"]
    );
}

#[test]
fn a_server_that_speaks_first_waits_for_the_preface() {
    let mut wire = Wire::new();
    wire.s(frame(SETTINGS, 0, 0, [])).c([begin(), frame(HEADERS, WHOLE, 1, get("/a"))].concat());
    wire.s(frame(HEADERS, WHOLE, 1, OK));
    assert_eq!(wire.all(), ["0> GET /a @2", "0> Complete", "0< 200 @3", "0< Complete"]);
}

#[test]
fn bytes_that_are_no_frames_are_scanned() {
    let mut wire = Wire::new();
    wire.c(begin()).c(frame(SETTINGS, 0, 0, [1; 5])).c(frame(HEADERS, WHOLE, 1, get("/a")));
    let said = wire.all();
    assert_eq!(said[0], "weird http2_bad_frame");
    assert!(said.contains(&"0> GET /a @3".to_owned()), "{said:?}");
}

#[test]
fn a_block_that_is_interrupted_is_used_as_far_as_it_goes() {
    let mut wire = Wire::new();
    wire.c(begin()).c(frame(HEADERS, END_STREAM, 1, get("/a"))).c(frame(HEADERS, WHOLE, 3, get("/b")));
    let said = wire.said();
    assert_eq!(said[..3], ["weird http2_block_interrupted", "0> GET /a @2", "0> Complete"]);
    assert_eq!(said[3..], ["1> GET /b @3", "1> Complete"]);
}

#[test]
fn floods_are_bounded_and_counted() {
    let mut wire = Wire::new();
    wire.c(begin()).c(frame(HEADERS, END_STREAM, 1, get("/a")));
    for _ in 0..limits::CONTINUATIONS + 10 {
        wire.c(frame(CONTINUATION, 0, 1, [0; 1]));
    }
    assert!(wire.said().contains(&"weird http2_block_limit".to_owned()));
    let mut wire = Wire::new();
    wire.c(begin());
    for stream in 0..limits::HTTP2_STREAMS as u32 + 3 {
        wire.c(frame(HEADERS, END_HEADERS, stream * 2 + 1, get("/a")));
    }
    let said = wire.said();
    assert_eq!(said.iter().filter(|l| *l == "weird http2_streams_limit").count(), 3);
    assert_eq!(said.iter().filter(|l| l.ends_with("> Cut")).count(), 3);
    wire.c(frame(HEADERS, END_HEADERS, 9001, []));
    for _ in 0..1000 {
        wire.c(frame(HEADERS, WHOLE, 9003, get("/r"))).c(frame(RST_STREAM, 0, 9003, [0; 4]));
    }
    wire.s_end(End::Reset);
}

#[test]
fn what_follows_the_end_of_a_message_stands_for_itself() {
    let late =
        [frame(HEADERS, WHOLE, 1, get("/a")), frame(DATA, 0, 1, "late"), frame(HEADERS, WHOLE, 1, get("/b"))];
    let mut wire = Wire::new();
    wire.c(begin()).c(late.concat()).s(frame(HEADERS, WHOLE, 1, OK));
    let expected = [
        "0> GET /a @2",
        "0> Complete",
        ">> opaque late",
        "weird http2_after_end",
        "1> GET /b @2",
        "1> Cut",
        "1< Cut",
        "0< 200 @3",
        "0< Complete",
        ">> over",
    ];
    assert_eq!(wire.all(), expected);
}

/// As where a lost segment of the client is captured when it is sent again.
#[test]
fn a_request_that_comes_behind_its_response_is_of_the_same_exchange() {
    check(
        |w| {
            w.s(frame(HEADERS, END_HEADERS, 1, OK)).c(frame(HEADERS, END_HEADERS, 1, get("/a")));
            w.s(frame(DATA, END_STREAM, 1, "x")).c(frame(DATA, END_STREAM, 1, "y"));
        },
        &["0< 200 @3", "0> GET /a @4", "0< body x", "0< Complete", "0> body y", "0> Complete"],
    );
    check(
        |w| {
            w.s([frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, END_STREAM, 1, "x")].concat());
        },
        &["0< 200 @3", "0< body x", "0< Complete", "0> Cut"],
    );
}
