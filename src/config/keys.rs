//! Every key of a configuration file: what may stand there, what it means, an example. Reading, the page of the manual, the
//! editor's schema and the file that `wirelint init` writes all come from here.

use crate::rules::Severity;

/// A table of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// Its name; empty for the top of the file.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// There may be several of them (`[[name]]`).
    pub(super) many: bool,
    /// Its keys are names that the operator chooses.
    pub(super) open: bool,
    /// It may stand in a file beside a capture.
    pub(super) beside: bool,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The table that it stands in.
    pub(super) table: &'static str,
    /// Its name. In an open table, one that could stand there.
    pub(super) name: &'static str,
    /// What belongs there.
    pub(super) kind: Kind,
    /// What it means.
    pub(super) doc: &'static str,
    /// A value, as it is written.
    pub(super) example: &'static str,
}

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// Yes or no.
    Flag,
    /// A whole number.
    Count,
    /// A number from 0 to 1.
    Share,
    /// A text like `90s`, `10m`, `24h` or `30d`, or seconds as a number.
    Duration,
    /// A day.
    Date,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list of rules, or tables that choose findings as `[[suppress]]` does.
    Selectors,
}

/// The severities, and `never`.
pub(super) const FAIL_ON: &[&str] = &["critical", "high", "medium", "low", "info", "never"];

const fn table(name: &'static str, doc: &'static str) -> Table {
    Table { name, doc, many: false, open: false, beside: false }
}

/// The tables, in the order of the manual.
pub(super) const TABLES: &[Table] = &[
    table("", "What the flags of the same name say, for every run."),
    table("rules", "Which rules run."),
    Table {
        open: true,
        ..table(
            "severity",
            "The severity of all findings of a rule (or of `\"group:NAME\"`), instead of what the rule says.",
        )
    },
    table(
        "cleartext",
        "Where clear text is accepted: nothing is said there about tokens that others could read.",
    ),
    table(
        "internal",
        "What is yours: other hosts are third parties, and addresses in these networks are not the internet.",
    ),
    table("lifetimes", "How long tokens may live."),
    table("expected", "Whose tokens are expected, and for whom; others are a finding."),
    Table { open: true, ..table("audiences", "Which hosts take tokens of which audience (`aud`).") },
    Table {
        open: true,
        ..table(
            "secrets",
            "What else is secret: a name, and a regular expression for what it looks like. `redact` replaces it.",
        )
    },
    table("attack", "The dictionary attack on HMAC secrets."),
    table("read", "How captures are read."),
    table("keys", "Verification keys."),
    Table {
        many: true,
        beside: true,
        ..table(
            "suppress",
            "Findings that you accept. All that is said must fit; the reason must be there. One that has expired, or that \
             fits nothing, is a warning.",
        )
    },
    Table {
        beside: true,
        ..table(
            "expect",
            "What `wirelint scan --expect` must find in a capture, so that a recording is a test.",
        )
    },
];

const fn key(
    table: &'static str,
    name: &'static str,
    kind: Kind,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key { table, name, kind, doc, example }
}

