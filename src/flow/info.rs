//! What is known about a flow beside its bytes.

use super::{Anomalies, Origin};
use crate::{
    decode::{FlowKey, IpProtocol, Side},
    tally::Tally,
    time::Timestamp,
};

/// How far a flow has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlowState {
    /// Packets may follow.
    #[default]
    Open,
    /// Both directions ended with FIN.
    Closed,
    /// A valid RST came.
    Reset,
    /// Idle for too long.
    TimedOut,
    /// Given up because there were too many flows.
    Evicted,
    /// Its ports were used again, without FIN or RST.
    Reused,
}

/// One TCP connection or UDP conversation.
#[derive(Clone, Debug)]
pub struct FlowInfo {
    /// Addresses, ports and encapsulation of the first packet.
    pub key: FlowKey,
    /// The first packet; its ordinal is the identity of the flow.
    pub first: Origin,
    /// Earliest packet time.
    pub start: Timestamp,
    /// Latest packet time.
    pub end: Timestamp,
    /// Packets.
    pub packets: u64,
    /// Wire lengths of their frames.
    pub bytes: u64,
    /// How far it has come.
    pub state: FlowState,
    /// The handshake was not seen.
    pub midstream: bool,
    /// Most flows have none.
    anomalies: Option<Box<Anomalies>>,
    sender: Side,
    client: Option<Side>,
}

impl FlowInfo {
    pub(super) fn new(key: FlowKey, sender: Side, first: Origin) -> Self {
        Self {
            key,
            first,
            start: first.time,
            end: first.time,
            packets: 0,
            bytes: 0,
            state: FlowState::Open,
            midstream: key.protocol == IpProtocol::Tcp,
            anomalies: None,
            sender,
            client: None,
        }
    }

    /// Identity of the flow in the run: the ordinal of its first frame.
    pub const fn ordinal(&self) -> u64 {
        self.first.ordinal
    }

    /// The client, if the handshake or content has told.
    pub const fn known_client(&self) -> Option<Side> {
        self.client
    }

    /// The client, guessed if need be: a well-known port is the server's; else the higher TCP port is the
    /// client's (it is more likely ephemeral); else who spoke first is the client.
    pub fn client(&self) -> Side {
        if let Some(side) = self.client {
            return side;
        }
        let (low, high) = (self.key.end(Side::Low).port, self.key.end(Side::High).port);
        match (low < 1024, high < 1024) {
            (true, false) => Side::High,
            (false, true) => Side::Low,
            _ if low == high || self.key.protocol == IpProtocol::Udp => self.sender,
            _ if low > high => Side::Low,
            _ => Side::High,
        }
    }

    /// Sets the client from content. A handshake that was seen is believed more.
    pub const fn set_client(&mut self, side: Side) {
        if self.client.is_none() {
            self.client = Some(side);
        }
    }

    /// Oddities.
    pub fn anomalies(&self) -> Anomalies {
        self.anomalies.as_deref().copied().unwrap_or_default()
    }

    /// Adds them to the tally of the run.
    pub(super) fn report(&self, tally: &mut Tally) {
        if let Some(anomalies) = &self.anomalies {
            anomalies.report(tally);
        }
    }

    pub(super) fn anomalies_mut(&mut self) -> &mut Anomalies {
        self.anomalies.get_or_insert_default()
    }

    /// The state as the `flows` record names it; what was evicted was idle for longest.
    pub const fn state_name(&self) -> &'static str {
        match self.state {
            FlowState::Open if self.midstream => "midstream",
            FlowState::Open | FlowState::Reused => "open",
            FlowState::Closed => "closed",
            FlowState::Reset => "reset",
            FlowState::TimedOut | FlowState::Evicted => "timeout",
        }
    }

    pub(super) fn handshake(&mut self, client: Side) {
        self.client = Some(client);
        self.midstream = false;
    }
}
