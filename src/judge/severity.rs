//! The adjustments of severity that the catalogue's semantics ask for: one table, applied last.

use crate::facts::Case;
use crate::facts::value::{FieldId, Lookup as _, Value};
use crate::rules::Severity;

/// Adjustments that a rule makes itself, because it names the fact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excuses {
    pub(super) loopback: bool,
    pub(super) expired: bool,
    pub(super) sample: bool,
    pub(super) privileges: bool,
}

/// Severity as the catalogue's semantics adjust it for what stands beside the finding: up one level for a privileged
/// token, down one each for an expired or sample token and for traffic that never leaves the machine. Rules that name
/// the fact have judged it themselves. Informational findings stay as they are.
pub(super) fn adjust(
    severity: Severity,
    case: &Case<'_>,
    excused: Excuses,
    [loopback, expired]: [Option<FieldId>; 2],
) -> (Severity, Vec<&'static str>) {
    let mut out = (severity, Vec::new());
    if severity == Severity::Info {
        return out;
    }
    let holds = |fact: Option<FieldId>| fact.is_some_and(|id| matches!(case.value(id), Value::Bool(true)));
    let mut lower = |reason| {
        out.0 = out.0.lower();
        out.1.push(reason);
    };
    if !excused.loopback && holds(loopback) {
        lower("both ends are loopback addresses");
    }
    if let Some(sighting) = case.sighting {
        if !excused.expired && holds(expired) {
            lower("the token had expired");
        }
        if !excused.sample && sighting.token.is_sample() {
            lower("the token is a documentation sample");
        }
        if !excused.privileges && !sighting.token.privileges().is_empty() {
            out.0 = out.0.raise();
            out.1.push("the token carries a privileged role");
        }
    }
    out
}
