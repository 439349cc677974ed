//! The adjustments of severity that the catalogue's semantics ask for: one table, applied last.

use crate::facts::value::{FieldId, Lookup as _, Value};
use crate::facts::{Case, Facts};
use crate::rules::Severity;
use smallvec::SmallVec;
use std::sync::LazyLock;

/// Adjustments that a rule makes itself, because it names the fact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excuses {
    pub(super) loopback: bool,
    pub(super) expired: bool,
    pub(super) sample: bool,
    pub(super) privileges: bool,
}

/// What stands beside a finding and changes how bad it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    loopback: bool,
    expired: bool,
    sample: bool,
    privileged: bool,
}

/// Why a severity is another than the rule's: a few words each, seldom more than two.
pub(super) type Reasons = SmallVec<[&'static str; 2]>;

impl Circumstances {
    pub(super) fn of(case: &Case<'_>) -> Self {
        static LOWERING: LazyLock<[Option<FieldId>; 2]> =
            LazyLock::new(|| ["loopback", "token.expired"].map(Facts::id));
        let [loopback, expired] =
            LOWERING.map(|fact| fact.is_some_and(|id| matches!(case.value(id), Value::Bool(true))));
        let token = case.sighting.map(|sighting| &sighting.token);
        Self {
            loopback,
            expired: token.is_some() && expired,
            sample: token.is_some_and(|token| token.is_sample()),
            privileged: token.is_some_and(|token| !token.privileges().is_empty()),
        }
    }

    /// Severity as the catalogue's semantics adjust it: up one level for a privileged token, down one each for an expired
    /// or sample token and for traffic that never leaves the machine. Rules that name the fact have judged it themselves.
    /// Informational findings stay as they are.
    pub(super) fn adjust(self, severity: Severity, excused: Excuses) -> (Severity, Reasons) {
        let mut out = (severity, Reasons::new());
        if severity == Severity::Info {
            return out;
        }
        let mut lower = |reason| {
            out.0 = out.0.lower();
            out.1.push(reason);
        };
        if self.loopback && !excused.loopback {
            lower("both ends are loopback addresses");
        }
        if self.expired && !excused.expired {
            lower("the token had expired");
        }
        if self.sample && !excused.sample {
            lower("the token is a documentation sample");
        }
        if self.privileged && !excused.privileges {
            out.0 = out.0.raise();
            out.1.push("the token carries a privileged role");
        }
        out
    }
}
