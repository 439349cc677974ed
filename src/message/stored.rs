//! Message heads that are kept.

use super::known::{Known, KnownHead};
use super::{Authorization, Head, Start, Version};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, atomic::Ordering};

/// A head that was copied because its exchange outlives the bytes, or has in common with others what came before.
#[derive(Clone, Default)]
pub struct StoredHead {
    /// Protocol version.
    pub version: Version,
    /// Status of a response; 0 for a request.
    pub status: u16,
    own: HeadText,
    shared: Option<Arc<KnownHead>>,
}

/// What it says: whether it has its text in common with others is nobody's business.
impl fmt::Debug for StoredHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, status, .. } = self;
        let mut out = f.debug_struct("StoredHead");
        out.field("version", version).field("status", status).field("text", self.parts()).finish()
    }
}

impl StoredHead {
    /// Copies `head`, reusing this one's memory: in one piece where its parts lie in its raw text.
    pub fn store(&mut self, head: &Head<'_>) {
        self.version = head.version;
        self.status = if let Start::Response { status } = head.start { status } else { 0 };
        self.shared = None;
        match head.known {
            Known::Before(known) => {
                self.own.clear();
                self.shared = Some(Arc::clone(known));
            }
            _ => self.own.store(head),
        }
    }

    /// Its text, to be shared with all that are the same; `None` if it has something to [forget](Self::forget_bearer), which
    /// others would remember.
    pub(super) fn take_text(&mut self) -> Option<HeadText> {
        self.own.bearer().is_none().then(|| std::mem::take(&mut self.own))
    }

    /// It has its text in common with others.
    pub(super) fn share(&mut self, known: Arc<KnownHead>) {
        self.shared = Some(known);
    }

    /// Whether it came before, and had no [mark](crate::facts::marks) by itself.
    pub fn is_plain(&self) -> bool {
        self.shared.as_ref().is_some_and(|known| known.plain.load(Ordering::Relaxed))
    }

    /// It has no mark by itself, and so has none when it comes again.
    pub fn set_plain(&self) {
        if let Some(known) = &self.shared {
            known.plain.store(true, Ordering::Relaxed);
        }
    }

    /// A hash of the route that it asks for, worked out once of all heads that are the same.
    pub fn route(&self, work_out: impl FnOnce() -> u64) -> u64 {
        match &self.shared {
            Some(known) => *known.route.get_or_init(work_out),
            None => work_out(),
        }
    }

    /// See [`Exchange::warm`](super::Exchange::warm).
    pub(super) fn warm(&self) -> u8 {
        let text = self.parts();
        let field = text.fields.first().map_or(0, |[at, ..]| *at as u8);
        field ^ text.bytes.first().copied().unwrap_or(0)
    }

    /// Gives back memory that it does not need, where it is kept for long.
    pub fn settle(&mut self) {
        if self.shared.is_some() {
            self.own = HeadText::default();
        }
    }

    /// Method of a request, as sent.
    pub fn method(&self) -> &[u8] {
        self.parts().method()
    }

    /// Target of a request, as sent.
    pub fn target(&self) -> &[u8] {
        self.parts().target()
    }

    /// Everything in it, for one search over the whole: what is found is then looked for in its parts.
    pub fn text(&self) -> &[u8] {
        self.parts().bytes()
    }

    /// Fields in order: name and value.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.parts().fields().map(|(name, value, _)| (name, value))
    }

    /// The first field of that name (ASCII case-insensitive).
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.parts().field(name)
    }

    /// Whether a field of that name may be there (ASCII case-insensitive); if not, none is.
    #[inline]
    pub fn may_have(&self, name: &str) -> bool {
        self.parts().may_have(name)
    }

    /// Forgets the credentials of Authorization where they follow the scheme Bearer (RFC 6750 section 2.1), and gives their
    /// memory back.
    pub fn forget_bearer(&mut self) {
        self.own.forget_bearer();
    }

    /// Bytes that this head holds, for bounds.
    pub fn size(&self) -> usize {
        self.parts().size()
    }

    #[inline]
    fn parts(&self) -> &HeadText {
        self.shared.as_ref().map_or(&self.own, |known| &known.text)
    }
}

/// The text of a head: one buffer and ranges into it.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadText {
    /// A bit of each field's name ([`bit`]): most names that are asked for are not there, which is told without a look at the
    /// fields.
    names: u64,
    bytes: Vec<u8>,
    method: Range<u32>,
    target: Range<u32>,
    fields: Vec<[u32; 4]>,
}

impl HeadText {
    fn clear(&mut self) {
        self.names = 0;
        self.bytes.clear();
        self.fields.clear();
        (self.method, self.target) = (0..0, 0..0);
    }

    fn store(&mut self, head: &Head<'_>) {
        self.clear();
        // Exactly: many heads outlive their exchange by far, until late facts are known.
        self.fields.reserve_exact(head.fields.len());
        self.bytes.extend_from_slice(head.raw);
        if let Start::Request { method, target } = head.start {
            self.method = put(&mut self.bytes, head.raw, method);
            self.target = put(&mut self.bytes, head.raw, target);
        }
        let Self { names, bytes, fields, .. } = self;
        fields.extend(head.fields.iter().map(|field| {
            *names |= bit(field.name);
            let (name, value) = (put(bytes, head.raw, field.name), put(bytes, head.raw, field.value));
            [name.start, name.end, value.start, value.end]
        }));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn method(&self) -> &[u8] {
        self.slice(&self.method)
    }

    pub(super) fn target(&self) -> &[u8] {
        self.slice(&self.target)
    }

    /// Offset of the target.
    pub(super) const fn target_at(&self) -> u32 {
        self.target.start
    }

    /// Name, value, and the offset of that.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8], u32)> {
        self.fields.iter().map(|field| self.field_at(field))
    }

