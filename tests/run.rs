//! `wirelint run`: real clients in network namespaces that the tests make.

use crate::support::namespace::{
    Namespace, PATIENCE, Running, able, basics, libpcap, root, run, tool, until, wait_for,
};
use crate::support::run::wirelint;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

const BINARY: &str = env!("CARGO_BIN_EXE_wirelint");

/// HS256, valid for decades.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsaXZlIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9\
                     .LW9mLXRoaXMtdG9rZW4tMDEyMzQ1Njc4OWFiY2RlZmdoaWprbA";

/// Answers each request with the token that it brought.
const SERVER: &str = r"
const https = require('https'), fs = require('fs');
const [folder] = process.argv.slice(1);
const options = { key: fs.readFileSync(folder + '/key.pem'), cert: fs.readFileSync(folder + '/cert.pem') };
https.createServer(options, (request, response) => response.end('ok'))
  .listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });
";

struct Server {
    _process: Running,
    port: u16,
}

/// A certificate for `localhost` and a server with it.
fn https(namespace: &Namespace, folder: &Path) -> Server {
    let made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
                -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
    run(Command::new("openssl").args(made.split_whitespace()).current_dir(folder));
    let process = Running::start(namespace.command("node").args(["-e", SERVER]).arg(folder));
    let port = wait_for(&process.stdout, "port ").rsplit(' ').next().unwrap().parse().unwrap();
    Server { _process: process, port }
}

/// `run` in a namespace.
fn wirelint_run(namespace: &Namespace, arguments: &[&str], command: &[&str]) -> Command {
    let mut run = namespace.command(BINARY);
    run.args(["run", "--crack-budget", "0"]).args(arguments).arg("--").args(command);
    run
}

