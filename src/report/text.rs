//! Lines, columns and numbers as people read them on a terminal.

use comfy_table::Table;

/// Columns that `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// `text`, cut to `max` columns with an ellipsis where it is longer.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max || width(text) <= max {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += char_width(c);
        if used > max {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` in lines of at most `max` columns, broken between words, and inside those that are longer than a line.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(8);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide = width(word);
        if used > 0 && used + 1 + wide > max {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let wide = char_width(c);
            if used + wide > max {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The last parts of a path.
pub(crate) fn last(path: &str, parts: usize) -> &str {
    let mut cuts = path.rmatch_indices(['/', '\\']);
    cuts.nth(parts - 1).map_or(path, |(at, cut)| &path[at + cut.len()..])
}

/// `text`, cut in front to `max` columns: the end of a path tells more than its beginning.
pub(crate) fn shorten_front(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mut tail: Vec<char> = Vec::new();
    let mut used = 1;
    for c in text.chars().rev() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > max {
            break;
        }
        tail.push(c);
    }
    std::iter::once('…').chain(tail.into_iter().rev()).collect()
}

/// `text` in one line, or in two that are broken before a `/`.
pub(crate) fn broken(text: &str, room: usize) -> Vec<String> {
    let (mut used, mut end, mut slash) = (0, 0, None);
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if c == '/' && used <= room + 1 {
            slash = Some(at);
        }
        if used > room {
            break;
        }
        end = at + c.len_utf8();
    }
    if end == text.len() {
        return vec![text.to_owned()];
    }
    let (head, tail) = text.split_at(slash.filter(|at| at * 2 > room).unwrap_or(end));
    vec![head.to_owned(), shorten(tail, room)]
}

/// A number with its thousands told apart: `12 345`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A number and its noun: `1 flow`, `2 flows`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number of bytes for people: `512 B`, `1.4 MB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let (mut value, mut unit) = (n as f64 / 1000.0, 0);
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).unwrap_or(&"PB"))
}

/// comfy-table measures what it lays out; asking it keeps our lines and its cells of one mind.
fn char_width(c: char) -> usize {
    if c.is_ascii() {
        return usize::from(!c.is_ascii_control());
    }
    let mut table = Table::new();
    table.add_row([format!("a{c}")]);
    table.column_max_content_widths().first().map_or(1, |&both| usize::from(both.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::escape;
    use proptest::prelude::*;

    #[test]
    fn widths_are_those_of_a_terminal() {
        assert_eq!((width("abc"), width("漢字"), width("é"), width("e\u{301}")), (3, 4, 1, 1));
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("漢字漢字", 5), "漢字…");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("0123456789ab c", 8), ["01234567", "89ab c"]);
    }

    #[test]
    fn paths_are_broken_where_they_have_joints() {
        assert_eq!(broken("GET a.test/one/two/three", 16), ["GET a.test/one", "/two/three"]);
        assert_eq!(broken("GET 0123456789", 8), ["GET 0123", "456789"]);
        assert_eq!(
            (broken("GET a", 8), broken("GET a/b", 5)),
            (vec!["GET a".into()], vec!["GET a".into(), "/b".into()])
        );
        assert_eq!((last("a/b/c.pcap", 2), last("c.pcap", 2)), ("b/c.pcap", "c.pcap"));
        assert_eq!(shorten_front("folder/capture.pcap", 14), "…/capture.pcap");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (grouped(7), grouped(1234), grouped(1_234_567)),
            ("7".into(), "1 234".into(), "1 234 567".into())
        );
        assert_eq!(
            (bytes(999), bytes(1000), bytes(999_960), bytes(1_400_000)),
            ("999 B".into(), "1.0 kB".into(), "1.0 MB".into(), "1.4 MB".into())
        );
        assert_eq!((counted(1, "flow"), counted(0, "flow")), ("1 flow".into(), "0 flows".into()));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in any::<String>(), max in 8_usize..40) {
            let text = escape(&text);
            prop_assert!(width(&shorten(&text, max)) <= max);
            for line in wrap(&text, max) {
                prop_assert!(width(&line) <= max);
            }
        }
    }
}
