//! The capture that is kept: secrets first, then the frames that are not somebody else's.

use super::capture::Recorded;
use crate::capture::{self, Block, CaptureError, FileId, More, PcapngWriter};
use crate::decode::{DecodeOptions, Decoder, FlowKey, IpProtocol, Side};
use crate::system::{Owner, Owners};
use crate::tally::Tally;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::net::SocketAddr;
use std::path::Path;

/// Frames by what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// Frames in the file.
    pub(super) kept: u64,
    /// Of these, frames of flows that the command was seen to hold.
    commands: u64,
    /// Frames of other processes, left out.
    others: u64,
}

impl Count {
    /// For `-v`.
    pub(super) fn describe(self, owned: bool) -> String {
        let Self { kept, commands, others } = self;
        if owned {
            format!(
                "kept {kept} packets, {commands} of them seen in sockets of the command; {others} of other processes left out"
            )
        } else {
            format!("kept {kept} packets")
        }
    }
}

/// A file that only its owner can read: it holds secrets.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Copies from `raw` to `kept`.
pub(super) fn keep(raw: &Path, kept: &Path, secrets: &[u8], recorded: &Recorded) -> io::Result<Count> {
    let mut writer = PcapngWriter::new(BufWriter::with_capacity(1 << 20, create(kept)?))?;
    writer.secrets(secrets)?;
    let other = |e: CaptureError| match e {
        CaptureError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    };
    let mut source = capture::open(raw, FileId(0)).map_err(other)?;
    let mut decoder = Decoder::new(DecodeOptions::default());
    let (mut block, mut tally, mut count) = (Block::default(), Tally::default(), Count::default());
    loop {
        let more = source.fill(&mut block).map_err(other)?;
        for at in 0..block.frames.len() {
            let packet = recorded.owners.as_ref().and_then(|_| decoder.decode(&mut block, at, &mut tally));
            let owner = recorded.owners.as_ref().zip(packet).map(|(owners, p)| owner(owners, &p.key));
            match owner {
                Some(Owner::Others) => {
                    count.others += 1;
                    continue;
                }
                Some(Owner::Command) => count.commands += 1,
                Some(Owner::Unknown) | None => {}
            }
            if let Some(frame) = block.frame(at) {
                writer.frame("", &frame)?;
                count.kept += 1;
            }
        }
        if more == More::End {
            writer.flush()?;
            return Ok(count);
        }
    }
}

fn owner(owners: &Owners, key: &FlowKey) -> Owner {
    let end = |side| {
        let end = key.end(side);
        SocketAddr::new(end.addr, end.port)
    };
    owners.of(key.protocol == IpProtocol::Udp, end(Side::Low), end(Side::High))
}
