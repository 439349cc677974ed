//! One rule: what it is about, when it fires, and what it says.

use super::expr::{Program, Template, Verdict};
use super::severity::{Confidence, Severity};
use crate::facts::Facts;
pub use crate::facts::Subject;
use crate::facts::value::{FieldId, Lookup, Schema};

/// A rule, checked and compiled.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which is the stem of its file.
    pub id: String,
    /// The file that it was read from.
    pub file: String,
    /// What it judges.
    pub on: Subject,
    /// What kind of weakness it is about.
    pub group: Group,
    /// One line that says what is wrong.
    pub title: String,
    /// How bad it is, unless one of `severity_if` holds.
    pub severity: Severity,
    /// How bad the configuration says that it is, whatever the rule says.
    pub fixed: Option<Severity>,
    /// How sure it is, unless one of `confidence_if` holds.
    pub confidence: Confidence,
    /// The text of `when`.
    pub condition: String,
    /// When it fires.
    pub when: Program,
    /// What it says of one subject.
    pub message: Template,
    /// Why it matters.
    pub about: String,
    /// What to do.
    pub remedy: String,
    /// Clauses of specifications.
    pub references: Vec<String>,
    /// Numbers in the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Other severities; the first whose condition holds wins.
    pub severity_if: Vec<Case<Severity>>,
    /// Other confidences; the first whose condition holds wins.
    pub confidence_if: Vec<Case<Confidence>>,
    /// Examples in which it must fire.
    pub bad: Vec<Example>,
    /// Examples in which it must not.
    pub good: Vec<Example>,
}

/// A value under a condition.
#[derive(Debug)]
pub struct Case<T> {
    /// The condition's text.
    pub condition: String,
    /// The condition.
    pub when: Program,
    /// The value if it holds.
    pub is: T,
}

/// What a rule says of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether it fires.
    pub verdict: Verdict,
    /// How bad it is, if it fires; as far as that is known now.
    pub severity: Severity,
    /// How sure it is, if it fires.
    pub confidence: Confidence,
    /// Something depends on a late fact that is not known yet: the subject must be judged again.
    pub pending: bool,
}

/// A sequence of events that a rule is tested with.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What is shown.
    pub about: String,
    /// The configuration that it happens under, as TOML; empty for none.
    pub config: String,
    /// What happens, in order.
    pub events: Vec<Event>,
    /// Line of the rule file where it begins.
    pub line: usize,
}

/// One event of an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happens.
    pub kind: EventKind,
    /// What differs from the defaults.
    pub fields: toml::Table,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// Their names in rule files.
            pub const NAMES: &[&'static str] = &[$($text),*];

            /// The name in rule files.
            pub fn as_str(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            /// The value of that name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}

words! {
    /// What kind of weakness a rule is about.
    Group {
        /// The channel that a token travels in.
        Transport = "transport",
        /// The place of a message that a token stands in.
        Placement = "placement",
        /// Signature, encryption and header.
        Jose = "jose",
        /// What a token says.
        Claims = "claims",
        /// What clients and servers do with tokens.
        Behaviour = "behaviour",
        /// Weaknesses beside tokens.
        Adjacent = "adjacent",
    }
}

impl Group {
    /// Whether a rule of this group is about a token wherever it is: it judges one inside of a JWE, too, which is nothing
    /// that is on the wire.
    pub const fn judges_inside(self) -> bool {
        matches!(self, Self::Jose | Self::Claims | Self::Behaviour)
    }
}

words! {
    /// What can happen in an example.
    EventKind {
        /// A token is seen.
        Sighting = "sighting",
        /// A request is answered.
        Exchange = "exchange",
        /// Somebody tries to log in, in a protocol other than HTTP.
        Login = "login",
        /// A TLS session is set up.
        Tls = "tls",
        /// A flow is seen.
        Flow = "flow",
        /// Bytes are lost.
        Gap = "gap",
        /// What the run counts.
        Capture = "capture",
    }
}

/// The facts of each kind of subject.
pub trait Schemas {
    /// The facts that a rule about `on` may name.
    fn schema(&self, on: Subject) -> &dyn Schema;
}

impl Schemas for Facts {
    fn schema(&self, on: Subject) -> &dyn Schema {
        Self::of(on)
    }
}

impl Rule {
    /// Judges one subject.
    pub fn judge(&self, lookup: &dyn Lookup) -> Judged {
        self.judged(self.when.eval(lookup), lookup)
    }

    /// Judges one subject of which steady facts were looked at before and do not rule it out ([`Program::eval_open`]).
    pub fn judge_open(&self, lookup: &dyn Lookup) -> Judged {
        self.judged(self.when.eval_open(lookup), lookup)
    }

    fn judged(&self, verdict: Verdict, lookup: &dyn Lookup) -> Judged {
        let mut judged = Judged {
            verdict,
            severity: self.severity,
            confidence: self.confidence,
            pending: verdict == Verdict::Pending,
        };
        if verdict != Verdict::No {
            judged.severity = match self.fixed {
                Some(severity) => severity,
                None => first(&self.severity_if, lookup, &mut judged.pending).unwrap_or(self.severity),
            };
            judged.confidence =
                first(&self.confidence_if, lookup, &mut judged.pending).unwrap_or(self.confidence);
        }
        judged
    }

    /// The facts that its conditions and its message use, in order.
    pub fn fields(&self) -> Vec<FieldId> {
        let programs = std::iter::once(&self.when)
            .chain(self.severity_if.iter().map(|case| &case.when))
            .chain(self.confidence_if.iter().map(|case| &case.when));
        let mut fields: Vec<FieldId> =
            programs.flat_map(|program| program.fields().iter().copied()).collect();
        self.message.fields(&mut |field| fields.push(field));
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

/// The first case that holds for now; notes when one before it may still come to hold.
fn first<T: Copy>(cases: &[Case<T>], lookup: &dyn Lookup, pending: &mut bool) -> Option<T> {
    cases
        .iter()
        .find(|case| {
            let verdict = case.when.eval(lookup);
            *pending |= verdict == Verdict::Pending;
            verdict == Verdict::Yes
        })
        .map(|case| case.is)
}
