//! Datagrams of both directions of a conversation.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelint::protocol::fuzz_datagrams(data));
