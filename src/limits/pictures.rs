//! Bounds of what is kept to be drawn: the lives of tokens, who talks to whom.

/// Tokens whose life `trace` keeps; more are counted.
pub const TRACE_TOKENS: usize = 4096;
/// Different steps of one token's life that `trace` keeps (repeats are merged before): more are no diagram.
pub const TRACE_STEPS: usize = 64;
/// Approximate bytes of all of them.
pub const TRACE_BYTES: usize = 64 << 20;

/// Pairs of a client and a server that a report may draw; as many again if they carried tokens: a port scan must not
/// crowd them out.
pub const STORY_PAIRS: usize = 4096;
/// Open flows that sightings are counted for, and whose servers' names are known, until they end.
pub const STORY_FLOWS: usize = 16_384;
/// Tokens whose lives a page draws: more would be scrolled past.
pub const STORY_LIVES: usize = 24;
/// Steps of each of them.
pub const STORY_STEPS: usize = 32;
