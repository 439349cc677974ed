//! A body in content codings.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::message::fuzz_content(data));
