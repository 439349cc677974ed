//! Whatever the bytes are: no panic, an end in bounded time, bounded memory, and what was given up is counted.

use crate::support::child::{self, Ended};
use crate::support::mangle::Random;
use crate::support::observe::{Observed, observe, token};
use crate::support::tree;
use crate::support::wire::{self, Conversation, Packet, Style, connection};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wirelint::capture::Block;
use wirelint::decode::{Endpoint, FlowKey, IpProtocol};
use wirelint::message::{Direction, ReadyExchange, ReadyMessage};
use wirelint::protocol::parse_head;
use wirelint::shard::{Batch, Demand, Event, Shard, Shared, Wanted};

/// Longest that one small capture may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most resident memory of a process, in KiB.
const PEAK: u64 = 200 << 10;

/// Captures of the fixtures as they are on disk.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let files = [tree::files("fixtures", "pcap"), tree::files("fixtures", "pcapng")].concat();
    let read = |path: std::path::PathBuf| {
        (path.display().to_string(), std::fs::read(tree::root().join(path)).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Runs a hostile capture in-process; says what went wrong.
fn survives(what: &str, bytes: Vec<u8>, judge: bool) -> Result<Observed, String> {
    let since = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| observe(bytes, 1, judge)));
    let took = since.elapsed();
    match result {
        Err(_) => Err(format!("{what}: panicked")),
        Ok(_) if took > PATIENCE => Err(format!("{what}: took {took:?}")),
        Ok(seen) => Ok(seen),
    }
}

