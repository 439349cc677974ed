//! Datagrams of a conversation of a known protocol.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_datagram(data));
