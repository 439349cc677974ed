//! What a run needs to know: nothing else is gathered.

/// Marks that somebody waits for: of each mask, one bit at least must be set. Without masks, every exchange is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted(pub Vec<u64>);

impl Wanted {
    /// Whether an exchange with these marks is wanted.
    pub fn met(&self, marks: crate::message::Marks) -> bool {
        self.0.iter().all(|mask| marks.0 & mask != 0)
    }
}

/// What to report and what to compute for it.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Tokens are looked for.
    pub tokens: bool,
    /// Marks of exchanges are looked for.
    pub marks: bool,
    /// Exchanges are reported for their own sake if their marks meet one of these.
    pub exchanges: Vec<Wanted>,
    /// The first requests of open routes and the first responses of hosts with HSTS are marked.
    pub firsts: bool,
    /// Marks of responses whose bodies are reported with their exchanges.
    pub documents: u64,
    /// What the operator says of its traffic.
    pub policy: std::sync::Arc<crate::policy::Policy>,
    /// Logins of protocols other than HTTP are reported.
    pub logins: bool,
    /// Exchanges do without the credentials in Authorization, which are most of a head: their tokens were found.
    pub lean: bool,
    /// Digests of decoded bodies are computed.
    pub body_digests: bool,
    /// Every flow is reported at its end.
    pub flows: bool,
    /// Flows with TLS are.
    pub tls: bool,
}

impl Demand {
    /// Whether what is gathered for the one serves the other as well. Patterns have no equality: policies are compared as
    /// they are printed.
    pub fn same(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }

    /// Whether an exchange with these marks is wanted for its own sake.
    pub fn wants(&self, marks: crate::message::Marks) -> bool {
        self.exchanges.iter().any(|wanted| wanted.met(marks))
    }
}