/// Runs it, and gives its exit code and what it wrote.
fn done(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The Rust client, where this test binary is run as one.
#[test]
#[ignore = "run by the tests of `run` as their client"]
fn play_https() {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    let (port, folder) = (std::env::var("PLAY_PORT").unwrap(), std::env::var("PLAY_FOLDER").unwrap());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(format!("{folder}/cert.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let mut config = config
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.key_log = Arc::new(rustls::KeyLogFile::new());
    let name = ServerName::try_from("localhost").unwrap();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let mut stream = rustls::StreamOwned::new(tls, stream);
    let request = format!(
        "GET /rust HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.contains("200 OK"), "{answer}");
}

#[test]
fn what_clients_say_over_https_is_audited() {
    let mut needs = basics();
    needs.extend(["openssl", "node", "curl", "python3"].map(tool));
    if !able(&needs) {
        return;
    }
    let namespace = Namespace::new("https");
    let folder = tempfile::tempdir().unwrap();
    let server = https(&namespace, folder.path());
    let cert = folder.path().join("cert.pem").display().to_string();
    let port = server.port;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let url = |name: &str| format!("https://localhost:{port}/{name}");
    let python = format!(
        "import urllib.request as u; u.urlopen(u.Request('{}', headers={{'Authorization': 'Bearer {TOKEN}'}})).read()",
        url("python")
    );
    let node = format!(
        "fetch('{}', {{headers: {{authorization: 'Bearer {TOKEN}'}}}}).then(r => r.text())",
        url("node")
    );
    let this = std::env::current_exe().unwrap().display().to_string();
    let (curl_url, fail) = (url("curl"), "--fail-on=medium");
    let clients: [(&str, Vec<&str>); 4] = [
        ("curl", vec!["curl", "-sS", "-o", "/dev/null", "--cacert", &cert, "-H", &bearer, &curl_url]),
        ("python", vec!["python3", "-c", &python]),
        ("node", vec!["node", "-e", &node]),
        ("rust", vec![&this, "--exact", "run::play_https", "--ignored"]),
    ];
    for (name, client) in clients {
        let kept = folder.path().join(format!("{name}.pcapng"));
        let report = folder.path().join(format!("{name}.ndjson"));
        let format = format!("--format=ndjson={}", report.display());
        let mut command = wirelint_run(&namespace, &[fail, &format, "-o", kept.to_str().unwrap()], &client);
        command
            .env("SSL_CERT_FILE", &cert)
            .env("NODE_EXTRA_CA_CERTS", &cert)
            .env("PLAY_PORT", port.to_string())
            .env("PLAY_FOLDER", folder.path());
        let (code, out, err) = done(command);
        assert_eq!(code, Some(1), "{name}: {out}{err}");
        let findings = fs::read_to_string(&report).unwrap();
        let lifetime = findings.lines().find(|line| line.contains("\"jwt-excessive-lifetime\""));
        let lifetime: Value =
            serde_json::from_str(lifetime.unwrap_or_else(|| panic!("{name}: {findings}{err}"))).unwrap();
        assert_eq!(lifetime["host"], format!("localhost:{port}"), "{name}");
        assert!(!findings.contains("cleartext"), "{name}: it was encrypted: {findings}");
        // The same from the capture alone: the secrets are in it, before the packets.
        let http = wirelint(["http", "--format", "ndjson"]).args([&kept]).run().code(0);
        let record = &http.records()[0];
        assert_eq!(record["request"]["target"], format!("/{name}"), "{http}");
        assert_eq!(record["encrypted"], true, "{http}");
        let bytes = fs::read(&kept).unwrap();
        assert_eq!(block_types(&bytes)[..3], [0x0a0d_0d0a, 10, 1], "{name}: section, secrets, interface");
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

fn block_types(mut bytes: &[u8]) -> Vec<u32> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut types = Vec::new();
    while bytes.len() >= 12 {
        types.push(word(bytes, 0));
        bytes = &bytes[word(bytes, 4) as usize..];
    }
    types
}

#[test]
fn the_commands_exit_code_and_streams_are_its_own() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("codes");
    let code = |arguments: &[&str], script: &str| {
        done(wirelint_run(&namespace, arguments, &["sh", "-c", script])).0.unwrap()
    };
    let sends = format!(
        "exec 3<>/dev/tcp/127.0.0.1/9; printf 'GET / HTTP/1.1\\r\\nHost: h\\r\\nAuthorization: Bearer {TOKEN}\\r\\n\\r\\n' >&3"
    );
    let listener = "import socket,os,sys\ns=socket.create_server(('127.0.0.1',9))\nif os.fork()==0:\n c,_=s.accept()\n \
                    while c.recv(9999): pass\n sys.exit()\n";
    let script =
        |end: &str| format!("python3 -c \"{listener}\"; bash -c \"{}\"; {end}", sends.replace('"', "\\\""));
    assert_eq!(code(&["-q"], "true"), 0);
    assert_eq!(code(&["-q"], "exit 7"), 7);
    assert_eq!(code(&["-q"], "kill -9 $$"), 137);
    assert_eq!(code(&["-q"], &script("exit 7")), 1, "findings");
    assert_eq!(code(&["-q", "--fail-on", "never"], &script("exit 7")), 7);
    assert_eq!(code(&["-q", "--scope", "all"], &script("exit 0")), 1);
    let (missing, _, err) = done(wirelint_run(&namespace, &[], &["no-such-program"]));
    assert_eq!(missing, Some(127), "{err}");
    assert!(err.contains("no-such-program: No such file"), "{err}");

    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let touch = format!("touch {}", ran.display());
    for broken in [["--select", "no-such-rule"], ["--interface", "no-such-if"], ["--filter", "tcp prot"]] {
        assert_eq!(code(&broken, &touch), 2, "{broken:?}");
        assert!(!ran.exists(), "{broken:?}: what is wrong is said before the command runs");
    }

    let report = format!("--format=json={}", folder.path().join("r").display());
    let mut command = wirelint_run(&namespace, &["-q", &report], &["sh", "-c", "cat; echo problem >&2"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"hello"[..], &b"problem\n"[..]));
}

#[test]
fn what_others_send_meanwhile_is_left_out() {
    let mut needs = basics();
    needs.push(tool("python3"));
    if !able(&needs) {
        return;
    }
    let namespace = Namespace::new("others");
    // A neighbour that talks on one connection all the time.
    let neighbour = format!(
        "import socket,threading,time\ns=socket.create_server(('127.0.0.1',0))\nc=socket.create_connection(s.getsockname())\n\
         a,_=s.accept()\nprint('talks',flush=True)\nwhile True:\n c.send(b'GET /neighbour HTTP/1.1\\r\\nHost: n\\r\\nAuthorization: Bearer {TOKEN}\\r\\n\\r\\n')\n \
         a.recv(9999)\n a.send(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')\n c.recv(999)\n time.sleep(0.02)\n"
    );
    let neighbour = Running::start(namespace.command("python3").args(["-c", &neighbour]));
    wait_for(&neighbour.stdout, "talks");
    // A server of the command's own, and its client.
    let own = format!(
        "import socket\ns=socket.create_server(('127.0.0.1',0))\nc=socket.create_connection(s.getsockname())\na,_=s.accept()\n\
         c.send(b'GET /own HTTP/1.1\\r\\nHost: o\\r\\nAuthorization: Bearer {TOKEN}\\r\\n\\r\\n')\na.recv(9999)\n\
         a.send(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')\nc.recv(999)\nimport time; time.sleep(0.2)"
    );
    let folder = tempfile::tempdir().unwrap();
    let targets = |scope: &str| {
        let kept = folder.path().join(scope);
        let arguments = ["-q", "--scope", scope, "-o", kept.to_str().unwrap()];
        let (code, ..) = done(wirelint_run(&namespace, &arguments, &["python3", "-c", &own]));
        assert_eq!(code, Some(1));
        let http = wirelint(["http", "--format", "ndjson"]).args([&kept]).run().code(0);
        let mut targets: Vec<String> =
            http.records().iter().filter_map(|r| Some(r["request"]["target"].as_str()?.to_owned())).collect();
        targets.sort();
        targets.dedup();
        targets
    };
    assert_eq!(targets("command"), ["/own"]);
    assert_eq!(targets("all"), ["/neighbour", "/own"]);
}

#[test]
fn nothing_is_left_behind_after_an_interruption() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("interrupt");
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let temporary = tempfile::tempdir().unwrap();
        // One that ends at once, one in the background, and one that ignores what asks it to end.
        let script =
            "sh -c 'trap \"\" TERM INT; echo $$; while :; do sleep 0.1; done' & sleep 1000 & echo $!; wait";
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", namespace.0))
            .args([BINARY, "run", "-v", "--", "sh", "-c", script])
            .env("TMPDIR", temporary.path());
        let running = Running::start(&mut command);
        let left: Vec<String> = (0..2).map(|_| running.stdout.recv_timeout(PATIENCE).unwrap()).collect();
        assert!(fs::read_dir(temporary.path()).unwrap().count() > 0);
        running.signal(signal);
        let (code, _, said) = running.end();
        assert_eq!(code, Some(130), "{number}: {said:?}");
        for pid in left {
            until("the end of what the command started", || !Path::new("/proc").join(&pid).exists());
        }
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "temporary files are gone");
    }
}

#[test]
fn without_privileges_run_says_what_to_grant_and_what_works_without() {
    if !able(&[root(), libpcap(), tool("setpriv")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("wirelint");
    fs::copy(BINARY, &copy).unwrap();
    for (path, mode) in [(folder.path(), 0o755), (copy.as_path(), 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(&copy)
            .arg("run")
            .args(arguments);
        done(command)
    };
    let (code, out, err) = nobody(&["--", "sh", "-c", "echo ran"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    for text in ["CAP_NET_RAW", "setcap cap_net_raw=ep", "--scope isolated"] {
        assert!(err.contains(text), "{text}: {err}");
    }
    if !able(&[("user namespaces", user_namespaces())]) {
        return;
    }
    let (code, out, err) = nobody(&["--scope", "isolated", "-q", "-q", "--", "sh", "-c", "id -u; exit 5"]);
    assert_eq!(code, Some(5), "{err}");
    assert!(out.starts_with("65534\n"), "who runs the command stays who they are: {out}");
}

fn user_namespaces() -> bool {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Un", "true"]);
    command.status().is_ok_and(|status| status.success())
}
