//! Where data goes: nothing is written over what is read, or over another output.

use crate::support::repository::Repository;
use crate::support::run::wirelint;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;

const SAME: &str = "input and output are the same file";

#[test]
fn an_input_is_never_written_over() {
    let repository = Repository::new();
    let at = |name: &str| repository.path().join(name);
    let capture = fs::read(at("fixtures/login.pcap")).unwrap();
    // By another name, through a link, inside of a folder.
    fs::hard_link(at("fixtures/login.pcap"), at("hard.pcap")).unwrap();
    symlink("fixtures/login.pcap", at("soft.pcap")).unwrap();
    repository.write("key", "secret").write("words", "secret\n").write("tls.log", "");
    let one = |command: &str, out: &str| {
        let args: Vec<String> = command.split(' ').map(|word| word.replace("OUT", out)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        repository.run(&args).code(2).says(&[SAME]);
    };
    for out in ["fixtures/login.pcap", "./fixtures/login.pcap", "hard.pcap", "soft.pcap"] {
        for command in [
            "scan fixtures -o OUT",
            "scan fixtures/login.pcap --format json --format sarif=OUT",
            "scan fixtures --write-baseline OUT",
            "scan fixtures --expect --format json=OUT",
            "flows fixtures -o OUT",
            "http fixtures/login.pcap -o OUT",
            "tokens fixtures -o OUT",
            "trace fixtures -o OUT",
            "crack fixtures -o OUT",
            "redact fixtures/login.pcap -o OUT",
        ] {
            one(command, out);
        }
    }
    one("tokens fixtures --secret-file key -o OUT", "key");
    one("scan fixtures --keylog tls.log -o OUT", "tls.log");
    one("crack fixtures --wordlist words -o OUT", "words");
    assert_eq!(fs::read(at("fixtures/login.pcap")).unwrap(), capture);
    repository.command(&["scan", "-", "-o", "soft.pcap"]).stdin(capture.clone()).run().code(1);
    assert_ne!(fs::read(at("fixtures/login.pcap")).unwrap(), capture, "standard input is another file");
}

#[test]
fn a_report_is_never_written_over_another() {
    let repository = Repository::new();
    let refused = |arguments: &str, says: &str| {
        let arguments: Vec<&str> = ["scan", "fixtures"].into_iter().chain(arguments.split(' ')).collect();
        repository.run(&arguments).code(2).says(&[says]);
        assert!(!repository.path().join("a.json").exists(), "{arguments:?}");
    };
    refused("--format json --format table -o a.json", "only one --format can go to a.json");
    refused("--format json=a.json --format sarif=./a.json", "a.json: two outputs cannot go to the same file");
    refused("--format json=a.json --format table -o a.json", "two outputs cannot go to the same file");
    refused("--format json=a.json --write-baseline a.json", "two outputs cannot go to the same file");
    refused("--format json=a.json -o b.txt", "-o b.txt: every format has a file of its own");
    refused("--format json=- --format table", "only one --format can go to standard output");
    refused("--format json= --format sarif=a.json", "--format json=: no file");
    let json =
        |arguments: &[&str]| repository.run(&[&["scan", "fixtures"], arguments].concat()).code(1).json();
    json(&["--format", "json", "-o", "-"]);
    json(&["--format", "json=-", "--format", "table", "-o", "a.txt"]);
    assert!(!repository.path().join("-").exists() && repository.path().join("a.txt").exists());
    // What is known is not lost for what is found.
    repository.scan(&["--write-baseline", "base.json"]).code(0);
    repository.scan(&["--baseline", "base.json", "-o", "base.json"]).code(2).says(&[SAME]);
    repository.scan(&["--baseline", "base.json", "--write-baseline", "base.json"]).code(0);
}

#[test]
fn a_baseline_is_written_of_what_was_all_read() {
    let repository = Repository::new();
    repository.scan(&["--write-baseline", "base.json"]).code(0);
    let written = fs::read(repository.path().join("base.json")).unwrap();
    repository.write("text", "nothing").write("cut.har", r#"{"log":{"entries":[{"request":{"#);
    for (inputs, code) in [
        (&["none.pcap"][..], 2),
        (&["fixtures", "none.pcap"], 2),
        (&["fixtures", "text"], 2),
        (&["text"], 3),
        (&["fixtures", "cut.har"], 2),
    ] {
        let arguments = [&["scan", "--write-baseline", "base.json"], inputs].concat();
        let done = repository.run(&arguments).code(code);
        done.says(&["base.json: the baseline was not written: not all inputs were read"]);
        assert_eq!(fs::read(repository.path().join("base.json")).unwrap(), written, "{inputs:?}");
    }
}

#[test]
fn what_is_no_file_is_written_through() {
    let repository = Repository::new();
    let at = |name: &str| repository.path().join(name);
    let capture = fs::read(at("fixtures/login.pcap")).unwrap();
    let redact = |out: &Path| {
        wirelint(["redact", "fixtures/login.pcap", "-o"]).args([out]).folder(repository.path()).run().code(0)
    };
    // A link stays one, and what it names is written.
    fs::create_dir(at("shared")).unwrap();
    symlink("shared/out.pcap", at("link.pcap")).unwrap();
    for _ in 0..2 {
        redact(&at("link.pcap"));
        assert!(at("link.pcap").is_symlink());
        let written = fs::read(at("shared/out.pcap")).unwrap();
        assert!(written.len() == capture.len() && written != capture);
    }
    // A pipe stays one, and its reader has it all.
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = at("pipe");
        move || fs::read(pipe).unwrap()
    });
    redact(&at("pipe"));
    assert_eq!(reader.join().unwrap().len(), capture.len());
    assert!(!fs::metadata(at("pipe")).unwrap().is_file());
    // Standard output.
    let har = r#"{"log":{"version":"1.2","entries":[{"request":{"method":"GET","url":"http://a.test/","headers":
        [{"name":"Cookie","value":"a=hunter22"}]},"response":{"status":200,"headers":[]}}]}}"#;
    repository.write("a.har", har);
    let done = repository.run(&["redact", "a.har", "-o", "-"]).code(0);
    assert!(done.out.len() == har.len() && !done.out.contains("hunter22"), "{}", done.out);
    repository.run(&["redact", "a.har", "-o", "shared"]).code(2).says(&["shared: is a directory"]);
    let names: Vec<_> = fs::read_dir(repository.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{names:?}");
}
