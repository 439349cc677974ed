//! A key log.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::keylog::fuzz_key_log(data));
