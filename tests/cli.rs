//! The command line of the contract: exit codes, messages, formats, inputs, flags.

use crate::support::case::{case, cases};
use crate::support::run::{Done, Run, wirelint};
use crate::support::tree;
use crate::support::wire::{self, Conversation, Packet, Style};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CLEAN: &str = "fixtures/clean-https/capture.pcap";
const LOGIN: &str = "fixtures/login-then-api-http/capture.pcap";
const WEAK: &str = "fixtures/hmac-secrets/capture.pcap";
const OLD_TLS: &str = "fixtures/tls-old/capture.pcap";
const HOLE: &str = "fixtures/stream-hole/capture.pcap";
const RECORDS: [&str; 3] = ["flows", "http", "tokens"];

/// A folder for this test alone.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file in it.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = PathBuf::from(self.path(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        self.path(name)
    }
}

fn bytes(path: &str) -> Vec<u8> {
    fs::read(tree::root().join(path)).unwrap()
}

/// A classic pcap with another magic or link type.
fn patched(path: &str, at: usize, with: [u8; 4]) -> Vec<u8> {
    let mut bytes = bytes(path);
    bytes[at..at + 4].copy_from_slice(&with);
    bytes
}

fn scan<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Done {
    wirelint(["scan"]).args(arguments).run()
}

fn rules_of(done: &Done) -> BTreeSet<String> {
    done.records().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

// Exit codes -------------------------------------------------------------------------------------

/// Formats for machines are what they say they are, with findings and without.
#[test]
fn a_report_in_each_format() {
    for (input, code) in [(LOGIN, 1), (CLEAN, 0)] {
        let run = |format: &str| scan([input, "--format", format]).code(code).quiet().out;
        let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap().len();
        let json: Value = serde_json::from_str(&run("json")).unwrap();
        assert_eq!(json["findings"].as_array().unwrap().len(), results);
        assert_eq!(run("github").lines().count(), results);
        assert_eq!(run("csv").lines().count(), results + 1);
        let junit = run("junit");
        assert!(junit.starts_with("<?xml") && junit.contains("</testsuites>"), "{junit}");
        assert_eq!(junit.contains("<failure"), code == 1);
        assert_eq!(run("markdown").contains("**No findings**"), code == 0);
        assert_eq!(run("html").matches("class=\"find\" id=\"f-").count(), results);
    }
}

/// What a page draws is gathered beside the verdicts: they stay as they are.
#[test]
fn drawing_changes_no_finding() {
    let folder = Folder::new();
    let page = format!("html={}", folder.path("page.html"));
    for case in cases() {
        let plain = ["scan", &case.capture, "--format", "json", "--crack-budget", "0"];
        let [alone, beside] =
            [vec![], vec!["--format", &page]].map(|more| wirelint(plain).args(more).run().out);
        assert_eq!(alone, beside, "{}", case.name);
        let drawn = fs::read_to_string(folder.path("page.html")).unwrap();
        let report: Value = serde_json::from_str(&alone).unwrap();
        let tokens = report["summary"]["tokens"].as_u64().unwrap().min(24);
        assert_eq!(drawn.matches("class=\"life\"").count() as u64, tokens, "{}", case.name);
        assert!(drawn.contains("class=\"edge ") || report["summary"]["flows"] == 0, "{}", case.name);
    }
}

#[test]
fn findings_decide_the_exit_code() {
    scan([CLEAN]).code(0).quiet();
    scan([LOGIN]).code(1).quiet();
    scan([LOGIN, "--fail-on", "never"]).code(0).quiet();
    scan([LOGIN, "--fail-on", "critical"]).code(1);
    scan([OLD_TLS, "--fail-on", "critical"]).code(0);
    scan([OLD_TLS, "--fail-on", "high"]).code(1);
    scan([CLEAN, LOGIN]).code(1);
    // The default is low: a finding of info alone does not fail.
    let info = ["--select", "jwt-privileged-claims", "fixtures/claims/capture.pcap"];
    scan(info).code(0);
    scan(info.into_iter().chain(["--fail-on", "info"])).code(1);
}

#[test]
fn record_commands_never_exit_with_1() {
    for command in RECORDS {
        let done = wirelint([command, LOGIN]).run().code(0).quiet();
        assert!(done.out.lines().count() > 3, "{done}");
    }
}

#[test]
fn what_is_no_capture_is_3_alone_and_2_beside_one() {
    let folder = Folder::new();
    let text = folder.file("notes.txt", "just a text\n");
    let named = folder.file("text.pcap", "just a text\n");
    let empty = folder.file("empty.pcap", "");
    for (file, is) in [(&text, "text"), (&named, "text"), (&empty, "empty file")] {
        let said = format!("error: {file}: not a capture ({is})");
        scan([file.as_str()]).code(3).says(&[&said]);
        scan([file, CLEAN]).code(2).says(&[&said]);
        scan([CLEAN, file]).code(2).says(&[&said]);
        // 2 goes before 1, and what the other has is reported.
        let done = scan([file, LOGIN, "--format", "ndjson"]).code(2);
        assert_eq!(done.records().len(), 5, "{done}");
        for command in RECORDS {
            wirelint([command, file]).run().code(3).says(&[&said]);
        }
    }
    scan([text.as_str(), &empty]).code(3).says(&["notes.txt", "empty.pcap"]);
    wirelint(["scan", "-"]).stdin("no capture").run().code(3).says(&["error: -: not a capture (text)"]);
    wirelint(["scan", "-"]).stdin("").run().code(3).says(&["empty file"]);
}

#[test]
fn what_cannot_be_opened_is_2() {
    let folder = Folder::new();
    let missing = folder.path("missing.pcap");
    scan([missing.as_str()]).code(2).says(&[&format!("error: {missing}: No such file")]);
    scan([missing.as_str(), LOGIN]).code(2).says(&["No such file"]);
    for command in RECORDS {
        wirelint([command, &missing]).run().code(2).says(&["No such file"]);
    }
    let cases: [(&[u8], &str); 3] = [
        (&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0], "offset 6: "),
        (&[0x0a, 0x0d, 0x0d, 0x0a, 0xff], "offset "),
        (&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0], "offset "),
    ];
    for (nth, (head, said)) in cases.into_iter().enumerate() {
        let file = folder.file(&format!("broken-{nth}"), head);
        scan([file.as_str()]).code(2).says(&[&format!("{file}: unreadable at {said}")]);
        scan([file.as_str(), CLEAN]).code(2).says(&["unreadable at "]);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_must_not_be_read_is_2() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let secret = folder.file("secret.pcap", bytes(LOGIN));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&secret).is_ok() {
        eprintln!("root reads everything: only an unreadable path is tested");
    } else {
        scan([secret.as_str()]).code(2).says(&[&secret, "Permission denied"]);
        let inside = folder.0.path().to_str().unwrap();
        scan([inside]).code(2).says(&[&secret, "Permission denied"]);
    }
    // A file as a folder: no one can open it.
    let below = format!("{LOGIN}/capture.pcap");
    scan([below.as_str()]).code(2).says(&[&below, "Not a directory"]);
    if cfg!(target_os = "linux") {
        scan(["/proc/self/mem"]).code(2).says(&["/proc/self/mem: "]);
    }
}

