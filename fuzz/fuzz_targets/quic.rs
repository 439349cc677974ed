//! Frames of a QUIC connection whose packets are open.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_quic(data));
