//! Findings: verdicts of rules, merged by fingerprint.

mod story;

pub use story::{LifeStep, Pair, Story, TokenLife};

use crate::capture::FileId;
use crate::decode::Endpoint;
use crate::rules::{Confidence, Rule, Severity};
use crate::text::hex;
use crate::time::Timestamp;

/// Tokens that a finding names at most.
pub const EVIDENCE_TOKENS: usize = 10;

/// What a finding is about, in the words of its fingerprint: what stays the same when the same traffic is recorded again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Rule id.
    pub rule: String,
    /// Host, else SNI, else server address.
    pub host: String,
    /// Method and path template, for exchanges.
    pub route: String,
    /// Location and name of the place.
    pub place: String,
    /// Key thumbprint or issuer, for rules about keys and issuers.
    pub key: String,
}

impl Identity {
    /// 16 hexadecimal digits of a SHA-256 over the parts. Never contains token text, addresses of clients, ports or times.
    pub fn fingerprint(&self) -> String {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        for part in [&self.rule, &self.host, &self.route, &self.place, &self.key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex(hash.finalize().get(..8).unwrap_or_default())
    }
}

/// One finding, as reports print it. Everything in it is fit to be printed: tokens and secrets are masked already.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is about.
    pub identity: Identity,
    /// [`Identity::fingerprint`].
    pub fingerprint: String,
    /// The rule's title.
    pub title: String,
    /// The rule's group ("transport", ...).
    pub group: &'static str,
    /// The highest severity of all occurrences.
    pub severity: Severity,
    /// Why the severity is not the rule's own, in words: "token had expired", ...
    pub adjustments: Vec<&'static str>,
    /// Confidence.
    pub confidence: Confidence,
    /// What was seen, of the first occurrence.
    pub message: String,
    /// File of the first occurrence; `None` for a finding about the whole run.
    pub file: Option<FileId>,
    /// Packet of the first occurrence.
    pub packet: Option<u64>,
    /// Capture offset of the first occurrence.
    pub offset: Option<u64>,
    /// Time of the first occurrence.
    pub time: Option<Timestamp>,
    /// Flow number of the first occurrence.
    pub flow: Option<u64>,
    /// Client of the first occurrence.
    pub client: Option<Endpoint>,
    /// Server of the first occurrence.
    pub server: Option<Endpoint>,
    /// Location of the place ("header").
    pub location: Option<String>,
    /// Name of the place ("authorization").
    pub name: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Method and path template.
    pub route: Option<String>,
    /// SHA-256 of the first token.
    pub token: Option<[u8; 32]>,
    /// Occurrences.
    pub count: u64,
    /// Time of the earliest occurrence.
    pub first_seen: Option<Timestamp>,
    /// Time of the latest occurrence.
    pub last_seen: Option<Timestamp>,
    /// Distinct tokens, up to [`EVIDENCE_TOKENS`]: SHA-256 and redacted text.
    pub tokens: Vec<([u8; 32], String)>,
    /// What to do.
    pub remediation: String,
    /// Clauses of specifications.
    pub references: Vec<String>,
    /// Numbers in the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
}

/// What a report says about a rule itself.
#[derive(Clone, Debug)]
pub struct RuleNote {
    /// Its id.
    pub id: String,
    /// Its group.
    pub group: &'static str,
    /// One line that says what is wrong.
    pub title: String,
    /// How bad it is, where nothing else is said.
    pub severity: Severity,
    /// How sure it is, where nothing else is said.
    pub confidence: Confidence,
    /// Why it matters, in Markdown.
    pub about: String,
    /// What to do, in Markdown.
    pub remedy: String,
    /// Clauses of specifications.
    pub references: Vec<String>,
    /// Numbers in the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
}

impl From<&Rule> for RuleNote {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            group: rule.group.as_str(),
            title: rule.title.clone(),
            severity: rule.fixed.unwrap_or(rule.severity),
            confidence: rule.confidence,
            about: rule.about.clone(),
            remedy: rule.remedy.clone(),
            references: rule.references.clone(),
            cwe: rule.cwe.clone(),
        }
    }
}

/// How an input stood what was expected of it (`scan --expect`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Its name.
    pub input: String,
    /// What was expected and is not so, in words; nothing if it is as expected.
    pub unmet: Vec<String>,
}

/// Everything that a report is made of.
#[derive(Debug, Default)]
pub struct Summary {
    /// Names of the inputs, by [`FileId`].
    pub inputs: Vec<String>,
    /// Findings, most severe first, then in order of first occurrence.
    pub findings: Vec<Finding>,
    /// The rules that have findings, by id.
    pub rules: Vec<RuleNote>,
    /// Findings that were not kept because there were too many.
    pub dropped: u64,
    /// Counters of the run.
    pub tally: crate::tally::Tally,
    /// Distinct tokens.
    pub tokens: u64,
    /// HMAC trials that were made, and whether the budget cut the search.
    pub crack_trials: u64,
    /// The crack budget was spent before the list was.
    pub crack_cut: bool,
    /// What was said about the inputs: damage, unreadable files.
    pub warnings: Vec<String>,
    /// It was not said on standard error, as nothing is to be (`-q`).
    pub unsaid: bool,
    /// Findings that the operator accepts, which are not among `findings`.
    pub suppressed: u64,
    /// Findings that a baseline has, which are not among `findings`.
    pub known: u64,
    /// What is to be said about suppressions and baselines: expired, unused, stale.
    pub remarks: Vec<String>,
    /// How inputs stood what was expected of them; none where nobody asked.
    pub trials: Vec<Trial>,
    /// The run was interrupted.
    pub interrupted: bool,
    /// What the traffic looked like, where a format draws it.
    pub story: Option<Story>,
}

impl Summary {
    /// Puts the summary of other inputs behind this one.
    pub fn absorb(&mut self, mut other: Self) {
        let shift = self.inputs.len() as u32;
        for finding in &mut other.findings {
            finding.file = finding.file.map(|file| FileId(file.0 + shift));
        }
        self.inputs.append(&mut other.inputs);
        self.findings.append(&mut other.findings);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.rules.append(&mut other.rules);
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
        self.rules.dedup_by(|a, b| a.id == b.id);
        self.tally.absorb(&mut other.tally);
        for (all, one) in [
            (&mut self.dropped, other.dropped),
            (&mut self.tokens, other.tokens),
            (&mut self.crack_trials, other.crack_trials),
            (&mut self.suppressed, other.suppressed),
            (&mut self.known, other.known),
        ] {
            *all += one;
        }
        self.crack_cut |= other.crack_cut;
        self.interrupted |= other.interrupted;
        self.unsaid |= other.unsaid;
        self.warnings.append(&mut other.warnings);
        self.remarks.append(&mut other.remarks);
        self.trials.append(&mut other.trials);
    }

    /// Whether all of the traffic was inspected.
    pub fn is_complete(&self) -> bool {
        self.coverage().is_empty() && !self.crack_cut && !self.interrupted
    }

    /// What was not inspected, by reason in words and how often; empty if everything was.
    pub fn coverage(&self) -> Vec<(&'static str, u64)> {
        let summary = crate::facts::CaptureSummary { tally: self.tally.clone(), secrets: false };
        crate::facts::coverage_reasons(&summary)
    }
}
