//! Rules that make words of words.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::crack::fuzz_mutation(data));
