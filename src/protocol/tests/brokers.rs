//! AMQP and Kafka: logins, properties, bodies and records.

use super::conversation::Conversation;
use super::tape::Wire;
use std::io::Write as _;

/// A frame of AMQP 0-9-1.
fn frame(kind: u8, channel: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, channel][..], &(payload.len() as u32).to_be_bytes(), payload, &[0xce]].concat()
}

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8][..], text.as_bytes()].concat()
}

fn long(text: impl AsRef<[u8]>) -> Vec<u8> {
    [&(text.as_ref().len() as u32).to_be_bytes()[..], text.as_ref()].concat()
}

fn entry(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    [short(name), vec![kind], value.to_vec()].concat()
}

fn method(class: u8, number: u8, arguments: &[u8]) -> Vec<u8> {
    frame(1, 0, &[&[0, class, 0, number][..], arguments].concat())
}

#[test]
fn amqp_tells_the_login_and_messages() {
    let inside = long(entry("b", b'S', &long("deep")));
    let table =
        [entry("a", b't', &[1]), entry("product", b'S', &long("x")), entry("caps", b'F', &inside)].concat();
    let start_ok = [long(&table), short("PLAIN"), long("\0alice\0eyJ.a.b"), short("en_US")].concat();
    let headers = long([entry("tok", b'S', &long("eyJ")), entry("n", b'I', &[0, 0, 0, 1])].concat());
    // content-type, headers, delivery-mode, message-id.
    let content = [
        &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0xb0, 0x80][..],
        &short("text/plain"),
        &headers,
        &[2],
        &short("m1"),
    ]
    .concat();
    Conversation::new()
        .c(b"AMQP\0\0\x09\x01")
        .s(method(10, 10, &[&[0, 9][..], &long(""), &long("PLAIN AMQPLAIN"), &long("en_US")].concat()))
        .c(method(10, 11, &start_ok))
        .s(method(10, 30, &[0; 8]))
        .c(frame(8, 0, b""))
        .c([
            method(60, 40, b"\0\0\x01x\x01k\0"),
            frame(2, 1, &content),
            frame(3, 1, b"he"),
            frame(3, 1, b"llo"),
        ]
        .concat())
        .says(&[
            "0 amqp",
            "0> connect connect:product=x connect:b=deep @3",
            "0> Complete",
            "1> sasl sasl:plain=\0alice\0eyJ.a.b @3",
            "1> Complete",
            "login plain token - accepted @3",
            "2< reply @4",
            "2< body \0\0\0\0\0\0\0\0",
            "2< Complete",
            "3> command @6",
            "3> body \0\0\u{1}x\u{1}k\0",
            "3> Complete",
            "4> publish property:content-type=text/plain property:tok=eyJ property:message-id=m1 @6",
            "4> body hello",
            "4> Complete",
        ]);
    let mut wire = Wire::new();
    let login = [entry("LOGIN", b'S', &long("a")), entry("PASSWORD", b'S', &long("secret"))].concat();
    wire.c(b"AMQP\0\0\x09\x01").c(method(
        10,
        11,
        &[long(""), short("AMQPLAIN"), long(login), short("x")].concat(),
    ));
    wire.s(method(10, 50, b"\x01\x93\x07refused\0\0\0\0"));
    wire.c(method(10, 70, &[long("eyJ.new"), short("renewed")].concat()));
    let said = wire.all();
    assert!(said.contains(&"login amqplain password - refused @2".to_owned()), "{said:?}");
    assert!(said.contains(&"login update-secret token - - @4".to_owned()), "{said:?}");
}

/// A frame of AMQP 1.0.
fn one(kind: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], &[2, kind, 0, 0], body].concat()
}

/// A described list, or a map.
fn described(code: u8, constructor: u8, count: u8, inside: &[u8]) -> Vec<u8> {
    [&[0, 0x53, code, constructor, inside.len() as u8 + 1, count][..], inside].concat()
}

fn text(constructor: u8, text: &str) -> Vec<u8> {
    [&[constructor, text.len() as u8][..], text.as_bytes()].concat()
}

