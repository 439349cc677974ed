//! Bounds of one redaction. One that bites ends it: an output with secrets left in it is of no use.

/// Bytes of the secrets of one capture in all the forms that are looked for: that of some 40 000 tokens.
pub const BOOK_BYTES: usize = 256 << 20;
/// Different secrets of one capture.
pub const VALUES: usize = 1 << 20;
/// Places that are changed in one capture.
pub const PATCHES: usize = 8 << 20;
/// Bytes of these changes.
pub const PATCH_BYTES: usize = 256 << 20;
/// Bytes of a body that are searched at once.
pub const BODY_BYTES: usize = 4 << 20;
/// Bytes of a stream of no known protocol that are searched again with what follows for what the operator's patterns fit.
pub const PATTERN_BYTES: usize = 4 << 10;
/// Bytes of changes that are remembered for segments that are sent again.
pub const AGAIN_BYTES: usize = 32 << 20;
/// Changes that are remembered of one direction of a flow.
pub const AGAIN_FLOW: usize = 128;
/// Datagrams that came in fragments and are remembered, the latest ones.
pub const FRAGMENTED: usize = 4096;
/// Bytes of a cassette in YAML, which is held as a whole, and of one string in a HAR file.
pub const TEXT_BYTES: usize = 1 << 30;

/// Damaged places of a capture, or entries of a file of recorded exchanges, that are told one by one; the others are counted.
pub const DAMAGES: usize = 200;
