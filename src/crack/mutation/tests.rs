//! Functions as hashcat's documentation shows them, and mistakes.

use super::*;
use proptest::prelude::*;

fn apply(rule: &str, word: &str) -> Option<String> {
    let rule = Mutation::parse(rule.as_bytes()).unwrap();
    let mut out = Vec::new();
    rule.apply(word.as_bytes(), &mut out).then(|| String::from_utf8_lossy(&out).into_owned())
}

/// The examples of hashcat's page "Rule-based attack", and the borders of each function.
#[test]
fn functions_do_what_hashcat_says() {
    for (rule, word, result) in [
        (":", "p@ssW0rd", "p@ssW0rd"),
        ("l", "p@ssW0rd", "p@ssw0rd"),
        ("u", "p@ssW0rd", "P@SSW0RD"),
        ("c", "p@ssW0rd", "P@ssw0rd"),
        ("C", "p@ssW0rd", "p@SSW0RD"),
        ("t", "p@ssW0rd", "P@SSw0RD"),
        ("T3", "p@ssW0rd", "p@sSW0rd"),
        ("TZ", "p@ssW0rd", "p@ssW0rd"),
        ("r", "p@ssW0rd", "dr0Wss@p"),
        ("d", "p@ssW0rd", "p@ssW0rdp@ssW0rd"),
        ("p2", "p@ssW0rd", "p@ssW0rdp@ssW0rdp@ssW0rd"),
        ("f", "p@ssW0rd", "p@ssW0rddr0Wss@p"),
        ("{", "p@ssW0rd", "@ssW0rdp"),
        ("}", "p@ssW0rd", "dp@ssW0r"),
        ("$1", "p@ssW0rd", "p@ssW0rd1"),
        ("^1", "p@ssW0rd", "1p@ssW0rd"),
        ("$ $\\x41", "a", "a A"),
        ("[", "p@ssW0rd", "@ssW0rd"),
        ("]", "p@ssW0rd", "p@ssW0r"),
        ("D3", "p@ssW0rd", "p@sW0rd"),
        ("x04", "p@ssW0rd", "p@ss"),
        ("x77", "p@ssW0rd", "p@ssW0rd"),
        ("O12", "p@ssW0rd", "psW0rd"),
        ("i4!", "p@ssW0rd", "p@ss!W0rd"),
        ("i8!", "p@ssW0rd", "p@ssW0rd!"),
        ("i9!", "p@ssW0rd", "p@ssW0rd"),
        ("o3$", "p@ssW0rd", "p@s$W0rd"),
        ("'6", "p@ssW0rd", "p@ssW0"),
        ("ss$", "p@ssW0rd", "p@$$W0rd"),
        ("@s", "p@ssW0rd", "p@W0rd"),
        ("z2", "p@ssW0rd", "ppp@ssW0rd"),
        ("Z2", "p@ssW0rd", "p@ssW0rddd"),
        ("q", "p@ss", "pp@@ssss"),
        ("k", "p@ssW0rd", "@pssW0rd"),
        ("K", "p@ssW0rd", "p@ssW0dr"),
        ("*34", "p@ssW0rd", "p@sWs0rd"),
        ("L2", "p@ssW0rd", "p@\u{fffd}sW0rd"),
        ("R2", "p@ssW0rd", "p@9sW0rd"),
        ("+2", "p@ssW0rd", "p@tsW0rd"),
        ("-1", "p@ssW0rd", "p?ssW0rd"),
        (".1", "p@ssW0rd", "psssW0rd"),
        (",1", "p@ssW0rd", "ppssW0rd"),
        (",0", "p@ssW0rd", "p@ssW0rd"),
        ("y2", "p@ssW0rd", "p@p@ssW0rd"),
        ("Y2", "p@ssW0rd", "p@ssW0rdrd"),
        ("E", "p@ssW0rd w0rld", "P@ssw0rd W0rld"),
        ("e-", "p@ssW0rd-w0rld", "P@ssw0rd-W0rld"),
        ("30-", "pass-word", "pass-Word"),
        ("lMX428", "p@ssW0rd", "p@ssw0rdw0"),
        ("uMl4", "p@ssW0rd", "p@ssw0rdP@SSW0RD"),
        ("rMr6", "p@ssW0rd", "dr0Wss@pp@ssW0rd"),
        ("c $1 $2", "hello", "Hello12"),
        ("", "same", "same"),
    ] {
        assert_eq!(apply(rule, word).as_deref(), Some(result), "{rule} on {word}");
    }
}

#[test]
fn words_are_rejected() {
    for (rule, yes, no) in [
        ("<3", "abc", "abcd"),
        (">3", "abc", "ab"),
        ("_3", "abc", "ab"),
        ("!b", "acd", "abc"),
        ("/b", "abc", "acd"),
        ("(a", "abc", "bac"),
        (")c", "abc", "acb"),
        ("=1b", "abc", "acb"),
        ("%2b", "abcb", "abc"),
        ("MlQ", "Abc", "abc"),
    ] {
        assert!(apply(rule, yes).is_some() && apply(rule, no).is_none(), "{rule}");
    }
}

#[test]
fn files_have_comments_and_mistakes_have_lines() {
    let rules = Mutation::read(b"# a comment\r\n\n:\r\n  \t\nc $1\n$#\n").unwrap();
    assert_eq!(rules.len(), 3);
    for (text, line, cause) in [
        (&b":\nc$"[..], 2, "the function `$` lacks a parameter"),
        (b"T!", 1, "`!` is no number (0 to 9, A to Z) for `T`"),
        (b"l\n\n\xff", 3, "there is no function `\\xff`"),
        (&[b':'; 65], 1, "more than 64 functions"),
    ] {
        let error = Mutation::read(text).unwrap_err();
        assert_eq!((error.line, error.cause.as_str()), (line, cause));
        assert_eq!(error.to_string(), format!("line {line}: {cause}"));
    }
}

#[test]
fn no_word_grows_beyond_the_bound() {
    for rule in
        ["dddddddddddd", "pZpZpZ", "ffffffffffff", "qqqqqqqqqqqq", "M44444444444444M4M4M4M4M4M4M4M4M4"]
    {
        let rule = Mutation::parse(rule.as_bytes()).unwrap();
        let mut out = Vec::new();
        assert!(rule.apply(b"twelve bytes", &mut out));
        assert!(out.len() <= crate::crack::WORD_BYTES && out.len() > 12);
    }
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_mutation(&text);
    }

    /// Files of letters that are functions get further than random bytes.
    #[test]
    fn any_function_on_any_word(
        rule in "[:lucCtTrdpf{}$^\\[\\]DxOio'sszZqkK*LR+.,yYEeM46X<>_!/()=%Q@3-]{1,3}[0-9A-Z ]{0,6}",
        word in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        fuzz_mutation(rule.as_bytes());
        if let Ok(rule) = Mutation::parse(rule.as_bytes()) {
            let (mut a, mut b) = (Vec::new(), b"something else".to_vec());
            prop_assert_eq!(rule.apply(&word, &mut a), rule.apply(&word, &mut b));
            prop_assert_eq!(a, b);
        }
    }
}
