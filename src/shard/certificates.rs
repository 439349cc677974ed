//! Certificates that were read before: a server sends the same ones in every handshake.

use crate::limits;
use crate::protocol::Certificate;
use hashbrown::HashMap;
use std::sync::Arc;

/// A bounded map from digest to certificate. When it is full it starts again empty.
pub(super) struct CertificateCache {
    known: HashMap<[u8; 32], Arc<Certificate>>,
    max: usize,
}

impl CertificateCache {
    /// A cache of at most `max` certificates.
    pub(super) fn new(max: usize) -> Self {
        Self { known: HashMap::new(), max }
    }

    /// The certificate of this DER form; `None` if it is none, or too long.
    pub(super) fn get(&mut self, der: &[u8]) -> Option<Arc<Certificate>> {
        if der.len() > limits::CERTIFICATE_BYTES {
            return None;
        }
        let digest = Certificate::digest(der);
        if let Some(known) = self.known.get(&digest) {
            return Some(Arc::clone(known));
        }
        let certificate = Arc::new(Certificate::parse(der, digest)?);
        if self.known.len() >= self.max {
            self.known.clear();
        }
        self.known.insert(digest, Arc::clone(&certificate));
        Some(certificate)
    }
}
