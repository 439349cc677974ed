//! Rights that are given up once they are not needed any more.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::io;

/// Gives up the capabilities of this thread and those that it starts; with `capture`, all but the one that opens interfaces.
/// Says whether there were any.
///
/// # Errors
/// The system's.
pub fn drop_capabilities(capture: bool) -> io::Result<bool> {
    let before = capabilities(None)?;
    let keep = if capture { CapabilitySet::NET_RAW } else { CapabilitySet::empty() };
    let left = CapabilitySets {
        effective: before.effective & keep,
        permitted: before.permitted & keep,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, left)?;
    Ok(!before.permitted.is_empty())
}
