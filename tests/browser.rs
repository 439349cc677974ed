//! The HTML report, opened in Chromium: `browser/page.mjs` does what a person would.

use crate::support::needs::able;
use crate::support::run::wirelint;
use crate::support::tree;
use crate::support::wire::{self, Conversation, Packet, Style};
use base64::Engine as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that is on the path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// `scan` with these arguments, as a page in `folder`.
fn page(folder: &Path, name: &str, arguments: &[&str]) {
    let format = format!("html={}", folder.join(name).display());
    let run = wirelint(["scan", "--crack-budget", "0", "--format", &format]).args(arguments).run();
    assert!(run.code < 2, "{run}");
}

/// A capture of these packets.
fn capture(folder: &Path, name: &str, packets: &[Packet]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, wire::write(packets, Style::default())).unwrap();
    path.display().to_string()
}

/// An unsigned token.
fn token(header: &str, claims: &str) -> String {
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(header), part(claims))
}

/// Requests that carry markup wherever a name can stand.
fn hostile() -> Vec<Packet> {
    const SCRIPT: &str = "</script></style><script>window.owned=1</script>";
    const IMAGE: &str = "'\\\"><img src=x onerror=window.owned=1>";
    let claims = format!(r#"{{"iss":"{IMAGE}","sub":"{SCRIPT}","aud":["{IMAGE}"],"exp":1700000001}}"#);
    let token = token(&format!(r#"{{"alg":"none","kid":"{IMAGE}","typ":"{SCRIPT}"}}"#), &claims);
    let host = "\"><script>window.owned=1</script>.test";
    let path = "/\"><svg/onload=window.owned=1>/a";
    let request = |more: &str| format!("GET {path}{more} HTTP/1.1\r\nHost: {host}\r\n");
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    Conversation::open(1, 80)
        .client(format!("{}Authorization: Bearer {token}\r\n\r\n", request("")).as_bytes())
        .server(answer)
        .client(
            format!("{}Cookie: <b>=1; \"><i>={token}\r\n\r\n", request(&format!("?<u>={token}"))).as_bytes(),
        )
        .server(answer)
        .close()
}

/// A token on 50 times 50 routes: more findings than a page lists.
fn large() -> Vec<Packet> {
    let token = token(r#"{"alg":"none"}"#, r#"{"sub":"many"}"#);
    let letters = |n: u8| format!("{}{}", char::from(b'g' + n / 10), char::from(b'g' + n % 10));
    let mut talk = Conversation::open(1, 80);
    for (a, b) in (0..50).flat_map(|a| (0..50).map(move |b| (a, b))) {
        let path = format!("/{}/{}", letters(a), letters(b));
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: large.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        talk = talk.client(head.as_bytes()).server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    talk.close()
}

#[test]
fn the_page_works_in_a_browser() {
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(program);
    let modules = tree::root().join("tests/browser/node_modules");
    let needs = [
        ("chromium", browser.is_some()),
        ("node", program("node").is_some()),
        (
            "npm ci --prefix tests/browser",
            modules.join("playwright-core").is_dir() && modules.join("axe-core").is_dir(),
        ),
    ];
    if !able(&needs) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let fixture = |name: &str| format!("fixtures/{name}/capture.pcap");
    let [clear, closed, opened, oauth, socket] =
        ["login-then-api-http", "clean-https", "login-then-api-https", "oauth-cleartext", "websocket"]
            .map(fixture);
    let keys = "fixtures/login-then-api-https/keys.log";
    page(at, "report.html", &["--keylog", keys, &clear, &closed, &opened, &oauth, &socket]);
    page(at, "clean.html", &[&closed]);
    page(at, "hostile.html", &[&capture(at, "hostile.pcap", &hostile())]);
    page(at, "large.html", &[&capture(at, "large.pcap", &large())]);
    let mut node = Command::new("node");
    node.arg(tree::root().join("tests/browser/page.mjs")).arg(at).env("CHROMIUM", browser.unwrap());
    // Screenshots for eyes: WIRELINT_SHOTS names a folder.
    node.args(std::env::var_os("WIRELINT_SHOTS"));
    let output = node.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}");
}
