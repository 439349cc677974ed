//! Flows that were joined in the middle: what was found before it was told who asks and who answers is told right.

use crate::support::run::wirelint;
use crate::support::wire::{self, Conversation, Packet, Style};
use serde_json::Value;

/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A connection without its handshake, whose client has the lower port: it is guessed wrong.
fn joined(say: impl FnOnce(Conversation) -> Conversation) -> Vec<Packet> {
    let mut conversation = Conversation::open(1, 50_001);
    conversation.packets.clear();
    say(conversation).packets
}

/// The end of a request that began before the capture.
fn rest() -> String {
    format!("ion: Bearer {TOKEN}\r\nAccept: */*\r\n\r\n")
}

fn whole() -> String {
    format!("GET /next HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

/// Packet, client's port and direction of each token.
fn tokens(packets: &[Packet]) -> Vec<(u64, u64, String)> {
    let told = |style, threads| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("joined.pcap").display().to_string();
        std::fs::write(&path, wire::write(packets, style)).unwrap();
        let rows =
            wirelint(["tokens", "--format", "ndjson", "--threads", threads, &path]).run().code(0).records();
        let token = |row: &Value| {
            let port = row["client"]["port"].as_u64().unwrap();
            (row["packet"].as_u64().unwrap(), port, row["direction"].as_str().unwrap().to_owned())
        };
        rows.iter().map(token).collect::<Vec<_>>()
    };
    let one = told(Style::default(), "1");
    assert_eq!(one, told(Style { ng: true, ..Style::default() }, "2"));
    one
}

fn asks(packet: u64, port: u64) -> (u64, u64, String) {
    (packet, port, "request".to_owned())
}

#[test]
fn what_was_found_before_content_told_the_client_is_turned() {
    let only_answer = joined(|c| c.client(rest().as_bytes()).server(ANSWER));
    assert_eq!(tokens(&only_answer), [asks(1, 1025)]);
    let both =
        joined(|c| c.client(rest().as_bytes()).server(ANSWER).client(whole().as_bytes()).server(ANSWER));
    assert_eq!(tokens(&both), [asks(1, 1025), asks(3, 1025)]);
    let body = format!("{{\"access_token\":\"{TOKEN}\"}}");
    let answered = joined(|c| c.server(body.as_bytes()).client(whole().as_bytes()).server(ANSWER));
    assert_eq!(tokens(&answered), [(1, 1025, "response".to_owned()), asks(2, 1025)]);
}

#[test]
fn a_token_that_goes_over_a_turn_is_found() {
    let (begin, end) = TOKEN.split_at(60);
    // The server's first words come between its pieces.
    let cut = joined(|c| c.client(format!("x {begin}").as_bytes()).server(ANSWER).client(end.as_bytes()));
    let found = tokens(&cut);
    assert!(
        found.iter().all(|(_, port, direction)| (*port, direction.as_str()) == (1025, "request")),
        "{found:?}"
    );
}

#[test]
fn where_nothing_tells_it_the_guess_is_told() {
    let unknown = joined(|c| c.client(format!("x {TOKEN} x").as_bytes()).server(b"\x01\x02\x03"));
    assert_eq!(tokens(&unknown), [(1, 50_001, "response".to_owned())]);
    // Nothing waits for a word that comes much later.
    let mut late = joined(|c| {
        let said = (0..20).fold(c.client(rest().as_bytes()), |c, _| c.client(b"more "));
        said.server(ANSWER)
    });
    late.last_mut().unwrap().time += 60_000_000_000;
    assert_eq!(tokens(&late), [(1, 50_001, "response".to_owned())]);
}

#[test]
fn more_than_may_wait_are_told_and_counted() {
    let many = joined(|c| {
        let many = (0..200).map(|n| format!("{n} {TOKEN} ")).collect::<String>();
        c.client(many.as_bytes()).server(ANSWER)
    });
    let found = tokens(&many);
    assert_eq!(found.len(), 200);
    assert!(
        found.iter().any(|(_, port, _)| *port == 50_001) && found.iter().any(|(_, port, _)| *port == 1025)
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.pcap").display().to_string();
    std::fs::write(&path, wire::write(&many, Style::default())).unwrap();
    let report = wirelint(["scan", "--format", "json", &path]).run();
    assert!(report.out.contains("for lack of room, which side sent them"), "{}", report.out);
}
