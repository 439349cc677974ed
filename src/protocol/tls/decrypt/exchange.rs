//! From key exchange to master secret in TLS 1.2 and below (RFC 5246 section 8.1, RFC 7627).

use super::kind;
use super::prf::{Prf, prf, session_hash};
use crate::keylog::{Keyring, Label};
use crate::limits::TRANSCRIPT_BYTES;
use crate::message::Direction;
use crate::protocol::reader::Reader;
use crate::protocol::tls::handshake::{CERTIFICATE, CLIENT_HELLO, MESSAGE_HEADER};

/// What the master secret is made from, if it is not in the key log itself.
#[derive(Default)]
pub(super) struct Exchange {
    /// Handshake messages of both directions up to the ClientKeyExchange, which the extended master secret covers.
    messages: [Vec<u8>; 2],
    /// Length of the ClientHello, the first of them.
    hello: usize,
    /// The premaster secret, encrypted to the server's RSA key.
    encrypted: Vec<u8>,
    /// Which of the ring's RSA keys the server's certificate has; unknown if it was not seen.
    rsa: Option<usize>,
    certificate: bool,
    done: bool,
    over: bool,
}

/// The parameters that the hellos set.
pub(super) struct Hellos<'a> {
    pub(super) prf: Prf,
    pub(super) client_random: &'a [u8; 32],
    pub(super) server_random: &'a [u8; 32],
    /// Filled up with zeros.
    pub(super) session_id: &'a [u8; 32],
    pub(super) extended: bool,
}

impl Exchange {
    /// Takes a handshake message in the order of its direction, header included.
    pub(super) fn message(&mut self, dir: Direction, message: &[u8], rsa: bool, ring: &Keyring) {
        if self.done {
            return;
        }
        let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
        match message.first() {
            // A HelloRequest is in no hash (RFC 5246 section 7.4.1.1).
            Some(&kind::HELLO_REQUEST) => return,
            Some(&CLIENT_HELLO) => self.hello = message.len(),
            Some(&CERTIFICATE) if dir == Direction::Response => {
                self.certificate = true;
                self.rsa = ring.rsa().iter().position(|key| key.is_in(body));
            }
            Some(&kind::CLIENT_KEY_EXCHANGE) => {
                self.done = true;
                if rsa {
                    self.encrypted = Reader(body).vec16().unwrap_or_default().to_vec();
                }
            }
            _ => {}
        }
        let held = self.messages.iter().map(Vec::len).sum::<usize>() + message.len();
        self.over |= held > TRANSCRIPT_BYTES;
        if self.over {
            self.messages = Default::default();
        } else {
            self.messages[dir.index()].extend_from_slice(message);
        }
    }

    /// The master secret, from whatever the ring has.
    pub(super) fn master(&self, hellos: &Hellos<'_>, ring: &Keyring) -> Option<[u8; 48]> {
        let known = ring.get(Label::Master, hellos.client_random);
        let known = known.or_else(|| {
            let named = *hellos.session_id != [0; 32];
            named.then(|| ring.get(Label::SessionMaster, hellos.session_id)).flatten()
        });
        if let Some(master) = known {
            return master.bytes().try_into().ok();
        }
        if let Some(premaster) = ring.get(Label::Premaster, hellos.client_random) {
            return self.derive(hellos, premaster.bytes());
        }
        let mut id = [0; 32];
        id[..8].copy_from_slice(self.encrypted.first_chunk::<8>()?);
        if let Some(premaster) = ring.get(Label::RsaPremaster, &id) {
            return self.derive(hellos, premaster.bytes());
        }
        let keys = match (self.certificate, self.rsa) {
            (true, found) => ring.rsa().get(found?..=found?)?,
            (false, _) => ring.rsa(),
        };
        let premaster = keys.iter().find_map(|key| key.premaster(&self.encrypted))?;
        self.derive(hellos, &premaster)
    }

    fn derive(&self, hellos: &Hellos<'_>, premaster: &[u8]) -> Option<[u8; 48]> {
        let mut master = [0; 48];
        if hellos.extended {
            if self.over || !self.done {
                return None;
            }
            let [client, server] = &self.messages;
            let (hello, rest) = client.split_at_checked(self.hello)?;
            let hash = session_hash(hellos.prf, &[hello, server, rest]);
            prf(hellos.prf, premaster, "extended master secret", &[&hash], &mut master);
        } else {
            let seeds = [&hellos.client_random[..], hellos.server_random];
            prf(hellos.prf, premaster, "master secret", &seeds, &mut master);
        }
        Some(master)
    }
}
