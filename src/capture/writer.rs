//! Frames become a pcapng file (draft-ietf-opsawg-pcapng): one section, an interface for each link type and name, secrets,
//! packets with their nanoseconds.

use std::io::{self, Write};

use super::{Frame, LinkType, SecretsBlock};

/// Most bytes of secrets in one block: readers refuse huge ones.
const SECRETS_BYTES: usize = 1 << 20;

/// Block types (sections 4.1, 4.2, 4.3 and 4.7).
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED: u32 = 6;
const SECRETS: u32 = 10;

/// Options: end, `if_name`, `if_tsresol`, `shb_userappl`.
const END: u16 = 0;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const SHB_USERAPPL: u16 = 4;

/// Writes one section.
pub struct PcapngWriter<W> {
    out: W,
    /// Interfaces of this section: link type and name.
    interfaces: Vec<(LinkType, String)>,
    written: u64,
    scratch: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins a section.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W) -> io::Result<Self> {
        let mut this = Self { out, interfaces: Vec::new(), written: 0, scratch: Vec::new() };
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend([1_u16, 0].map(u16::to_le_bytes).concat());
        body.extend((-1_i64).to_le_bytes());
        option(&mut body, SHB_USERAPPL, concat!("wirelint ", env!("CARGO_PKG_VERSION")).as_bytes());
        option(&mut body, END, &[]);
        this.block(SECTION, &body)?;
        Ok(this)
    }

    /// Writes TLS secrets (lines of a key log); they hold for packets behind them.
    ///
    /// # Errors
    /// Those of the output.
    pub fn secrets(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let most = &rest[..rest.len().min(SECRETS_BYTES)];
            // Between lines, unless one is longer than all of it.
            let whole = memchr::memrchr(b'\n', most).map_or(most.len(), |at| at + 1);
            let (now, later) = rest.split_at(if most.len() == rest.len() { rest.len() } else { whole });
            let mut body = Vec::with_capacity(now.len() + 12);
            body.extend(SecretsBlock::TLS_KEY_LOG.to_le_bytes());
            body.extend((now.len() as u32).to_le_bytes());
            body.extend(now);
            self.block(SECRETS, &body)?;
            rest = later;
        }
        Ok(())
    }

    /// Writes a frame of the interface `name`.
    ///
    /// # Errors
    /// Those of the output.
    pub fn frame(&mut self, name: &str, frame: &Frame<'_>) -> io::Result<()> {
        let interface = self.interface(frame.link, name)?;
        let nanos = frame.time.nanos() as u64;
        let words = [
            interface,
            (nanos >> 32) as u32,
            nanos as u32,
            frame.data.len() as u32,
            frame.wire_len.max(frame.data.len() as u32),
        ];
        let mut body = std::mem::take(&mut self.scratch);
        body.clear();
        words.iter().for_each(|word| body.extend(word.to_le_bytes()));
        body.extend(frame.data);
        let result = self.block(ENHANCED, &body);
        self.scratch = body;
        result
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Hands everything on.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn interface(&mut self, link: LinkType, name: &str) -> io::Result<u32> {
        if let Some(at) = self.interfaces.iter().position(|(l, n)| *l == link && n == name) {
            return Ok(at as u32);
        }
        let mut body = Vec::new();
        body.extend(link.0.to_le_bytes());
        body.extend([0; 2]);
        // No limit of its own: what was cut says so packet by packet.
        body.extend(0_u32.to_le_bytes());
        option(&mut body, IF_NAME, name.as_bytes());
        option(&mut body, IF_TSRESOL, &[9]);
        option(&mut body, END, &[]);
        self.block(INTERFACE, &body)?;
        self.interfaces.push((link, name.to_owned()));
        Ok(self.interfaces.len() as u32 - 1)
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(body)?;
        self.out.write_all(&[0; 3][..padding])?;
        self.out.write_all(&len.to_le_bytes())?;
        self.written += u64::from(len);
        Ok(())
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::super::testing::read_all;
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let mut writer = PcapngWriter::new(&mut bytes).unwrap();
        let line = format!("CLIENT_RANDOM {} {}\n", "ab".repeat(32), "cd".repeat(48));
        let log = line.repeat(3 * SECRETS_BYTES / line.len());
        writer.secrets(log.as_bytes()).unwrap();
        let frame = |link, nanos, data| Frame {
            number: 0,
            time: Timestamp::from_nanos(nanos),
            offset: 0,
            link: LinkType(link),
            data,
            wire_len: 90,
        };
        for (name, link, nanos, data) in [
            ("eth0", 1, 1_700_000_000_123_456_789, &b"one"[..]),
            ("lo", 113, 5, b"four"),
            ("eth0", 1, 6, b""),
        ] {
            writer.frame(name, &frame(link, nanos, data)).unwrap();
        }
        writer.flush().unwrap();
        let written = writer.written();
        assert_eq!(written, bytes.len() as u64);
        let all = read_all(&bytes).unwrap();
        assert_eq!(all.damage, []);
        let secrets: Vec<u8> = all.secrets.iter().flat_map(|(_, s)| s.data.clone()).collect();
        assert!(secrets == log.as_bytes() && all.secrets.len() >= 3);
        assert!(all.secrets.iter().all(|(_, s)| s.data.ends_with(b"\n")));
        let frames: Vec<_> = all.frames.iter().map(|f| (f.link, f.nanos, &f.data[..], f.wire_len)).collect();
        assert_eq!(
            frames,
            [(1, 1_700_000_000_123_456_789, &b"one"[..], 90), (113, 5, b"four", 90), (1, 6, b"", 90)]
        );
    }
}
