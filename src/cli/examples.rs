//! The examples that `--help` ends with.

/// All commands.
pub(super) const ALL: &str = "\
Every flag is also a variable, --fail-on for example WIRELINT_FAIL_ON, except --show-secrets and what writes.
Exit codes: 0 clean, 1 findings, 2 could not do its work, 3 no capture, 4 incomplete (--strict), 130 interrupted.

Examples:
  wirelint scan traffic.pcapng
  tcpdump -w - port 8080 | wirelint scan -
  wirelint run -- npm test
  wirelint tokens captures/ --format ndjson";

/// `scan`.
pub(super) const SCAN: &str = "\
Examples:
  wirelint scan traffic.pcapng                                  a report for people
  wirelint scan captures/ --fail-on high --strict               for a build: fails for the worst, and where it saw too little
  wirelint scan captures/ --format table --format sarif=w.sarif several reports
  wirelint scan captures/ --write-baseline base.json            from now on only what is new fails:
  wirelint scan captures/ --baseline base.json
  wirelint scan captures/ --expect                              recordings as tests ([expect] beside each)
  wirelint scan --keylog keys.log traffic.pcapng                TLS that its client logged the secrets of
  wirelint scan --select group:transport traffic.pcapng         some rules only";

/// `flows`, `http` and `tokens`.
pub(super) const RECORDS: &str = "\
Examples:
  wirelint flows traffic.pcapng
  wirelint http traffic.pcapng --format ndjson | jq .request.target
  wirelint tokens captures/ --jwks issuer.json --format csv -o tokens.csv";

/// `trace`.
pub(super) const TRACE: &str = "\
Examples:
  wirelint trace traffic.pcapng
  wirelint trace traffic.pcapng --token 3f9a2c --format mermaid";

/// `inspect`.
pub(super) const INSPECT: &str = "\
Examples:
  pbpaste | wirelint inspect
  wirelint inspect --jwks issuer.json --now 2026-01-01T00:00:00Z - < token.txt";

/// `init`.
pub(super) const INIT: &str = "\
Examples:
  wirelint init                   wirelint.toml, with every key as a comment
  wirelint init --ci github       and the job of a GitHub workflow
  wirelint init -                 to standard output";

/// `rules`.
pub(super) const RULES: &str = "\
Examples:
  wirelint rules list
  wirelint rules show jwt-alg-none
  wirelint rules test my-rules
  wirelint rules docs --rules my-rules > my-rules.md";

/// `live`.
#[cfg(feature = "live")]
pub(super) const LIVE: &str = "\
Examples:
  wirelint live --list
  wirelint live -i any --filter 'tcp port 8080'
  wirelint live -i eth0 --write evidence.pcapng --alarm syslog+udp://log.example.test
  wirelint live -i eth0 --format ndjson | jq .rule";

/// `run`.
#[cfg(all(feature = "live", target_os = "linux"))]
pub(super) const RUN: &str = "\
Examples:
  wirelint run -- npm test
  wirelint run --fail-on high -o tests.pcapng -- pytest -q
  wirelint run --scope isolated -- ./integration-tests";

/// `completions` and `man`.
pub(super) const COMPLETIONS: &str = "\
Examples:
  wirelint completions bash > /usr/share/bash-completion/completions/wirelint
  wirelint completions zsh > /usr/share/zsh/site-functions/_wirelint
  wirelint completions fish > ~/.config/fish/completions/wirelint.fish
  wirelint completions powershell >> $PROFILE";

/// `man`.
pub(super) const MAN: &str = "\
Examples:
  wirelint man | man -l -
  wirelint man /usr/local/share/man/man1";

/// `redact`.
pub(super) const REDACT: &str = "\
Examples:
  wirelint redact traffic.pcapng -o shared.pcapng
  wirelint redact --keylog keys.log traffic.pcapng -o shared.pcapng
  wirelint redact recorded.har -o shared.har";

/// `crack`.
pub(super) const CRACK: &str = "\
Examples:
  wirelint crack traffic.pcapng -w words.txt.gz
  wirelint crack -w words.txt -r best64.rule tokens.txt";
