//! TLS records, cut anyhow.

use super::tape::Wire;

fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(data.len() as u16).to_be_bytes(), data].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn client_hello() -> Vec<u8> {
    let sni = [&[0, 0, 0, 11, 0, 9, 0, 0, 6][..], b"a.test"].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0, 0, sni.len() as u8], &sni].concat();
    handshake(1, &body)
}

fn server_hello() -> Vec<u8> {
    handshake(2, &[&[3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat())
}

#[test]
fn hellos_are_read_from_records_of_any_size_in_pieces_of_any_size() {
    for size in [1, 3, 7, 40, 1000] {
        for piece in [1, 2, 5, 6, 64, usize::MAX] {
            let mut wire = Wire::in_pieces(piece);
            // The probe wants to see the message's type: the first record is never empty of it.
            for part in client_hello().chunks(size.max(4)) {
                wire.c(record(22, part));
            }
            let chain = [&[0, 0, 17, 0, 0, 9][..], &[5; 9], &[0, 0, 2, 6, 6]].concat();
            let flight =
                [server_hello(), handshake(11, &chain), handshake(22, &[1, 0, 0, 0]), handshake(14, &[])]
                    .concat();
            for part in flight.chunks(size.max(4)) {
                wire.s(record(22, part));
            }
            wire.c(record(20, &[1])).c(record(22, &[0xee; 40])).c(record(23, &[1; 100]));
            let said: Vec<_> = wire.all().into_iter().filter(|l| !l.starts_with("##")).collect();
            let expected =
                ["client 0303 a.test", "server 0303 c02f", "certificates < [9, 2]", "stapled", "established"];
            assert_eq!(said, expected, "records of {size}, pieces of {piece}");
        }
    }
}

/// SHA-256 of "HelloRetryRequest".
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[test]
fn a_retry_is_not_the_server_hello() {
    let retry = handshake(2, &[&[3, 3][..], &RETRY, &[0, 0x13, 0x01, 0]].concat());
    let dummy = record(20, &[1]);
    for (after_retry, after_hello) in [(&[][..], &[][..]), (&dummy, &dummy)] {
        for piece in [1, 7, usize::MAX] {
            let mut wire = Wire::in_pieces(piece);
            wire.c(record(22, &client_hello()));
            wire.s([&record(22, &retry), after_retry].concat());
            wire.c([after_hello, &record(22, &client_hello())].concat());
            wire.s([record(22, &server_hello()), record(23, &[1; 40])].concat());
            wire.c(record(23, &[1; 40]));
            let (counted, said): (Vec<_>, Vec<_>) = wire.all().into_iter().partition(|l| l.starts_with("##"));
            assert_eq!(said, ["client 0303 a.test", "server 0303 c02f", "established"], "{piece}");
            let dummies = after_retry.len().min(1) + after_hello.len().min(1);
            assert_eq!(counted, [format!("## encrypted {}", 80 + dummies)]);
        }
    }
}

#[test]
fn a_flood_of_messages_before_the_hello_costs_no_memory_and_no_time() {
    // A mebibyte of empty HelloRequests, in records as large as they may be.
    let flood = record(22, &[0; 1 << 14]).repeat(64);
    let mut wire = Wire::in_pieces(1460);
    wire.c(record(22, &client_hello())).s(flood).s(record(22, &server_hello()));
    assert_eq!(wire.all(), ["client 0303 a.test", "server 0303 c02f"]);
}

#[test]
fn a_message_that_is_too_long_is_passed_over() {
    let mut wire = Wire::in_pieces(1460);
    wire.c(record(22, &client_hello()));
    let len = crate::limits::HANDSHAKE_BYTES;
    let huge = [&[2, (len >> 16) as u8, (len >> 8) as u8, len as u8][..], &vec![0; len]].concat();
    for part in huge.chunks(1 << 14) {
        wire.s(record(22, part));
    }
    wire.s(record(22, &server_hello()));
    assert_eq!(wire.all(), ["client 0303 a.test", "weird tls_handshake_limit", "server 0303 c02f"]);
}

#[test]
fn framing_is_found_again_after_a_hole() {
    let mut wire = Wire::new();
    wire.c(record(22, &client_hello())).s(record(22, &server_hello()));
    wire.s(&record(23, &[1; 100])[..50]).s_gap(500).s([0xaa; 30]).s(record(23, &[2; 20]));
    let said = wire.all();
    assert_eq!(said[..3], ["client 0303 a.test", "server 0303 c02f", "established"]);
    assert_eq!(said[3..], ["## encrypted 95"], "45 of the cut record, 30 unframed, 20 of the last");
}

#[test]
fn a_hole_within_a_record_keeps_the_framing() {
    let mut wire = Wire::new();
    wire.c(record(22, &client_hello()));
    wire.c(&record(23, &[1; 100])[..55]).c_gap(30).c([1; 20]).c(record(23, &[1; 10]));
    assert_eq!(wire.all().last().unwrap(), "## encrypted 80");
}

#[test]
fn a_hello_behind_a_hole_is_read() {
    let mut wire = Wire::new();
    wire.c(record(22, &client_hello())).s_gap(20).s(record(22, &server_hello()));
    assert_eq!(wire.all(), ["client 0303 a.test", "server 0303 c02f"]);
}

#[test]
fn an_old_hello_is_read_and_the_session_goes_on() {
    for version in [[3, 1], [0, 2]] {
        for piece in [1, 4, usize::MAX] {
            let hello =
                [&[1, version[0], version[1], 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 1, 0, 0x80][..], &[8; 16]]
                    .concat();
            let mut wire = Wire::in_pieces(piece);
            wire.c([&[0x80, hello.len() as u8][..], &hello].concat());
            let expected = format!("client {:02x}{:02x} ", version[0], version[1]);
            assert_eq!(wire.said(), [expected], "in pieces of {piece}");
            if version[0] == 3 {
                wire.s(record(22, &server_hello())).c(record(20, &[1]));
                assert_eq!(wire.said()[0], "server 0303 c02f");
            }
        }
    }
}

#[test]
fn a_session_joined_in_the_middle_is_told_by_its_records() {
    let mut wire = Wire::new();
    wire.s([record(23, &[1; 40]), record(23, &[2; 50])].concat());
    assert_eq!(wire.all(), ["established", "## encrypted 90"]);
}

#[test]
fn what_only_begins_like_tls_is_opaque() {
    let mut wire = Wire::new();
    wire.c(record(22, &client_hello())).c("no record eyJ").c("GET / HTTP/1.1\r\n\r\n");
    let said = wire.said();
    assert_eq!(said[0], "client 0303 a.test");
    assert!(said.contains(&"weird tls_bad_record".to_owned()), "{said:?}");
}

#[test]
fn alerts_in_the_clear_are_read_and_encrypted_ones_are_not() {
    for piece in [1, usize::MAX] {
        let mut wire = Wire::in_pieces(piece);
        wire.c(record(22, &client_hello()))
            .s(record(21, &[2, 40]))
            .s(record(20, &[1]))
            .s(record(21, &[2, 50]));
        assert_eq!(wire.all(), ["client 0303 a.test", "alert < 2 40", "## encrypted 3"], "pieces of {piece}");
    }
}

#[test]
fn a_second_cipher_change_is_a_renegotiation_and_a_ticket_is_seen() {
    let mut wire = Wire::new();
    wire.c(record(22, &client_hello())).s(record(22, &server_hello()));
    wire.s([record(22, &handshake(4, &[0; 10])), record(20, &[1]), record(22, &[0xee; 40])].concat());
    wire.c([record(20, &[1]), record(22, &[0xee; 40]), record(23, &[1; 20])].concat());
    wire.c([record(22, &[0xee; 90]), record(20, &[1])].concat()).s(record(20, &[1]));
    let said = wire.all();
    let said: Vec<_> = said.iter().filter(|l| !l.starts_with("##")).collect();
    assert_eq!(said, ["client 0303 a.test", "server 0303 c02f", "ticket", "established", "renegotiated"]);
}
