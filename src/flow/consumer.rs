//! Who receives what flows yield.

use super::{Chunk, FlowInfo, Origin};
use crate::{
    decode::{FlowKey, Side},
    time::Timestamp,
};

/// What arrives with a packet beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// Where the first payload byte was captured.
    pub origin: Origin,
    /// Length of the frame on the wire.
    pub wire_len: u32,
    /// Running maximum of packet time; never smaller than before.
    pub now: Timestamp,
}

/// Gives flows their meaning; `S` is its state of one flow. For each flow the calls are: `open`, any number of
/// `stream` or `datagram`, `closed` once, perhaps `stream` with [`Chunk::Again`], `ended` once. Where a RST
/// turns out to be forged, `revived` takes back `closed` and every [`Chunk::End`] that the RST made.
pub trait Consumer<S> {
    /// A flow begins.
    fn open(&mut self, flow: &FlowInfo) -> S;
    /// An event of a TCP direction. Before `closed`, each direction has exactly one [`Chunk::End`]. False says that the
    /// bytes were passed over, whatever they are: then another reading of them makes no difference.
    fn stream(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut S,
        from: Side,
        at: u64,
        chunk: Chunk<'_>,
        origin: &Origin,
    ) -> bool;
    /// A UDP payload; `missing` bytes behind it were not captured.
    fn datagram(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut S,
        from: Side,
        bytes: &[u8],
        missing: u32,
        origin: &Origin,
    );
    /// The flow that a datagram between other ends may be of, by what it says itself.
    fn owner(&mut self, _payload: &[u8]) -> Option<FlowKey> {
        None
    }
    /// Whether it is: nobody else can have made it.
    fn opens(&mut self, _state: &mut S, _payload: &[u8]) -> bool {
        false
    }
    /// Nothing more is to be parsed: what parsing needs can be freed.
    fn closed(&mut self, flow: &mut FlowInfo, state: &mut S);
    /// The RST that closed the flow was forged: its streams go on where they were.
    fn revived(&mut self, _flow: &mut FlowInfo, _state: &mut S) {}
    /// The flow is forgotten: time for its record.
    fn ended(&mut self, flow: &FlowInfo, state: &mut S);
    /// Whether bytes look like the start of a message: then a midstream stream starts there without waiting.
    fn starts_message(&self, _bytes: &[u8]) -> bool {
        false
    }
}