    pub(super) fn nth_field(&self, at: usize) -> Option<(&[u8], &[u8], u32)> {
        self.fields.get(at).map(|field| self.field_at(field))
    }

    fn field_at(&self, &[a, b, c, d]: &[u32; 4]) -> (&[u8], &[u8], u32) {
        (self.slice(&(a..b)), self.slice(&(c..d)), c)
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        if !self.may_have(name) {
            return None;
        }
        // Told by length before anything is compared: this is asked of every exchange, many times.
        let long = self.fields.iter().filter(|[start, end, ..]| (end - start) as usize == name.len());
        let mut named = long.filter(|[a, b, ..]| self.slice(&(*a..*b)).eq_ignore_ascii_case(name.as_bytes()));
        named.next().map(|[.., a, b]| self.slice(&(*a..*b)))
    }

    #[inline]
    fn may_have(&self, name: &str) -> bool {
        self.names & bit(name.as_bytes()) != 0
    }

    /// The credentials behind the scheme Bearer in Authorization, if they are long.
    fn bearer(&self) -> Option<Range<u32>> {
        const BEARER: u32 = "bearer".len() as u32;
        let is_long = |[name, name_end, value, end]: &&[u32; 4]| {
            name_end - name == 13
                && end - value > 32
                && self.slice(&(*name..*name_end)).eq_ignore_ascii_case(b"authorization")
        };
        let &[.., start, end] = self.fields.iter().find(is_long)?;
        let value = Authorization::parse(self.slice(&(start..end)))?;
        (value.at > BEARER as usize && value.is("bearer")).then_some(start + BEARER..end)
    }

    fn forget_bearer(&mut self) {
        let Some(cut) = self.bearer() else { return };
        self.bytes.drain(cut.start as usize..cut.end as usize);
        self.bytes.shrink_to_fit();
        let moved = |at: &mut u32| *at -= if *at >= cut.end { cut.end - cut.start } else { 0 };
        self.fields.as_flattened_mut().iter_mut().for_each(moved);
        for range in [&mut self.method, &mut self.target] {
            moved(&mut range.start);
            moved(&mut range.end);
        }
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.fields.len() * 16
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// One of 64 bits by length, first and last byte of a name, whatever its case.
#[inline]
fn bit(name: &[u8]) -> u64 {
    let lower = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0) | 0x20);
    1 << ((name.len() * 5 + lower(name.first()) * 3 + lower(name.last()) * 11) % 64)
}

/// Where `part` stands in `bytes`, which begin with a copy of `raw`; one that is not a part of that is appended.
#[inline]
fn put(bytes: &mut Vec<u8>, raw: &[u8], part: &[u8]) -> Range<u32> {
    let start = (part.as_ptr() as usize).wrapping_sub(raw.as_ptr() as usize);
    if start < raw.len() && start + part.len() <= raw.len() {
        return start as u32..(start + part.len()) as u32;
    }
    let start = bytes.len() as u32;
    bytes.extend_from_slice(part);
    start..bytes.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Field;

    #[test]
    fn a_stored_head_reads_as_the_borrowed_one_and_can_be_reused() {
        let fields = [
            Field { name: b"Host", value: b"a.test", at: 22 },
            Field { name: b"Accept", value: b"*/*", at: 38 },
        ];
        let start = Start::Request { method: b"GET", target: b"/x" };
        let head = Head { start_at: 4, ..Head::new(Version::Http11, start, &fields) };
        let mut stored = StoredHead::default();
        for _ in 0..2 {
            stored.store(&head);
            assert_eq!(stored.method(), b"GET");
            assert_eq!(stored.target(), b"/x");
            assert_eq!(stored.field("HOST"), Some(&b"a.test"[..]));
            assert_eq!(stored.fields().count(), 2);
        }
        assert_eq!(head.field("accept"), Some(&b"*/*"[..]));
    }

    #[test]
    fn bearer_credentials_are_forgotten_and_nothing_else() {
        let text = "GET /x HTTP/1.1\r\nHost: a.test\r\nAuthorization: ";
        for (scheme, kept) in
            [("Bearer ", "Bearer"), ("bearer  ", "bearer"), ("DPoP ", ""), ("", ""), ("Bearer", "")]
        {
            for raw in [true, false] {
                let value = format!("{scheme}{}", "x".repeat(40));
                let all = format!("{text}{value}\r\nAccept: */*\r\n\r\n");
                let at = |part: &str| {
                    let at = all.find(part).unwrap();
                    &all.as_bytes()[at..at + part.len()]
                };
                let fields = [("Host", "a.test"), ("Authorization", &*value), ("Accept", "*/*")];
                let fields = fields.map(|(name, value)| Field { name: at(name), value: at(value), at: 0 });
                let start = Start::Request { method: at("GET"), target: at("/x") };
                let raw = if raw { all.as_bytes() } else { b"" };
                let head = Head { start_at: 4, raw, ..Head::new(Version::Http11, start, &fields) };
                let mut stored = StoredHead::default();
                stored.store(&head);
                let size = stored.size();
                stored.forget_bearer();
                let expected = if kept.is_empty() { &*value } else { kept };
                assert_eq!(stored.field("authorization"), Some(expected.as_bytes()), "{value}");
                assert_eq!((stored.method(), stored.target()), (&b"GET"[..], &b"/x"[..]));
                assert_eq!(
                    (stored.field("host"), stored.field("accept")),
                    (Some(&b"a.test"[..]), Some(&b"*/*"[..]))
                );
                assert_eq!(stored.size(), size - (value.len() - expected.len()));
            }
        }
    }
}
