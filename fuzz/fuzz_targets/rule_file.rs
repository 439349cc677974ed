//! A rule file.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::rules::fuzz_rule_file(data));