#[test]
fn amqp_1_tells_the_login_and_messages() {
    let init = [text(0xa3, "XOAUTH2"), text(0xa0, "user=a\x01auth=Bearer eyJ.a.b\x01\x01")].concat();
    let transfer = |more: u8, payload: &[u8]| {
        let list = [&[0x43, 0x43, 0x40, 0x40, 0x40][..], &[more]].concat();
        one(0, &[described(0x14, 0xc0, 6, &list), payload.to_vec()].concat())
    };
    let properties = described(0x73, 0xc0, 1, &text(0xa1, "m1"));
    let map = [text(0xa1, "tok"), text(0xa1, "eyJ"), text(0xa1, "n"), vec![0x54, 1]].concat();
    let body = described(0x75, 0xc0, 0, b"");
    let body = [&body[..3], &[0xa0, 5], b"hel"].concat();
    let message = [properties, described(0x74, 0xc1, 4, &map), body].concat();
    Conversation::new()
        .c(b"AMQP\x03\x01\0\0")
        .s(b"AMQP\x03\x01\0\0")
        .c(one(1, &described(0x41, 0xc0, 2, &init)))
        .s(one(1, &described(0x44, 0xc0, 1, &[0x50, 0])))
        .c(b"AMQP\0\x01\0\0")
        .s(b"AMQP\0\x01\0\0")
        .c(one(0, &described(0x10, 0xc0, 1, &text(0xa1, "me"))))
        .c(one(0, b""))
        .c(transfer(0x41, &message))
        .c(transfer(0x42, b"lo"))
        .c(transfer(0x42, &[&described(0x77, 0xc0, 0, b"")[..3], &text(0xa1, "token")].concat()))
        .says(&[
            "0 amqp",
            "0> sasl sasl:xoauth2=user=a\u{1}auth=Bearer eyJ.a.b\u{1}\u{1} @3",
            "0> Complete",
            "login xoauth2 token - accepted @3",
            "1> command @7",
            "1> body \u{a1}\u{2}me".replace('\u{a1}', "\u{fffd}").as_str(),
            "1> Complete",
            "2> publish property:message-id=m1 property:tok=eyJ @9",
            "2> body hello",
            "2> Complete",
            "3> publish @11",
            "3> body token",
            "3> Complete",
        ]);
    let mut wire = Wire::new();
    wire.c(b"AMQP\x02\x01\0\0").s(b"AMQP\x02\x01\0\0").c([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
    assert!(wire.all().contains(&"1 tls".to_owned()));
}

/// A request of Kafka.
fn request(kind: u16, version: u16, correlation: u32, body: &[u8]) -> Vec<u8> {
    let inside =
        [&kind.to_be_bytes()[..], &version.to_be_bytes(), &correlation.to_be_bytes(), b"\0\x02me", body]
            .concat();
    long(inside)
}

fn answer(correlation: u32, body: &[u8]) -> Vec<u8> {
    long([&correlation.to_be_bytes()[..], body].concat())
}

fn varint(n: i64) -> Vec<u8> {
    let mut n = (n << 1) ^ (n >> 63);
    let mut all = Vec::new();
    loop {
        let byte = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            all.push(byte);
            return all;
        }
        all.push(byte | 0x80);
    }
}

fn sized(text: &str) -> Vec<u8> {
    [varint(text.len() as i64), text.as_bytes().to_vec()].concat()
}

/// A batch with one record, its records coded by `code`.
fn batch(coding: u8, code: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let record =
        [vec![0, 0, 0], sized("k"), sized("{\"t\":1}"), varint(1), sized("auth"), sized("eyJ")].concat();
    let records = code(&[varint(record.len() as i64), record].concat());
    let after = [
        &[0, 0, 0, 0, 2, 9, 9, 9, 9, 0, coding][..],
        &[0; 4],
        &[1; 16],
        &[0xff; 14],
        &[0, 0, 0, 1],
        &records,
    ]
    .concat();
    [&[0; 8][..], &long(after)].concat()
}

/// A message of an older format.
fn older(format: u8, attributes: u8, key: Option<&str>, value: &[u8]) -> Vec<u8> {
    let time: &[u8] = if format == 0 { &[] } else { &[0, 0, 1, 2, 3, 4, 5, 6] };
    let key = key.map_or(vec![0xff; 4], long);
    [&[0; 8][..], &long([&[9, 9, 9, 9, format, attributes][..], time, &key, &long(value)].concat())].concat()
}

#[test]
fn kafka_tells_the_login() {
    let bearer = "n,,\x01auth=Bearer eyJ.a.b\x01\x01";
    Conversation::new()
        .c(request(18, 0, 1, b""))
        .s(answer(1, b"\0\0\0\0\0\0"))
        .c(request(17, 1, 2, b"\0\x0bOAUTHBEARER"))
        .s(answer(2, b"\0\0\0\0\0\0"))
        .c(request(36, 1, 3, &long(bearer)))
        .s(answer(3, &[&b"\0\0\xff\xff"[..], &long(""), &[0; 8]].concat()))
        .says(&[
            "0 kafka",
            "0< reply @2",
            "0< body \0\0\0\0\0\0",
            "0< Complete",
            "1> sasl sasl:oauthbearer=n,,\u{1}auth=Bearer eyJ.a.b\u{1}\u{1} @5",
            "1> Complete",
            "login oauthbearer token - accepted @5",
        ]);
    let login = |version: u16, message: &[u8], outcome: &[u8]| {
        let mut wire = Wire::new();
        wire.c(request(17, 1, 2, b"\0\x05PLAIN")).s(answer(2, b"\0\0\0\0\0\0"));
        wire.c(request(36, version, 3, message)).s(answer(3, outcome));
        wire.all().into_iter().filter(|l| l.starts_with("login")).collect::<Vec<_>>()
    };
    let flexible = [&[0, 10][..], b"\0alice\0pw", &[0]].concat();
    assert_eq!(
        login(2, &flexible, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ["login plain password - accepted @3"]
    );
    assert_eq!(
        login(0, &long("\0alice\0pw"), &[0, 58, 0, 1, b'x', 0, 0, 0, 0]),
        ["login plain password - refused @3"]
    );
    // Version 0 of the handshake: bare messages, then requests again.
    let mut wire = Wire::new();
    wire.c(request(17, 0, 2, b"\0\x05PLAIN"))
        .s(answer(2, b"\0\0\0\0\0\0"))
        .c(long("\0alice\0pw"))
        .s(long(""));
    wire.c(request(3, 0, 4, b"\0\0\0\0"));
    assert!(wire.all().contains(&"login plain password - accepted @3".to_owned()));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8, (bytes.len() as u8 - 1) << 2][..], bytes].concat()
}

