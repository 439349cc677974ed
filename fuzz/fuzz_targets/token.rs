//! The text of a token.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::token::fuzz_token(data));
