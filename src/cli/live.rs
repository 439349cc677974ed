//! What can be typed about interfaces: `live` and `run`.

use super::{AuditArgs, formats};
use crate::rules::Severity;
use crate::{alarm, report};
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `wirelint live`.
#[derive(Clone, Debug, Args)]
pub struct LiveArgs {
    /// Interface to watch, may be repeated; "any" for all
    #[arg(short, long, value_name = "IFACE", required_unless_present = "list", value_delimiter = ',')]
    pub interface: Vec<String>,
    /// List the interfaces
    #[arg(long)]
    pub list: bool,
    /// Name of the format.
    #[arg(long, value_name = "FORMAT", help = formats("Print lines of this format [default: a screen on a terminal, else table]",
        report::FORMATS.iter().filter(|f| f.live).map(|f| (f.name, f.doc))))]
    pub format: Option<String>,
    /// Print lines on a terminal, too, instead of filling the screen
    #[arg(long)]
    pub plain: bool,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// Stop after so many packets
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Seconds in which repetitions of a finding are counted before they are told
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub window: u64,
    /// Bound of the memory for flows, messages, tokens and findings: 512M, 1G [default: what scan uses]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<u64>,
    /// How frames are captured.
    #[command(flatten)]
    pub capture: CaptureArgs,
    /// What is kept of them.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Who is told.
    #[command(flatten)]
    pub alarms: AlarmArgs,
    /// Keep the right to open interfaces, so that one that went away and came back is captured on again
    #[arg(long)]
    pub keep_privileges: bool,
    /// Give up no rights: neither capabilities, nor by Landlock and seccomp
    #[arg(long)]
    pub no_sandbox: bool,
    /// What is judged, and how.
    #[command(flatten)]
    pub audit: AuditArgs,
}

/// How frames are captured.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Capturing")]
pub struct CaptureArgs {
    /// Kernel buffer of each interface, which holds what comes in bursts: 256M
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub buffer: u64,
    /// Longest part of a packet that is captured, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    pub snaplen: u32,
    /// Take packets one by one as they come: least delay, most work
    #[arg(long)]
    pub immediate: bool,
    /// Leave out what an interface sees that is not for this machine
    #[arg(long)]
    pub no_promiscuous: bool,
}

/// Which packets are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Evidence {
    /// Those of flows with findings, from a little before the finding on
    Findings,
    /// All
    All,
}

/// What is kept of the packets.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceArgs {
    /// Write packets to a pcapng file
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Which packets are written
    #[arg(long, value_enum, default_value = "findings", value_name = "WHICH", requires = "write")]
    pub write_packets: Evidence,
    /// Begin a new file when one is this large: 100M
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "write")]
    pub ring_size: Option<u64>,
    /// Keep so many files, and remove the oldest
    #[arg(long, value_name = "N", requires = "ring_size", value_parser = clap::value_parser!(u32).range(1..))]
    pub ring_files: Option<u32>,
}

/// Who is told of findings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Alarms")]
pub struct AlarmArgs {
    /// Schemes of sinks.
    #[arg(long, value_name = "URL", help = formats("Send findings to a sink, may be repeated; with ?shape=ecs as Elastic Common Schema",
        alarm::SINKS.iter().map(|kind| (kind.schemes.first().copied().unwrap_or_default(), kind.doc))))]
    pub alarm: Vec<String>,
    /// Send those at this severity or above
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = least)]
    pub alarm_from: Severity,
    /// Folder in which alarms wait for a sink that is down [default: a few thousand wait in memory]
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// Most bytes that wait there, for each sink: 64M
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "spool")]
    pub spool_size: Option<u64>,
    /// Serve Prometheus metrics and /health; a port alone is on loopback: 9464
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub metrics: Option<SocketAddr>,
}

fn least(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| Severity::NAMES.join(", "))
}

/// `9464`, `:9464`, `127.0.0.1:9464`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    port.parse::<u16>()
        .map(loopback)
        .or_else(|_| text.parse())
        .map_err(|_| "a port, or an address and a port, is needed: 127.0.0.1:9464".into())
}

/// Bytes, with a suffix of 1024: 4096, 16K, 64M, 1GiB.
fn size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let shift = match suffix.to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return Err("a number of bytes is needed, as in 64M or 1G".into()),
    };
    let number: u64 =
        digits.parse().map_err(|_| "a number of bytes is needed, as in 64M or 1G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .filter(|n| (4096..=1 << 40).contains(n))
        .ok_or("4K at least, 1024G at most".into())
}

fn memory(text: &str) -> Result<u64, String> {
    size(text).and_then(|n| if n >= 128 << 20 { Ok(n) } else { Err("128M at least".into()) })
}

/// What `run` captures.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// What the sockets of the command and its children send and receive, without what is certainly another process's
    Command,
    /// Everything on the interfaces while the command runs
    All,
    /// The command gets a network of its own with nothing but a loopback; needs no privilege where user namespaces are
    /// allowed
    Isolated,
}

/// `wirelint run`.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, Args)]
#[command(override_usage = "wirelint run [OPTIONS] -- COMMAND...", mut_arg("output", |arg| arg.value_name("OUT.pcapng")
    .help("Keep the capture, with the TLS secrets inside").help_heading(None::<&str>)))]
pub struct RunArgs {
    /// What is captured
    #[arg(long, value_enum, default_value = "command", value_name = "SCOPE")]
    pub scope: Scope,
    /// Interface to capture on, may be repeated [default: any, which is all of them]
    #[arg(short, long, value_name = "IFACE")]
    pub interface: Vec<String>,
    /// Names of formats.
    #[arg(long, value_name = "FORMAT", help = formats("Report format; NAME=FILE writes it to a file instead of standard output",
        report::FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: Vec<String>,
    /// What is judged, and how.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_on_loopback_unless_asked_otherwise() {
        assert_eq!(address("9464"), address(":9464"));
        assert!(address("9464").unwrap().ip().is_loopback());
        assert_eq!(address("[::]:1").unwrap().to_string(), "[::]:1");
        assert!(address("localhost").is_err());
    }

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("16K"), Ok(16 << 10));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1gb"), Ok(1 << 30));
        for bad in ["", "M", "1T", "-1", "1.5G", "1", "99999999999999999999", "9999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert!(memory("64M").is_err() && memory("1G").is_ok());
    }
}
