//! Datagrams of SIP, DNS, RADIUS, CoAP, GELF, syslog and StatsD: what is in them comes out, and nothing that is changed or cut
//! panics or is kept.

use super::conversation::Conversation;
use super::tape::{Tape, Wire};
use crate::message::Direction::{self, Request, Response};
use crate::message::{Channel, Position, Transport};
use crate::protocol::{self, fuzz_datagrams};

const NOWHERE: Transport =
    Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };

/// What comes of datagrams, each a frame; those that no protocol knows are left out.
fn play(datagrams: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let (mut conversation, mut tape, mut id) = (protocol::Conversation::default(), Tape::default(), 0);
    for (i, (dir, bytes)) in datagrams.iter().enumerate() {
        let position = Position { frame: i as u64 + 1, ..Position::default() };
        conversation.probe(bytes, &mut tape);
        conversation.datagram(*dir, bytes, position, NOWHERE, &mut tape, &mut id);
    }
    conversation.close(NOWHERE, &mut tape, &mut id);
    assert_eq!(tape.reserved(), 0);
    tape.lines
}

#[track_caller]
fn says(datagrams: &[(Direction, Vec<u8>)], expected: &[&str]) {
    assert_eq!(play(datagrams), expected);
    let cut = |cut: usize| -> Vec<_> {
        datagrams.iter().map(|(dir, bytes)| (*dir, bytes[..bytes.len().min(cut)].to_vec())).collect()
    };
    let longest = datagrams.iter().map(|d| d.1.len()).max().unwrap_or(0);
    for n in 0..longest {
        play(&cut(n));
        // The first is whole, so that the protocol is known.
        play(&[&datagrams[..1], &cut(n)].concat());
    }
    let all: Vec<u8> = datagrams
        .iter()
        .flat_map(|(dir, bytes)| {
            [&[bytes.len().min(0x7e) as u8 | (dir.index() as u8) << 7][..], bytes].concat()
        })
        .collect();
    for at in 0..all.len() {
        let mut data = all.clone();
        for change in [0x01, 0x80, 0xff] {
            data[at] ^= change;
            fuzz_datagrams(&data);
        }
    }
}

fn up(bytes: impl AsRef<[u8]>) -> (Direction, Vec<u8>) {
    (Request, bytes.as_ref().to_vec())
}

fn down(bytes: impl AsRef<[u8]>) -> (Direction, Vec<u8>) {
    (Response, bytes.as_ref().to_vec())
}

const REGISTER: &str = "REGISTER sip:a.test SIP/2.0\r\nVia: SIP/2.0/UDP b\r\ni: 1@b\r\nCSeq: 1 REGISTER\r\n\
                        Authorization: Bearer eyJ.a.b\r\nl: 2\r\n\r\nhi";
const OK: &str = "SIP/2.0 200 OK\r\nCall-ID: 1@b\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";

#[test]
fn sip_asks_and_answers() {
    let exchange =
        ["0 sip", "0> REGISTER sip:a.test @1", "0> body hi", "0> Complete", "0< 200 @2", "0< Complete"];
    says(&[up(REGISTER), down(OK)], &exchange);
    // Sent again, because nothing answered in time.
    let again = exchange.map(|line| if line == "0< 200 @2" { "0< 200 @3" } else { line });
    says(&[up(REGISTER), up(REGISTER), down(OK), down(OK), up(REGISTER)], &again);
    // In a stream, interim responses and the server's own requests with it.
    let digest =
        "OPTIONS sip:me SIP/2.0\r\nCall-ID: 2\r\nCSeq: 1 OPTIONS\r\nAuthorization: Digest x=1\r\n\r\n";
    Conversation::new()
        .c(REGISTER)
        .s("SIP/2.0 100 Trying\r\nCall-ID: 1@b\r\nFrom: <sip:alice@a.test>\r\n\r\n")
        .s(OK)
        .c("\r\n\r\n")
        .s(digest)
        .c("SIP/2.0 403 No\r\nCall-ID: 2\r\nCSeq: 1 OPTIONS\r\n\r\n")
        .s("ACK sip:me SIP/2.0\r\nCall-ID: 2\r\nCSeq: 1 ACK\r\n\r\n")
        .says(&[
            "0 sip",
            "0> REGISTER sip:a.test @1",
            "0> body hi",
            "0> Complete",
            "1< header header:From=<sip:alice@a.test> @2",
            "1< Complete",
            "0< 200 @3",
            "0< Complete",
            "2> OPTIONS sip:me @5",
            "2> Complete",
            "login digest hash - refused @5",
            "2< 403 @6",
            "2< Complete",
            "3> ACK sip:me @7",
            "3> Complete",
            "3< Complete",
        ]);
    let mut wire = Wire::new();
    wire.c("OPTIONS /x HTTP/1.1\r\n\r\n");
    assert_eq!(wire.said(), ["0> OPTIONS /x @1", "0> Complete"]);
}

