//! Both directions of a stream of any protocol.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_probe(data));
