//! How bad a finding is, and how sure we are of it.

use std::fmt;

/// How bad a finding is. Ordered: `Info` is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A weakness that needs others to matter.
    Low,
    /// Should be repaired.
    Medium,
    /// Must be repaired soon.
    High,
    /// An attacker has what they want.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];
    /// Their names, the least first.
    pub const NAMES: [&'static str; 5] = ["info", "low", "medium", "high", "critical"];

    /// The name in rule files and reports.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The severity of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }

    /// One step worse, `Critical` at most.
    #[must_use]
    pub fn raise(self) -> Self {
        Self::ALL[(self as usize + 1).min(Self::ALL.len() - 1)]
    }

    /// One step less bad, `Info` at least.
    #[must_use]
    pub fn lower(self) -> Self {
        Self::ALL[(self as usize).saturating_sub(1)]
    }
}

/// Severity at which a command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// At this severity or above.
    Severity(Severity),
    /// Not because of findings.
    Never,
}

impl Default for FailOn {
    fn default() -> Self {
        Self::Severity(Severity::Low)
    }
}

impl FailOn {
    /// Reads the name of a severity, or `never`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "never" => Some(Self::Never),
            name => Severity::parse(name).map(Self::Severity),
        }
    }

    /// The severity, unless it is `never`.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Severity(severity) => Some(severity),
            Self::Never => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How sure a rule is. Ordered: `Low` is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A heuristic; off unless pedantic.
    Low,
    /// Needs one assumption.
    Medium,
    /// Proof, or a fact of a parsed protocol.
    High,
}

impl Confidence {
    /// Every confidence, the least first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];
    /// Their names, the least first.
    pub const NAMES: [&'static str; 3] = ["low", "medium", "high"];

    /// The name in rule files and reports.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The confidence of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|confidence| confidence.as_str() == name)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order() {
        assert!(Severity::ALL.is_sorted() && Confidence::ALL.is_sorted());
        for severity in Severity::ALL {
            assert_eq!(Severity::parse(severity.as_str()), Some(severity));
        }
        for confidence in Confidence::ALL {
            assert_eq!(Confidence::parse(confidence.as_str()), Some(confidence));
        }
        assert_eq!(Severity::Critical.raise(), Severity::Critical);
        assert_eq!(Severity::Info.raise(), Severity::Low);
        assert_eq!(Severity::Info.lower(), Severity::Info);
        assert_eq!(Severity::High.lower(), Severity::Medium);
    }
}