/// A message with these questions and answers.
fn dns(flags: u16, questions: &[&[&[u8]]], answers: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut all = vec![0x12, 0x34];
    for n in [flags, questions.len() as u16, answers.len() as u16, 0, 0] {
        all.extend(n.to_be_bytes());
    }
    for labels in questions {
        for label in *labels {
            all.push(label.len() as u8);
            all.extend_from_slice(label);
        }
        all.extend([0, 0, 16, 0, 1]);
    }
    for (kind, data) in answers {
        all.extend([0xc0, 12]);
        all.extend(kind.to_be_bytes());
        all.extend([0, 1, 0, 0, 0, 9]);
        all.extend((data.len() as u16).to_be_bytes());
        all.extend_from_slice(data);
    }
    all
}

/// Found by the fuzzer: 45 questions and 65 535 answers were added up in 16 bits.
#[test]
fn a_header_of_dns_may_count_anything() {
    let said = play(&[up(vec![0, 1, 0, 0, 0, 45, 0xff, 0xff, 0xff, 0, 4, 0])]);
    assert!(!said.iter().any(|line| line.contains("dns")), "{said:?}");
}

#[test]
fn dns_joins_labels_and_strings() {
    // {"alg":"HS256"}, {"sub":"1"} and a signature.
    let (header, payload, signature) =
        (&b"eyJhbGciOiJIUzI1NiJ9"[..], &b"eyJzdWIiOiIxIn0"[..], &b"c2lnbmF0dXJl"[..]);
    let token = "0> dns dns:name=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl @1";
    let asked = |labels: &[&[u8]]| play(&[up(dns(0x0100, &[labels], &[]))]);
    assert_eq!(asked(&[header, payload, signature, b"a", b"test"]), ["0 dns", token, "0> Complete"]);
    let cut = [
        &header[..10],
        &header[10..],
        &payload[..10],
        &payload[10..],
        &signature[..10],
        &signature[10..],
        b"x",
        b"test",
    ];
    assert_eq!(asked(&cut), ["0 dns", token, "0> Complete"]);
    assert_eq!(asked(&[b"a", b"test"]), ["0 dns"]);
    let question: &[&[u8]] = &[b"k", b"test"];
    let text = [&[3][..], b"v=1", &[7], b" eyJ.a.", &[1], b"b"].concat();
    let answer =
        dns(0x8180, &[question], &[(1, vec![1, 2, 3, 4]), (16, text), (257, b"\0\x05issue".to_vec())]);
    let expected = [
        "0 dns",
        "0< dns dns:txt=v=1 eyJ.a.b @2",
        "0< Complete",
        "1< dns @2",
        "1< body \0\u{5}issue",
        "1< Complete",
    ];
    says(&[up(dns(0x0100, &[question], &[])), down(&answer)], &expected);
    let framed = |message: Vec<u8>| [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    Conversation::new().c(framed(dns(0x0100, &[question], &[]))).s(framed(answer)).says(&expected);
    // A name that is longer than what the probes are shown.
    let long: &[&[u8]] = &[&[b'a'; 60], &[b'b'; 60], b"test"];
    let mut wire = Wire::in_pieces(1);
    wire.c(framed(dns(0x0100, &[long], &[])));
    assert_eq!(wire.all(), ["0 dns"]);
    // A name that never ends.
    let mut endless = dns(0x8180, &[question], &[(5, vec![0xc0, 0])]);
    let at = endless.len() - 2;
    endless[at + 1] = at as u8;
    assert!(play(&[up(&endless)]).is_empty());
    assert!(
        play(&[up(dns(0x0100, &[question], &[])), up(&endless)])
            .contains(&"weird dns_bad_message".to_owned())
    );
}

#[test]
fn radius_joins_attributes() {
    let packet = |code: u8, attributes: &[(u8, Vec<u8>)]| {
        let body: Vec<u8> =
            attributes.iter().flat_map(|(t, v)| [&[*t, v.len() as u8 + 2][..], v].concat()).collect();
        [&[code, 1][..], &(20 + body.len() as u16).to_be_bytes(), &[7; 16], &body].concat()
    };
    let half = vec![b'x'; 253];
    let vendor = [&[0, 0, 0, 9, 1, 6][..], b"eyJ="].concat();
    let long = "x".repeat(253) + "yz";
    says(
        &[
            up(packet(1, &[(1, b"me".to_vec()), (VENDOR, vendor)])),
            down(packet(2, &[(25, half), (25, b"yz".to_vec())])),
        ],
        &[
            "0 radius",
            "0> attribute attribute:user-name=me @1",
            "0> Complete",
            "1> attribute attribute:vendor-specific=eyJ= @1",
            "1> Complete",
            &format!("2< attribute attribute:class={long} @2"),
            "2< Complete",
        ],
    );
}

const VENDOR: u8 = 26;

#[test]
fn coap_asks_and_answers() {
    // PUT /a/bc?t=x with JSON; 2.04 with the same token; 4.04 to what was not seen.
    let request = [
        &[0x42, 3, 1, 1, 0xaa, 0xbb, 0xb1][..],
        b"a",
        &[2],
        b"bc",
        &[0x11, 50, 0x33],
        b"t=x",
        &[0xff],
        b"{}",
    ]
    .concat();
    says(
        &[
            up(request),
            down([0x62, 0x44, 1, 1, 0xaa, 0xbb, 0xff, b'o', b'k']),
            down([0x51, 0x84, 1, 2, 0xcc]),
        ],
        &[
            "0 coap",
            "0> PUT /a/bc?t=x @1",
            "0> body {}",
            "0> Complete",
            "0< 204 @2",
            "0< body ok",
            "0< Complete",
            "1< 404 @3",
            "1< Complete",
            "1> Cut",
        ],
    );
}

#[test]
fn gelf_comes_in_chunks_and_compressed() {
    let json = r#"{"version":"1.1","host":"a","short_message":"x"}"#;
    let zlib = {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut out, json.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    let body = format!("0> body {json}");
    says(&[up(json)], &["0 gelf", "0> log @1", &body, "0> Complete"]);
    let text = play(&[up(&zlib)]);
    assert_eq!(text[..2], ["0 gelf", "0> log log:content-encoding=deflate @1"]);
    let chunk =
        |n: u8, count: u8, part: &str| [b"\x1e\x0f12345678", &[n, count][..], part.as_bytes()].concat();
    let (one, two) = json.split_at(20);
    says(
        &[up(chunk(1, 2, two)), up(chunk(1, 2, two)), up(chunk(0, 2, one)), up(chunk(0, 2, "lone"))],
        &[
            "0 gelf",
            "0> log @3",
            &body,
            "0> Complete",
            "weird gelf_incomplete",
            "1> datagram @4",
            "1> body lone",
            "1> Complete",
        ],
    );
}

/// Wherever the stream is cut into segments ([`Conversation::says`] cuts it everywhere).
#[test]
fn gelf_in_a_stream_ends_with_a_zero_byte_or_a_line() {
    let one = r#"{"version":"1.1","host":"a","short_message":"x"}"#;
    let two = "{\"short_message\":\"x\",\n \"host\":\"a\"}";
    for delimiter in ["\0", "\n", "\r\n", "\0\n"] {
        let ended = if delimiter == "\r\n" { "\r" } else { "" };
        Conversation::new().c(format!("{one}{delimiter}")).c(format!("{two}{delimiter}")).says(&[
            "0 gelf",
            "0> log @1",
            &format!("0> body {one}{ended}"),
            "0> Complete",
            "1> log @2",
            &format!("1> body {two}{ended}"),
            "1> Complete",
        ]);
    }
    for no in [
        r#"{"version":"2.0","host":"a"}"#,
        r#"{"version":"1.1"}"#,
        "[1]",
        &format!("{{\"a\":\"{}\",{one}", "x".repeat(60)),
    ] {
        let mut wire = Wire::new();
        wire.c(format!("{no}\0"));
        assert!(!wire.all().contains(&"0 gelf".to_owned()), "{no}");
    }
    // What is no message ends it; behind a hole the next one is read again.
    let mut wire = Wire::new();
    wire.c(format!("{one}\0")).c("what\0");
    assert!(wire.all().contains(&"weird gelf_bad_frame".to_owned()));
}

#[test]
fn syslog_tells_its_parts() {
    let new = r#"<34>1 2026-11-27T10:00:00Z host app 7 - [a@1 tok="e\"y" n="2"][b] @cee: {"a":1}"#;
    let old = "<13>Nov 27 10:00:00 host app[7]: text: more";
    let expected = [
        "0 syslog",
        "0> log log:timestamp=2026-11-27T10:00:00Z log:hostname=host log:app-name=app log:procid=7 log:tok=e\\\"y log:n=2 @1",
        "0> body {\"a\":1}",
        "0> Complete",
        "1> log log:=Nov 27 10:00:00 host app[7] @2",
        "1> body text: more",
        "1> Complete",
    ];
    says(&[up(new), up(old)], &expected);
    Conversation::new().c(format!("{new}\n")).c(format!("{old}\n")).says(&expected);
    let counted = |text: &str| format!("{} {text}", text.len());
    Conversation::new().c(counted(new)).c(counted(old)).says(&expected);
    for no in ["<html>x</html>", "<999>x y z", "<1>\x01\x02\x03", "220 <a> ready\r\n", "<13>x\n"] {
        let mut wire = Wire::new();
        wire.c(no);
        assert!(!wire.all().contains(&"0 syslog".to_owned()), "{no}");
    }
}

#[test]
fn statsd_tells_tags() {
    says(
        &[up("api.requests:1|c|#token:eyJhbGciOiJIUzI1NiJ9,env:dev\n_e{5,4}:title|text-that-is-long-enough")],
        &[
            "0 statsd",
            "0> metric metric:token=eyJhbGciOiJIUzI1NiJ9 metric:=text-that-is-long-enough @1",
            "0> Complete",
        ],
    );
    for no in ["a:1|x", "no metric", "a|c", "GET / HTTP/1.1"] {
        assert!(play(&[up(no)]).is_empty(), "{no}");
    }
}
