//! A capture file of any format, compressed or not.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wirelint::capture::fuzz_capture_file(data);
});
