//! HTTP/1 with holes, and with directions that arrive at different times.

use super::tape::Wire;
use crate::message::End;

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

#[test]
fn a_hole_in_a_body_of_known_length_is_counted_over() {
    for (before, hole, after) in [("01", 3, "56789"), ("", 5, "56789"), ("01234", 5, "")] {
        let mut wire = Wire::new();
        wire.c(GET).s(format!("{OK}{before}")).s_gap(hole).s(format!("{after}{OK}0123456789"));
        let said = wire.said();
        let hole = format!("0< hole {hole}");
        assert!(said.contains(&hole) && said.contains(&"0< Complete".to_owned()), "{said:?}");
        assert_eq!(&said[said.len() - 3..], ["1< 200 @3", "1< body 0123456789", "1< Complete"]);
    }
}

#[test]
fn a_hole_inside_a_chunk_is_counted_over() {
    for rest in ["89\r\n", "\r\n"] {
        let mut wire = Wire::new();
        wire.c(GET).s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123");
        wire.s_gap(6 - (rest.len() as u64 - 2)).s(format!("{rest}2\r\nab\r\n0\r\n\r\n"));
        let said = wire.said();
        assert_eq!(said.last().unwrap(), "0< Complete", "{said:?}");
        assert!(said.iter().any(|l| l.ends_with("ab")));
    }
}

#[test]
fn a_hole_across_a_boundary_costs_only_what_it_took() {
    let mut wire = Wire::new();
    wire.c(GET).s(format!("{OK}0123")).s_gap(100).s("est of a body\r\neyJ").s(format!("{OK}abcdefghij"));
    let expected = [
        "0> GET /a @1",
        "0> Complete",
        "0< 200 @2",
        "0< body 0123",
        "0< hole 100",
        "0< Cut",
        "<< opaque est of a body\r\neyJ",
        "<< over",
        "1< 200 @4",
        "1< body abcdefghij",
        "1< Complete",
    ];
    assert_eq!(wire.said(), expected);
}

#[test]
fn whole_lines_of_a_head_with_a_hole_are_a_message() {
    let mut wire = Wire::new();
    wire.c("GET /a HTTP/1.1\r\nAuthorization: t\r\nCoo")
        .c_gap(9)
        .c("rest\r\n\r\n")
        .c(GET.replace("/a", "/b"));
    let expected = [
        "weird http_head_cut",
        "0> GET /a @1",
        "0> Complete",
        ">> opaque Coo",
        ">> hole",
        ">> opaque rest\r\n\r\n",
        ">> over",
        "1> GET /b @3",
        "1> Complete",
    ];
    let mut said = wire.said();
    said.sort();
    let mut expected: Vec<_> = expected.map(str::to_owned).into();
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn after_lost_responses_the_newest_request_is_answered() {
    let mut wire = Wire::new();
    wire.c(GET).c(GET.replace("/a", "/b")).s_gap(50).s(format!("{OK}0123456789"));
    let said = wire.said();
    assert_eq!(said[4..], ["0< Cut", "1< 200 @3", "1< body 0123456789", "1< Complete"]);
}

#[test]
fn a_response_waits_for_a_request_that_is_delivered_late() {
    let mut wire = Wire::new();
    wire.frame = 5;
    wire.s(format!("{OK}0123456789")).s_end(End::Complete);
    wire.frame = 0;
    wire.c(GET);
    let expected = ["0< 200 @6", "0< body 0123456789", "0< Complete", "0> GET /a @1", "0> Complete"];
    assert_eq!(wire.said(), expected);
}

#[test]
fn a_response_whose_request_is_lost_stays_alone() {
    let mut wire = Wire::new();
    wire.s(format!("{OK}0123456789")).c(GET);
    let expected =
        ["0< 200 @1", "0< body 0123456789", "0< Complete", "0> Cut", "1> GET /a @2", "1> Complete", "1< Cut"];
    assert_eq!(wire.all(), expected);
}

#[test]
fn a_response_to_an_unknown_request_may_have_no_body() {
    let mut wire = Wire::new();
    wire.s(OK).s(format!("{OK}HTTP/1.1 x")).s(format!("{OK}0123456789"));
    let said: Vec<_> = wire.said().into_iter().filter(|l| l.starts_with("0<") || l.contains("200")).collect();
    assert_eq!(said, ["0< 200 @1", "0< Complete", "1< 200 @2", "2< 200 @3"]);
}

#[test]
fn a_tunnel_whose_opening_answer_is_lost_is_one_all_the_same() {
    let mut wire = Wire::new();
    wire.c("CONNECT a.test:80 HTTP/1.1\r\n\r\n").s_gap(39).c("\x01hi").s("\x02ho");
    let expected = [
        "0> CONNECT a.test:80 @1",
        "0> Complete",
        ">> opaque \x01hi",
        "<< opaque \x02ho",
        ">> over",
        "<< over",
        "0< Cut",
    ];
    let mut said = wire.all();
    said.sort();
    let mut expected: Vec<_> = expected.map(str::to_owned).into();
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn what_ends_in_the_middle_is_cut() {
    let mut wire = Wire::new();
    wire.c("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").s("HTTP/1.1 200 OK\r\nServer: s\r\nX-");
    let expected = [
        "0> POST /a @1",
        "0> body abc",
        "0> Cut",
        "weird http_head_cut",
        "0< 200 @2",
        "<< opaque X-",
        "0< Cut",
        "<< over",
    ];
    let mut said = wire.all();
    said.sort();
    let mut expected: Vec<_> = expected.map(str::to_owned).into();
    expected.sort();
    assert_eq!(said, expected);
}
