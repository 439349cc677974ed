//! TLS records of a session whose keys are known.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_tls_keys(data));
