//! `junit`: JUnit XML, as CI servers show it: a suite an input, a failed test a finding.

use super::{Format, Report, Settings, words};
use crate::{
    finding::{Finding, Summary, Trial},
    text::escape,
};
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "junit",
    doc: "JUnit XML, for CI servers",
    live: false,
    story: false,
    make: || Box::new(Junit),
};

struct Junit;

impl Report for Junit {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        let mut document = Document::new("wirelint");
        if !summary.trials.is_empty() {
            summary.trials.iter().for_each(|trial| tried(trial, &mut document));
            return print(&document, out);
        }
        for (n, name) in summary.inputs.iter().enumerate() {
            let here = |f: &&Finding| f.file.is_some_and(|id| id.0 as usize == n);
            suite(name, summary.findings.iter().filter(here), settings, &mut document);
        }
        let whole: Vec<_> = summary.findings.iter().filter(|f| f.file.is_none()).collect();
        if !whole.is_empty() || summary.inputs.is_empty() {
            suite("the whole run", whole.into_iter(), settings, &mut document);
        }
        print(&document, out)
    }
}

fn print(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let text = document.to_string().map_err(io::Error::other)?;
    // The form that Jenkins' xunit plugin holds files against (junit-10.xsd) has this on suites, not on the root.
    let text = text.replacen(" skipped=\"0\"", "", 1);
    out.write_all(text.trim_end().as_bytes())?;
    out.write_all(b"\n")
}

/// An input of which something was expected: what else was found in it is no failure.
fn tried(trial: &Trial, document: &mut Document) {
    let mut suite = TestSuite::new(escape(&trial.input));
    let status = if trial.unmet.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let unmet: Vec<_> = trial.unmet.iter().map(|text| escape(text)).collect();
        status.set_message(unmet.join("; ")).set_description(unmet.join("\n"));
        status
    };
    suite.add_test_case(TestCase::new("as expected", status));
    document.add_test_suite(suite);
}

fn suite<'a>(
    name: &str,
    findings: impl Iterator<Item = &'a Finding>,
    settings: &Settings,
    document: &mut Document,
) {
    let mut suite = TestSuite::new(escape(name));
    suite.add_test_cases(findings.map(|finding| case(finding, settings)));
    if suite.test_cases.is_empty() {
        // A suite without tests is shown as nothing at all; this one was passed.
        suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
    }
    document.add_test_suite(suite);
}

fn case(finding: &Finding, settings: &Settings) -> TestCase {
    let target = words::target(finding).map_or_else(String::new, |target| format!(": {}", escape(&target)));
    let page = words::page(settings, &finding.identity.rule);
    let page = page.map_or_else(String::new, |page| format!("\nMore: {page}"));
    let text = format!(
        "{}\n{}severity {}, confidence {}, seen {} times, fingerprint {}\nWhat to do: {}{page}",
        escape(&finding.message),
        words::place(finding).map_or_else(String::new, |place| format!("{place}\n")),
        finding.severity,
        finding.confidence,
        finding.count,
        finding.fingerprint,
        finding.remediation,
    );
    let mut case = if settings.fail_on.is_some_and(|least| finding.severity >= least) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type(finding.severity.as_str())
            .set_message(escape(&finding.message))
            .set_description(text);
        TestCase::new(format!("{}{target}", escape(&finding.title)), status)
    } else {
        let mut case =
            TestCase::new(format!("{}{target}", escape(&finding.title)), TestCaseStatus::success());
        case.set_system_out(text);
        case
    };
    case.set_classname(finding.identity.rule.as_str());
    case
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};
    use crate::rules::Severity;

    #[test]
    fn a_finding_below_the_bar_is_no_failure() {
        let summary = golden::summary();
        for (fail_on, failures) in [(Some(Severity::Low), 11), (Some(Severity::Critical), 2), (None, 0)] {
            let mut out = Vec::new();
            Junit.write(&summary, &Settings { fail_on, ..Settings::default() }, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let counts = format!("name=\"wirelint\" tests=\"12\" failures=\"{failures}\" errors=\"0\"");
            assert!(text.contains(&counts), "{text}");
            assert_eq!(text.matches("<failure ").count(), failures);
        }
    }

    #[test]
    fn where_something_is_expected_nothing_else_fails() {
        let trial = |input: &str, unmet: &[&str]| Trial {
            input: input.into(),
            unmet: unmet.iter().map(|text| (*text).into()).collect(),
        };
        let trials = vec![trial("a.pcap", &[]), trial("b.pcap", &["must be found: <x>", "more"])];
        let mut out = Vec::new();
        Junit.write(&Summary { trials, ..golden::summary() }, &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{text}");
        assert!(text.contains("message=\"must be found: &lt;x&gt;; more\""), "{text}");
    }

    #[test]
    fn a_clean_run_passes_one_test_for_each_input() {
        let mut out = Vec::new();
        Junit.write(&golden::clean(), &Settings::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn nothing_from_the_network_is_markup() {
        let mut summary = golden::summary();
        summary.findings[0].message = "</failure><x a=\"1\">&\u{0}\u{b}]]>".into();
        summary.findings[0].title = "\"><script>".into();
        let mut out = Vec::new();
        Junit.write(&summary, &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("<script>") && !text.contains("<x ") && !text.contains("]]>"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
