//! The session of a dictionary attack.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::crack::fuzz_crack_session(data));
