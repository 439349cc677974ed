//! Bounds of what waits because packets of the two directions change places, or did not tell yet who speaks.

/// Responses of one flow that may wait for their requests, which come later where packets are displaced, clocks of merged
/// captures differ or a hole is in its grace ([`super::GAP_PACKETS`], which patience multiplies).
pub const EARLY_RESPONSES: usize = 1024;
/// Packet time of responses for which they do, in nanoseconds: no hole is waited for any longer.
pub const EARLY_TIME: i64 = super::LINGER;
/// What such a response costs about, in bytes of [`super::DISSECTOR_BYTES`].
pub const EARLY_COST: usize = 1 << 10;

/// Tokens of one partition that wait until their flow tells which side is the client: hardly any flow that was joined in
/// the middle has more than one.
pub const GUESSED: usize = 64;
/// Packet time for which they do, in nanoseconds: a request or a response begins within it where people or programs talk.
pub const GUESSED_TIME: i64 = 2 * crate::time::SECOND;
