//! Frames of an interface, through libpcap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Device, Precision};

use super::filter::{explain, linktype};
use super::libpcap::{available, nanoseconds};
use super::{Block, CaptureError, FileId, FrameRef, LinkType, More, Source};
use crate::limits::BLOCK_BYTES;
use crate::time::Timestamp;

/// Frames after which a block is handed on.
const FRAMES: usize = 2048;

/// Time after which a block is handed on, and in which a stop is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Pause while nothing comes. libpcap's own wait ends only with a frame (TPACKET_V3), whatever its timeout:
/// on a quiet interface a stop would never be noticed.
const NAP: Duration = Duration::from_millis(5);

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
    /// Size of the kernel's buffer, in bytes.
    pub buffer: u32,
    /// Whether frames for other machines are asked for, too.
    pub promiscuous: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { filter: None, snaplen: 262_144, buffer: 16 << 20, promiscuous: true }
    }
}

/// An interface as a source.
pub struct LiveSource {
    capture: Capture<Active>,
    file: FileId,
    link: LinkType,
    snaplen: usize,
    /// Nanoseconds of one unit of the fraction of a second.
    unit: i64,
    number: u64,
    /// Where the next record would lie if a classic capture were written.
    offset: u64,
    drops: u64,
    stop: Arc<AtomicBool>,
    /// When to end after a stop: the kernel hands over what it has only every [`PATIENCE`] / 2.
    end: Option<Instant>,
    /// An error that came behind frames; told by the next call.
    failed: Option<CaptureError>,
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

impl LiveSource {
    /// Starts to capture on `interface`. Once `stop` is set it takes what came until then, and ends
    /// within 200 ms.
    ///
    /// # Errors
    /// [`CaptureError::Live`] that says what to install, what to grant, or what is wrong with the filter.
    pub fn open(
        interface: &str,
        options: &LiveOptions,
        file: FileId,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, CaptureError> {
        available()?;
        let refuse = |error: pcap::Error| refused(interface, &explain(&error));
        // No immediate mode: with it libpcap cannot use the kernel's block-wise ring (TPACKET_V3).
        let mut capture = Capture::from_device(interface)
            .map_err(refuse)?
            .promisc(options.promiscuous)
            .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
            .timeout(i32::try_from(PATIENCE.as_millis() / 2).unwrap_or(50))
            .precision(Precision::Nano)
            .open()
            .and_then(Capture::setnonblock)
            .map_err(refuse)?;
        if let Some(filter) = &options.filter {
            capture
                .filter(filter, true)
                .map_err(|error| CaptureError::Live(format!("filter {filter:?}: {}", explain(&error))))?;
        }
        Ok(Self {
            link: linktype(capture.get_datalink()),
            snaplen: options.snaplen as usize,
            unit: if nanoseconds(&capture) { 1 } else { 1000 },
            capture,
            file,
            number: 0,
            offset: super::pcap::HEADER as u64,
            drops: 0,
            stop,
            end: None,
            failed: None,
        })
    }

    /// Whether it is time to end.
    fn over(&mut self) -> bool {
        if self.end.is_none() && self.stop.load(Ordering::Relaxed) {
            self.end = Some(Instant::now() + PATIENCE);
        }
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Copies the next frame into `block`; false if none came in time.
    fn next(&mut self, block: &mut Block) -> Result<bool, pcap::Error> {
        let packet = match self.capture.next_packet() {
            Ok(packet) => packet,
            Err(pcap::Error::TimeoutExpired) => return Ok(false),
            Err(error) => return Err(error),
        };
        let start = block.bytes.len();
        block.bytes.extend(packet.data);
        self.number += 1;
        self.offset += 16;
        block.frames.push(FrameRef {
            start: start as u32,
            len: packet.data.len() as u32,
            wire_len: packet.header.len,
            link: self.link,
            // With nanosecond precision `tv_usec` holds nanoseconds.
            time: Timestamp::from_parts(packet.header.ts.tv_sec, packet.header.ts.tv_usec * self.unit),
            offset: self.offset,
            number: self.number,
        });
        self.offset += packet.data.len() as u64;
        Ok(true)
    }
}

impl Source for LiveSource {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        block.file = self.file;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        block.bytes.restart(&[], BLOCK_BYTES);
        let since = Instant::now();
        while !self.over()
            && block.frames.len() < FRAMES
            && block.bytes.len() + self.snaplen.min(BLOCK_BYTES / 2) <= BLOCK_BYTES
            && since.elapsed() < PATIENCE
        {
            match self.next(block) {
                Ok(true) => {}
                Ok(false) if block.frames.is_empty() => std::thread::sleep(NAP),
                Ok(false) => break,
                Err(error) => {
                    let error = CaptureError::Live(format!("capture stopped: {}", explain(&error)));
                    if block.frames.is_empty() {
                        return Err(error);
                    }
                    self.failed = Some(error);
                    break;
                }
            }
        }
        if let Ok(stat) = self.capture.stats() {
            self.drops = u64::from(stat.dropped) + u64::from(stat.if_dropped);
        }
        Ok(if self.over() { More::End } else { More::Yes })
    }

    fn drops(&self) -> u64 {
        self.drops
    }
}

/// Words libpcap's refusal so that it says what to do.
fn refused(interface: &str, why: &str) -> CaptureError {
    let lower = why.to_ascii_lowercase();
    let text = if lower.contains("permission") || lower.contains("not permitted") {
        format!(
            "no permission to capture on {interface}: run as root, or grant it with \
             sudo setcap cap_net_raw,cap_net_admin=eip \"$(command -v wirelint)\""
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
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let text = |why| refused("eth9", why).to_string();
        assert!(text("socket: Operation not permitted").contains("cap_net_raw,cap_net_admin=eip"));
        assert!(text("You don't have permission to capture on that device").contains("setcap"));
        assert!(text("No such device exists").contains("--list"));
        assert!(text("out of beer").ends_with("out of beer"));
    }

    #[test]
    fn an_interface_that_is_not_there_is_refused() {
        let stop = Arc::new(AtomicBool::new(true));
        let opened = LiveSource::open("no-such-if", &LiveOptions::default(), FileId(0), stop);
        assert!(matches!(opened, Err(CaptureError::Live(_))));
    }
}
