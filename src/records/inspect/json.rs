//! An inspection as JSON.

use super::{Inspection, Show, explain, moment, seconds};
use crate::finding::Finding;
use crate::rules::{Confidence, Severity};
use crate::text::hex;
use crate::time::{Second, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::{self, Write};

#[derive(Serialize)]
struct Document<'a> {
    wirelint: &'a str,
    tokens: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    kind: &'a str,
    alg: Option<String>,
    kid: Option<Value>,
    typ: Option<Value>,
    role: &'a str,
    issuer: Option<&'a str>,
    now: Timestamp,
    header: Value,
    claims: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<bool>,
    explained: Vec<Explained>,
    signature: Verdict<'a>,
    defects: Vec<Defect<'a>>,
    findings: Vec<Said<'a>>,
    token: String,
}

#[derive(Serialize)]
struct Explained {
    part: &'static str,
    name: String,
    meaning: &'static str,
    reference: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Second>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    status: Option<&'a str>,
    keys_given: usize,
    keys_tried: Vec<Key<'a>>,
    secret: Option<String>,
    secret_from: Option<&'a str>,
    words_tried: u64,
    cut: bool,
}

#[derive(Serialize)]
struct Key<'a> {
    kid: Option<&'a str>,
    r#type: &'a str,
    verifies: bool,
}

#[derive(Serialize)]
struct Defect<'a> {
    part: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Said<'a> {
    rule: &'a str,
    title: &'a str,
    severity: Severity,
    confidence: Confidence,
    message: &'a str,
    group: &'a str,
    remediation: &'a str,
    references: &'a [String],
    cwe: &'a [u32],
}

/// Writes all inspections as one object.
pub(super) fn write(inspections: &[Inspection], show: &Show<'_>, out: &mut dyn Write) -> io::Result<()> {
    let tokens = inspections.iter().map(|inspection| entry(inspection, show)).collect();
    serde_json::to_writer_pretty(&mut *out, &Document { wirelint: show.settings.version, tokens })?;
    out.write_all(b"\n")
}

fn entry<'a>(inspection: &'a Inspection, show: &Show<'_>) -> Entry<'a> {
    let token = &*inspection.token;
    let shown = |value: &Value| {
        let members = value.as_object().into_iter().flatten();
        Value::Object(
            members
                .map(|(name, value)| (show.name(name).into_owned(), show.member(name, value)))
                .collect::<Map<_, _>>(),
        )
    };
    Entry {
        sha256: token.sha256_hex(),
        within: inspection.within.as_ref().map(|sha256| hex(sha256)),
        kind: token.kind().as_str(),
        alg: token.alg().map(|alg| show.name(&alg).into_owned()),
        kid: token.kid().map(|kid| show.member("kid", kid)),
        typ: token.typ().map(|typ| show.member("typ", typ)),
        role: token.role().as_str(),
        issuer: token.issuer().map(|issuer| issuer.name),
        now: inspection.now,
        header: shown(token.header()),
        claims: token.claims().map(shown),
        opened: token.is_encrypted().then(|| token.is_opened()),
        explained: explained(inspection),
        signature: Verdict {
            status: inspection.signature.as_str(),
            keys_given: inspection.given,
            keys_tried: inspection.keys.iter().map(key).collect(),
            secret: inspection.secret.as_ref().map(|(s, _)| s.masked(show.show_secrets).into_owned()),
            secret_from: inspection.secret.as_ref().map(|(_, from)| *from),
            words_tried: inspection.trials,
            cut: inspection.cut,
        },
        defects: token.defects().iter().map(|one| defect(one, show)).collect(),
        findings: inspection.findings.iter().map(said).collect(),
        token: token.text(show.show_secrets).into_owned(),
    }
}

fn key(tried: &crate::keys::Tried) -> Key<'_> {
    Key { kid: tried.kid.as_deref(), r#type: tried.kind, verifies: tried.verifies }
}

fn defect<'a>(defect: &'a crate::token::Defect, show: &Show<'_>) -> Defect<'a> {
    let name = match &defect.kind {
        crate::token::DefectKind::DuplicateMember(name) => Some(show.name(name)),
        crate::token::DefectKind::WrongType(name) => Some((*name).into()),
        _ => None,
    };
    Defect { part: defect.part.as_str(), kind: defect.kind.as_str(), name }
}

fn said(finding: &Finding) -> Said<'_> {
    Said {
        rule: &finding.identity.rule,
        title: &finding.title,
        severity: finding.severity,
        confidence: finding.confidence,
        message: &finding.message,
        group: finding.group,
        remediation: &finding.remediation,
        references: &finding.references,
        cwe: &finding.cwe,
    }
}

/// The members that are registered, in the order in which they stand.
fn explained(inspection: &Inspection) -> Vec<Explained> {
    let token = &*inspection.token;
    let names = |value: &'static str, members: Option<&Value>| -> Vec<(&'static str, String)> {
        let members = members.and_then(Value::as_object).into_iter().flatten();
        members.map(|(name, _)| (value, name.clone())).collect()
    };
    let mut all = names("header", Some(token.header()));
    all.extend(names("claims", token.claims()));
    let one = |(part, name): (&'static str, String)| {
        let meaning = if part == "header" { explain::header(&name) } else { explain::claim(&name) }?;
        let at = (part == "claims" && explain::is_date(&name)).then(|| seconds(token, &name)).flatten();
        let at = at.filter(|at| moment::date(*at).is_some());
        let words = at.map(|at| moment::distance(at, inspection.now.seconds()));
        let (meaning, reference) = (meaning.text, meaning.source);
        Some(Explained { part, name, meaning, reference, time: at.map(Second), words })
    };
    all.into_iter().filter_map(one).collect()
}
