//! Findings over the time of the capture, by severity.

use super::markup::moment;
use crate::{finding::Summary, report::text::counted, rules::Severity};
use std::fmt::Write as _;

/// Bars.
const BARS: usize = 48;
/// Units of the drawing: it is stretched to whatever room there is.
const HEIGHT: f64 = 100.0;

/// Writes when findings were first seen, if any has a time.
pub(super) fn write(summary: &Summary, out: &mut String) {
    let times = summary.findings.iter().filter_map(|f| Some((f.first_seen?, f.severity)));
    let (Some(first), Some(last)) = (times.clone().map(|t| t.0).min(), times.clone().map(|t| t.0).max())
    else {
        return;
    };
    let span = last.since(first).max(1);
    let mut bars = [[0_u32; Severity::ALL.len()]; BARS];
    let mut dated = 0;
    for (time, severity) in times {
        let at = i128::from(time.since(first)) * (BARS as i128 - 1) / i128::from(span);
        if let Some(bar) = bars.get_mut(usize::try_from(at).unwrap_or(0)) {
            bar[severity as usize] += 1;
            dated += 1;
        }
    }
    let top = bars.iter().map(|bar| bar.iter().sum::<u32>()).max().unwrap_or(0).max(1);
    let _ = write!(
        out,
        "<section aria-labelledby=\"time\">\n<h2 id=\"time\">When findings were first seen</h2>\n<figure class=\"time\">\n\
         <div class=\"plot\"><span class=\"soft top\" aria-hidden=\"true\">{top}</span><svg viewBox=\"0 0 {BARS} {HEIGHT}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}, first seen between {} and {}; at most {top} at about \
         the same time.\">\n",
        counted(dated, "finding"),
        moment(first),
        moment(last),
    );
    for (i, bar) in bars.iter().enumerate() {
        let mut y = HEIGHT;
        for severity in Severity::ALL.into_iter().rev() {
            let n = bar[severity as usize];
            if n > 0 {
                let height = f64::from(n) / f64::from(top) * HEIGHT;
                y -= height;
                let _ = writeln!(
                    out,
                    "<rect class=\"fill-{severity}\" x=\"{i}.1\" y=\"{y:.2}\" width=\".8\" height=\"{height:.2}\"><title>{n} {severity}</title></rect>",
                );
            }
        }
    }
    out.push_str("</svg></div>\n<div class=\"axis soft\" aria-hidden=\"true\">");
    let _ = write!(out, "<span>{}</span>", moment(first));
    if last > first {
        let _ = write!(out, "<span>{}</span>", moment(last));
    }
    out.push_str("</div>\n<ul class=\"legend\" aria-label=\"Colours of bars\">");
    for severity in Severity::ALL.into_iter().rev() {
        if bars.iter().any(|bar| bar[severity as usize] > 0) {
            let _ = write!(out, "<li><span class=\"dot {severity}\"></span>{severity}</li>");
        }
    }
    out.push_str("</ul>\n</figure>\n</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden;

    #[test]
    fn bars_add_up_to_the_findings_that_have_a_time() {
        let summary = golden::summary();
        let mut out = String::new();
        write(&summary, &mut out);
        let counts =
            out.split("<title>").skip(1).map(|t| t.split_once(' ').unwrap().0.parse::<usize>().unwrap());
        assert_eq!(counts.sum::<usize>(), summary.findings.iter().filter(|f| f.first_seen.is_some()).count());
    }

    #[test]
    fn one_moment_is_one_bar() {
        let mut summary = golden::summary();
        summary.findings.truncate(1);
        let mut out = String::new();
        write(&summary, &mut out);
        assert_eq!(out.matches("<rect").count(), 1);
    }
}
