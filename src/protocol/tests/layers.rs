//! Probing: protocols on any port, joined at any point.

use super::tape::Wire;

#[test]
fn bytes_of_no_protocol_are_opaque_and_probed_again() {
    let mut wire = Wire::new();
    wire.s("220 mail ready\r\n").c("STARTTLS\r\n").s("220 go\r\n").c([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
    let said = wire.said();
    assert_eq!(said[..2], [">> opaque STARTTLS\r\n", "<< opaque 220 mail ready\r\n220 go\r\n"]);
    assert_eq!(said[2..], ["<< over", "weird tls_bad_hello"]);
}

#[test]
fn a_stream_joined_in_the_middle_of_a_body_is_found_at_the_next_message() {
    let mut wire = Wire::new();
    wire.s("rest of a body").s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let said = wire.said();
    assert_eq!(said, ["<< opaque rest of a body", "0< 200 @2", "0< body ok", "0< Complete"]);
}

#[test]
fn what_waits_for_a_verdict_is_not_lost() {
    let mut wire = Wire::new();
    wire.c("GE").s("HTT").s_gap(4).c_gap(4);
    assert_eq!(wire.said(), ["<< opaque HTT", "<< hole", ">> opaque GE", ">> hole"]);
    wire.c("GE").s("HTT");
    assert_eq!(wire.all(), [">> opaque GE", ">> over", "<< opaque HTT", "<< over"]);
}

#[test]
fn layers_are_bounded() {
    let mut wire = Wire::new();
    let connect = "CONNECT a.test:80 HTTP/1.1\r\n\r\n";
    for _ in 0..crate::limits::LAYERS + 2 {
        wire.c(connect).s("HTTP/1.1 200 OK\r\n\r\n");
    }
    let said = wire.all();
    assert!(said.contains(&"weird too_many_layers".to_owned()));
    assert_eq!(said.iter().filter(|l| l.ends_with("http1")).count(), crate::limits::LAYERS - 1);
}
