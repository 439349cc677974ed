//! What can be typed after `wirelint redact`.

use super::{ConfigArgs, ReadArgs};
use clap::Args;
use std::path::PathBuf;

/// `wirelint redact`.
#[derive(Clone, Debug, Args)]
pub struct RedactArgs {
    /// Capture: pcap, pcapng, HAR or a cassette
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "OUT", help_heading = "Work and output")]
    pub output: PathBuf,
    /// Say less on stderr: nothing but errors
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Work and output")]
    pub quiet: u8,
    /// How packets are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where the configuration comes from: what else is secret, and how packets are read.
    #[command(flatten)]
    pub config: ConfigArgs,
}
