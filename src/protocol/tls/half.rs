//! One direction of TLS: where it is in its records, and which of them are read.

use super::decrypt::Decryption;
use super::handshake::Messages;
use super::{
    ALERT, APPLICATION_DATA, Alert, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HEARTBEAT, RECORD, Session,
    TLS_1_3, TlsEvent,
};
use crate::message::Direction;
use crate::protocol::Out;

/// What becomes of the bytes of a record.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Keep {
    /// They are counted.
    #[default]
    Nothing,
    /// They are handshake messages in the clear.
    Handshake,
    /// They are an alert in the clear.
    Alert,
    /// They are an SSLv2-compatible ClientHello.
    Ssl2,
    /// They are to be opened.
    Sealed,
}

#[derive(Default)]
pub(super) struct Half {
    /// An incomplete record header.
    pub(super) header: [u8; HEADER],
    pub(super) header_len: u8,
    /// Bytes of the current record that are still to come.
    pub(super) left: u32,
    pub(super) keep: Keep,
    /// Records are encrypted from here on, or of no interest: only their headers are read.
    pub(super) sealed: bool,
    /// A HelloRetryRequest was seen and this side's next hello was not: it comes in the clear, also behind the
    /// ChangeCipherSpec that is sent for the sake of middleboxes (RFC 8446 appendix D.4).
    pub(super) retried: bool,
    /// A cipher change was seen.
    pub(super) changed: bool,
    /// Framing is lost.
    pub(super) lost: bool,
    /// The last bytes of an alert.
    pub(super) alert: [u8; 2],
    pub(super) messages: Messages,
    /// An SSLv2 hello.
    pub(super) ssl2: Vec<u8>,
}

impl Half {
    /// A whole record header.
    pub(super) fn record(
        &mut self,
        dir: Direction,
        session: &mut Session,
        decryption: &mut Option<Box<Decryption>>,
        out: &mut Out<'_>,
    ) -> Result<(), &'static str> {
        let [kind, major, minor, high, low] = self.header;
        let len = u16::from_be_bytes([high, low]);
        if kind & 0x80 != 0 && major > 0 && minor == 1 && !self.sealed {
            // SSLv2: two bytes of header, then the message type, of which the rest is kept to be parsed.
            self.left = (u32::from(kind & 0x7f) << 8 | u32::from(major)).saturating_sub(3);
            self.ssl2 = vec![minor, high, low];
            self.keep = Keep::Ssl2;
            return Ok(());
        }
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) || major != 3 || usize::from(len) > RECORD {
            return Err("tls_bad_record");
        }
        self.left = len.into();
        let opens = decryption.as_mut().is_some_and(|d| d.wants(dir, self.header));
        self.keep = match kind {
            _ if opens => Keep::Sealed,
            HANDSHAKE if !self.sealed || self.retried => Keep::Handshake,
            ALERT if !self.sealed && len == 2 => Keep::Alert,
            _ => Keep::Nothing,
        };
        if kind == APPLICATION_DATA && !session.established {
            session.established = true;
            out.tls(TlsEvent::Established);
        }
        if kind == CHANGE_CIPHER_SPEC && session.version != TLS_1_3 {
            if self.changed && !session.renegotiated {
                session.renegotiated = true;
                out.tls(TlsEvent::Renegotiated);
            }
            self.changed = !self.retried;
        }
        if kind == APPLICATION_DATA || kind == CHANGE_CIPHER_SPEC && !self.retried {
            self.seal();
        }
        Ok(())
    }

    /// No handshake message comes in the clear any more.
    fn seal(&mut self) {
        if !self.sealed {
            self.sealed = true;
            self.messages.clear();
        }
    }

    pub(super) fn alert(&mut self, from: Direction, bytes: &[u8], out: &mut Out<'_>) {
        for byte in bytes {
            self.alert = [self.alert[1], *byte];
        }
        if self.left == 0 {
            let [level, description] = self.alert;
            out.tls(TlsEvent::Alert(Alert { from, level, description }));
        }
    }
}
