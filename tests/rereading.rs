//! Segments that come again and say something else: what a receiver may have taken for the stream hides no token, and none
//! is told twice.

use crate::support::run::wirelint;
use crate::support::wire::{self, Conversation, Style};
use serde_json::Value;

/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The sequence number behind the SYN of client number 1.
const FIRST: u32 = 2_654_435_762;

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n").into_bytes()
}

/// Packet and place of each token, and how many conflicts the flow had.
fn told(conversation: Conversation) -> (Vec<(u64, String)>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.pcap").display().to_string();
    std::fs::write(&path, wire::write(&conversation.close(), Style::default())).unwrap();
    let records = |command| wirelint([command, "--format", "ndjson", &path]).run().code(0).records();
    let place = |row: &Value| (row["packet"].as_u64().unwrap(), row["location"].as_str().unwrap().to_owned());
    let conflicts = records("flows")[0]["anomalies"]["overlap_conflicts"].as_u64().unwrap();
    (records("tokens").iter().map(place).collect(), conflicts)
}

#[test]
fn a_request_behind_garbage_is_read_in_any_pieces() {
    let real = request("/real");
    for size in [20, 100, real.len()] {
        let mut conversation = Conversation::open(1, 80).client(&vec![b'#'; real.len()]);
        for (number, piece) in real.chunks(size).enumerate() {
            conversation.segment_at(0, FIRST + (number * size) as u32, piece, 0x18);
        }
        let (tokens, conflicts) = told(conversation);
        // The packet is that of the piece in which the token begins.
        let at = real.windows(6).position(|text| text == b"eyJ0eX").unwrap();
        assert_eq!(tokens, [(5 + (at / size) as u64, "stream".to_owned())], "{size}");
        assert!(conflicts > 0, "{size}");
    }
}

#[test]
fn what_stands_beside_another_reading_is_told_once() {
    let (first, other) = (request("/one"), request("/two"));
    let mut conversation = Conversation::open(1, 80).client(&first);
    conversation.segment_at(0, FIRST, &other, 0x18);
    let (tokens, conflicts) = told(conversation.client(&request("/three")));
    let header = |packet| (packet, "header".to_owned());
    assert_eq!(tokens.len(), 3, "{tokens:?}");
    assert!([header(4), header(6), (5, "stream".to_owned())].iter().all(|token| tokens.contains(token)));
    assert_eq!(conflicts, 1);
}
