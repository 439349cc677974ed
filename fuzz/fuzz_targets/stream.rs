//! A protocol of streams, in both directions.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_stream(data));