/// The keys, in the order of the manual.
pub(super) const KEYS: &[Key] = &[
    key(
        "",
        "fail-on",
        Kind::Word(FAIL_ON),
        "\"medium\"",
        "The severity from which on findings fail the run.",
    ),
    key("", "strict", Kind::Flag, "true", "An incomplete inspection fails the run."),
    key("", "pedantic", Kind::Flag, "true", "Findings of low confidence are reported too."),
    key(
        "",
        "format",
        Kind::Texts,
        "[\"table\", \"sarif=wirelint.sarif\"]",
        "Report formats of `scan` and `run`, each with its file.",
    ),
    key(
        "",
        "baseline",
        Kind::Text,
        "\"wirelint-baseline.json\"",
        "Findings that were there before (`--write-baseline`): only others are reported and fail.",
    ),
    key("rules", "dirs", Kind::Texts, "[\"my-rules\"]", "Folders with more rules."),
    key(
        "rules",
        "docs",
        Kind::Text,
        "\"https://docs.example.test/rules.html\"",
        "Address of the page of `wirelint rules docs`, where you keep it: reports lead there.",
    ),
    key("rules", "select", Kind::Texts, "[\"group:transport\"]", "Run only these: ids or `group:NAME`."),
    key("rules", "ignore", Kind::Texts, "[\"jwt-missing-jti\"]", "Leave these out: ids or `group:NAME`."),
    key(
        "severity",
        "jwt-missing-aud",
        Kind::Word(&Severity::NAMES),
        "\"info\"",
        "`info`, `low`, `medium`, `high` or `critical`.",
    ),
    key(
        "cleartext",
        "hosts",
        Kind::Texts,
        "[\"*.internal.test\"]",
        "Names of hosts, all below one, perhaps a port.",
    ),
    key("cleartext", "networks", Kind::Texts, "[\"10.0.0.0/8\"]", "Networks that servers stand in."),
    key(
        "internal",
        "hosts",
        Kind::Texts,
        "[\"*.example.test\"]",
        "Names of hosts, all below one, perhaps a port.",
    ),
    key("internal", "networks", Kind::Texts, "[\"203.0.113.0/24\"]", "Networks."),
    key("lifetimes", "token", Kind::Duration, "\"1h\"", "Longest lifetime of an access or ID token; `24h`."),
    key("lifetimes", "refresh", Kind::Duration, "\"30d\"", "Longest lifetime of a refresh token; `90d`."),
    key("lifetimes", "proof", Kind::Duration, "\"5m\"", "Longest lifetime of what is used once; `10m`."),
    key("lifetimes", "skew", Kind::Duration, "\"30s\"", "Difference of clocks that is forgiven; `60s`."),
    key(
        "expected",
        "issuers",
        Kind::Texts,
        "[\"https://login.example.test\"]",
        "Issuers (`iss`), as tokens name them.",
    ),
    key("expected", "audiences", Kind::Texts, "[\"https://api.example.test\"]", "Audiences (`aud`)."),
    key("audiences", "orders", Kind::Texts, "[\"orders.example.test\"]", "Hosts, as `internal.hosts`."),
    key("secrets", "acme-key", Kind::Text, "'acme_[a-z0-9]{32}'", "A regular expression."),
    key("attack", "wordlists", Kind::Texts, "[\"words.txt\"]", "Word lists beside the built-in one."),
    key("attack", "budget", Kind::Count, "1_000_000", "HMAC trials in a run; 0 turns the attack off."),
    key("read", "decode-as", Kind::Texts, "[\"9000=http1\"]", "Protocols of server ports."),
    key("read", "verify-checksums", Kind::Flag, "true", "Drop packets whose checksum is wrong."),
    key("read", "keylog", Kind::Texts, "[\"keys.log\"]", "TLS secrets (SSLKEYLOGFILE format)."),
    key("read", "rsa-key", Kind::Texts, "[\"server.pem\"]", "Private RSA keys of servers."),
    key("keys", "key", Kind::Texts, "[\"issuer.pem\"]", "Files with a key: PEM or JWK."),
    key("keys", "jwks", Kind::Texts, "[\"jwks.json\"]", "Files with JWK Sets."),
    key("keys", "secret-file", Kind::Texts, "[\"hmac.secret\"]", "Files whose content is an HMAC secret."),
    key("suppress", "rule", Kind::Text, "\"token-in-url-query\"", "Id of a rule, or `group:NAME`."),
    key(
        "suppress",
        "host",
        Kind::Text,
        "\"legacy.example.test\"",
        "Host, all below one (`*.`), perhaps a port.",
    ),
    key(
        "suppress",
        "route",
        Kind::Text,
        "\"GET /v1/download/*\"",
        "Method and path, or the path alone; `*` stands for any characters.",
    ),
    key(
        "suppress",
        "fingerprint",
        Kind::Text,
        "\"0123456789abcdef\"",
        "Fingerprint of one finding, from a report.",
    ),
    key("suppress", "reason", Kind::Text, "\"replaced in May, ticket 123\"", "Why it is accepted."),
    key("suppress", "expires", Kind::Date, "2099-12-31", "The last day on which it holds."),
    key(
        "expect",
        "find",
        Kind::Selectors,
        "[\"token-in-url-query\", { rule = \"jwt-alg-none\", host = \"api.example.test\" }]",
        "What must be found: rules, or tables with `rule`, `host`, `route`, `fingerprint`.",
    ),
    key("expect", "not-find", Kind::Selectors, "[\"group:jose\"]", "What must not be found."),
    key("expect", "only", Kind::Flag, "true", "Nothing must be found but what `find` names."),
    key("expect", "sightings", Kind::Count, "3", "Sightings of tokens that there must be at least."),
    key(
        "expect",
        "inspected",
        Kind::Share,
        "0.95",
        "Share of the payload that must have been inspected, at least.",
    ),
];

/// The names that may stand in a table; none where all may.
pub(super) fn known(table: &str) -> Vec<&'static str> {
    if TABLES.iter().any(|t| t.name == table && t.open) {
        return Vec::new();
    }
    let keys = KEYS.iter().filter(|key| key.table == table).map(|key| key.name);
    let tables = TABLES.iter().filter(|t| table.is_empty() && !t.name.is_empty()).map(|t| t.name);
    keys.chain(tables).collect()
}
