//! Header blocks and instructions of QPACK.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_qpack(data));
