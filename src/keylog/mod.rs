//! The secrets of TLS sessions: key logs (RFC 9850) and RSA keys, in a ring that every flow may look into.

mod band;
mod line;
mod log;
mod ring;
mod rsa_key;

pub use band::BadLines;
pub use line::{BadLine, Entry, Label, TlsSecret, parse_line};
pub use log::{KeyLog, Lines, fuzz_key_log};
pub use ring::Keyring;
pub use rsa_key::{RsaKey, RsaKeyError};
