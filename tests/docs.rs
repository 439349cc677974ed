//! What README, the guides and the scripts say holds.

use crate::support::tree;
use std::path::PathBuf;

/// The lines of the fenced `sh` blocks of a page, without their comments.
fn commands(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in page.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line.split(" #").next().unwrap_or_default().trim().to_owned()),
            _ => {}
        }
    }
    found.retain(|command| !command.is_empty() && !command.starts_with('#'));
    found
}

fn pages() -> impl Iterator<Item = (PathBuf, String)> {
    let tops = ["README.md", "CHANGELOG.md", "fixtures/README.md", "fuzz/README.md"];
    let all = tops.into_iter().map(PathBuf::from).chain(tree::files("docs", "md"));
    all.map(|page| (page.clone(), tree::read(page)))
}

#[test]
fn readme_and_ci_test_with_the_same_command() {
    let commands = commands(&tree::read("README.md"));
    let command = "./scripts/test";
    assert!(commands.iter().any(|line| line == command), "README.md does not say {command}: {commands:?}");
    let ci = tree::read(".ci/run");
    let line = format!("run 'all tests' {command}");
    assert!(ci.lines().any(|l| l == line), ".ci/run has no line {line:?}");
}

#[cfg(unix)]
#[test]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["scripts/setup", "scripts/demo", "scripts/screenshots", "scripts/test", ".ci/run"] {
        let file = std::fs::metadata(tree::root().join(script)).unwrap();
        assert_ne!(file.permissions().mode() & 0o111, 0, "{script} is not executable");
    }
    for command in commands(&tree::read("README.md")) {
        let program = command.split_whitespace().next().unwrap_or_default();
        if program.starts_with("./") {
            assert!(tree::root().join(program).exists(), "README.md names {program}, which does not exist");
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = tree::root().join(page.parent().unwrap()).join(target);
            assert!(path.exists(), "{}: {target} does not exist", page.display());
        }
    }
}

#[test]
fn changelog_has_this_version() {
    let log = tree::read("CHANGELOG.md");
    let version = format!("## {}", env!("CARGO_PKG_VERSION"));
    let there = log.lines().any(|line| line == "## Unreleased" || line.starts_with(&version));
    assert!(there, "CHANGELOG.md has neither Unreleased nor {version}");
}

#[test]
fn every_fuzz_function_has_its_target() {
    let targets: String = tree::files("fuzz/fuzz_targets", "rs").iter().map(tree::read).collect();
    let manifest = tree::read("fuzz/Cargo.toml");
    for file in tree::files("src", "rs") {
        let code = tree::read(&file);
        for (at, start) in code.match_indices("\npub fn fuzz_") {
            let name = code[at + start.len()..].split('(').next().unwrap_or_default();
            assert!(
                targets.contains(&format!("::fuzz_{name}(")),
                "{}: fuzz_{name} has no target",
                file.display()
            );
            assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
        }
    }
}
