//! An inspection for people.

use super::{Inspection, Show, explain, moment, seconds};
use crate::finding::Finding;
use crate::keys::Signature;
use crate::report::style::{self, Paint};
use crate::report::text::{counted, shorten, width, wrap};
use crate::rules::Confidence;
use crate::text::{escape, hex};
use crate::token::{DefectKind, Kind};
use anstyle::Style;
use serde_json::Value;
use std::io::{self, Write};

/// Narrowest and widest page.
const WIDTHS: (usize, usize) = (40, 120);
/// Columns of names of members, at most.
const NAMES: usize = 18;
/// Columns that short values share.
const VALUES: usize = 32;
/// Lines of one value that are shown.
const LINES: usize = 12;

/// Writes all inspections.
pub(super) fn write(inspections: &[Inspection], show: &Show<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (i, inspection) in inspections.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let mut page = Page::new(inspection, show);
        page.all();
        for line in page.lines {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

struct Page<'a> {
    of: &'a Inspection,
    show: &'a Show<'a>,
    width: usize,
    paint: Paint,
    lines: Vec<String>,
}

impl<'a> Page<'a> {
    fn new(of: &'a Inspection, show: &'a Show<'a>) -> Self {
        let width = show.settings.width.clamp(WIDTHS.0, WIDTHS.1);
        Self { of, show, width, paint: Paint(show.settings.color), lines: Vec::new() }
    }

    fn all(&mut self) {
        self.title();
        self.members("header", self.of.token.header());
        match self.of.token.claims() {
            Some(claims) => self.members("claims", claims),
            None => self.payload(),
        }
        self.disclosures();
        self.signature();
        self.defects();
        self.findings();
    }

    fn title(&mut self) {
        let token = &self.of.token;
        let kind = match token.kind() {
            Kind::Jws => "JWS",
            Kind::Jwe => "JWE",
            Kind::JwsJson => "JWS in JSON form",
            Kind::JweJson => "JWE in JSON form",
            Kind::SdJwt => "SD-JWT",
            Kind::Nested => "JWS around another token",
        };
        let mut text = format!("token {}  {kind}", token.sha256_hex().get(..12).unwrap_or_default());
        if let Some(alg) = token.alg() {
            text.push_str(&format!(", {}", escape(&self.show.name(&alg))));
        }
        if let Some(outer) = self.of.within.and_then(|sha256| hex(&sha256).get(..12).map(str::to_owned)) {
            text.push_str(&format!(", inside of {outer}"));
        }
        let role = token.role().as_str();
        if role != "unknown" {
            text.push_str(&format!(", role {role}"));
        }
        let text = shorten(&text, self.width);
        self.lines.push(self.paint.paint(style::BOLD, &text));
        if let Some(issuer) = token.issuer() {
            self.paragraph("  ", style::DIM, issuer.title);
        }
        if token.is_sample() {
            self.paragraph("  ", style::DIM, "a sample of jwt.io or of an RFC");
        }
    }

    fn heading(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.push(self.paint.paint(style::BOLD, text));
    }

    /// Wrapped text; what it says is escaped here.
    fn paragraph(&mut self, indent: &str, style: Style, text: &str) {
        for line in wrap(&escape(text), self.width - indent.len()) {
            self.lines.push(format!("{indent}{}", self.paint.paint(style, &line)));
        }
    }

    fn members(&mut self, part: &str, value: &Value) {
        self.heading(part);
        let Some(members) = value.as_object().filter(|members| !members.is_empty()) else {
            return self.paragraph("  ", style::DIM, "empty");
        };
        let names = members
            .keys()
            .map(|name| width(&escape(&self.show.name(name))))
            .max()
            .unwrap_or_default()
            .min(NAMES);
        let rows: Vec<(&str, String)> =
            members.iter().map(|(name, value)| (name.as_str(), self.value(name, value))).collect();
        let short = |wide: &usize| *wide <= VALUES;
        let values =
            rows.iter().map(|(_, text)| width(&escape(text))).filter(short).max().unwrap_or_default();
        for (name, text) in rows {
            self.member(part, name, &text, names, values);
        }
    }

    /// A value as it may be shown: texts as they are, anything else as JSON.
    fn value(&self, name: &str, value: &Value) -> String {
        let value = self.show.member(name, value);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// A name and its value; what it means stands behind it where there is room, else below.
    fn member(&mut self, part: &str, name: &str, text: &str, names: usize, values: usize) {
        let shown = escape(&self.show.name(name));
        let label = shorten(&shown, names);
        let pad = " ".repeat(names.saturating_sub(width(&label)));
        let indent = names + 4;
        let room = self.width.saturating_sub(indent).max(8);
        let mut lines = wrap(&escape(text), room);
        if lines.len() > LINES {
            lines.truncate(LINES);
            lines.push("…".to_owned());
        }
        let note = self.note(part, name, text);
        let only = lines.first().filter(|_| lines.len() <= 1).cloned().unwrap_or_default();
        let wide = width(&only).max(values);
        let fits = lines.len() <= 1 && wide + 2 + width(&note) <= room;
        for (i, line) in lines.iter().enumerate() {
            let head = if i == 0 {
                format!("  {}{pad}  ", self.paint.paint(style::GOOD, &label))
            } else {
                " ".repeat(indent)
            };
            let tail = if fits && !note.is_empty() {
                format!("{}  {}", " ".repeat(wide - width(&only)), self.paint.paint(style::DIM, &note))
            } else {
                String::new()
            };
            self.lines.push(format!("{head}{line}{tail}"));
        }
        if lines.is_empty() {
            self.lines.push(format!("  {}{pad}  \"\"", self.paint.paint(style::GOOD, &label)));
        }
        if (!fits || lines.is_empty()) && !note.is_empty() {
            self.paragraph(&" ".repeat(indent), style::DIM, &note);
        }
    }

    /// What a member means; of a time, when it is.
    fn note(&self, part: &str, name: &str, value: &str) -> String {
        if part == "header" {
            let meaning = explain::header(name).map_or("", |meaning| meaning.text);
            return match explain::algorithm(value).filter(|_| name == "alg") {
                Some(algorithm) => algorithm.to_owned(),
                None => meaning.to_owned(),
            };
        }
        let meaning = explain::claim(name).map_or("", |meaning| meaning.text);
        let now = self.of.now.seconds();
        let at = seconds(&self.of.token, name).filter(|_| explain::is_date(name));
        let Some((at, date)) = at.and_then(|at| Some((at, moment::date(at)?))) else {
            return meaning.to_owned();
        };
        let meaning = match name {
            "exp" if at < now => "expired",
            "nbf" if at <= now => "valid since",
            _ => meaning,
        };
        let lifetime = match (name, seconds(&self.of.token, "iat")) {
            ("exp", Some(iat)) if at > iat => format!("; lives {}", moment::span(at - iat)),
            _ => String::new(),
        };
        format!("{meaning} {date}, {}{lifetime}", moment::distance(at, now))
    }

    fn payload(&mut self) {
        let token = &self.of.token;
        self.heading("payload");
        let bytes = token.payload().len() as u64;
        let text = match token.kind() {
            _ if token.inside().is_some() => format!("another token, {}; it follows", counted(bytes, "byte")),
            Kind::Jwe | Kind::JweJson if !token.is_opened() => match self.of.given {
                0 => "encrypted".to_owned(),
                _ => "encrypted; no key that was given opens it".to_owned(),
            },
            Kind::Jwe | Kind::JweJson if bytes == 0 => match token.inflated() {
                Some((_, to)) if to > 0 => format!("too long to be read: {} inflated", counted(to, "byte")),
                _ => "empty".to_owned(),
            },
            Kind::Nested => format!("another token, {}; inspect it by itself", counted(bytes, "byte")),
            _ if bytes == 0 => "empty, or detached (RFC 7515 appendix F)".to_owned(),
            _ => format!("{}, no JSON object", counted(bytes, "byte")),
        };
        self.paragraph("  ", style::DIM, &text);
    }

    fn disclosures(&mut self) {
        let parts: Vec<&str> = self.of.token.disclosures().collect();
        let Some((binding, disclosures)) = parts.split_last() else { return };
        self.heading("disclosures");
        let mut text = counted(disclosures.len() as u64, "disclosed claim");
        text.push_str(if binding.is_empty() { ", no key binding" } else { ", bound to a key of its holder" });
        self.paragraph("  ", style::DIM, &text);
    }

    fn signature(&mut self) {
        self.heading("signature");
        let (style, text) = match self.of.signature {
            Signature::Valid => (style::GOOD, "valid: a key that was given verifies it"),
            Signature::Invalid => (style::WARN, "INVALID: the key it must be made with does not verify it"),
            Signature::Unsigned => (style::WARN, "none: anyone can write such a token"),
            Signature::WeakSecret => (style::WARN, "WEAK: its secret was found, anyone can sign such tokens"),
            Signature::Unverified => (style::DIM, "not verified: no key that was given tells"),
            Signature::Encrypted if self.of.token.is_opened() => {
                (style::GOOD, "a JWE has none; a key that was given opens it")
            }
            Signature::Encrypted => (style::DIM, "a JWE has none"),
        };
        self.paragraph("  ", style, text);
        if let Some((secret, from)) = &self.of.secret {
            let text = format!("secret {}, {from}", secret.masked(self.show.show_secrets));
            self.paragraph("  ", Style::new(), &text);
        }
        for key in &self.of.keys {
            let name = key.kid.as_deref().map_or_else(String::new, |kid| format!(" {kid}"));
            let verdict = if key.verifies { "verifies" } else { "does not verify" };
            self.paragraph("  ", Style::new(), &format!("key{name} ({}): {verdict}", key.kind));
        }
        let rest = self.of.given.saturating_sub(self.of.keys.len());
        if rest > 0 && !self.of.token.is_encrypted() {
            let text = format!("{} of another type or for another algorithm", counted(rest as u64, "key"));
            self.paragraph("  ", style::DIM, &text);
        }
        if self.of.trials > 0 && self.of.secret.is_none() {
            let cut = if self.of.cut { "; the budget ended before the words did" } else { "" };
            let text = format!("{} tried, none is its secret{cut}", counted(self.of.trials, "word"));
            self.paragraph("  ", style::DIM, &text);
        }
    }

    fn defects(&mut self) {
        let defects = self.of.token.defects();
        if defects.is_empty() {
            return;
        }
        self.heading("defects");
        for defect in defects {
            let mut text = format!("{}: {}", defect.part.as_str(), in_words(&defect.kind));
            match &defect.kind {
                DefectKind::DuplicateMember(name) => {
                    text.push_str(&format!(" {}", self.show.name(name)));
                }
                DefectKind::WrongType(name) => text.push_str(&format!(" {name}")),
                _ => {}
            }
            self.paragraph("  ", style::WARN, &text);
        }
    }

    fn findings(&mut self) {
        self.heading("rules");
        let findings = &self.of.findings;
        if findings.is_empty() {
            return self.paragraph("  ", style::GOOD, "No findings.");
        }
        for finding in findings {
            self.finding(finding);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let doubt = match finding.confidence {
            Confidence::High => String::new(),
            other => format!(", {other} confidence"),
        };
        let severity = finding.severity.as_str();
        let rule = shorten(&format!("[{}{doubt}]", escape(&finding.identity.rule)), self.width - 2);
        let title = escape(&finding.title);
        let head = self.paint.paint(style::severity(finding.severity), severity);
        let shown = self.paint.paint(style::DIM, &rule);
        let room = self.width.saturating_sub(width(severity) + 4);
        if width(&title) + 2 + width(&rule) <= room {
            self.lines.push(format!("  {head}  {}  {shown}", self.paint.paint(style::BOLD, &title)));
        } else {
            let title = shorten(&title, room);
            self.lines.push(format!("  {head}  {}", self.paint.paint(style::BOLD, &title)));
            self.lines.push(format!("    {shown}"));
        }
        self.paragraph("    ", Style::new(), &finding.message);
        let mut lead = self.paint.paint(style::GOOD, "fix: ");
        for line in wrap(&escape(&finding.remediation), self.width - 9) {
            self.lines.push(format!("    {lead}{line}"));
            lead = " ".repeat(5);
        }
    }
}

/// A defect in words.
fn in_words(kind: &DefectKind) -> &'static str {
    match kind {
        DefectKind::Padding => "padding at the end of a segment (RFC 7515 §2)",
        DefectKind::StandardAlphabet => "+ or / where base64url has - and _",
        DefectKind::TrailingBits => "bits behind the last byte (RFC 4648 §3.5)",
        DefectKind::Whitespace => "white space inside",
        DefectKind::Undecodable => "not base64url",
        DefectKind::DuplicateMember(_) => "a member that stands there twice (RFC 7515 §4):",
        DefectKind::Bom => "a byte order mark (RFC 8259 §8.1)",
        DefectKind::NotUtf8 => "JSON that is not UTF-8",
        DefectKind::LoneSurrogate => "an escaped half of a surrogate pair",
        DefectKind::Nul => "a NUL character in a string",
        DefectKind::TrailingData => "bytes behind the JSON object",
        DefectKind::TooDeep => "JSON that is nested too deeply to be read",
        DefectKind::WrongType(_) => {
            "of another type than its specification says (RFC 7515 §4.1, RFC 7519 §4.1):"
        }
        DefectKind::WideText => "JSON in UTF-16 or UTF-32 (RFC 8259 §8.1)",
        DefectKind::ForeignCharacters => "characters that are no base64url, which some decoders skip",
        DefectKind::Polyglot => "another token for a reader that takes the JSON text as a compact one",
    }
}
