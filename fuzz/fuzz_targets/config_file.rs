//! A configuration file, and one beside a capture.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::config::fuzz_config_file(data));
