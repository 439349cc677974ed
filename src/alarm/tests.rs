//! Sinks against servers that these tests make.

use super::*;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::mpsc::channel;
use std::time::Duration;

fn alarm(n: u64) -> Alarm {
    Alarm {
        record: format!("{{\"rule\":\"jwt-alg-none\",\"n\":{n}}}"),
        rule: "jwt-alg-none".into(),
        fingerprint: format!("f{n}"),
        severity: 4,
        time: "2026-11-27T12:00:00.123456789Z".into(),
        count: n,
    }
}

fn open(url: &str) -> Box<dyn Sink> {
    Target::parse(url).and_then(|target| target.open()).unwrap()
}

fn refused(url: &str) -> String {
    Target::parse(url).and_then(|target| target.open().map(drop)).unwrap_err()
}

#[test]
fn urls_are_read() {
    let target = Target::parse("https://user:pa%20ss@alerts.test/hook?channel=7?shape=ecs").unwrap();
    assert_eq!(
        (target.host.as_str(), target.port, target.path.as_str()),
        ("alerts.test", 443, "/hook?channel=7")
    );
    assert_eq!((target.shape, target.user.as_deref()), (Shape::Ecs, Some("user:pa%20ss")));
    assert_eq!(target.name(), "https://alerts.test:443", "neither password nor path");
    let target = Target::parse("syslog+tls://[::1]").unwrap();
    assert_eq!((target.host.as_str(), target.port), ("::1", 6514));
    let target = Target::parse("file:/var/log/a.ndjson?size=10M&files=3").unwrap();
    assert_eq!((target.path.as_str(), target.option("files")), ("/var/log/a.ndjson", Some("3")));
    for (bad, why) in [
        ("nonsense", "begins with"),
        ("gopher://x", "no sink is called gopher"),
        ("http://", "host"),
        ("http:x", "http://HOST"),
        ("http://x:99999/", "port"),
        ("file:", "path"),
        ("file:x?shape=round", "native or ecs"),
        ("file:/nowhere/at/all", "No such file"),
        ("file:/tmp/x?size=large", "size=N"),
        ("syslog+udp://x?facility=99", "facility"),
        ("https://x?ca=/nowhere", "ca=/nowhere"),
        ("http://x?token-file=/nowhere", "token-file"),
    ] {
        assert!(refused(bad).contains(why), "{bad}: {}", refused(bad));
    }
}

#[test]
fn files_are_begun_anew_when_they_are_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alarms.ndjson");
    let mut sink = open(&format!("file:{}?size=1K&files=3", path.display()));
    for n in 0..200 {
        sink.send(&[alarm(n)]).unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["alarms.ndjson", "alarms.ndjson.1", "alarms.ndjson.2"]);
    let last = fs::read_to_string(&path).unwrap()
        + &fs::read_to_string(folder.path().join("alarms.ndjson.1")).unwrap();
    assert!(last.contains("\"n\":199") && last.lines().all(|l| l.ends_with('}')));
    // logrotate moved it.
    fs::rename(&path, folder.path().join("moved")).unwrap();
    sink.send(&[alarm(7)]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"rule\":\"jwt-alg-none\",\"n\":7}\n");
}

#[test]
fn syslog_over_udp_is_one_message_a_datagram() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut sink = open(&format!("syslog+udp://{}", server.local_addr().unwrap()));
    sink.send(&[alarm(1)]).unwrap();
    let mut buffer = [0; 2000];
    let n = server.recv(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..n]).unwrap();
    // Facility 4, severity critical (2).
    assert!(text.starts_with("<34>1 2026-11-27T12:00:00.123456Z "), "{text}");
    let words: Vec<_> = text.splitn(8, ' ').collect();
    assert_eq!(
        (words[3], words[5], words[6], words[7]),
        ("wirelint", "jwt-alg-none", "-", alarm(1).record.as_str())
    );
}

#[test]
fn syslog_over_tcp_counts_octets_and_connects_again() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sink = open(&format!("syslog+tcp://{}", server.local_addr().unwrap()));
    for round in 0..2 {
        let reader = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut stream, _) = server.accept().unwrap();
                let mut text = [0; 4000];
                let n = stream.read(&mut text).unwrap();
                String::from_utf8(text[..n].to_vec()).unwrap()
            });
            // After the server went away the first write may still seem to work.
            for n in 0..50 {
                if reader.is_finished() {
                    break;
                }
                let _ = sink.send(&[alarm(n)]);
                std::thread::sleep(Duration::from_millis(20));
            }
            reader.join().unwrap()
        });
        let (count, message) = reader.split_once(' ').unwrap();
        let count: usize = count.parse().unwrap();
        assert!(message[..count].ends_with('}') && message.starts_with("<34>1 "), "{round}: {reader}");
    }
}

/// Answers requests with these statuses, and gives what it got.
fn web(statuses: &'static [&'static str]) -> (String, std::sync::mpsc::Receiver<String>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let (send, got) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = server.accept().unwrap();
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let n = stream.read(&mut piece).unwrap();
                bytes.extend(&piece[..n]);
                let text = String::from_utf8_lossy(&bytes);
                if text.contains("\r\n\r\n") && text.ends_with("]}") || n == 0 {
                    break;
                }
            }
            send.send(String::from_utf8(bytes).unwrap()).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    (url, got)
}