#[test]
fn folders_are_searched_by_content() {
    let folder = Folder::new();
    let top = folder.0.path().to_str().unwrap().to_owned();
    scan([top.as_str()]).code(3).says(&[&format!("error: {top}: not a capture (folder without captures)")]);
    folder.file("readme.txt", "nothing here");
    scan([top.as_str()]).code(3).says(&["folder without captures"]);
    scan([top.as_str(), CLEAN]).code(2).says(&["folder without captures"]);
    let deep = folder.file("b/c/no-extension", bytes(LOGIN));
    let first = folder.file("a.txt", bytes(CLEAN));
    // What is no capture and was not named is passed over.
    let done = scan([top.as_str(), "--format", "json"]).code(1).quiet();
    assert_eq!(done.json()["inputs"], Value::from(vec![first, deep.clone()]), "{done}");
    let done = wirelint(["tokens", &top, "--format", "ndjson"]).run().code(0);
    assert!(done.records().iter().all(|r| r["file"] == *deep), "{done}");
}

#[test]
fn captures_without_packets_are_3() {
    let folder = Folder::new();
    let empty = folder.file("empty.pcap", &bytes(CLEAN)[..24]);
    scan([empty.as_str()]).code(3).says(&["no packet in any capture"]);
    scan([empty.as_str(), CLEAN]).code(0).quiet();
    for command in RECORDS {
        wirelint([command, &empty]).run().code(3).says(&["no packet in any capture"]);
    }
}

#[test]
fn variants_of_pcap_are_refused_by_name() {
    let folder = Folder::new();
    let modified = folder.file("modified.pcap", patched(CLEAN, 0, 0xa1b2_34cd_u32.to_le_bytes()));
    scan([modified.as_str()]).code(2).says(&[
        &modified,
        "modified pcap (Esquire",
        "is not supported",
        "editcap",
    ]);
    let snoop = folder.file("snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04");
    scan([snoop.as_str()]).code(2).says(&[&snoop, "snoop"]);
}

#[test]
fn a_cut_file_is_read_as_far_as_it_goes() {
    let folder = Folder::new();
    let cut = folder.file("cut.pcap", &bytes(LOGIN)[..5000]);
    let said = format!("warning: {cut}: offset 4406: cut in the middle of a record; 594 bytes lost");
    let done = scan([cut.as_str(), "--format", "json"]).code(1).says(&[&said]);
    let warning = said.strip_prefix("warning: ").unwrap();
    assert_eq!(done.json()["warnings"], Value::from(vec![warning]), "{done}");
    let done = wirelint(["tokens", &cut, "--format", "ndjson"]).run().code(0).says(&[&said]);
    assert_eq!(done.records().len(), 2, "{done}");
    scan([cut.as_str(), "-q"]).code(1).quiet();
    let cut = folder.file("clean.pcap", &bytes(CLEAN)[..5000]);
    scan([cut.as_str()]).code(0).says(&["bytes lost"]);
    scan([cut.as_str(), "--strict"]).code(4).says(&["bytes lost"]);
}

#[test]
fn reading_goes_on_behind_damage() {
    let folder = Folder::new();
    // The second record's length is nonsense.
    let mut damaged = bytes(LOGIN);
    let first = u32::from_le_bytes(damaged[32..36].try_into().unwrap()) as usize;
    damaged[40 + first + 8..40 + first + 16].fill(0xee);
    let file = folder.file("damaged.pcap", damaged);
    let done = wirelint(["tokens", &file, "--format", "ndjson"]).run().code(0);
    let done = done.says(&[&format!("warning: {file}: offset "), "bytes lost"]);
    assert_eq!(done.records().len(), 6, "{done}");
}

#[test]
fn an_unknown_link_type_is_said() {
    let folder = Folder::new();
    let file = folder.file("link.pcap", patched(LOGIN, 20, 147_u32.to_le_bytes()));
    let done = scan([file.as_str(), "--format", "json"]).code(0).says(&["warning: ", "link type 147"]);
    assert!(done.json()["warnings"][0].as_str().unwrap().contains("147"), "{done}");
    assert_eq!(done.json()["findings"][0]["rule"], "coverage-gap", "{done}");
    scan([file.as_str(), "--strict"]).code(4);
    for command in RECORDS {
        wirelint([command, &file]).run().code(0).says(&["link type 147"]);
    }
}

