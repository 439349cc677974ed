//! What is shipped beside the program does its work: the jobs of CI systems, the action, the package, completions, manual pages.

use crate::support::repository::Repository;
use crate::support::run::{Done, Run, wirelint};
use crate::support::tree;
use std::fs;
use std::path::Path;
use wirelint::capture::{FileId, open};
use wirelint::lint::Lint;

/// Where the program is, in front of everything else.
fn path() -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_wirelint")).parent().unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// A repository with two recorded fixtures, of which one has findings.
fn repository() -> Repository {
    let repository = Repository::new();
    fs::remove_file(repository.path().join("fixtures/login.pcap")).unwrap();
    for name in ["clean-https", "token-in-query"] {
        record(&repository, name);
    }
    repository
}

/// Another recording.
fn record(repository: &Repository, name: &str) {
    let capture = tree::root().join(format!("fixtures/{name}/capture.pcap"));
    fs::copy(capture, repository.path().join(format!("fixtures/{name}.pcap"))).unwrap();
}

/// Runs a script as a CI system does, in the repository.
fn script(repository: &Repository, text: &str) -> Done {
    let summary = repository.path().join("summary.md").display().to_string();
    Run::of("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", text])
        .folder(repository.path())
        .env("PATH", &path())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .run()
}

/// The `run:` lines of a workflow, with the names of their steps.
fn steps(workflow: &str) -> Vec<(String, String)> {
    let mut name = String::new();
    let mut steps = Vec::new();
    for line in workflow.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("- name: ") {
            text.clone_into(&mut name);
        } else if let Some(text) = line.strip_prefix("run: ") {
            steps.push((name.clone(), text.to_owned()));
        }
    }
    steps
}

/// Suppresses all that was found, and says why.
fn suppress(repository: &Repository) {
    let found = repository.scan(&[]).records();
    assert!(!found.is_empty());
    let entry =
        |fingerprint: &str| format!("[[suppress]]\nfingerprint = \"{fingerprint}\"\nreason = \"a lab\"\n");
    let all: String = found.iter().map(|f| entry(f["fingerprint"].as_str().unwrap())).collect();
    repository.write("wirelint.toml", &all);
}

#[test]
fn the_github_job_fails_passes_after_a_suppression_and_fails_on_a_new_leak() {
    let repository = repository();
    repository.run(&["init", "--ci", "github"]).code(0);
    let workflow = fs::read_to_string(repository.path().join(".github/workflows/wirelint.yml")).unwrap();
    let steps = steps(&workflow);
    let names: Vec<_> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Install", "Scan the recorded traffic", "Summary"]);
    let scan = || script(&repository, &steps[1].1);
    let first = scan().code(1);
    assert!(
        first.out.lines().any(|line| line.starts_with("::error") && line.contains("token-in-url-query")),
        "{}",
        first.out
    );
    script(&repository, &steps[2].1).code(0);
    assert!(fs::read_to_string(repository.path().join("summary.md")).unwrap().contains("token-in-url-query"));
    let results = || {
        let log: serde_json::Value =
            serde_json::from_slice(&fs::read(repository.path().join("wirelint.sarif")).unwrap()).unwrap();
        log["runs"][0]["results"].as_array().unwrap().len()
    };
    assert!(results() > 0);
    suppress(&repository);
    scan().code(0);
    assert_eq!(results(), 0);
    record(&repository, "login-then-api-http");
    let third = scan().code(1);
    assert!(
        third.out.contains("login-then-api-http.pcap") && !third.out.contains("token-in-query.pcap"),
        "{}",
        third.out
    );
    assert!(results() > 0);
}

