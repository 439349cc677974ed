//! Lines and words, as protocols of text have them.

/// The first line of `bytes` without its end, and the bytes that it takes with it; `None` while it is not whole.
pub(super) fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let text = bytes.get(..end)?;
    Some((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}

/// The first word of a line, and what follows the space behind it.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(end) => (&text[..end], text[end + 1..].trim_ascii_start()),
        None => (text, &text[text.len()..]),
    }
}

/// Whether `text` begins with the command `name`, in any case, and a space or its end behind it. `None` while it is too short
/// to tell.
pub(super) fn begins(text: &[u8], name: &[u8]) -> Option<bool> {
    let n = text.len().min(name.len());
    if !text[..n].eq_ignore_ascii_case(&name[..n]) {
        return Some(false);
    }
    match text.get(name.len()) {
        None => None,
        Some(b' ' | b'\r' | b'\n') => Some(true),
        Some(_) => Some(false),
    }
}

/// Whether one of the lines of a text is, or begins with, `word` in any case.
pub(super) fn is_word(text: &[u8], word: &str) -> bool {
    text.split(|b| !b.is_ascii_alphanumeric()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

/// A text of lines that ends with one that is a single dot (RFC 5321 section 4.1.1.4, RFC 1939 section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dotted {
    /// What comes next does not stand at the start of a line.
    inside: bool,
}

/// What such a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many bytes of it.
    Text(usize),
    /// Its end, which takes so many bytes.
    End(usize),
    /// So many bytes are needed to tell.
    Need(usize),
}

impl Dotted {
    /// Looks at the next bytes, of which there is at least one.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Piece {
        if !self.inside {
            match bytes {
                [b'.', b'\r', b'\n', ..] => return Piece::End(3),
                [b'.', b'\n', ..] => return Piece::End(2),
                [b'.'] | [b'.', b'\r'] => return Piece::Need(bytes.len() + 1),
                _ => {}
            }
        }
        // Up to the next line that begins with a dot, which may be the last one.
        let upto = memchr::memmem::find(bytes, b"\n.").map_or(bytes.len(), |at| at + 1);
        self.inside = bytes.get(upto.wrapping_sub(1)) != Some(&b'\n');
        Piece::Text(upto)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_words_are_told() {
        assert_eq!(line(b"AUTH PLAIN x\r\nnext"), Some((&b"AUTH PLAIN x"[..], 14)));
        assert_eq!(line(b"QUIT"), None);
        assert_eq!(word(b"AUTH  PLAIN x"), (&b"AUTH"[..], &b"PLAIN x"[..]));
        assert_eq!(word(b"NOOP"), (&b"NOOP"[..], &b""[..]));
        assert_eq!(begins(b"ehlo me", b"EHLO"), Some(true));
        assert_eq!(
            (begins(b"EH", b"EHLO"), begins(b"EHLOX", b"EHLO"), begins(b"HELO", b"EHLO")),
            (None, Some(false), Some(false))
        );
        assert!(is_word(b"250-STARTTLS", "starttls") && !is_word(b"NOSTARTTLS x", "starttls"));
    }

    #[test]
    fn a_text_ends_with_a_dot_wherever_it_is_cut() {
        let text = b"one\r\n..two\r\n.three\r\n\r\n.\r\nQUIT\r\n";
        for size in 1..text.len() {
            let (mut dotted, mut got, mut held) = (Dotted::default(), Vec::new(), Vec::new());
            let mut rest = &text[..];
            let end = loop {
                let n = size.min(rest.len());
                held.extend_from_slice(&rest[..n]);
                rest = &rest[n..];
                let mut ended = None;
                while !held.is_empty() {
                    match dotted.next(&held) {
                        Piece::Text(n) => got.extend(held.drain(..n)),
                        Piece::End(n) => {
                            ended = Some(held.split_off(n));
                            break;
                        }
                        Piece::Need(n) => {
                            assert!(n > held.len());
                            break;
                        }
                    }
                }
                if let Some(left) = ended {
                    break [&left, rest].concat();
                }
            };
            assert_eq!(
                (got.as_slice(), end.as_slice()),
                (&text[..22], &b"QUIT\r\n"[..]),
                "in pieces of {size}"
            );
        }
    }
}
