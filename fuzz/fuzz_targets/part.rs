//! A part of a message: bodies, cookies, targets, credentials.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::message::fuzz_part(data));
