//! Frames of interfaces, through libpcap.

mod port;
mod source;
mod status;
mod steady;

pub use source::LiveSource;
pub use status::{InterfaceCounts, LiveStatus};

use pcap::Device;
use std::time::Duration;

use super::CaptureError;
use super::filter::explain;
use super::libpcap::available;

/// An interface that can be captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as `live -i` takes it.
    pub name: String,
    /// What the system says about it.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up.
    pub up: bool,
}

/// How to capture.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// A `pcap-filter(7)` expression that the kernel applies.
    pub filter: Option<String>,
    /// Longest captured part of a frame, in bytes.
    pub snaplen: u32,
    /// Size of the kernel's buffer of each interface, in bytes.
    pub buffer: u32,
    /// Whether frames for other machines are asked for, too.
    pub promiscuous: bool,
    /// Frames are handed over one by one, at once: least delay, most work.
    pub immediate: bool,
    /// Frames after which it ends by itself.
    pub count: Option<u64>,
    /// Time after which a block is handed on, in which a stop is noticed.
    pub patience: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            filter: None,
            snaplen: 262_144,
            buffer: 16 << 20,
            promiscuous: true,
            immediate: false,
            count: None,
            patience: Duration::from_millis(100),
        }
    }
}

/// The interfaces that libpcap knows.
///
/// # Errors
/// [`CaptureError::Live`] that says what to install or grant.
pub fn interfaces() -> Result<Vec<Interface>, CaptureError> {
    available()?;
    let devices = Device::list().map_err(|error| CaptureError::Live(explain(&error)))?;
    Ok(devices
        .into_iter()
        .map(|device| Interface {
            up: device.flags.is_up(),
            addresses: device.addresses.iter().map(|address| address.addr).collect(),
            name: device.name,
            description: device.desc,
        })
        .collect())
}

/// Words libpcap's refusal so that it says what to do.
fn refused(interface: &str, why: &str) -> CaptureError {
    let lower = why.to_ascii_lowercase();
    let text = if lower.contains("permission") || lower.contains("not permitted") {
        format!(
            "no permission to capture on {interface}: it needs the capability CAP_NET_RAW. Run as root, or grant it \
             to wirelint with sudo setcap cap_net_raw=ep \"$(command -v wirelint)\" (in a container: --cap-add NET_RAW; \
             under systemd: AmbientCapabilities=CAP_NET_RAW)"
        )
    } else if lower.contains("no such device") {
        format!("no interface {interface}: wirelint live --list shows those there are")
    } else {
        format!("cannot capture on {interface}: {why}")
    };
    CaptureError::Live(text)
}

#[cfg(test)]
mod tests {
    use super::super::FileId;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn refusals_say_what_to_do() {
        let text = |why| refused("eth9", why).to_string();
        assert!(text("socket: Operation not permitted").contains("setcap cap_net_raw=ep"));
        assert!(text("You don't have permission to capture on that device").contains("CAP_NET_RAW"));
        assert!(text("No such device exists").contains("--list"));
        assert!(text("out of beer").ends_with("out of beer"));
    }

    #[test]
    fn an_interface_that_is_not_there_is_refused() {
        let stop = Arc::new(AtomicBool::new(true));
        let names = ["no-such-if".to_owned()];
        let opened = LiveSource::open(&names, FileId(0), &LiveOptions::default(), stop);
        assert!(matches!(opened, Err(CaptureError::Live(_))));
    }
}
