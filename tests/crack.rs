//! `wirelint crack`: the real program on captures and tokens, its exit codes, sessions and masks.

use crate::support::run::{Done, wirelint};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use std::fs;
use std::path::PathBuf;

const WEAK: &str = "fixtures/hmac-secrets/capture.pcap";
const CLEAN: &str = "fixtures/clean-https/capture.pcap";

fn token(alg: &str, claims: &str, secret: &[u8]) -> String {
    fn mac<M: Mac + KeyInit>(secret: &[u8], input: &str) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(secret).unwrap().chain_update(input).finalize().into_bytes().to_vec()
    }
    let input = [&format!(r#"{{"alg":"{alg}"}}"#), claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = match alg {
        "HS256" => mac::<Hmac<sha2::Sha256>>(secret, &input),
        "HS384" => mac::<Hmac<sha2::Sha384>>(secret, &input),
        _ => mac::<Hmac<sha2::Sha512>>(secret, &input),
    };
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }
}

fn crack<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Done {
    wirelint(["crack"]).args(arguments).run()
}

#[test]
fn tokens_in_texts_are_attacked() {
    let folder = Folder::new();
    let (weak, strong) = (token("HS256", "{}", b"secret"), token("HS256", "{}", b"7d0e2c44-not-in-any-list"));
    let text = format!("# tokens of today\n{weak}\nAuthorization: Bearer {strong}\n");
    let file = folder.file("tokens.txt", &text);
    for done in [crack([file.as_str(), "--format", "ndjson"]), {
        wirelint(["crack", "-", "--format", "ndjson"]).stdin(text.clone()).run()
    }] {
        let done = done.code(1);
        let found: Vec<_> = done.records().iter().map(|record| record["found"] == true).collect();
        assert_eq!(found, [true, false], "{done}");
    }
    crack([WEAK, "--crack-budget", "0"]).says(&["the budget is 0"]);
    crack([folder.file("words.txt", "no token here").as_str()]).code(3).says(&["not a capture (text)"]);
}

#[test]
fn secrets_of_a_capture_are_found_and_masked() {
    let done = crack([WEAK, "--format", "ndjson"]).code(1);
    let records = done.records();
    let found: Vec<_> = records.iter().filter(|record| record["found"] == true).collect();
    assert!(!found.is_empty() && found.len() <= records.len(), "{done}");
    for record in &found {
        let secret = record["secret"].as_str().unwrap();
        assert!(secret.contains("****") && secret.contains("chars"), "{secret}");
        assert!(record["origin"].is_string());
    }
    let shown = crack([WEAK, "--format", "ndjson", "--show-secrets"]).code(1).records();
    for (masked, shown) in records.iter().zip(&shown) {
        assert_eq!(masked["sha256"], shown["sha256"]);
        assert_eq!(masked["found"], shown["found"]);
        let plain = shown["secret"].as_str().unwrap_or_default();
        assert!(plain.is_empty() || !done.out.contains(&format!(":\"{plain}\"")), "{plain}");
    }
    for threads in ["1", "4"] {
        let again = crack([WEAK, "--format", "ndjson", "--threads", threads]).code(1);
        assert_eq!(again.out, done.out, "{threads}");
    }
}

#[test]
fn the_table_reads_well_at_80_columns() {
    let done = wirelint(["crack", WEAK]).env("COLUMNS", "80").run().code(1);
    assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{done}");
    assert!(
        done.out.starts_with("TOKEN") && done.out.contains("SECRET") && done.out.contains("****"),
        "{done}"
    );
}

