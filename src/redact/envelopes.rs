//! Messages of gRPC and Connect that are compressed inside of their envelopes (gRPC over HTTP/2, "Length-Prefixed-Message").

use super::origins::Origins;
use super::work::{Task, Work};
use crate::message::{ContentPool, Envelopes, Head, Piece};

/// Length of an envelope's head: flags, then the length of the message.
const HEAD: usize = 5;

/// The messages of a body that are compressed, as one text.
pub(super) struct Packed {
    envelopes: Envelopes,
    pool: ContentPool,
    text: Vec<u8>,
    /// They are in base64 (gRPC-Web): what is not compressed is found there as it stands.
    coded: bool,
}

impl Packed {
    /// For a body that may have some.
    pub(super) fn new(head: &Head<'_>) -> Option<Self> {
        let coding = head.field("grpc-encoding").or_else(|| head.field("connect-content-encoding"));
        let content_type = head.field("content-type")?;
        let envelopes = Envelopes::new(content_type, coding)?;
        let coded = content_type.to_ascii_lowercase().starts_with(b"application/grpc-web-text");
        Some(Self { envelopes, pool: ContentPool::default(), text: Vec::new(), coded })
    }

    /// The next bytes of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let Self { envelopes, pool, text, .. } = self;
        envelopes.push(bytes, pool, &mut |piece| match piece {
            Piece::Data { at: None, bytes } => text.extend_from_slice(bytes),
            // Messages do not go on in each other.
            Piece::End if !text.is_empty() => text.push(b'\n'),
            _ => {}
        });
    }

    /// Searches what was unpacked so far, and forgets it: whether it has to go.
    pub(super) fn secret(&mut self, work: &mut Work, origins: &Origins) -> bool {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return false;
        }
        let found = work.look(|look, found| look.body(None, &text, found));
        if work.task == Task::Locate {
            return !self.coded && work.book.rewritten(&text, &found).is_some();
        }
        work.text(&text, &found, origins);
        false
    }

    /// The body with other messages in the place of those that are compressed: as long, not compressed, and with nothing but one
    /// unknown field of spaces in them. `None` if it is no sequence of envelopes.
    pub(super) fn blank(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut new = body.to_vec();
        let mut at = 0;
        while at < body.len() {
            let head = body.get(at..at + HEAD)?;
            let len = u32::from_be_bytes(*head.last_chunk()?) as usize;
            let start = at + HEAD;
            let message = new.get_mut(start..start.checked_add(len)?)?;
            if head.first()? & 1 != 0 {
                filler(message);
                *new.get_mut(at)? &= !1;
            }
            at = start + len;
        }
        Some(new)
    }
}

/// Field 15 of protobuf, of bytes, over the whole message.
fn filler(message: &mut [u8]) {
    const FIELD: u8 = 15 << 3 | 2;
    message.fill(b' ');
    for len in 1..=4_usize {
        let Some(rest) = message.len().checked_sub(1 + len) else { break };
        if rest >= 1 << (7 * len) {
            continue;
        }
        message[0] = FIELD;
        for (i, place) in message.iter_mut().skip(1).take(len).enumerate() {
            let more = if i + 1 < len { 0x80 } else { 0 };
            *place = (rest >> (7 * i)) as u8 & 0x7f | more;
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Field, Start, Version};

    #[test]
    fn compressed_messages_become_fields_of_spaces() {
        let fields = [Field { name: b"content-type", value: b"application/grpc", at: 0 }];
        let start = Start::Response { status: 200 };
        let head = Head::new(Version::Http2, start, &fields);
        let packed = Packed::new(&head).unwrap();
        let envelope = |flag: u8, message: &[u8]| [&[flag, 0, 0, 0, message.len() as u8], message].concat();
        let body =
            [envelope(1, &[9; 20]), envelope(0, b"plain"), envelope(1, &[]), envelope(1, &[9; 150])].concat();
        let new = packed.blank(&body).unwrap();
        let field = [&[0x7a, 18][..], &[b' '; 18]].concat();
        let long = [&[0x7a, 0x93, 0x01][..], &[b' '; 147]].concat();
        assert_eq!(
            new,
            [envelope(0, &field), envelope(0, b"plain"), envelope(0, &[]), envelope(0, &long)].concat()
        );
        assert_eq!(packed.blank(&body[..30]), None);
    }
}
