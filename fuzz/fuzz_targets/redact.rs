//! A capture that is redacted, and texts that are replaced in place.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wirelint::redact::fuzz_redact(data);
});