#[test]
fn a_webhook_gets_a_batch_and_may_refuse_it() {
    let (url, got) = web(&["204 No Content", "503 Busy", "401 Unauthorized"]);
    let mut sink = open(&format!("{}/hook?x=1", url.replace("http://", "http://me:secret@")));
    sink.send(&[alarm(1), alarm(2)]).unwrap();
    let request = got.recv().unwrap();
    assert!(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("Authorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["findings"].as_array().unwrap().len(), 2, "{body}");
    assert!(matches!(sink.send(&[alarm(3)]), Err((0, Refusal::Later(_)))));
    assert!(matches!(sink.send(&[alarm(3)]), Err((0, Refusal::Never(_)))));
    drop(got);
    assert!(matches!(open("http://127.0.0.1:9").send(&[alarm(1)]), Err((0, Refusal::Later(_)))));
}

#[test]
fn a_bearer_token_comes_from_a_file() {
    let (url, got) = web(&["200 OK"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "t0ken\n").unwrap();
    open(&format!("{url}/?token-file={}", file.path().display())).send(&[alarm(1)]).unwrap();
    assert!(got.recv().unwrap().contains("Authorization: Bearer t0ken\r\n"));
}

#[test]
fn a_spool_gives_back_in_order_and_within_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mut spool = Spool::open(Some(path.clone()), Some(2000)).unwrap();
    let kept = (0..100).filter(|n| spool.push(alarm(*n))).count() as u64;
    assert!((5..30).contains(&kept), "{kept}");
    assert_eq!(spool.front(2), [alarm(0), alarm(1)]);
    spool.done(1);
    drop(spool);
    // What has arrived before the end of a run may come again, never the other way round.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"damaged\n").unwrap();
    let mut spool = Spool::open(Some(path), None).unwrap();
    assert_eq!(spool.len(), kept + 1);
    assert!(spool.push(alarm(500)));
    let mut got = Vec::new();
    while !spool.is_empty() {
        let batch = spool.front(3);
        if batch.is_empty() {
            break;
        }
        spool.done(batch.len());
        got.extend(batch.into_iter().map(|a| a.count));
    }
    assert_eq!(got, (0..kept).chain([500]).collect::<Vec<_>>());
    assert!(spool.is_empty());
}

#[cfg(feature = "tls")]
#[test]
fn a_sink_without_a_trusted_certificate_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(refused(&format!("https://x?ca={}", file.path().display())).contains("no certificate authority"));
}

/// Debian's nats-server, where it is installed: `.ci/run` sees to that.
#[cfg(feature = "nats")]
#[test]
fn a_stream_stores_each_finding_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("nats-server");
    command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(folder.path());
    let server = command.stderr(std::process::Stdio::null()).spawn();
    let Ok(mut server) = server else {
        let ci = std::env::var_os("CI").is_some();
        assert!(!ci, "CI must have: nats-server");
        return;
    };
    let mut sink = open(&format!("nats://127.0.0.1:{port}/wirelint.findings"));
    let mut last = None;
    let mut refusal = |sink: &mut Box<dyn Sink>| {
        for _ in 0..100 {
            match sink.send(&[alarm(1)]) {
                Err((_, Refusal::Later(why))) if why.contains("no stream") => return true,
                other => last = Some(format!("{other:?}")),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    };
    let refused = refusal(&mut sink);
    // A stream is made by its JSON API.
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let config = r#"{"name":"W","subjects":["wirelint.>"]}"#;
    let ask = format!(
        "CONNECT {{\"verbose\":false}}\r\nSUB r 1\r\nPUB $JS.API.STREAM.CREATE.W r {}\r\n{config}\r\nPING\r\n",
        config.len()
    );
    stream.write_all(ask.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut text = Vec::new();
    let mut ask = |what: &str, stream: &mut std::net::TcpStream| {
        stream.write_all(what.as_bytes()).unwrap();
        let mut piece = [0; 65536];
        let since = std::time::Instant::now();
        while since.elapsed() < Duration::from_secs(5) {
            let n = stream.read(&mut piece).unwrap_or(0);
            text.extend(&piece[..n]);
            if String::from_utf8_lossy(&text).contains("\"messages\":50") {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(b"PUB $JS.API.STREAM.INFO.W r 0\r\n\r\n").unwrap();
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    let batch: Vec<Alarm> = (0..50).map(alarm).collect();
    let mut sent = Err((0, Refusal::Later(String::new())));
    for _ in 0..50 {
        sent = sink.send(&batch);
        if sent.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let again = sink.send(&batch);
    let info = ask("", &mut stream);
    let _ = server.kill();
    let _ = server.wait();
    assert!(refused, "{last:?}");
    assert!(sent.is_ok() && again.is_ok(), "{sent:?} {again:?}");
    assert!(info.contains("\"messages\":50"), "twice the same is stored once: {info}");
}

/// librdkafka brings a cluster of its own for tests.
#[cfg(feature = "kafka")]
#[test]
fn a_topic_gets_each_finding_under_its_fingerprint() {
    use rdkafka::Message;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let cluster = rdkafka::mocking::MockCluster::new(1).unwrap();
    cluster.create_topic("findings", 3, 1).unwrap();
    let place = cluster.bootstrap_servers();
    let mut sink = open(&format!("kafka://{}/findings", place.split(',').next().unwrap()));
    let batch: Vec<Alarm> = (0..20).map(alarm).collect();
    sink.send(&batch).unwrap();
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &place)
        .set("group.id", "t")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&["findings"]).unwrap();
    let mut got = Vec::new();
    let since = std::time::Instant::now();
    while got.len() < 20 && since.elapsed() < Duration::from_secs(30) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            let key = message.key_view::<str>().unwrap().unwrap().to_owned();
            got.push((key, message.payload_view::<str>().unwrap().unwrap().to_owned()));
        }
    }
    got.sort();
    let mut expected: Vec<_> = batch.into_iter().map(|a| (a.fingerprint, a.record)).collect();
    expected.sort();
    assert_eq!(got, expected);
}
