//! Bytes in which tokens are looked for.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::token::fuzz_scan(data));
