//! Text as HTML: nothing leaves this module that a browser could read as more than text.

use crate::text::escape;
use std::fmt::Write as _;

/// Text that is no markup, in elements and attributes alike.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The same of at most `max` characters: a page of thousands of findings must not grow by what senders write.
pub(super) fn short(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", html(&text[..end])),
        None => html(text),
    }
}

/// A rule's Markdown, of which only code spans matter.
pub(super) fn prose(markdown: &str) -> String {
    let mut out = String::new();
    for (i, part) in markdown.trim().split('`').enumerate() {
        let text = html(&part.replace('\n', " "));
        if i % 2 == 1 {
            let _ = write!(out, "<code>{text}</code>");
        } else {
            out.push_str(&text);
        }
    }
    out
}

/// A plain list.
pub(super) fn list<'a>(items: impl Iterator<Item = &'a String>, out: &mut String) {
    out.push_str("<ul class=\"plain\">\n");
    for item in items {
        let _ = writeln!(out, "<li>{}</li>", html(item));
    }
    out.push_str("</ul>\n");
}

/// Channels as the page names them: class, and words.
pub(super) const CHANNELS: [(&str, &str, &str); 3] = [
    ("cleartext", "clear", "cleartext"),
    ("tls-opaque", "closed", "TLS"),
    ("tls-decrypted", "opened", "TLS, decrypted"),
];

/// Class and words of a channel.
pub(super) fn channel(name: &str) -> (&'static str, &'static str) {
    let found = CHANNELS.iter().find(|(channel, ..)| *channel == name);
    found.map_or(("closed", "TLS"), |(_, class, words)| (class, words))
}

/// What the lines of the channels look like.
pub(super) fn legend(out: &mut String) {
    out.push_str("<ul class=\"legend\" aria-label=\"Colours of lines\">");
    for (_, class, words) in CHANNELS {
        let _ = write!(out, "<li><span class=\"key {class}\"></span>{words}</li>");
    }
    out.push_str("</ul>\n");
}

/// `2023-11-14 22:13:20 UTC`.
pub(super) fn moment(time: crate::time::Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// `22:13:20.123`.
pub(super) fn clock(time: crate::time::Timestamp) -> String {
    time.to_string().get(11..23).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_whole_characters_and_escaped() {
        assert_eq!((short("a<漢字", 3), short("a<漢", 3)), ("a&lt;漢…".into(), "a&lt;漢".into()));
    }

    #[test]
    fn code_spans_are_told_apart() {
        assert_eq!(prose("reject `a<b` and\n`c`."), "reject <code>a&lt;b</code> and <code>c</code>.");
    }
}
