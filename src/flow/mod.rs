//! Packets become flows: both directions of a conversation, each TCP direction put in order (RFC 9293).
//!
//! [`FlowTable`] finds the flow of a packet and says when a flow opens, closes and ends; one [`Assembler`]
//! a direction turns segments into [`Chunk`]s. Nothing here knows a protocol: the state of a flow is a type
//! parameter, and a [`Consumer`] gives it its meaning. Time is packet time; the same packets give the same
//! calls, whatever the hash seed is.

mod anomalies;
mod assembler;
mod budget;
mod chunk;
mod consumer;
mod disorder;
mod entry;
mod fuzz;
mod info;
mod joined;
mod list;
mod moved;
mod recent;
mod reorder;
mod reset;
mod second;
mod slab;
mod step;
mod table;
#[cfg(test)]
mod tests;

pub use anomalies::Anomalies;
pub use assembler::Assembler;
pub use budget::Budget;
pub use chunk::{Chunk, Origin, Piece};
pub use consumer::{Arrival, Consumer};
#[doc(hidden)]
pub use fuzz::fuzz_segments;
pub use info::{FlowInfo, FlowState};
pub use step::{Outlet, Step};
pub use table::FlowTable;