#[test]
fn strict_wants_all_inspected() {
    scan([CLEAN, "--strict"]).code(0);
    scan([HOLE]).code(1);
    scan([HOLE, "--strict"]).code(1);
    scan([HOLE, "--fail-on", "never"]).code(0);
    scan([HOLE, "--fail-on", "never", "--strict"]).code(4);
    scan([WEAK, "--fail-on", "never", "--strict"]).code(0);
    scan([WEAK, "--fail-on", "never", "--strict", "--crack-budget", "10"]).code(4);
}

// Usage ------------------------------------------------------------------------------------------

#[test]
fn a_mistyped_name_gets_the_nearest() {
    let near: [(&[&str], &[&str]); 12] = [
        (&["scna", CLEAN], &["scna", "'scan'"]),
        (&["scan", "--formt", "json", CLEAN], &["--formt", "'--format'"]),
        (&["scan", "--format", "jsn", CLEAN], &["no format jsn; did you mean json?", "table, json, ndjson"]),
        (&["scan", "--format", "xyz", CLEAN], &["no format xyz. There are table, json, ndjson"]),
        (&["tokens", "--format", "ndjsn", CLEAN], &["did you mean ndjson?", "csv"]),
        (&["rules", "list", "--format", "jsno"], &["did you mean json?"]),
        (&["scan", "--select", "jwt-alg-non", CLEAN], &["--select", "`jwt-alg-none`"]),
        (&["scan", "--ignore", "group:trnsport", CLEAN], &["--ignore", "`group:transport`"]),
        (&["rules", "show", "jwt-alg-non"], &["`jwt-alg-none`"]),
        (&["scan", "--decode-as", "80=htp1", CLEAN], &["--decode-as", "did you mean http1?"]),
        (&["scan", "--fail-on", "hihg", CLEAN], &["hihg", "critical, high, medium, low, info, never"]),
        (&["scan", "--color", "allways", CLEAN], &["allways", "always"]),
    ];
    for (arguments, said) in near {
        let done = wirelint(arguments).run().code(2).says(said);
        assert!(done.out.is_empty(), "{done}");
    }
}

#[test]
fn wrong_usage_is_2_and_says_why() {
    let wrong: [(&[&str], &[&str]); 11] = [
        (&[], &["Usage"]),
        (&["scan"], &["INPUT"]),
        (&["scan", "--threads", "0", CLEAN], &["--threads"]),
        (&["scan", "--now", "yesterday", CLEAN], &["--now yesterday", "RFC 3339"]),
        (&["scan", "--decode-as", "http1", CLEAN], &["PORT=PROTOCOL"]),
        (&["scan", "--decode-as", "99999=http1", CLEAN], &["99999 is not a port"]),
        (
            &["scan", "--format", "table", "--format", "json", CLEAN],
            &["only one --format", "json=report.json"],
        ),
        (&["scan", "-w", "/nowhere/list", CLEAN], &["/nowhere/list", "No such file"]),
        (&["scan", "--jwks", "/nowhere/jwks", CLEAN], &["/nowhere/jwks", "No such file"]),
        (&["scan", "-o", "/nowhere/report", LOGIN], &["/nowhere/report", "No such file"]),
        (&["scan", "--rules", "/nowhere", CLEAN], &["/nowhere", "No such file"]),
    ];
    for (arguments, said) in wrong {
        wirelint(arguments).run().code(2).says(said);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let done = wirelint(["--help"]).run().code(0).quiet();
    for word in ["scan", "flows", "http", "tokens", "rules", "Exit codes"] {
        assert!(done.out.contains(word), "{done}");
    }
    for command in ["scan", "flows", "http", "tokens"] {
        let done = wirelint([command, "--help"]).run().code(0).quiet();
        assert!(done.out.contains("--show-secrets"), "{done}");
        // Each format says what it is.
        assert!(done.out.contains("ndjson   one "), "{done}");
    }
    let done = wirelint(["--version"]).run().code(0).quiet();
    assert_eq!(done.out, format!("wirelint {}\n", env!("CARGO_PKG_VERSION")));
}

// Rules ------------------------------------------------------------------------------------------

#[test]
fn a_broken_rule_file_is_named_with_its_place() {
    let folder = Folder::new();
    let good = tree::read("rules/jwt-alg-none.toml");
    let mut lines: Vec<_> = good.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|l| l.starts_with("when")).unwrap();
    lines[at] = "when = 'token.algo == \"none\"'".to_owned();
    let broken: [(&str, String, &[&str]); 4] = [
        ("fact", lines.join("\n"), &[":6:9", "unknown fact `token.algo`", "did you mean `token.alg`?"]),
        ("key", good.replace("severity ", "severty "), &["severty", "severity"]),
        ("toml", good.replace("title      =", "title      "), &[":3:"]),
        ("severity", good.replace("\"critical\"", "\"critcal\""), &["critcal", "`critical`"]),
    ];
    for (name, text, said) in broken {
        assert_ne!(text, good, "{name}");
        let file = folder.file(&format!("{name}/my-rule.toml"), text);
        let dir = folder.path(name);
        scan(["--rules", &dir, CLEAN]).code(2).says(&[&format!("error: {file}:")]).says(said);
        wirelint(["rules", "test", &dir]).run().code(2).says(said);
    }
}

