//! Masks the tokens and credentials in a request target or a field's value. Where it is unsure it masks.

use super::credentials::{pairs, secret_param, units, userinfo};
use crate::{
    message::{Authorization, Cookie, SetCookie, Target, chunk_base, cookies},
    token::{Scanner, Token, api_key_name, session_cookie_name},
};
use std::ops::Range;

/// What stands for a credential.
const STARS: &str = "***";
/// Shortest part of a token that was split over cookies.
const CHUNK: usize = 16;

/// A request target, or any text, with its tokens redacted and its credentials, in URLs and parameters by name, replaced by stars.
pub fn mask_target(target: &str, scanner: &Scanner) -> String {
    let mut masker = Masker::new(target, scanner, false);
    if let Some(userinfo) = Target::parse(target.as_bytes()).userinfo {
        masker.hide(userinfo.at..userinfo.at + userinfo.bytes.len());
    }
    masker.finish()
}

/// The value of a header field, masked as its name asks.
pub fn mask_field(name: &str, value: &str, scanner: &Scanner) -> String {
    Masker::of_field(name, value, scanner).finish()
}

/// Where in the value of a header field tokens and credentials stand, in no order; they may overlap.
pub fn field_credentials(name: &str, value: &str, scanner: &Scanner) -> Vec<Range<usize>> {
    Masker::of_field(name, value, scanner).marks.into_iter().map(|(range, _)| range).collect()
}

/// Whether a field of another name begins like `Authorization`.
fn scheme(value: &str) -> bool {
    let known = ["bearer", "basic", "token", "dpop"];
    value.split_once(' ').is_some_and(|(scheme, _)| known.iter().any(|k| scheme.eq_ignore_ascii_case(k)))
}

fn secret_field(name: &str) -> bool {
    let csrf = name.contains("csrf") || name.contains("xsrf");
    let ends = ["-token", "-secret", "-password", "-api-key", "-apikey", "-session-id", "-sessionid"];
    api_key_name(name) || !csrf && ends.iter().any(|end| name.ends_with(end))
}

/// Collects what is to be replaced, then replaces it at once.
struct Masker<'a> {
    text: &'a str,
    scanner: &'a Scanner,
    marks: Vec<(Range<usize>, String)>,
}

impl<'a> Masker<'a> {
    /// With all that is to be hidden in the value of a field of that name.
    fn of_field(name: &str, value: &'a str, scanner: &'a Scanner) -> Self {
        let name = name.to_ascii_lowercase();
        let mut masker = Self::new(value, scanner, name.ends_with("cookie"));
        match name.as_str() {
            "cookie" => cookies(value.as_bytes()).for_each(|cookie| masker.cookie(&cookie)),
            "set-cookie" => {
                if let Some(set) = SetCookie::parse(value.as_bytes()) {
                    masker.cookie(&set.cookie);
                }
            }
            _ if name.ends_with("authorization") || name == "authentication" || scheme(value) => {
                if let Some(auth) = Authorization::parse(value.as_bytes()) {
                    masker.hide(auth.at..auth.at + auth.credentials.len());
                }
            }
            _ if secret_field(&name) => masker.hide(0..value.len()),
            "location" | "content-location" | "referer" | "origin" => {
                if let Some(userinfo) = Target::reference(value.as_bytes()).userinfo {
                    masker.hide(userinfo.at..userinfo.at + userinfo.bytes.len());
                }
            }
            _ => {}
        }
        masker
    }

    fn new(text: &'a str, scanner: &'a Scanner, cookies: bool) -> Self {
        let mut masker = Self { text, scanner, marks: Vec::new() };
        let marks = &mut masker.marks;
        scanner.find(text.as_bytes(), &mut |hit| marks.push((hit.range, redacted(&hit.text))));
        // A value may be percent-encoded as a whole; then nothing was found in it as it stands.
        let mut start = 0;
        for part in text.split(['&', '?', '#', '=', '/', ';', ',', ' ', '"']) {
            let range = start..start + part.len();
            start = range.end + 1;
            let touched = |(r, _): &(Range<usize>, _)| r.start < range.end && range.start < r.end;
            if part.contains('%') && !marks.iter().any(touched) {
                scanner.find_in_value(part.as_bytes(), &mut |hit| {
                    marks.push((
                        range.start + hit.range.start..range.start + hit.range.end,
                        redacted(&hit.text),
                    ));
                });
            }
        }
        // Without one of these there is neither a parameter nor user information, plain or encoded.
        if !text.contains(['=', '@', '%']) {
            return masker;
        }
        let units = units(text.as_bytes());
        for (name, value) in pairs(&units, cookies) {
            if secret_param(&name, value.len()) {
                masker.hide(value);
            }
        }
        for range in userinfo(&units) {
            masker.hide(range);
        }
        masker
    }

    fn cookie(&mut self, cookie: &Cookie<'_>) {
        let name = String::from_utf8_lossy(cookie.name);
        let chunk = cookie.value.len() >= CHUNK && chunk_base(&name).is_some();
        if chunk || session_cookie_name(&name) || secret_param(&name, cookie.value.len()) {
            self.hide(cookie.at..cookie.at + cookie.value.len());
        }
    }

    /// Replaces a credential: by its redacted text if it is one token and nothing else, else by stars.
    fn hide(&mut self, range: Range<usize>) {
        let Some(value) = self.text.get(range.clone()).filter(|v| !v.is_empty()) else { return };
        let mut hits = Vec::new();
        self.scanner.find_in_value(value.as_bytes(), &mut |hit| {
            hits.push((hit.range == (0..value.len()), redacted(&hit.text)));
        });
        let text = match hits.pop() {
            Some((true, text)) if hits.is_empty() => text,
            _ => STARS.to_owned(),
        };
        self.marks.push((range, text));
    }

    fn finish(mut self) -> String {
        if self.marks.is_empty() {
            return self.text.to_owned();
        }
        // The longest of those that begin together first: what lies in another's range goes with it.
        self.marks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut merged: Vec<(Range<usize>, String)> = Vec::new();
        for (range, text) in self.marks {
            match merged.last_mut() {
                Some((last, _)) if range.end <= last.end => {}
                Some((last, shown)) if range.start < last.end => {
                    last.end = range.end;
                    STARS.clone_into(shown);
                }
                _ => merged.push((range, text)),
            }
        }
        let (mut out, mut at) = (String::with_capacity(self.text.len()), 0);
        for (range, text) in merged {
            // A boundary inside a character cannot be; were it so, what lies between is not shown.
            out.push_str(self.text.get(at..range.start).unwrap_or_default());
            out.push_str(&text);
            at = range.end;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        out
    }
}

fn redacted(token: &[u8]) -> String {
    Token::parse(token).map_or_else(|| STARS.to_owned(), |token| token.text(false).into_owned())
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
