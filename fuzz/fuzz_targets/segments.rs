//! TCP segments of one flow, in any order.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::flow::fuzz_segments(data));