#[test]
fn rules_of_the_user_are_used() {
    let folder = Folder::new();
    folder.file("rules/my-rule.toml", tree::read("rules/jwt-missing-aud.toml").replace("missing", "lacking"));
    let dir = folder.path("rules");
    let done = wirelint(["rules", "list", "--rules", &dir]).run().code(0).quiet();
    assert!(done.out.contains("my-rule"), "{done}");
    let done = wirelint(["rules", "test", &dir]).run().code(0).quiet();
    assert!(done.out.ends_with(" examples hold, 0 do not\n"), "{done}");
    let input = "fixtures/claims/capture.pcap";
    let done = scan(["--rules", &dir, "--select", "my-rule", "--format", "ndjson", input]).code(1);
    assert_eq!(rules_of(&done), BTreeSet::from(["my-rule".to_owned()]), "{done}");
}

#[test]
fn an_example_that_does_not_hold_is_1() {
    let folder = Folder::new();
    let text = tree::read("rules/jwt-alg-none.toml").replace("[[good]]", "[[bad]]");
    folder.file("rules/my-rule.toml", text);
    let done = wirelint(["rules", "test", &folder.path("rules")]).run().code(1);
    assert!(done.out.contains("my-rule.toml:"), "{done}");
    let text = tree::read("rules/jwt-alg-none.toml");
    folder.file("bare/my-rule.toml", &text[..text.find("[[good]]").unwrap()]);
    let done = wirelint(["rules", "test", &folder.path("bare")]).run().code(1);
    assert!(done.out.contains("my-rule.toml:1: the rule has no [[good]] example"), "{done}");
}

#[test]
fn a_folder_that_cannot_be_searched_is_told() {
    let folder = Folder::new();
    folder.file("all/clean.pcap", bytes(CLEAN));
    folder.file(&format!("all/{}/login.pcap", vec!["deep"; 70].join("/")), bytes(LOGIN));
    let done = scan([folder.path("all").as_str(), "--format", "json"]).code(2);
    let said = done.says(&["error: ", "deep/deep: folders are too deep in each other"]).json();
    assert_eq!(said["warnings"].as_array().unwrap().len(), 1, "{said}");
}

#[test]
fn any_number_of_threads_but_none_is_accepted() {
    let one = scan([LOGIN, "--format", "json", "-j", "1"]).code(1).out;
    assert_eq!(scan([LOGIN, "--format", "json", "-j", "100000"]).code(1).out, one);
    let crack =
        |threads| wirelint(["crack", WEAK, "-j", threads, "--crack-budget", "1000"]).run().code(0).out;
    assert_eq!(crack("100000"), crack("1"));
    scan([LOGIN, "-j", "0"]).code(2).says(&["--threads", "1 or more"]);
}

#[test]
fn rules_are_listed_explained_and_documented() {
    let list = wirelint(["rules", "list"]).run().code(0).quiet();
    let json = wirelint(["rules", "list", "--format", "json"]).run().code(0).quiet().json();
    let json = json.as_array().unwrap();
    assert!(json.len() >= 45, "{}", json.len());
    assert_eq!(list.out.lines().count(), json.len(), "{list}");
    for rule in json {
        let id = rule["id"].as_str().unwrap();
        assert!(list.out.contains(id), "{id}");
    }
    let show = wirelint(["rules", "show", "jwt-alg-none"]).run().code(0).quiet();
    for word in ["jwt-alg-none", "Unsecured JWT", "critical", "RFC"] {
        assert!(show.out.contains(word), "{show}");
    }
    wirelint(["rules", "test"]).run().code(0).quiet();
}

#[test]
fn rules_are_chosen_by_id_and_group() {
    let run = |more: &[&str]| rules_of(&scan([LOGIN, "--format", "ndjson"].iter().chain(more).copied()));
    let (all, only, rest) =
        (run(&[]), run(&["--select", "group:transport"]), run(&["--ignore", "group:transport"]));
    assert!(only.contains("token-over-cleartext-http") && !only.contains("form-password-cleartext"));
    assert!(!only.is_empty() && !rest.is_empty() && only.is_disjoint(&rest));
    assert_eq!(all, only.union(&rest).cloned().collect());
    let two = run(&["--select", "token-over-cleartext-http,form-password-cleartext"]);
    assert_eq!(two.len(), 2, "{two:?}");
    let but = run(&["--select", "group:transport", "--ignore", "token-over-cleartext-http"]);
    assert_eq!(but.len(), only.len() - 1, "{but:?}");
}

#[test]
fn pedantic_shows_low_confidence_too() {
    let folder = Folder::new();
    let low = tree::read("rules/jwt-missing-aud.toml").replace("= \"high\"", "= \"low\"");
    let low = low.replace("= \"medium\"", "= \"low\"");
    folder.file("rules/my-doubt.toml", low);
    let dir = folder.path("rules");
    let input = "fixtures/claims/capture.pcap";
    let arguments = ["--rules", &dir, "--format", "ndjson", input];
    let done = scan(arguments);
    assert!(!rules_of(&done).contains("my-doubt"), "{done}");
    let done = scan(arguments.into_iter().chain(["--pedantic"]));
    assert!(rules_of(&done).contains("my-doubt"), "{done}");
}

// Inputs -----------------------------------------------------------------------------------------

#[test]
fn standard_input_is_an_input() {
    let named = scan([LOGIN, "--format", "json"]).code(1);
    let piped = wirelint(["scan", "-", "--format", "json"]).stdin(bytes(LOGIN)).run().code(1).quiet();
    assert_eq!(piped.out.replace("\"-\"", &format!("\"{LOGIN}\"")), named.out);
}

