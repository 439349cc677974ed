//! Secrets that travel in band with the frames.

use super::{KeyLog, Keyring};
use crate::capture::{FileId, SecretsBlock, SecretsOrigin};
use crate::tally::Tally;

/// Lines of one block of secrets that are of no use.
#[derive(Debug)]
pub struct BadLines {
    /// The input.
    pub file: FileId,
    /// Where the secrets stood.
    pub origin: SecretsOrigin,
    /// What they say.
    pub log: KeyLog,
}

impl Keyring {
    /// Puts a block of secrets on the ring. Says which lines of it are of no use.
    pub fn take(&mut self, secrets: &SecretsBlock, file: FileId, tally: &mut Tally) -> Option<BadLines> {
        if secrets.kind != SecretsBlock::TLS_KEY_LOG {
            tally.weird("secrets_unknown_kind");
            return None;
        }
        let mut log = KeyLog::parse(&secrets.data);
        let forgotten = self.add(std::mem::take(&mut log.entries)) as u64;
        tally.weirds("tls_secrets_limit", forgotten + log.dropped);
        (log.bad_lines > 0).then_some(BadLines { file, origin: secrets.origin, log })
    }
}