#[test]
fn the_gitlab_job_does_the_same() {
    let repository = repository();
    repository.run(&["init", "--ci", "gitlab"]).code(0);
    let job = fs::read_to_string(repository.path().join("wirelint.gitlab-ci.yml")).unwrap();
    let lines: Vec<_> = job.lines().filter_map(|line| line.strip_prefix("    - ")).collect();
    assert_eq!(lines.len(), 2);
    let scan = || script(&repository, lines[1]);
    scan().code(1);
    let junit = || fs::read_to_string(repository.path().join("wirelint.xml")).unwrap();
    assert!(junit().contains("<failure"));
    suppress(&repository);
    scan().code(0);
    assert!(!junit().contains("<failure"));
    record(&repository, "login-then-api-http");
    scan().code(1);
}

#[test]
fn the_step_of_the_action_scans() {
    let repository = repository();
    let action = tree::read("action.yml");
    let (_, step) = action.split_once("    - name: Scan\n").unwrap();
    let (_, text) = step.split_once("      run: |\n").unwrap();
    let text: String = text
        .lines()
        .map_while(|line| line.strip_prefix("        "))
        .map(|line| format!("{line}\n"))
        .collect();
    let temp = repository.path().join("temp");
    fs::create_dir_all(temp.join("wirelint/bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wirelint"), temp.join("wirelint/bin/wirelint")).unwrap();
    let outputs = repository.path().join("outputs");
    let step = |fail_on: &str| {
        fs::write(&outputs, "").unwrap();
        Run::of("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &text])
            .folder(repository.path())
            .env("PATHS", "fixtures/clean-https.pcap\nfixtures/token-in-query.pcap\n")
            .env("FAIL_ON", fail_on)
            .env("CONFIG", "")
            .env("BASELINE", "")
            .env("RUNNER_TEMP", &temp.display().to_string())
            .env("GITHUB_OUTPUT", &outputs.display().to_string())
            .env("GITHUB_STEP_SUMMARY", &repository.path().join("summary.md").display().to_string())
            .run()
            .code(0);
        fs::read_to_string(&outputs).unwrap()
    };
    let said = step("");
    assert!(said.contains("code=1\n") && said.contains("sarif="), "{said}");
    assert!(temp.join("wirelint.sarif").exists());
    assert!(fs::read_to_string(repository.path().join("summary.md")).unwrap().contains("token-in-url-query"));
    assert!(step("never").contains("code=0\n"));
}

#[test]
fn the_recipes_have_the_jobs_as_they_are() {
    let page = tree::read("docs/recipes.md");
    for job in ["packaging/ci/github.yml", "packaging/ci/gitlab.yml"] {
        assert!(page.contains(&format!("```yaml\n{}```", tree::read(job))), "docs/recipes.md has not {job}");
    }
}

#[test]
fn the_hook_takes_captures_and_scans_them() {
    let hooks = tree::read(".pre-commit-hooks.yaml");
    let pattern =
        hooks.lines().find_map(|line| line.trim().strip_prefix("files: '")?.strip_suffix('\'')).unwrap();
    let pattern = regex_lite::Regex::new(pattern).unwrap();
    for name in ["a.pcap", "b/c.pcapng", "d.har", "e.pcapng.gz", "f.pcap.zst"] {
        assert!(pattern.is_match(name), "{name}");
    }
    assert!(!pattern.is_match("pcap.md") && !pattern.is_match("a.pcap.txt"));
    let entry = hooks.lines().find_map(|line| line.trim().strip_prefix("entry: ")).unwrap();
    let repository = repository();
    script(&repository, &format!("{entry} fixtures/clean-https.pcap")).code(0);
    script(&repository, &format!("{entry} fixtures/clean-https.pcap fixtures/token-in-query.pcap")).code(1);
}

#[test]
fn completions_complete() {
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef"),
        ("fish", "complete -c"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let text = wirelint(["completions", shell]).run().code(0).quiet().out;
        assert!(text.contains(sign) && text.contains("fail-on"), "{shell}");
    }
    let repository = Repository::new();
    let ask = |words: &str| {
        let text = format!(
            "source <(wirelint completions bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _wirelint wirelint \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        script(&repository, &text).code(0).out
    };
    assert!(ask("wirelint tok").trim() == "tokens");
    assert!(ask("wirelint scan --fail").contains("--fail-on"));
}

#[test]
fn manual_pages_for_all_commands() {
    let text = wirelint(["man"]).run().code(0).quiet().out;
    assert!(text.contains(".TH wirelint 1") && text.contains(".SH"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    wirelint(["man"]).args([folder.path()]).run().code(0);
    for page in ["wirelint", "wirelint-scan", "wirelint-tokens", "wirelint-rules", "wirelint-rules-test"] {
        let text = fs::read_to_string(folder.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{page}");
    }
    assert!(fs::read_to_string(folder.path().join("wirelint-scan.1")).unwrap().contains("write\\-baseline"));
}

#[test]
fn the_debian_package_has_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = Run::of("bash").args(["scripts/deb", env!("CARGO_BIN_EXE_wirelint")]).args([&out]);
    let done = script.env("DPKG_DEB_FLAGS", "-Znone").run();
    assert_eq!(done.code, 0, "{}", done.err);
    let package = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .unwrap();
    let package = package.to_str().unwrap();
    let contents = Run::of("dpkg-deb").args(["--contents", package]).run().code(0).out;
    for part in [
        "./usr/bin/wirelint",
        "./usr/share/man/man1/wirelint-scan.1.gz",
        "./usr/share/bash-completion/completions/wirelint",
        "./usr/share/zsh/vendor-completions/_wirelint",
        "./usr/share/fish/vendor_completions.d/wirelint.fish",
        "./usr/lib/systemd/system/wirelint.service",
        "./usr/share/doc/wirelint/copyright",
    ] {
        assert!(contents.contains(part), "{part} is missing:\n{contents}");
    }
    let version = Run::of("dpkg-deb").args(["--field", package, "Version"]).run().code(0).out;
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn help_has_groups_and_examples_and_mistakes_are_told_the_nearest() {
    let all = wirelint(["--help"]).run().code(0).out;
    assert!(all.contains("Examples:") && all.contains("Exit codes:"));
    for command in
        ["scan", "flows", "http", "tokens", "trace", "inspect", "init", "rules", "completions", "man"]
    {
        assert!(all.contains(command), "{command}");
        let help = wirelint([command, "--help"]).run().code(0).out;
        assert!(help.contains("Examples:\n"), "{command}: {help}");
    }
    let scan = wirelint(["scan", "--help"]).run().out;
    for group in ["Configuration:", "Reading:", "Rules:", "Keys:", "Work and output:"] {
        assert!(scan.contains(group), "{group}");
    }
    for (arguments, near) in [
        (&["scna"][..], "'scan'"),
        (&["scan", "--fail-onn", "low", "x"], "'--fail-on'"),
        (&["scan", "--format", "sariff", "x"], "did you mean sarif?"),
        (&["scan", "--ignore", "jwt-alg-nonee", "x"], "did you mean `jwt-alg-none`?"),
        (&["scan", "--decode-as", "80=http", "x"], "http1"),
        (&["rules", "show", "jwt-alg-nonee"], "did you mean `jwt-alg-none`?"),
    ] {
        let done = wirelint(arguments).run().code(2);
        assert!(done.err.contains(near), "{arguments:?}: {}", done.err);
    }
}

/// Other programs get what the command finds.
#[test]
fn the_library_finds_what_the_command_finds() {
    let path = tree::root().join("fixtures/login-then-api-http/capture.pcap");
    let mut lint = Lint::new().unwrap();
    lint.read("x", open(&path, FileId(0)).unwrap()).unwrap();
    let summary = lint.finish();
    let found: Vec<_> = summary.findings.iter().map(|finding| finding.fingerprint.clone()).collect();
    let said = wirelint(["scan", "--format", "ndjson"]).args([&path]).run().code(1);
    let said: Vec<_> = said.records().iter().map(|f| f["fingerprint"].as_str().unwrap().to_owned()).collect();
    assert!(!found.is_empty());
    assert_eq!(found, said);
}
