//! `html`: one page that holds all it needs: no network, no fonts, nothing from the traffic that is not escaped.

mod findings;
mod graph;
mod head;
mod lives;
mod markup;
mod timeline;

use super::{Format, Report, Settings, tail, text::counted};
use crate::finding::Summary;
use base64::Engine as _;
use markup::{html, list};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "html",
    doc: "one page to look at, with filter and search",
    live: false,
    story: true,
    make: || Box::new(Html),
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

struct Html;

impl Report for Html {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(page(summary, settings).as_bytes())
    }
}

/// The whole page.
fn page(summary: &Summary, settings: &Settings) -> String {
    let mut out = String::new();
    // Only this page's own style and script may run, whatever a browser makes of the rest.
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n",
        html(&title(summary)),
    );
    head::write(summary, &mut out);
    out.push_str("<main>\n");
    timeline::write(summary, &mut out);
    if let Some(story) = &summary.story {
        graph::write(story, &mut out);
        lives::write(story, summary, &mut out);
    }
    findings::write(summary, settings, &mut out);
    missed(summary, &mut out);
    let _ = write!(
        out,
        "</main>\n<footer>Written by wirelint {}. The page loads nothing and sends nothing. Tokens and secrets are masked \
         unless the report was asked to show them.</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        html(settings.version)
    );
    out
}

fn title(summary: &Summary) -> String {
    match summary.inputs.as_slice() {
        [] => "wirelint".to_owned(),
        [one] => format!("wirelint: {one}"),
        more => format!("wirelint: {}", counted(more.len() as u64, "file")),
    }
}

fn missed(summary: &Summary, out: &mut String) {
    out.push_str("<section aria-labelledby=\"missed\">\n<h2 id=\"missed\">What was not inspected</h2>\n");
    let missed = tail::missed(summary);
    if tail::nothing_read(summary) {
        out.push_str("<p>No packets were read.</p>\n");
    } else if missed.is_empty() {
        out.push_str("<p class=\"good\">Everything was inspected.</p>\n");
    } else {
        list(missed.iter(), out);
    }
    if !summary.warnings.is_empty() {
        out.push_str("<h3>Warnings about the inputs</h3>\n");
        list(summary.warnings.iter(), out);
    }
    if !summary.remarks.is_empty() {
        out.push_str("<h3>Remarks about the configuration</h3>\n");
        list(summary.remarks.iter(), out);
    }
    out.push_str("</section>\n");
}

/// The source of a content security policy that allows exactly this text.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests;