#[test]
fn several_inputs_keep_their_names() {
    let done = wirelint(["tokens", "--format", "ndjson", LOGIN, WEAK]).run().code(0).quiet();
    let files: BTreeSet<_> = done.records().iter().map(|r| r["file"].as_str().unwrap().to_owned()).collect();
    assert_eq!(files, BTreeSet::from([LOGIN.to_owned(), WEAK.to_owned()]));
    // Packets count from 1 in each file; flows go on.
    let alone = wirelint(["flows", "--format", "ndjson", WEAK]).run().records().len() as u64;
    let both = wirelint(["flows", "--format", "ndjson", LOGIN, WEAK]).run().records();
    let flows: BTreeSet<_> = both.iter().map(|r| r["flow"].as_u64().unwrap()).collect();
    assert_eq!(flows, (1..=6 + alone).collect());
    let json = scan(["--format", "json", LOGIN, CLEAN]).code(1).json();
    assert_eq!(json["inputs"], Value::from(vec![LOGIN, CLEAN]));
}

#[test]
fn compressed_captures_are_told_by_content() {
    let folder = Folder::new();
    let plain = wirelint(["tokens", "--format", "csv", LOGIN]).run().code(0).out;
    let mut tried = 0;
    for tool in ["gzip", "zstd", "xz", "lz4"] {
        let mut command = std::process::Command::new(tool);
        let Ok(packed) = command.args(["-q", "-c", LOGIN]).current_dir(tree::root()).output() else {
            assert!(std::env::var_os("CI").is_none(), "CI needs {tool}");
            eprintln!("no {tool}: not tried");
            continue;
        };
        assert!(packed.status.success() && packed.stdout.len() > 500, "{tool}");
        tried += 1;
        // The name says nothing.
        let file = folder.file(&format!("{tool}.txt"), &packed.stdout);
        let done = wirelint(["tokens", "--format", "csv", &file]).run().code(0).quiet();
        assert_eq!(done.out.replace(&file, LOGIN), plain, "{tool}");
        let done = wirelint(["tokens", "--format", "csv", "-"]).stdin(packed.stdout.clone()).run();
        assert_eq!(done.code(0).quiet().out.lines().count(), plain.lines().count(), "{tool}");
        // The others have one block here: of a part of it there is nothing to be had.
        let cut = folder.file("cut", &packed.stdout[..packed.stdout.len() / 2]);
        let (code, said) = match tool {
            "gzip" => (0, format!("warning: {cut}: offset ")),
            _ => (2, format!("error: {cut}: unreadable at offset 0: the {tool} data cannot be decoded")),
        };
        wirelint(["tokens", &cut]).run().code(code).says(&[&said]);
    }
    assert!(tried > 0);
    let text = folder.file("text.gz", gzip(b"no capture"));
    scan([text.as_str()]).code(3).says(&["compressed file without a capture inside"]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_port_can_be_decoded_as_a_protocol() {
    // Its connection to 7007 speaks nothing that is known; told to be HTTP, it must not be lost.
    let input = "fixtures/opaque/capture.pcap";
    let tokens = |more: &[&str]| {
        let run = wirelint(["tokens", "--format", "ndjson", input]).args(more).run();
        run.code(0).quiet().records().len()
    };
    assert_eq!(tokens(&["--decode-as", "9999=http1"]), tokens(&[]));
    let flows = wirelint(["flows", "--format", "ndjson", LOGIN, "--decode-as", "8080=tls"]).run().code(0);
    assert!(flows.records().iter().all(|f| f["protocol"] != "http1"), "{flows}");
}

#[test]
fn a_filter_leaves_packets_out() {
    let run = |filter: &str| wirelint(["flows", "--format", "ndjson", LOGIN, "--filter", filter]).run();
    let done = run("tcp port 48780");
    if done.err.contains("libpcap") || done.err.contains("built without") {
        assert!(std::env::var_os("CI").is_none(), "CI needs libpcap: {done}");
        return;
    }
    let records = done.code(0).quiet().records();
    assert_eq!(records.len(), 1);
    run("tcp prt 1").code(2).says(&["--filter", "syntax error"]);
    run("tcp port 1").code(3).says(&["no packet in any capture matches --filter"]);
}

// Output -----------------------------------------------------------------------------------------

#[test]
fn json_has_the_keys_of_the_contract() {
    let json = scan([LOGIN, "--format", "json"]).code(1).json();
    for key in ["wirelint", "inputs", "summary", "findings", "warnings"] {
        assert!(json.get(key).is_some(), "no {key}");
    }
    assert_eq!(json["wirelint"], env!("CARGO_PKG_VERSION"));
    let lines = scan([LOGIN, "--format", "ndjson"]).code(1).records();
    assert_eq!(Value::from(lines), json["findings"]);
    let keys = "rule title severity confidence fingerprint message file packet time flow client server \
                location name host token count first_seen last_seen evidence remediation references cwe";
    for finding in json["findings"].as_array().unwrap() {
        for key in keys.split_whitespace() {
            assert!(finding.get(key).is_some(), "no {key} in {finding}");
        }
    }
}

#[test]
fn records_have_the_keys_of_the_contract() {
    let keys = [
        (
            "flows",
            "file flow start end client server transport protocol inner packets bytes encrypted decrypted \
             state anomalies tls tunnel vlan",
        ),
        ("http", "file flow time client server version encrypted request response"),
        (
            "tokens",
            "file flow time packet client server direction location name kind sha256 alg kid typ iss sub \
             aud iat exp encrypted host http signature token",
        ),
    ];
    for (command, keys) in keys {
        let done = wirelint([command, "--format", "ndjson", LOGIN]).run().code(0).quiet();
        let keys: Vec<_> = keys.split_whitespace().collect();
        for record in done.records() {
            let has: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(has[..keys.len()], keys, "{command}: in this order");
        }
        // CSV: a head, and as many cells in each row.
        let csv = wirelint([command, "--format", "csv", LOGIN]).run().code(0).quiet().out;
        assert_eq!(csv.lines().count(), done.records().len() + 1, "{csv}");
    }
}

#[test]
fn tables_fit_their_width() {
    for columns in ["80", "160"] {
        for command in ["scan", "flows", "http", "tokens"] {
            for case in cases() {
                let run = wirelint([command, &case.capture]).env("COLUMNS", columns);
                let done = if command == "scan" { run.args(["--crack-budget", "0"]) } else { run }.run();
                let wide = done.out.lines().find(|l| l.chars().count() > columns.parse().unwrap());
                assert_eq!(wide, None, "{command} {} at {columns}", case.name);
                assert!(!done.out.contains('\u{1b}'), "{done}");
            }
        }
    }
}

#[test]
fn a_second_report_goes_to_its_file() {
    let folder = Folder::new();
    let file = folder.path("report.json");
    let format = format!("json={file}");
    let done = scan([LOGIN, "--format", "table", "--format", &format]).code(1).quiet();
    assert_eq!(done.out, scan([LOGIN]).out);
    assert_eq!(fs::read_to_string(&file).unwrap(), scan([LOGIN, "--format", "json"]).out);
    // With files for all of them, nothing is on standard output.
    let done = scan([LOGIN, "--format", &format]).code(1).quiet();
    assert!(done.out.is_empty(), "{done}");
}

#[cfg(unix)]
#[test]
fn an_output_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mode = |path: &str| fs::metadata(Path::new(path)).unwrap().permissions().mode() & 0o777;
    for command in ["scan", "flows", "http", "tokens"] {
        let file = folder.path(command);
        let done = wirelint([command, LOGIN, "-o", &file]).run().quiet();
        assert!(done.out.is_empty(), "{done}");
        assert_eq!(mode(&file), 0o600, "{command}");
        assert_eq!(fs::read_to_string(&file).unwrap(), wirelint([command, LOGIN]).run().out, "{command}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let program = env!("CARGO_BIN_EXE_wirelint");
    // Far more than a pipe holds.
    let many = vec![LOGIN; 100].join(" ");
    for command in ["http --format ndjson", "tokens --format ndjson", "flows --format csv", "rules docs"] {
        let inputs = if command.starts_with("rules") { "" } else { &many };
        let script = format!("{program} {command} {inputs} | head -1");
        let done = Run::of("bash").args(["-c", &format!("set -o pipefail; {script}")]).run().quiet();
        assert_eq!(done.out.lines().count(), 1, "{done}");
        assert!([0, 141].contains(&done.code), "{done}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_reports_what_was_found() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut capture = bytes(LOGIN);
    let records = capture[24..].to_vec();
    for _ in 0..50 {
        capture.extend(&records);
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_wirelint"))
        .args(["scan", "-", "--format", "ndjson", "--crack-budget", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, most of it has been read.
    pipe.write_all(&capture).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    // The signal takes its time on a busy machine: there is more to read until the program has heard it.
    let started = std::time::Instant::now();
    while pipe.write_all(&records).is_ok() && started.elapsed().as_secs() < 60 {}
    drop(pipe);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(out.lines().count() > 3, "{out}");
}

#[test]
fn colour_is_for_those_who_want_it() {
    let coloured = |run: Run| run.run().out.contains("\u{1b}[");
    let scan = || wirelint(["scan", "--crack-budget", "0", LOGIN]);
    assert!(!coloured(scan()), "no terminal");
    assert!(coloured(scan().args(["--color", "always"])));
    assert!(coloured(scan().args(["--color", "always"]).env("NO_COLOR", "1")), "the flag is stronger");
    assert!(!coloured(scan().env("NO_COLOR", "1").env("FORCE_COLOR", "1")));
    assert!(!coloured(scan().args(["--color", "never"]).env("FORCE_COLOR", "1")));
    assert!(!coloured(scan().args(["--color", "always", "--format", "json"])));
}

#[test]
fn quiet_and_verbose_are_about_stderr() {
    let folder = Folder::new();
    let cut = folder.file("cut.pcap", &bytes(CLEAN)[..5000]);
    let done = scan([cut.as_str()]).code(0).says(&["warning: "]);
    assert!(done.out.contains("1 warning about the inputs, printed on standard error"), "{done}");
    let done = scan([cut.as_str(), "-q"]).code(0).quiet();
    assert!(done.out.contains("1 warning about the inputs; without -q printed on standard error"), "{done}");
    // Errors are said all the same.
    scan(["-q", "/nowhere/capture"]).code(2).says(&["/nowhere/capture"]);
    assert_eq!(scan(["-v", LOGIN]).code(1).out, scan([LOGIN]).code(1).out);
    for command in ["scan", "tokens"] {
        let run = |more: &[&str]| wirelint([command, HOLE]).args(more).run();
        run(&["-v"]).says(&["reading ", HOLE, "counted: gaps: "]);
        assert!(!run(&[]).err.contains("counted") && !run(&["-v", "-q"]).err.contains("counted"));
    }
}

#[test]
fn threads_change_nothing() {
    let names: Vec<_> = cases().into_iter().map(|case| case.capture).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let mut runs: Vec<Vec<&str>> = vec![
        [&["scan", "--format", "json"], all.as_slice()].concat(),
        [&["tokens", "--format", "ndjson"], all.as_slice()].concat(),
        [&["http", "--format", "ndjson"], all.as_slice()].concat(),
        [&["flows", "--format", "ndjson"], all.as_slice()].concat(),
    ];
    for name in &all {
        runs.push(vec!["scan", "--format", "json", "--crack-budget", "0", name]);
        runs.push(vec!["tokens", "--format", "ndjson", name]);
    }
    for arguments in runs {
        let one = wirelint(&arguments).args(["--threads", "1"]).run();
        let eight = wirelint(&arguments).args(["--threads", "8"]).run();
        assert_eq!((one.code, &one.err), (eight.code, &eight.err), "{one}");
        assert!(one.out == eight.out, "--threads 1 and 8 differ: {}", arguments.join(" "));
        assert!(one.out.len() > 200 || arguments.len() == 4, "{one}");
    }
}

// Judgement --------------------------------------------------------------------------------------

#[test]
fn now_is_the_time_that_tokens_are_judged_at() {
    let rules = |more: &[&str]| {
        let base = ["--format", "ndjson", "--select", "jwt-expired-sent", "--fail-on", "info", LOGIN];
        scan(base.iter().chain(more).copied()).records().len()
    };
    assert_eq!(rules(&[]), 0);
    assert_eq!(rules(&["--now", "2026-11-23T15:46:00Z"]), 0);
    assert!(rules(&["--now", "2036-01-01T00:00:00Z"]) > 0);
    assert!(rules(&["--now", "2082758400"]) > 0);
}

#[test]
fn the_dictionary_attack_has_its_budget_and_lists() {
    let weak = |input: &str, more: &[&str]| {
        let base = ["--format", "ndjson", "--select", "jwt-hs-weak-secret", input];
        scan(base.iter().chain(more).copied()).records()
    };
    assert_eq!(weak(WEAK, &[])[0]["count"], 5);
    assert!(weak(WEAK, &["--crack-budget", "0"]).is_empty());
    // A secret that no list has: signed here, put where a token of the fixture was.
    let folder = Folder::new();
    let (capture, secret) = resigned(b"a-word-in-no-list-7331");
    let capture = folder.file("capture.pcap", capture);
    assert!(weak(&capture, &[]).is_empty());
    let list = folder.file("words.txt", format!("nothing\n{secret}\nelse\n"));
    assert_eq!(weak(&capture, &["-w", &list]).len(), 1);
    assert!(weak(&capture, &["-w", &list, "--crack-budget", "0"]).is_empty());
    // A line that is longer than any secret is not tried, and that is said.
    let long = folder.file("long.txt", "x".repeat(5000));
    scan(["-w", &long, &capture]).says(&["warning: --wordlist: 1 line longer than"]);
}

/// The login capture with the signature of its first token made with another secret.
fn resigned(secret: &[u8]) -> (Vec<u8>, String) {
    use base64::Engine;
    use hmac::{KeyInit, Mac};
    let tokens = wirelint(["tokens", "--show-secrets", "--format", "ndjson", LOGIN]).run().records();
    let old = tokens[0]["token"].as_str().unwrap();
    let (signed, signature) = old.rsplit_once('.').unwrap();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    let new = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    assert_eq!(new.len(), signature.len());
    let mut capture = bytes(LOGIN);
    let at: Vec<_> = memchr::memmem::find_iter(&capture, signature.as_bytes()).collect();
    assert!(!at.is_empty());
    for at in at {
        capture[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
    (capture, String::from_utf8(secret.to_vec()).unwrap())
}

#[test]
fn keys_verify_signatures() {
    let case = case("asymmetric-algorithms");
    let signatures = |more: &[&str]| -> Vec<String> {
        let run = wirelint(["tokens", "--format", "ndjson", &case.capture]).args(more).run().code(0);
        let text = |r: &Value| format!("{} {}", r["alg"].as_str().unwrap(), r["signature"].as_str().unwrap());
        run.records().iter().map(text).collect()
    };
    assert!(signatures(&[]).iter().all(|s| s.ends_with(" unverified")));
    let jwks = format!("{}/jwks.json", case.folder);
    // The set says that its RSA key is for RS256 only (RFC 7517 section 4.4).
    let verified = ["RS256 valid", "ES256 valid", "PS256 unverified", "EdDSA valid"];
    assert_eq!(signatures(&["--jwks", &jwks]), verified);
    let folder = Folder::new();
    let unknown = folder.file("jwks.json", r#"{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}"#);
    for command in ["scan", "tokens"] {
        let run = wirelint([command, &case.capture, "--jwks", &unknown]).run();
        assert!(run.err.contains("warning: 1 of the keys cannot be used"), "{run}");
    }
    let secret = folder.file("secret", "changeme");
    let run = wirelint(["tokens", "--format", "ndjson", WEAK, "--secret-file", &secret]).run().code(0);
    let valid: Vec<_> = run.records().into_iter().filter(|r| r["signature"] == "valid").collect();
    assert_eq!(valid.len(), 1, "{run}");
}

/// Login over TLS, the token issued, API calls with it: the story that README shows, drawn from the recording.
#[test]
fn trace_draws_the_life_of_each_token() {
    let folder = "fixtures/well-built-https";
    let [capture, keys, jwks] =
        ["capture.pcap", "keys.log", "jwks.json"].map(|file| format!("{folder}/{file}"));
    let trace = |more: &[&str]| {
        let run = wirelint(["trace", &capture, "--keylog", &keys, "--jwks", &jwks]);
        run.args(more).env("COLUMNS", "80").run()
    };
    let tokens = wirelint(["tokens", &capture, "--keylog", &keys, "--format", "ndjson"]).run().records();
    let id = &tokens[0]["sha256"].as_str().unwrap()[..12];
    let one = trace(&["--token", id]).code(0).quiet().out;
    let readme = tree::read("README.md");
    let all = trace(&[]).code(0).quiet().out;
    assert!(readme.contains(&format!("capture.pcap\n{all}```")), "README.md does not show this:\n{all}");
    assert!(
        all.contains("signature valid") && all.contains("401 refused") && all.contains("expires"),
        "{all}"
    );
    assert!(all.contains(&one) && all.lines().all(|line| line.chars().count() <= 80), "{all}");
    // Every sighting is in a step, in its packet.
    let json = trace(&["--format", "json"]).code(0).json();
    let lives = json["tokens"].as_array().unwrap();
    let steps = || lives.iter().flat_map(|life| life["steps"].as_array().unwrap());
    let sightings: u64 = steps().map(|step| step["count"].as_u64().unwrap()).sum();
    assert_eq!(sightings, tokens.len() as u64);
    for step in steps() {
        assert_eq!(step["channel"], "tls-decrypted");
        assert!(tokens.iter().any(|t| t["packet"] == step["packet"] && t["flow"] == step["flow"]), "{step}");
    }
    let issued = steps().filter(|step| step["event"] == "issued").count();
    assert_eq!(issued, lives.len(), "each begins with a login or a refresh");
    assert!(steps().any(|step| step["outcome"] == "accepted"));
    let mermaid = trace(&["--format", "mermaid"]).code(0).quiet().out;
    assert!(mermaid.starts_with("sequenceDiagram\n") && mermaid.contains("200 accepted"), "{mermaid}");
    for threads in ["1", "8"] {
        assert_eq!(trace(&["--threads", threads]).out, all);
    }
    trace(&["--token", "ffffffffffff"]).code(2).says(&["error: --token ffffffffffff: no such token"]);
    trace(&["--token", "secret"]).code(2).says(&["neither a token nor"]);
    trace(&["--format", "svg"]).code(2).says(&["no format svg"]);
}

#[test]
fn tokens_in_json_serialisation_are_sighted() {
    let body = r#"{"data":{"payload":"eyJzdWIiOiJhIn0","signatures":[
        {"protected":"eyJhbGciOiJFUzI1NiJ9","header":{"kid":"1"},"signature":"QUFBQQ"},
        {"protected":"eyJhbGciOiJub25lIn0","signature":""}]}}"#;
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    let text = format!("{head}{body}");
    let mut talk = Conversation::open(1, 80).client(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    for piece in text.as_bytes().chunks(120) {
        talk = talk.server(piece);
    }
    let records = |name: &str, packets: &[Packet]| {
        let file = Folder::new();
        let file = (file.file(name, wire::write(packets, Style::default())), file);
        let run = wirelint(["tokens", "--format", "ndjson", &file.0]).run().code(0);
        let row = |r: Value| {
            let text = |k: &str| r[k].as_str().unwrap_or_default().to_owned();
            (text("kind"), text("name"), text("alg"), text("kid"), r["packet"].as_u64().unwrap())
        };
        run.records().into_iter().map(row).collect::<Vec<_>>()
    };
    // Four packets come before the response, and the first byte of a signature is where the sighting is.
    let packet = |what: &str| 5 + (text.find(what).unwrap() / 120) as u64;
    let of = |name: &str, alg: &str, kid: &str, packet| {
        ("jws-json".to_owned(), name.to_owned(), alg.to_owned(), kid.to_owned(), packet)
    };
    let expected = [
        of("$.data.signatures[0]", "ES256", "1", packet("QUFBQQ")),
        of("$.data.signatures[1]", "none", "", packet("\"}]}}")),
    ];
    assert_eq!(records("a.pcap", &talk.close()), expected);
}

/// `contract.md`: flows as they end, those still open (or lingering) at the end by `flow`.
#[test]
fn flows_that_are_left_at_the_end_come_in_order() {
    let run = wirelint(["flows", "--format", "ndjson", "fixtures/tls-old/capture.pcap"]).run().code(0);
    let numbers: Vec<u64> = run.records().iter().map(|record| record["flow"].as_u64().unwrap()).collect();
    assert!(numbers.len() > 3 && numbers.is_sorted(), "{numbers:?}");
}

/// Whatever a file is called: it begins no line, and does nothing to a terminal.
#[test]
fn names_do_not_speak_for_the_program() {
    const NAME: &str = "a\nerror: fake\x1b[31m\u{202e}";
    const SHOWN: &str = r"a\nerror: fake\u{1b}[31m\u{202e}";
    let folder = Folder::new();
    let cut = bytes(LOGIN);
    fs::write(folder.path(NAME), &cut[..cut.len() - 1]).unwrap();
    fs::write(folder.path(&format!("{NAME}.txt")), "text").unwrap();
    fs::create_dir(folder.path(&format!("{NAME}.rules"))).unwrap();
    fs::write(folder.path(&format!("{NAME}.rules/a.toml")), "on = 'x'\n").unwrap();
    let (capture, text) = (folder.path(NAME), folder.path(&format!("{NAME}.txt")));
    let (rules, none, out) =
        (folder.path(&format!("{NAME}.rules")), folder.path(&format!("{NAME}.none")), folder.path("o"));
    for arguments in [
        &["scan", "-v", &capture][..],
        &["scan", &text],
        &["scan", &none],
        &["scan", "--rules", &rules, LOGIN],
        &["scan", "--config", &text, LOGIN],
        &["scan", LOGIN, "-o", &rules],
        &["scan", LOGIN, "--format", NAME],
        &["scan", LOGIN, "--keylog", &none],
        &["scan", LOGIN, "--key", &text],
        &["scan", LOGIN, "--select", NAME],
        &["flows", &capture],
        &["redact", &capture, "-o", &out],
        &["redact", &text, "-o", &out],
        &["crack", LOGIN, "--wordlist", &none],
        &["rules", "test", &rules],
    ] {
        let done = wirelint(arguments).run();
        assert!(done.err.contains(SHOWN) || done.err.contains(&SHOWN.replace('\\', r"\\")), "{done}");
        assert!(!done.err.contains(['\x1b', '\u{202e}']), "{done}");
        assert!(!done.err.lines().any(|line| line.starts_with("error: fake")), "{done}");
    }
}