#[test]
fn lists_and_mutations_find_what_the_built_in_list_does_not() {
    let folder = Folder::new();
    let list = folder.file("list", "zz-first\r\nzz-correct-horse\n\nzz-last");
    let rules = folder.file("rules", "# case and years\n:\nc $2 $0 $2 $6\n");
    for alg in ["HS256", "HS384", "HS512"] {
        let plain = token(alg, r#"{"iss":"a"}"#, b"zz-correct-horse");
        let mutated = token(alg, r#"{"iss":"b"}"#, b"Zz-correct-horse2026");
        let done = crack([plain.as_str(), &mutated, "-w", &list]).code(1);
        done.says(&["1 of 2 tokens found"]);
        let done = crack([plain.as_str(), &mutated, "-w", &list, "-r", &rules]).code(1).says(&["2 of 2"]);
        assert!(!done.out.contains("correct") && done.out.contains("word list"), "{done}");
    }
    let none = token("HS256", "{}", b"\x01 nobody has this in a list \xfe");
    crack([none.as_str(), "-w", &list, "-r", &rules]).code(0).says(&["0 of 1 token found"]);
    crack([none.as_str(), "--crack-budget", "100"]).code(0).says(&["the budget", "100 trials"]);
}

#[test]
fn mistakes_are_2_and_say_where() {
    let folder = Folder::new();
    let bad = folder.file("bad.rule", ":\nT\n");
    let good = token("HS256", "{}", b"x");
    let said = format!("--mutations {bad}: line 2: the function `T` lacks a parameter");
    crack([good.as_str(), "-r", &bad]).code(2).says(&[&said]);
    crack([good.as_str(), "-w", "/no/such/list"]).code(2).says(&["--wordlist", "/no/such/list"]);
    crack([good.as_str(), "-r", "/no/such/rules"]).code(2).says(&["--mutations /no/such/rules"]);
    let rs = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
    crack([rs.as_str()]).code(2).says(&["its alg is RS256"]);
    let text = folder.file("notes.txt", "no capture");
    crack([text.as_str()]).code(3).says(&["not a capture"]);
    crack(["/no/such/capture"]).code(2);
    crack([CLEAN]).code(0);
    wirelint(["crack"]).run().code(2);
}

#[test]
fn what_is_given_is_found_first() {
    let folder = Folder::new();
    let secret = folder.file("secret", "a secret that stands in no list\n");
    let token = token("HS512", "{}", b"a secret that stands in no list");
    let done = crack([token.as_str(), "--secret-file", &secret, "--format", "ndjson"]).code(1);
    assert_eq!(done.records()[0]["origin"], "given");
    done.says(&["1 trial"]);
}

/// A run that is killed with Ctrl-C goes on where it was, to the same end and the same number of trials.
#[cfg(unix)]
#[test]
fn a_session_goes_on_after_ctrl_c() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let folder = Folder::new();
    let words: String = (0..600_000).map(|n| format!("zz-word-{n}\n")).collect();
    let list = folder.file("list", words);
    let first = token("HS256", r#"{"iss":"a"}"#, b"zz-word-1000");
    let last = token("HS256", r#"{"iss":"b"}"#, b"zz-word-599000");
    let arguments = ["crack", &first, &last, "-w", &list, "--threads", "1", "--format", "ndjson"];
    let begun = Instant::now();
    let whole = wirelint(arguments).run().code(1);
    let mut patience = begun.elapsed() / 3;
    let session = folder.path("session");
    let mut interrupted = 0;
    let done = loop {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wirelint"));
        child.args(arguments).arg("--session").arg(&session).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        std::thread::sleep(patience);
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let done = child.wait_with_output().unwrap();
        match done.status.code() {
            Some(130) => {
                let text = fs::read_to_string(&session).unwrap();
                assert!(text.contains("candidates") && !text.contains("zz-word"), "{text}");
                interrupted += 1;
                assert!(interrupted < 12);
                // Each goes on for longer than the one before, so that one at last comes to the end.
                patience *= 2;
            }
            // Over before it was stopped: the machine was busier when the whole run was timed. Begun again.
            Some(1) if interrupted == 0 => {
                patience /= 2;
                assert!(patience > Duration::from_millis(1), "never stopped");
            }
            // Stopped before it could take the signal.
            None if interrupted == 0 => patience += patience / 2,
            _ => break done,
        }
    };
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), whole.out);
    let last_line = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    assert_eq!(last_line(&String::from_utf8(done.stderr).unwrap()), last_line(&whole.err));
    assert!(!session.exists());
}

#[test]
fn a_session_of_something_else_is_refused() {
    let folder = Folder::new();
    let token = token("HS256", "{}", b"x");
    for text in ["", "{}", "[]", r#"{"wirelint":"0.0.0","attack":"","candidates":0,"trials":0,"hits":[]}"#] {
        let session = folder.file("session", text);
        let done = crack([token.as_str(), "--session", &session]).code(2);
        done.says(&["--session"]);
        assert_eq!(fs::read_to_string(&session).unwrap(), text);
    }
}

/// The library, as commands use it.
mod threads {
    use super::token;
    use std::num::NonZeroUsize;
    use std::sync::Arc;
    use wirelint::crack::{Attack, Outcome, builtin};
    use wirelint::pipeline::{Beside, attack};
    use wirelint::token::Token;

    fn made() -> Attack {
        let mut attack = Attack::new(30_000, Vec::new(), Vec::new());
        for n in 0..9 {
            let text = token("HS256", &format!(r#"{{"iss":"{n}"}}"#), &builtin()[n * 1500 + 5]);
            attack.add(&Arc::new(Token::parse(text.as_bytes()).unwrap()), None);
        }
        attack
    }

    fn same(a: &Outcome, b: &Outcome) {
        assert_eq!((a.trials, a.cut, &a.found), (b.trials, b.cut, &b.found));
    }

    #[test]
    fn any_number_of_threads_finds_the_same_at_the_same_cost() {
        let whole = made().run();
        assert!(whole.found.len() > 1 && whole.cut);
        for threads in [1, 2, 7] {
            let (mut made, mut calls) = (made(), 0);
            attack(&mut made, NonZeroUsize::new(threads).unwrap(), &mut |_| {
                calls += 1;
                true
            });
            same(&made.outcome(), &whole);
            assert!(calls > 9);
        }
    }

    #[test]
    fn an_attack_beside_other_work_comes_to_the_same_end() {
        let whole = made().run();
        let (mut attack, mut beside) = (made(), Beside::default());
        let mut steps = 0;
        while attack.trials() < 20_000 {
            beside.step(&mut attack);
            steps += 1;
            assert!(steps < 100_000);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        // A judge that is replaced has an attack of its own: what was given out for the other is not its business.
        let mut other = made();
        beside.step(&mut other);
        beside.finish(&mut other);
        same(&other.run(), &whole);
    }

    #[test]
    fn it_stops_when_it_is_told_to() {
        for threads in [1, 3] {
            let (mut made, mut left) = (made(), 5);
            attack(&mut made, NonZeroUsize::new(threads).unwrap(), &mut |_| {
                left -= 1;
                left > 0
            });
            assert_eq!(left, 0);
            assert!(made.trials() < 30_000);
        }
    }
}
