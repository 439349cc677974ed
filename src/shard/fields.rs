//! The fields of a head that decide what becomes of the message: found in one pass, because every head is asked.

use crate::message::{Head, Start, Version, is_about_body};
use smallvec::SmallVec;

/// Values of those fields. Of a name that must not come twice, the first.
#[derive(Default)]
pub(super) struct Fields<'a> {
    content_coding: SmallVec<[&'a [u8]; 2]>,
    transfer_coding: SmallVec<[&'a [u8]; 2]>,
    length: Option<&'a [u8]>,
    /// `Content-Type`.
    pub(super) content_type: Option<&'a [u8]>,
    /// `grpc-encoding`, else `connect-content-encoding`: the coding of each message in the body.
    pub(super) message_coding: Option<&'a [u8]>,
    /// `grpc-status`.
    pub(super) grpc_status: Option<u32>,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    pub(super) fn of(head: &Head<'a>) -> Self {
        let mut found = Self::default();
        let mut connect_coding = None;
        for field in head.about_body {
            let is = |name: &[u8]| {
                debug_assert!(is_about_body(name));
                field.is(name)
            };
            let first = |to: &mut Option<&'a [u8]>| *to = to.or(Some(field.value));
            match field.name.len() {
                11 if is(b"grpc-status") => {
                    let value = std::str::from_utf8(field.value).ok().and_then(|v| v.parse().ok());
                    found.grpc_status = found.grpc_status.or(value);
                }
                12 if is(b"Content-Type") => first(&mut found.content_type),
                13 if is(b"grpc-encoding") => first(&mut found.message_coding),
                14 if is(b"Content-Length") => first(&mut found.length),
                16 if is(b"Content-Encoding") => found.content_coding.push(field.value),
                17 if is(b"Transfer-Encoding") => found.transfer_coding.push(field.value),
                24 if is(b"connect-content-encoding") => first(&mut connect_coding),
                _ => {}
            }
        }
        found.message_coding = found.message_coding.or(connect_coding);
        found
    }

    /// Content and transfer codings, outermost last, as one list; empty if there are none.
    pub(super) fn codings(&self) -> Vec<u8> {
        if self.content_coding.is_empty() && self.transfer_coding.is_empty() {
            return Vec::new();
        }
        let all = self.content_coding.iter().chain(&self.transfer_coding).filter(|value| !value.is_empty());
        all.copied().collect::<SmallVec<[&[u8]; 4]>>().join(&b","[..])
    }

    /// Those of a message whose codings were undone already.
    pub(super) fn decoded(self) -> Self {
        Self { content_coding: SmallVec::new(), transfer_coding: SmallVec::new(), ..self }
    }

    /// Whether body bytes may follow: not after a request of HTTP/1 that announces none.
    pub(super) fn body_expected(&self, head: &Head<'_>) -> bool {
        !matches!(head.start, Start::Request { .. })
            || self.length.is_some_and(|v| v != b"0")
            || !self.transfer_coding.is_empty()
            || !matches!(head.version, Version::Http10 | Version::Http11)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Field;

    fn with<T>(fields: &[(&str, &str)], request: bool, ask: impl FnOnce(&Fields<'_>, &Head<'_>) -> T) -> T {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes(), at: 0 })
            .collect();
        let start = if request {
            Start::Request { method: b"POST", target: b"/" }
        } else {
            Start::Response { status: 200 }
        };
        let head = Head::new(Version::Http11, start, &fields);
        ask(&Fields::of(&head), &head)
    }

    #[test]
    fn codings_stand_in_the_order_in_which_they_were_applied() {
        let fields =
            [("Transfer-Encoding", "gzip, chunked"), ("content-encoding", ""), ("CONTENT-encoding", "br")];
        assert_eq!(with(&fields, false, |f, _| f.codings()), b"br,gzip, chunked");
        assert_eq!(with(&[("x-content-encoding", "br")], false, |f, _| f.codings()), b"");
    }

    #[test]
    fn requests_say_whether_a_body_follows_and_responses_always_may_have_one() {
        for (fields, request, expected) in [
            (&[][..], true, false),
            (&[("Content-Length", "0")], true, false),
            (&[("Content-Length", "7")], true, true),
            (&[("Transfer-Encoding", "chunked")], true, true),
            (&[], false, true),
        ] {
            assert_eq!(with(fields, request, |f, head| f.body_expected(head)), expected, "{fields:?}");
        }
    }

    #[test]
    fn the_coding_of_grpc_goes_before_that_of_connect() {
        let fields = [("connect-content-encoding", "br"), ("grpc-encoding", "gzip"), ("grpc-status", "14")];
        with(&fields, false, |f, _| {
            assert_eq!((f.message_coding, f.grpc_status), (Some(&b"gzip"[..]), Some(14)));
        });
    }
}
