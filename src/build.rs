//! Lets the `pcap` crate link where libpcap's development files are absent.
//!
//! `pcap` asks the linker for `-lpcap`. An empty static archive of that name satisfies it; the
//! symbols themselves come from `capture/libpcap.rs`, which loads the shared library on first use.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    if let Err(error) = fs::write(out.join("libpcap.a"), b"!<arch>\n") {
        println!("cargo:warning=cannot write the libpcap stub archive: {error}");
    }
    println!("cargo:rustc-link-search=native={}", out.display());
}
