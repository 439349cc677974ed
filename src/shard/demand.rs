//! What a run needs to know: nothing else is gathered.

/// What to report and what to compute for it.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Tokens are looked for.
    pub tokens: bool,
    /// Marks of exchanges are looked for.
    pub marks: bool,
    /// Exchanges are reported if all marks of one of these masks are set; an empty mask asks for all.
    pub exchanges: Vec<u64>,
    /// Digests of decoded bodies are computed.
    pub body_digests: bool,
    /// Every flow is reported at its end.
    pub flows: bool,
    /// Flows with TLS are.
    pub tls: bool,
}

impl Demand {
    /// Whether an exchange with these marks is wanted for its own sake.
    pub fn wants(&self, marks: crate::message::Marks) -> bool {
        self.exchanges.iter().any(|mask| marks.has(*mask))
    }
}
