//! The text of a token, of which every fact is asked.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::facts::fuzz_facts(data));