/// Hostile variants of every fixture, two fixtures at a time.
fn every_fixture(variants: impl Fn(&str, &[u8], &mut Random) -> Vec<(String, Vec<u8>)> + Sync) {
    let (fixtures, wrong) = (Mutex::new(fixtures().into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = fixtures.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((name, bytes)) = next else { break };
                    let all = variants(&name, &bytes, &mut Random::named(&name));
                    for (i, (what, bytes)) in all.into_iter().enumerate() {
                        // The rules look at one in eight, which is enough of the slowest part.
                        if let Err(text) = survives(&format!("{name}, {what}"), bytes, i % 8 == 0) {
                            wrong.lock().unwrap().push(text);
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn truncated_anywhere() {
    every_fixture(|_, bytes, random| {
        let cuts = wire::boundaries(bytes).into_iter().flat_map(|at| {
            let near = (at + random.below(110)).saturating_sub(40);
            [at, near]
        });
        let cuts = cuts.filter(|at| *at <= bytes.len());
        cuts.map(|at| (format!("cut at {at}"), bytes[..at].to_vec())).collect()
    });
}

#[test]
fn snapped_packets() {
    every_fixture(|_, bytes, _| {
        let snap = |len: usize| {
            let cut = |p: Packet| Packet { data: p.data[..p.data.len().min(len)].to_vec(), ..p };
            let packets: Vec<_> = wire::read(bytes).into_iter().map(cut).collect();
            (format!("snap length {len}"), wire::write(&packets, Style::default()))
        };
        [96, 1, 13, 14, 20, 33, 34, 40, 53, 54, 60, 66, 80, 200].map(snap).to_vec()
    });
}

#[test]
fn snapped_packets_are_counted() {
    let path = tree::root().join("fixtures/login-then-api-http/capture.pcap");
    let cut = |p: Packet| Packet { data: p.data[..p.data.len().min(96)].to_vec(), ..p };
    let packets: Vec<_> = wire::read(&std::fs::read(path).unwrap()).into_iter().map(cut).collect();
    let seen = observe(wire::write(&packets, Style::default()), 1, true);
    assert!(seen.tally.weirds["snapped"] > 0);
    assert!(seen.findings.iter().any(|(rule, _)| rule == "coverage-gap"), "{:?}", seen.findings);
}

#[test]
fn flipped_bits_and_bytes() {
    every_fixture(|_, bytes, random| {
        let mut all = Vec::new();
        for n in 0..16 {
            let mut file = bytes.to_vec();
            for _ in 0..=n {
                let at = random.below(file.len());
                file[at] ^= 1 << random.below(8);
            }
            all.push((format!("bit flips {n}"), file));
        }
        let packets = wire::read(bytes);
        for (what, from, to) in [("headers", 12, 80), ("payloads", 54, 160), ("anywhere", 0, 1500)] {
            for n in 0..12 {
                let mut packets = packets.clone();
                for data in packets.iter_mut().map(|p| &mut p.data) {
                    for _ in 0..random.below(2 + n % 5) {
                        let at = from + random.below(to.min(data.len()).saturating_sub(from));
                        let odd = [0, 1, 10, 13, 32, 58, 127, 128, 255, random.below(256) as u8];
                        if let Some(byte) = data.get_mut(at) {
                            *byte = odd[random.below(odd.len())];
                        }
                    }
                }
                all.push((format!("odd bytes in {what} {n}"), wire::write(&packets, Style::default())));
            }
        }
        all
    });
}

#[test]
fn lost_shuffled_and_foreign_packets() {
    every_fixture(|_, bytes, random| {
        let packets = wire::read(bytes);
        let mut all = Vec::new();
        for n in 1..6 {
            let mut some = packets.clone();
            some.retain(|_| random.below(10) >= n);
            all.push((format!("{n} in 10 lost"), wire::write(&some, Style::default())));
            let mut some = packets.clone();
            for i in (1..some.len()).rev() {
                some.swap(i, random.below(i + 1));
            }
            all.push((format!("shuffled {n}"), wire::write(&some, Style { ng: true, ..Style::default() })));
        }
        let reversed: Vec<_> = packets.iter().rev().cloned().collect();
        all.push(("reversed".to_owned(), wire::write(&reversed, Style::default())));
        for link in [0, 9, 12, 50, 51, 101, 104, 105, 107, 108, 113, 119, 127, 163, 192, 228, 239, 276, 9999]
        {
            let some: Vec<_> = packets.iter().map(|p| Packet { link, ..p.clone() }).collect();
            all.push((format!("as link type {link}"), wire::write(&some, Style::default())));
        }
        all
    });
}

#[test]
fn garbage() {
    let mut random = Random::named("garbage");
    let magics: [&[u8]; 7] = [
        b"",
        b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0",
        b"\xa1\xb2\xc3\xd4\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\x01",
        b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"\x28\xb5\x2f\xfd",
        b"\xfd7zXZ\0",
    ];
    let mut wrong = Vec::new();
    for n in 0..210 {
        let magic = magics[n % magics.len()];
        let size = 1 << random.below(16);
        let bytes = [magic, &random.bytes(size)].concat();
        wrong.extend(survives(&format!("garbage {n}"), bytes, n % 8 == 0).err());
    }
    for n in 0..40 {
        let packets: Vec<_> = (0..200)
            .map(|i| {
                let size = random.below(300);
                let mut data = random.bytes(size);
                // Something to hold on to, deeper each time.
                let head = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\x45\0\x01\0\0\0\0\0\x40\x06";
                let keep = (n * head.len() / 39).min(data.len());
                data[..keep].copy_from_slice(&head[..keep]);
                Packet::new(i, wire::ETHERNET, data)
            })
            .collect();
        wrong.extend(
            survives(&format!("random packets {n}"), wire::write(&packets, Style::default()), true).err(),
        );
    }
    for n in 0..60 {
        let (client, server) = (random.bytes(5000), random.bytes(5000));
        let prefixes: [(&[u8], &[u8]); 5] = [
            (b"", b""),
            (b"GET / HTTP/1.1\r\nA: ", b"HTTP/1.1 200 OK\r\n"),
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n",
            ),
            (b"\x16\x03\x01\x10\0\x01\0\x0f\xfc\x03\x03", b"\x16\x03\x03\x10\0\x02\0\x0f\xfc\x03\x03"),
            (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n"),
        ];
        let (a, b) = prefixes[n % prefixes.len()];
        let packets = connection(&[a, &client].concat(), &[b, &server].concat());
        wrong.extend(
            survives(&format!("random streams {n}"), wire::write(&packets, Style::default()), true).err(),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs `scan` in a process of its own over these packets; it must end in time and stay small.
fn bounded(what: &str, packets: &[Packet]) -> Ended {
    bounded_file(what, &wire::write(packets, Style::default()))
}

fn bounded_file(what: &str, capture: &[u8]) -> Ended {
    let arguments = ["scan", "--crack-budget", "0", "--threads", "2", "--format", "json"];
    let ended = child::wirelint(&arguments, capture, Duration::from_secs(60));
    assert!(matches!(ended.code, Some(0..=3)), "{what}: {:?} {}", ended.code, ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
    assert!(ended.peak > 0 && ended.peak < PEAK, "{what}: {} KiB", ended.peak);
    ended
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[test]
fn decompression_bombs() {
    let zeros = vec![0; 100 << 20];
    let bomb = wire::gzip(&zeros);
    let nested = wire::gzip(&wire::gzip(&bomb));
    for (coding, body) in [("gzip", &bomb), ("gzip, gzip, gzip", &nested)] {
        let head = format!("Content-Type: text/plain\r\nContent-Encoding: {coding}\r\n");
        let after = response("Content-Type: text/plain\r\n", b"after the bomb");
        let packets = connection(&[REQUEST, REQUEST].concat(), &[response(&head, body), after].concat());
        let capture = wire::write(&packets, Style::default());
        let ended = bounded_file(coding, &capture);
        assert!(ended.stdout.contains("bodies over the decompression bound"), "{coding}: {}", ended.stdout);
        let seen = survives(coding, capture, false).unwrap();
        assert_eq!(seen.tally.weirds.get("content_bomb"), Some(&1), "{coding}");
        let next = seen.exchanges.keys().filter(|e| !e.contains("damaged: true")).count();
        assert_eq!(next, 1, "{coding}: the exchange behind the bomb: {:?}", seen.exchanges);
    }
    bounded_file("a capture that is a bomb", &wire::gzip(&zeros));
}

/// Zstandard whose window of 8 MiB is full and whose frame does not end: nothing has come out yet.
fn zstd_window() -> Vec<u8> {
    let block = |kind: u32, size: u32| (size << 3 | kind << 1).to_le_bytes()[..3].to_vec();
    // Bytes that do not repeat hold the ratio.
    let noise = Random::named("zstd").bytes(50_000);
    let mut body =
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3], &block(0, noise.len() as u32)[..], &noise].concat();
    for _ in 0..63 {
        body.extend([block(1, 128 << 10), vec![b'x']].concat());
    }
    body
}

#[test]
fn open_windows_of_decoders() {
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 9999999\r\n\r\n";
    let said = [head.as_bytes(), &zstd_window()].concat();
    // All in one partition, so that its share is what bounds them.
    let partition = |client: &u32| {
        let [_, a, b, c] = client.to_be_bytes();
        let end = |addr: [u8; 4], port| Endpoint { addr: addr.into(), port };
        let ends = (end([10, a, b, c], 1024 + *client as u16), end([192, 0, 2, 80], 80));
        FlowKey::new(ends.0, ends.1, IpProtocol::Tcp, 0).0.partition()
    };
    let clients = (1..60_000).filter(|client| partition(client) == 7).take(60);
    let talks: Vec<_> =
        clients.map(|n| Conversation::open(n, 80).client(REQUEST).server(&said).packets).collect();
    assert_eq!(talks.len(), 60);
    let capture = wire::write(&wire::interleave(talks.into_iter(), 60), Style::default());
    bounded_file("open zstd windows", &capture);
    let seen = survives("open zstd windows", capture, false).unwrap();
    assert!(seen.tally.weirds.get("content_undecodable") > Some(&50), "{:?}", seen.tally);
}

#[test]
fn flood_of_connections() {
    let mut packets = Vec::new();
    for n in 0..200_000_u32 {
        let mut talk = Conversation::open(n, (n % 50_000) as u16);
        talk.packets.truncate(1);
        packets.append(&mut talk.packets);
        if let Some(last) = packets.last_mut() {
            last.time += i64::from(n) * 1000;
        }
    }
    bounded("SYNs", &packets);
}

#[test]
fn flood_of_first_fragments() {
    let whole = Conversation::open(1, 80).client(&[b'x'; 1000]).packets.pop().unwrap();
    let packets: Vec<_> = (0..100_000_u32)
        .map(|n| {
            let mut p = Packet { time: whole.time + i64::from(n) * 1000, ..whole.clone() };
            p.data[18..20].copy_from_slice(&(n as u16).to_be_bytes());
            p.data[20] = 0x20;
            p.data[28..30].copy_from_slice(&((n >> 16) as u16).to_be_bytes());
            p
        })
        .collect();
    let ended = bounded("first fragments", &packets);
    assert!(ended.stdout.contains("IP fragments evicted"), "{}", ended.stdout);
}

#[test]
fn flood_out_of_order() {
    let mut all = Vec::new();
    for client in 0..20 {
        let mut talk = Conversation::open(client, 80);
        let start = u32::from_be_bytes(talk.packets[2].data[38..42].try_into().unwrap());
        for n in 1..4000_u32 {
            talk.segment_at(0, start.wrapping_add(n * 1001), &[b'x'; 1000], 0x18);
        }
        all.push(talk.packets);
    }
    bounded("segments behind holes", &wire::interleave(all.into_iter(), 20));
}

#[test]
fn endless_heads_and_lines() {
    let long = vec![b'a'; 8 << 20];
    let client: [(&str, &[u8]); 5] = [
        ("a header line", b"GET / HTTP/1.1\r\nX: "),
        ("a request line", b"GET /"),
        ("a chunk-size line", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;"),
        ("a token", b"GET / HTTP/1.1\r\nAuthorization: Bearer eyJhbGciOiJub25lIn0."),
        ("a trailer", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "),
    ];
    for (what, start) in client {
        let ended = bounded(what, &connection(&[start, &long].concat(), b""));
        assert!(ended.stdout.contains("not_inspected") || ended.stdout.contains("coverage"), "{what}");
    }
    let fields: String = (0..100_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let head = [b"GET / HTTP/1.1\r\n", fields.as_bytes(), b"\r\n"].concat();
    bounded("header fields", &connection(&head, b""));
    let lines = b"\r\n".repeat(1 << 20);
    bounded("empty lines", &connection(&[&lines[..], REQUEST].concat(), b""));
}

#[test]
fn many_pipelined_requests() {
    let requests = REQUEST.repeat(100_000);
    let ended = bounded("unanswered requests", &connection(&requests, b""));
    assert!(ended.stdout.contains("requests over the pipelining bound"), "{}", ended.stdout);
    let answers = b"HTTP/1.1 204 No Content\r\n\r\n".repeat(100_000);
    bounded("answered requests", &connection(&requests, &answers));
}

#[test]
fn bodies_full_of_tokens() {
    let token = b"eyJhbGciOiJub25lIn0.e30. ";
    for (what, body) in [("tokens", token.repeat(40_000)), ("starts of tokens", b"eyJ.".repeat(250_000))] {
        let packets = connection(REQUEST, &response("Content-Type: text/plain\r\n", &body));
        bounded(what, &packets);
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    bounded(
        "deep JSON",
        &connection(REQUEST, &response("Content-Type: application/json\r\n", deep.as_bytes())),
    );
    let empty = b"\x16\x03\x01\0\0".repeat(200_000);
    bounded("empty TLS records", &connection(&empty, b""));
}

/// The binary over damaged files: an exit code of the contract, and no signal.
#[test]
fn damaged_files_end_with_a_code() {
    let path = tree::root().join("fixtures/cookies/capture.pcap");
    let bytes = std::fs::read(path).unwrap();
    let mut random = Random::named("damaged files");
    for n in 0..8 {
        let mut file = bytes.clone();
        file.truncate(bytes.len() - random.below(bytes.len() / 2));
        for _ in 0..n * 3 {
            let at = random.below(file.len());
            file[at] ^= 1 << random.below(8);
        }
        for command in ["scan", "tokens", "http", "flows"] {
            let ended = child::wirelint(&[command, "--format", "ndjson"], &file, Duration::from_secs(20));
            assert!(matches!(ended.code, Some(0..=3)), "{n}, {command}: {ended:?}");
            assert!(!ended.stderr.contains("panicked"), "{n}, {command}: {ended:?}");
        }
    }
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tMDEyMzQ1Njc";

/// Clean means inspected: a token that HTTP's rules cannot reach is sighted in the stream, or a gap is counted.
#[test]
fn odd_messages_lose_no_token_unsaid() {
    let get = "GET / HTTP/1.1\r\nHost: a\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let many: String = (0..300).map(|n| format!("X-{n}: y\r\n")).collect();
    let zeros = "0".repeat(100_000);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let cases = [
        ("malformed chunk", format!("{get}\r\n"), format!("{ok}{chunked}3\r\nabc\r\nZZ\r\n{TOKEN}")),
        ("long chunk size", format!("{get}\r\n"), format!("{ok}{chunked}{zeros}60\r\n{TOKEN}")),
        ("bad length", format!("{get}\r\n"), format!("{ok}Content-Length: zz\r\n\r\n{TOKEN}")),
        (
            "two lengths",
            format!("{get}\r\n"),
            format!("{ok}Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc{TOKEN}"),
        ),
        (
            "length and chunks",
            format!("{get}\r\n"),
            format!("{ok}Content-Length: 3\r\n{chunked}60\r\n{TOKEN}"),
        ),
        ("bad status", format!("{get}\r\n"), format!("HTTP/1.1 abc\r\n\r\n{TOKEN}")),
        ("bad line", format!("{get}\x01\x02 bad\r\n{bearer}\r\n"), String::new()),
        ("many fields", format!("{get}{many}{bearer}\r\n"), String::new()),
        ("many trailers", format!("{get}\r\n"), format!("{ok}{chunked}0\r\n{many}X: {TOKEN}\r\n\r\n")),
        ("head too large", format!("{get}X: {}\r\n{bearer}\r\n", "y".repeat(300_000)), String::new()),
        ("cut head", format!("{get}Authorization: Bearer {TOKEN}"), String::new()),
        ("no version", format!("GET /{TOKEN}\r\n"), String::new()),
        ("HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0{TOKEN}"), String::new()),
        (
            "early data",
            format!("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n{TOKEN}"),
            "HTTP/1.1 200 OK\r\n\r\n".into(),
        ),
        ("unknown coding", format!("{get}\r\n"), format!("{ok}Content-Encoding: x\r\n\r\n{TOKEN}")),
        ("not gzip", format!("{get}\r\n"), format!("{ok}Content-Encoding: gzip\r\n\r\n{TOKEN}")),
    ];
    for (what, client, server) in cases {
        let packets = connection(client.as_bytes(), server.as_bytes());
        let seen = observe(wire::write(&packets, Style::default()), 1, true);
        let counted = seen.findings.iter().any(|(rule, _)| rule == "coverage-gap");
        assert!(!seen.tokens.is_empty() || counted, "{what}: {:?}", seen.tally);
    }
}

/// What stands before a hole and what stands behind it are never one token.
#[test]
fn a_hole_in_a_head_joins_nothing() {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let cut = head.find("eyJzdWIi").unwrap() + 3;
    let mut talk = Conversation::open(1, 80);
    for part in [&head[..cut], "lost", &head[cut..]] {
        talk.segment(0, part.as_bytes(), 0x18);
    }
    talk.packets.remove(4);
    // The other side has it all.
    talk.segment(1, b"HTTP/1.1 204 No Content\r\n\r\n", 0x18);
    let seen = observe(wire::write(&talk.close(), Style::default()), 1, true);
    assert_eq!(seen.tokens.len(), 0, "{:?}", seen.tokens);
    assert_eq!(seen.tally.weirds.get("gaps"), Some(&1), "{:?}", seen.tally);
    assert_eq!(seen.tally.weirds.get("token_cut"), Some(&1), "{:?}", seen.tally);
}

/// A layer that knows its protocol stays as it is when content tells the client later.
#[test]
fn ends_are_not_swapped_under_a_protocol() {
    // The server has the higher port, and the first request does not tell who is the client.
    let mut talk = Conversation::open(1, 9000);
    talk.packets.clear();
    for part in ["GE", "T /a HTTP/1.1\r\nHost: a\r\n\r\n"] {
        talk.segment(0, part.as_bytes(), 0x18);
    }
    for _ in 0..2 * wirelint::limits::HOLD_PACKETS {
        talk.segment(1, b"", 0x10);
    }
    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
    let talk = talk.server(answer).client(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n").server(answer);
    let seen = observe(wire::write(&talk.close(), Style::default()), 1, false);
    let all: Vec<_> = seen.exchanges.keys().map(|e| &e[..6]).collect();
    assert_eq!(all, ["GET /a", "GET /b"], "{:?}", seen.exchanges);
    assert!(seen.exchanges.keys().all(|e| e.contains("-> 204")), "{:?}", seen.exchanges);
}

/// A Decryption Secrets Block may hold secrets of other protocols.
#[test]
fn only_key_logs_are_tls_secrets() {
    for (kind, told) in [(0x544c_534b_u32, true), (0x5747_4b4c, false)] {
        let mut capture = wire::write(&connection(REQUEST, b""), Style { ng: true, ..Style::default() });
        for word in [10, 24, kind, 4, u32::from_le_bytes(*b"key "), 24] {
            capture.extend(word.to_le_bytes());
        }
        let ended = bounded_file("secrets", &capture);
        assert_eq!(ended.stdout.contains("capture-embeds-tls-secrets"), told, "{kind:x}: {}", ended.stdout);
    }
}

/// Sightings of exchanges that enter at `message`.
fn played(exchanges: Vec<ReadyExchange>) -> Vec<crate::support::observe::Token> {
    let demand = Demand { tokens: true, exchanges: vec![Wanted::default()], ..Demand::default() };
    let shared = Arc::new(Shared::new(demand));
    let block = Arc::new(Block { exchanges, ..Block::default() });
    let output = Shard::new(shared, 0..64).process(&Batch { block, last: true, ..Batch::default() });
    let mut all = Vec::new();
    for stamped in output.events {
        if let Event::Exchange { sightings, .. } = stamped.event {
            all.extend(sightings.iter().map(token));
        }
    }
    all.sort();
    all
}

#[test]
fn ready_exchanges_give_the_sightings_of_their_wire_form() {
    const T: &str = TOKEN;
    let post = |kind: &str| format!("POST /in HTTP/1.1\r\nHost: a.example\r\nContent-Type: {kind}\r\n");
    let get = "GET /out HTTP/1.1\r\nHost: a.example\r\n".to_owned();
    let ok = "HTTP/1.1 200 OK\r\n".to_owned();
    let part = format!("--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n{T}\r\n--b--\r\n");
    let all: [(String, String, String, String); 12] = [
        (format!("{get}Authorization: Bearer {T}\r\n"), String::new(), ok.clone(), String::new()),
        (format!("{get}Cookie: a=1; id={T}\r\n"), String::new(), ok.clone(), String::new()),
        (format!("GET /out?t={T}&u=1 HTTP/1.1\r\nHost: a\r\n"), String::new(), ok.clone(), String::new()),
        (format!("GET /out/{T}/x HTTP/1.1\r\nHost: a\r\n"), String::new(), ok.clone(), String::new()),
        (format!("{get}Referer: http://b/?t={T}\r\n"), String::new(), ok.clone(), String::new()),
        (post("application/json"), format!("{{\"a\":{{\"t\":\"{T}\"}}}}"), ok.clone(), String::new()),
        (post("application/x-www-form-urlencoded"), format!("a=1&t={T}"), ok.clone(), String::new()),
        (post("multipart/form-data; boundary=b"), part, ok.clone(), String::new()),
        (get.clone(), String::new(), format!("{ok}Set-Cookie: id={T}; Path=/\r\n"), String::new()),
        (get.clone(), String::new(), format!("{ok}Location: https://b/cb#t={T}\r\n"), String::new()),
        (get.clone(), String::new(), format!("{ok}Content-Type: text/html\r\n"), format!("<p title='{T}'>")),
        (
            get,
            String::new(),
            format!("{ok}Content-Type: application/json\r\n"),
            format!("[{{\"t\":\"{T}\"}}]"),
        ),
    ];
    for (number, (request, request_body, answer, answer_body)) in all.into_iter().enumerate() {
        let head =
            |head: &str, body: &str| format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        let (request_head, response_head) = (head(&request, &request_body), head(&answer, &answer_body));
        let message = |dir, head: &[u8], body: &str| {
            let mut message =
                ReadyMessage { body: body.as_bytes().to_vec(), coded: true, ..ReadyMessage::default() };
            parse_head(head, dir, |head| message.head.store(head));
            Some(message)
        };
        let ready = ReadyExchange {
            number: number as u64,
            request: message(Direction::Request, &request_head, &request_body),
            response: message(Direction::Response, &response_head, &answer_body),
            ..ReadyExchange::default()
        };
        let packets = connection(
            &[&request_head[..], request_body.as_bytes()].concat(),
            &[&response_head[..], answer_body.as_bytes()].concat(),
        );
        let wire = observe(wire::write(&packets, Style::default()), 1, false);
        let wire: Vec<_> = wire.tokens.into_iter().collect();
        assert_eq!(wire.len(), 1, "{request}: {wire:?}");
        assert_eq!(played(vec![ready]), wire, "{request}");
    }
}
