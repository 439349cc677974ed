//! Compressed captures: told by their magic, decoded as a stream, so that only the window needs memory.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Largest window of zstd and largest dictionary of xz: `zstd --long=27` and `xz -9` with room to spare. The
/// file chooses it, and all of it may be allocated.
const WINDOW: u64 = 128 << 20;

/// Bytes of compressed input read at once.
const INPUT: usize = 256 << 10;

/// A compression that a capture may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Lz4,
    Xz,
}

impl Compression {
    /// Tells a compression by its magic (RFC 1952 section 2.3.1, RFC 8878 section 3.1, the LZ4 frame format,
    /// the .xz file format section 2.1.1.1).
    pub(super) fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame: pzstd writes one first. LZ4 shares the magic, but no tool begins with it.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    /// Its name, as a user writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
        }
    }

    /// Decodes `input`.
    pub(super) fn decode(self, input: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let input = BufReader::with_capacity(INPUT, input);
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Zstd => Box::new(Zstd::new(input)),
            Self::Lz4 => Box::new(Lz4 { decoder: lz4_flex::frame::FrameDecoder::new(input) }),
            Self::Xz => {
                Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, (WINDOW >> 10) as u32 + 1024))
            }
        }
    }
}

/// The bytes of `input`, decompressed if they begin like a compressed stream, whatever its name.
///
/// # Errors
/// What reading the first bytes said.
pub fn decompressed(input: Box<dyn Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut input = BufReader::with_capacity(INPUT, input);
    let found = Compression::sniff(input.fill_buf()?);
    Ok(match found {
        Some(found) => Box::new(BufReader::with_capacity(INPUT, found.decode(Box::new(input)))),
        None => Box::new(input),
    })
}

/// All frames of a zstd stream; the crate's own reader stops after one.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    /// Whether a frame is open.
    open: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { input, decoder, open: false }
    }

    /// Opens the next frame; false at the end of the input.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.input).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if self.open && self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if self.open && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                continue;
            }
            self.open = self.next_frame()?;
            if !self.open {
                return Ok(0);
            }
        }
    }
}

/// All frames of an lz4 stream; the crate's reader says 0 at the end of each.
struct Lz4<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<R>,
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buf)?;
            if read > 0 || buf.is_empty() || self.decoder.get_mut().fill_buf()?.is_empty() {
                return Ok(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::capture::CaptureError;
    use crate::capture::testing::{Order, Writer, read_all};

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn lz4(data: &[u8]) -> Vec<u8> {
        let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    fn xz(data: &[u8]) -> Vec<u8> {
        let mut out = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    type Compress = fn(&[u8]) -> Vec<u8>;

    const ALL: [(&str, Compress); 4] = [("gzip", gzip), ("zstd", zstd), ("lz4", lz4), ("xz", xz)];

    fn captures() -> [Vec<u8>; 2] {
        let mut classic = Writer::default();
        (0..2000).for_each(|i| classic.frame(&vec![(i % 251) as u8; i % 900]));
        let order = Order(false);
        let mut ng = [order.section(), order.interface(1, 0, &[])].concat();
        (0..2000).for_each(|i| ng.extend(order.enhanced(0, i, 9, &vec![3; i as usize % 700])));
        [classic.bytes, ng]
    }

    #[test]
    fn every_compression_around_both_formats() {
        for data in captures() {
            let plain = read_all(&data).unwrap();
            assert_eq!(plain.frames.len(), 2000);
            for (name, compress) in ALL {
                let packed = compress(&data);
                assert_eq!(Compression::sniff(&packed).unwrap().name(), name);
                let all = read_all(&packed).unwrap();
                assert_eq!(all.frames, plain.frames, "{name}");
                assert_eq!(all.damage, [], "{name}");
                // Two members, cut anywhere in the capture, are one capture.
                let (a, b) = data.split_at(data.len() / 3);
                let all = read_all(&[compress(a), compress(b)].concat()).unwrap();
                assert_eq!((all.frames.len(), all.damage.len()), (2000, 0), "{name} in two");
            }
        }
    }

    #[test]
    fn skippable_frames_are_skipped() {
        let [data, _] = captures();
        let skip = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let (a, b) = data.split_at(100);
        let all = read_all(&[skip.clone(), zstd(a), skip.clone(), zstd(b), skip].concat()).unwrap();
        assert_eq!((all.frames.len(), all.damage.len()), (2000, 0));
    }

    #[test]
    fn what_is_before_damage_is_kept() {
        let [data, _] = captures();
        for (name, compress) in ALL {
            let (a, b) = data.split_at(data.len() / 2);
            let mut packed = [compress(a), compress(b)].concat();
            packed.truncate(packed.len() - 20);
            let all = read_all(&packed).unwrap();
            assert!(all.frames.len() > 900, "{name}: {}", all.frames.len());
            assert!(!all.damage.is_empty(), "{name}");
        }
    }

    #[test]
    fn twice_compressed_or_no_capture_inside() {
        let [data, _] = captures();
        for (name, compress) in ALL {
            let error = read_all(&compress(&gzip(&data))).unwrap_err().to_string();
            assert!(error.contains(&format!("gzip inside {name}")), "{error}");
            let error = read_all(&compress(b"only text")).unwrap_err();
            assert!(matches!(error, CaptureError::NotACapture { .. }), "{name}: {error}");
            let broken = &compress(&data)[..7];
            assert!(read_all(broken).is_err(), "{name}");
        }
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        // Window descriptor 0xa8: 2^31 bytes.
        let huge = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
        let error = read_all(&huge).unwrap_err().to_string();
        assert!(error.contains("zstd"), "{error}");
    }
}
