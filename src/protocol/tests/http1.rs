//! HTTP/1 without losses.

use super::tape::Wire;
use crate::message::End;

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

/// A conversation, played whole and in pieces of every small size: the same must come out.
#[track_caller]
fn check(play: impl Fn(&mut Wire), expected: &[&str]) {
    for piece in [usize::MAX, 1, 2, 3, 5, 7, 11] {
        let mut wire = Wire::in_pieces(piece);
        play(&mut wire);
        assert_eq!(wire.all(), expected, "in pieces of {piece}");
    }
}

#[test]
fn requests_and_responses_are_paired() {
    check(
        |w| {
            w.c("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
            w.s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            w.c("\r\nGET /b HTTP/1.1\r\n\r\n").s("HTTP/1.1 404 no\nContent-Length: 0\n\n");
        },
        &[
            "0> POST /a @1",
            "0> body abc",
            "0> Complete",
            "0< 200 @2",
            "0< body ok",
            "0< Complete",
            "1> GET /b @3",
            "1> Complete",
            "1< 404 @4",
            "1< Complete",
        ],
    );
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    check(
        |w| {
            w.c([GET, &GET.replace("/a", "/b"), &GET.replace("/a", "/c")].concat());
            w.s("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 204 No\r\n\r\nHTTP/1.1 203 OK\r\nContent-Length: 1\r\n\r\n3");
        },
        &[
            "0> GET /a @1",
            "0> Complete",
            "1> GET /b @1",
            "1> Complete",
            "2> GET /c @1",
            "2> Complete",
            "0< 200 @2",
            "0< body 1",
            "0< Complete",
            "1< 204 @2",
            "1< Complete",
            "2< 203 @2",
            "2< body 3",
            "2< Complete",
        ],
    );
}

#[test]
fn interim_responses_answer_nothing() {
    check(
        |w| {
            w.c("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
            w.s("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
            w.c("x").s("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        },
        &["0> PUT /a @1", "0> body x", "0> Complete", "0< 201 @4", "0< Complete"],
    );
}

#[test]
fn some_responses_have_no_body_whatever_they_announce() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)] {
        let (first, second) = (format!("0> {method} /a @1"), format!("0< {status} @2"));
        check(
            |w| {
                w.c(GET.replace("GET", method));
                w.s(format!("HTTP/1.1 {status} x\r\nContent-Length: 500\r\n\r\n"));
                w.c(GET).s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            },
            &[
                &first,
                "0> Complete",
                &second,
                "0< Complete",
                "1> GET /a @3",
                "1> Complete",
                "1< 200 @4",
                "1< Complete",
            ],
        );
    }
}

#[test]
fn chunked_bodies_have_extensions_and_trailers() {
    check(
        |w| {
            w.c("POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3;x=\"1\"\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n");
            w.s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\nok\r\n0\r\nX-Token: t\r\nY: z\r\n\r\n");
            w.c(GET).s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        },
        &[
            "0> POST /a @1",
            "0> body abc0123456789",
            "0> Complete",
            "0< 200 @2",
            "weird http_length_and_transfer_encoding",
            "0< body ok",
            "0< trailer X-Token=t",
            "0< trailer Y=z",
            "0< Complete",
            "1> GET /a @3",
            "1> Complete",
            "1< 200 @4",
            "1< Complete",
        ],
    );
}

#[test]
fn a_body_without_length_lasts_until_the_connection_ends() {
    for (end, said) in [(End::Complete, "0< Complete"), (End::Reset, "0< Cut")] {
        check(
            |w| {
                w.c("GET /a HTTP/1.0\r\n\r\n").c_end(End::Complete);
                w.s("HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 is ").s("what it is about").s_end(end);
            },
            &["0> GET /a @1", "0> Complete", "0< 200 @2", "0< body HTTP/1.1 is what it is about", said],
        );
    }
}

#[test]
fn connect_opens_a_layer_and_a_refusal_does_not() {
    check(
        |w| {
            w.c("CONNECT a.test:80 HTTP/1.1\r\n\r\n").s("HTTP/1.1 407 no\r\nContent-Length: 2\r\n\r\nno");
            w.c("CONNECT a.test:80 HTTP/1.1\r\n\r\n").s("HTTP/1.1 200 established\r\n\r\n");
            w.c(GET).s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        },
        &[
            "0> CONNECT a.test:80 @1",
            "0> Complete",
            "0< 407 @2",
            "0< body no",
            "0< Complete",
            "1> CONNECT a.test:80 @3",
            "1> Complete",
            "1< 200 @4",
            "1< Complete",
            "1 http1",
            "2> GET /a @5",
            "2> Complete",
            "2< 200 @6",
            "2< body ok",
            "2< Complete",
        ],
    );
}

#[test]
fn an_upgrade_opens_a_layer() {
    check(
        |w| {
            w.c("GET /chat HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
            w.s("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\x01hello").c("\x02you");
        },
        &[
            "0> GET /chat @1",
            "0> Complete",
            "0< 101 @2",
            "0< Complete",
            "<< opaque \x01hello",
            ">> opaque \x02you",
            ">> over",
            "<< over",
        ],
    );
}

#[test]
fn sloppy_heads_are_read_and_hopeless_ones_are_opaque() {
    check(
        |w| {
            w.c("GET /a b HTTP/1.1\r\nBad Name : v\r\nFolded: a\r\n b\r\n\r\n");
            w.s("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n");
        },
        &["0> GET /a b @1", "0> Complete", "weird http_malformed_head", "0< 200 @2", "0< Complete"],
    );
    let mut wire = Wire::new();
    wire.c(GET).c("\x16\x03\x01 no head eyJ").c("more").c(GET.replace("/a", "/b"));
    let expected = [
        "0> GET /a @1",
        "0> Complete",
        "weird http_no_message_head",
        ">> opaque \x16\x03\x01 no head eyJmore",
        ">> over",
        "1> GET /b @4",
        "1> Complete",
        "0< Cut",
        "1< Cut",
    ];
    assert_eq!(wire.all(), expected);
}

#[test]
fn lengths_that_nobody_can_count_are_none() {
    for length in ["18446744073709551615", "9223372036854775808", "-1", "0x10", ""] {
        check(
            |w| {
                w.c(format!("POST /a HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{GET}"));
            },
            &[
                "0> POST /a @1",
                "weird http_bad_length",
                "0> Complete",
                "1> GET /a @1",
                "1> Complete",
                "0< Cut",
                "1< Cut",
            ],
        );
    }
}

#[test]
fn the_preface_of_http2_is_no_request() {
    let mut wire = Wire::new();
    wire.c("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(wire.all().is_empty(), "it is that of HTTP/2");
}

#[test]
fn a_server_may_ask_and_a_client_answer() {
    let mut wire = Wire::new();
    wire.s(GET).c("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").s("\x01tail").s_end(End::Complete);
    let expected = [
        "0> GET /a @1",
        "0> Complete",
        "0< 200 @2",
        "0< body ok",
        "0< Complete",
        "weird http_no_message_head",
        ">> opaque \x01tail",
        ">> over",
    ];
    assert_eq!(wire.said(), expected);
}
