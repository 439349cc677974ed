//! One stage of content decoding: Brotli (RFC 7932).

use super::{
    content::ContentError,
    meter::{Meter, PIECE, Sink},
};
use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper as _, StandardAlloc,
};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// A Brotli decoder with its output buffer, for one body at a time.
pub(super) struct Unbrotli {
    /// Made with the first byte of a body.
    state: Option<Box<State>>,
    buffer: Box<[u8]>,
    meter: Meter,
    done: bool,
}

impl Default for Unbrotli {
    fn default() -> Self {
        let buffer = vec![0; PIECE].into_boxed_slice();
        Self { state: None, buffer, meter: Meter::default(), done: false }
    }
}

impl Unbrotli {
    /// Readies it for a new body and frees the window of the last.
    pub(super) fn reset(&mut self) {
        self.state = None;
        self.meter = Meter::default();
        self.done = false;
    }

    /// Memory that this body has taken, in bytes, roughly: the window, the Huffman codes, the output buffer.
    pub(super) fn memory(&self) -> usize {
        let inner = self.state.as_ref().map_or(0, |state| {
            let codes = [&state.literal_hgroup, &state.insert_copy_hgroup, &state.distance_hgroup];
            let codes: usize = codes.iter().map(|group| size_of_val(group.codes.slice())).sum();
            size_of::<State>() + state.ringbuffer.slice().len() + codes
        });
        inner + PIECE
    }

    /// Decodes the next bytes.
    pub(super) fn push(
        &mut self,
        input: &[u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<(), ContentError> {
        if self.done || input.is_empty() {
            return Ok(());
        }
        // Strict: windows of at most 16 MiB, as HTTP's "br" has them.
        let state = self.state.get_or_insert_with(|| {
            let alloc = StandardAlloc::default;
            Box::new(State::new_strict(alloc(), alloc(), alloc()))
        });
        let (mut left, mut at) = (input.len(), 0);
        loop {
            let (mut room, mut given, mut total) = (self.meter.room(), 0, 0);
            let before = at;
            let result = BrotliDecompressStream(
                &mut left,
                &mut at,
                input,
                &mut room,
                &mut given,
                &mut self.buffer,
                &mut total,
                state,
            );
            self.meter.taken += (at - before) as u64;
            self.meter.give(self.buffer.get(..given).unwrap_or_default(), wire, out)?;
            match result {
                BrotliResult::ResultSuccess => {
                    self.done = true;
                    return Ok(());
                }
                BrotliResult::NeedsMoreOutput => {}
                // It says so also where a full buffer kept it from giving all it has.
                BrotliResult::NeedsMoreInput if room == 0 => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultFailure => return Err(ContentError::Malformed("br")),
            }
        }
    }

    /// Ends the body.
    pub(super) fn finish(&mut self) -> Result<(), ContentError> {
        if self.done || self.meter.taken == 0 { Ok(()) } else { Err(ContentError::Truncated("br")) }
    }
}