#[test]
fn kafka_tells_older_messages() {
    let tail = "the end of the request, which is no message, and is longer than a head";
    let said = |set: Vec<u8>, tail: &str| {
        let mut wire = Wire::new();
        let head = b"\0\x01\0\0\0\x01\0\x01topic\0\0\0\0";
        wire.c(request(0, 2, 1, &[&head[..], &set, tail.as_bytes()].concat()));
        wire.all()
    };
    let wrong = |mut frame: Vec<u8>| {
        frame[6] ^= 0xff;
        frame
    };
    let plain = |format| older(format, 0, Some("k"), b"{\"t\":1}");
    let record = ["1> publish header:key=k @1", "1> body {\"t\":1}", "1> Complete"];
    for format in [0, 1] {
        let small = [plain(format), older(format, 0, None, b"")].concat();
        let codings = [(1, gzip(&small)), (2, snappy(&small[..60])), (3, lz4(&small))];
        let coded = codings.map(|(coding, set)| older(format, coding, None, &set));
        for set in [plain(format)].into_iter().chain(coded) {
            for tail in ["", tail] {
                let said = said(set.clone(), tail);
                assert_eq!(said[3..6], record, "{format} {said:?}");
                assert!(!said.iter().any(|l| l.starts_with("weird")), "{format} {said:?}");
                assert!(
                    said.iter().any(|l| l.starts_with("0> body") && l.ends_with(tail)),
                    "{format} {said:?}"
                );
            }
        }
        // In format 0 the checksum of the head is what it is.
        let lz4 = said(older(format, 3, None, &wrong(lz4(&small))), tail);
        assert_eq!(lz4.contains(&"weird content_undecodable".to_owned()), format == 1, "{lz4:?}");
    }
    // Neither zeros nor lengths that do not agree are messages; they are searched as they are.
    let mut false_length = plain(1);
    false_length[34] ^= 1;
    for no in [vec![0; 300], false_length] {
        assert!(!said(no.clone(), tail).iter().any(|l| l.starts_with("1>")), "{no:?}");
    }
}

#[test]
fn kafka_tells_records() {
    let zstd =
        |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let said = |batch: Vec<u8>| {
        let mut wire = Wire::new();
        wire.c(request(0, 8, 1, &[&b"\xff\xff\0\x01topic\0\0\0\0"[..], &batch].concat()));
        wire.all()
    };
    let record = ["1> publish header:key=k header:auth=eyJ @1", "1> body {\"t\":1}", "1> Complete"];
    for batch in [batch(0, <[u8]>::to_vec), batch(1, gzip), batch(2, snappy), batch(3, lz4), batch(4, zstd)] {
        let said = said(batch);
        assert_eq!(said[3..6], record, "{said:?}");
        assert!(!said.iter().any(|l| l.starts_with("weird")), "{said:?}");
    }
    assert!(said(batch(2, <[u8]>::to_vec)).contains(&"weird content_undecodable".to_owned()));
    let two = [batch(0, <[u8]>::to_vec), batch(0, <[u8]>::to_vec)].concat();
    Conversation::new()
        .c(request(1, 4, 7, b"x"))
        .s(answer(7, &[&[0, 0, 0, 0, 0, 1, 2][..], &two, b"end"].concat()))
        .says(&[
            "0 kafka",
            "0> command @1",
            "0> body x",
            "0> Complete",
            "1< publish @2",
            "1< body \0\0\0\0\0\u{1}\u{2}end",
            "2< publish header:key=k header:auth=eyJ @2",
            "2< body {\"t\":1}",
            "2< Complete",
            "3< publish header:key=k header:auth=eyJ @2",
            "3< body {\"t\":1}",
            "3< Complete",
            "1< Complete",
        ]);
    for no in [
        &b"\0\0\0\x08\0\x03\0\0user"[..],
        b"GET / HTTP/1.1\r\n",
        &[0; 32],
        // A hello of OpenFlow, zeros of Ceph.
        &[6, 0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 64],
        &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0, 4, 0, 3, 0, 0, 0, 0, 0, 1, 0xff, 0xff],
    ] {
        let mut wire = Wire::new();
        wire.c(no);
        assert!(!wire.all().contains(&"0 kafka".to_owned()));
    }
}
