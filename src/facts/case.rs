//! A case: one subject before the rules, with everything that facts may look at.

use super::{Entity, Memories, Memory};
use crate::message::{Exchange, Login, Place};
use crate::policy::Policy;
use crate::session::FlowSummary;
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::Sighting;

/// What a rule judges (`on` in a rule file).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// One occurrence of one token.
    Sighting,
    /// An HTTP request with its response, or its like in another protocol.
    Exchange,
    /// An attempt to log in, in a protocol other than HTTP.
    Login,
    /// Both directions between two endpoints, at its end.
    Flow,
    /// A TLS session, at its end.
    Tls,
    /// A public key, at the end of input.
    Key,
    /// Who issued tokens, when it is over.
    Issuer,
    /// Where tokens were sent to or came from, when it is over.
    Host,
    /// Who sent or got tokens, when it is over.
    Client,
    /// Everything that was read.
    Capture,
}

impl Subject {
    /// Every subject.
    pub const ALL: &[Self] = &[
        Self::Sighting,
        Self::Exchange,
        Self::Login,
        Self::Flow,
        Self::Tls,
        Self::Key,
        Self::Issuer,
        Self::Host,
        Self::Client,
        Self::Capture,
    ];
    /// Their names in rule files, in the same order.
    pub const NAMES: &[&'static str] =
        &["sighting", "exchange", "login", "flow", "tls", "key", "issuer", "host", "client", "capture"];

    /// The name in rule files.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The subject of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == name)
    }
}

/// What the run as a whole has seen.
#[derive(Clone, Debug, Default)]
pub struct CaptureSummary {
    /// Counters.
    pub tally: Tally,
    /// TLS secrets stand in the capture itself.
    pub secrets: bool,
}

/// One subject and its surroundings.
#[derive(Clone, Copy, Default)]
pub struct Case<'a> {
    /// The token's sighting, for `on = "sighting"`.
    pub sighting: Option<&'a Sighting>,
    /// The exchange around it, or the subject itself.
    pub exchange: Option<&'a Exchange>,
    /// The attempt, for `on = "login"`.
    pub login: Option<&'a Login>,
    /// The flow, for `on = "flow"` and `"tls"`.
    pub flow: Option<&'a FlowSummary>,
    /// The run, for `on = "capture"`.
    pub capture: Option<&'a CaptureSummary>,
    /// The key, issuer, host or client, for rules about one.
    pub entity: Option<&'a Entity>,
    /// What was remembered; nothing where no run is at work.
    pub memories: Option<&'a Memories>,
    /// Number of the flow in the run.
    pub flow_number: u64,
    /// The token was not sighted before, as far as tokens are counted.
    pub new: bool,
    /// `--now`, or nothing: then the time of the packet counts.
    pub now: Option<Timestamp>,
    /// What facts are measured by.
    pub policy: &'a Policy,
    /// Marks that the rule at hand asks about; 0 for all.
    pub marks: u64,
}

impl<'a> Case<'a> {
    /// The time that the subject is judged at.
    pub fn time(&self) -> Timestamp {
        let packet = self
            .sighting
            .map(|s| s.position.time)
            .or_else(|| self.exchange.map(|e| e.position().time))
            .or_else(|| self.login.map(|l| l.position.time))
            .or_else(|| self.flow.map(|f| f.start))
            .or_else(|| self.entity.map(|e| e.origin.position.time));
        self.now.or(packet).unwrap_or_default()
    }

    /// Whether the operator accepts clear text to the server of the subject.
    pub(super) fn accepts_cleartext(&self) -> bool {
        if self.policy.cleartext.is_empty() {
            return false;
        }
        let server = self.transport().and_then(|t| t.server).map(|s| s.addr);
        let host = self.exchange.and_then(Exchange::host);
        self.policy.accepts_cleartext(host, server)
    }

    /// The same in seconds; `None` if nothing told it (a cassette without dates), which files have as the epoch.
    pub fn seconds(&self) -> Option<i64> {
        let time = self.time();
        (time != Timestamp::default()).then(|| time.seconds())
    }

    /// Places of the marks that the rule asks about; of all, if it asks about none that is there.
    pub fn marked(&self) -> impl Iterator<Item = &'a Place> + use<'a> {
        let all = self.exchange.map_or(&[][..], |e| &e.marked);
        let asked = self.marks;
        let mask = if all.iter().any(|(bit, _)| bit & asked != 0) { asked } else { u64::MAX };
        all.iter().filter(move |(bit, _)| bit & mask != 0).map(|(_, place)| place)
    }

    /// What carried the subject.
    pub fn transport(&self) -> Option<&crate::message::Transport> {
        self.sighting
            .map(|s| &s.transport)
            .or_else(|| self.exchange.map(|e| &e.transport))
            .or_else(|| self.login.map(|l| &l.transport))
            .or_else(|| self.flow.map(|f| &f.transport))
            .or_else(|| self.entity.and_then(|e| e.origin.transport.as_ref()))
    }

    /// What the families of `M` remember, if an enabled rule names one of their facts.
    pub fn memory<M: Memory>(&self) -> Option<&'a M> {
        self.memories?.get()
    }
}
