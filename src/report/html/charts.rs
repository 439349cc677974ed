//! The pictures of the page: findings over time, and who talks to whom.

use super::html;
use crate::{
    finding::Summary,
    report::{EndpointView, text::shorten},
    rules::Severity,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bars over time.
const BARS: usize = 40;
/// Clients, and servers, that the graph has room for.
const NODES: usize = 12;

/// Writes what there is to draw.
pub(super) fn write(summary: &Summary, out: &mut String) {
    out.push_str("<div class=\"charts\">\n");
    over_time(summary, out);
    graph(summary, out);
    out.push_str("</div>\n");
}

/// First sightings over the time of the capture, by severity.
fn over_time(summary: &Summary, out: &mut String) {
    let times = summary.findings.iter().filter_map(|f| Some((f.first_seen?, f.severity)));
    let (Some(first), Some(last)) = (times.clone().map(|t| t.0).min(), times.clone().map(|t| t.0).max())
    else {
        return;
    };
    let span = last.since(first).max(1);
    let mut bars = [[0_u32; Severity::ALL.len()]; BARS];
    for (time, severity) in times {
        let at = i128::from(time.since(first)) * (BARS as i128 - 1) / i128::from(span);
        if let Some(bar) = bars.get_mut(usize::try_from(at).unwrap_or(0)) {
            bar[severity as usize] += 1;
        }
    }
    let top = bars.iter().map(|bar| bar.iter().sum::<u32>()).max().unwrap_or(0).max(1);
    let _ = write!(
        out,
        "<figure><figcaption>New findings over time</figcaption>\n<svg viewBox=\"0 0 480 180\" role=\"img\" aria-label=\"{} \
         findings, first seen between {first} and {last}; at most {top} within a fortieth of that time.\">\n",
        summary.findings.len(),
    );
    let (left, width, floor, height) = (28.0, 440.0, 150.0, 130.0);
    let _ = writeln!(
        out,
        "<line class=\"axis\" x1=\"{left}\" y1=\"{floor}\" x2=\"{}\" y2=\"{floor}\"/><text class=\"soft\" x=\"0\" y=\"26\">{top}</text>",
        left + width
    );
    for (i, bar) in bars.iter().enumerate() {
        let mut y = floor;
        for severity in Severity::ALL.into_iter().rev() {
            let n = bar[severity as usize];
            if n > 0 {
                let h = f64::from(n) / f64::from(top) * height;
                y -= h;
                let x = left + width / BARS as f64 * i as f64;
                let _ = writeln!(
                    out,
                    "<rect class=\"fill-{severity}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{h:.1}\"><title>{n} {severity}</title></rect>",
                    width / BARS as f64 - 2.0
                );
            }
        }
    }
    let _ = write!(
        out,
        "<text class=\"soft\" x=\"{left}\" y=\"170\">{}</text><text class=\"soft\" x=\"{}\" y=\"170\" text-anchor=\"end\">{}</text>\n</svg></figure>\n",
        clock(first),
        left + width,
        clock(last)
    );
}

/// Hours, minutes and seconds of a time.
fn clock(time: crate::time::Timestamp) -> String {
    let text = time.to_string();
    text.get(11..19).map_or_else(|| text.clone(), |clock| format!("{clock} UTC"))
}

/// Clients on the left, servers on the right; an edge has the colour of its worst finding.
fn graph(summary: &Summary, out: &mut String) {
    let mut edges: BTreeMap<(String, String), (Severity, u64)> = BTreeMap::new();
    for finding in &summary.findings {
        let (Some(client), Some(server)) = (finding.client, finding.server) else { continue };
        let host = finding.host.clone().unwrap_or_else(|| EndpointView(Some(server)).text());
        let edge = edges.entry((client.addr.to_string(), host)).or_insert((finding.severity, 0));
        *edge = (edge.0.max(finding.severity), edge.1 + finding.count);
    }
    let mut edges: Vec<_> = edges.into_iter().collect();
    edges.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let (mut clients, mut servers): (Vec<String>, Vec<String>) = Default::default();
    let all = edges.len();
    edges.retain(|((client, server), _)| {
        let room = |nodes: &Vec<String>, name: &String| nodes.contains(name) || nodes.len() < NODES;
        let fits = room(&clients, client) && room(&servers, server);
        if fits {
            for (nodes, name) in [(&mut clients, client), (&mut servers, server)] {
                if !nodes.contains(name) {
                    nodes.push(name.clone());
                }
            }
        }
        fits
    });
    if edges.is_empty() {
        return;
    }
    let height = 22 * clients.len().max(servers.len()) + 16;
    let y = |i: usize, of: usize| (height as f64 / of as f64) * (i as f64 + 0.5);
    let _ = write!(
        out,
        "<figure><figcaption>Who talks to whom</figcaption>\n<svg viewBox=\"0 0 480 {height}\" role=\"img\" aria-label=\"{} with \
         findings between {} and {}.\">\n",
        super::counted(all as u64, "pair"),
        super::counted(clients.len() as u64, "client"),
        super::counted(servers.len() as u64, "server"),
    );
    let at = |nodes: &[String], name: &str| nodes.iter().position(|node| node == name).unwrap_or(0);
    for ((client, server), (severity, count)) in &edges {
        let (from, to) = (y(at(&clients, client), clients.len()), y(at(&servers, server), servers.len()));
        let width = 1.0 + (*count as f64).log10().clamp(0.0, 4.0);
        let _ = writeln!(
            out,
            "<path class=\"edge edge-{severity}\" stroke-width=\"{width:.1}\" d=\"M150 {from:.1} C 210 {from:.1}, 230 {to:.1}, 290 {to:.1}\">\
             <title>{} to {}: {severity}, {count} times</title></path>",
            html(client),
            html(server)
        );
    }
    for (i, client) in clients.iter().enumerate() {
        let (y, name) = (y(i, clients.len()) + 4.0, html(&shorten(client, 22)));
        let _ = writeln!(out, "<text x=\"144\" y=\"{y:.1}\" text-anchor=\"end\">{name}</text>");
    }
    for (i, server) in servers.iter().enumerate() {
        let (y, name) = (y(i, servers.len()) + 4.0, html(&shorten(server, 28)));
        let _ = writeln!(out, "<text x=\"296\" y=\"{y:.1}\">{name}</text>");
    }
    out.push_str("</svg>");
    if edges.len() < all {
        let _ = write!(out, "<p class=\"soft\">The {} worst of {all} pairs.</p>", edges.len());
    }
    out.push_str("</figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden;

    #[test]
    fn bars_add_up_to_the_findings_that_have_a_time() {
        let summary = golden::summary();
        let mut out = String::new();
        over_time(&summary, &mut out);
        let counts =
            out.split("<title>").skip(1).map(|t| t.split_once(' ').unwrap().0.parse::<usize>().unwrap());
        assert_eq!(counts.sum::<usize>(), summary.findings.iter().filter(|f| f.first_seen.is_some()).count());
    }

    #[test]
    fn a_graph_has_room_for_the_worst_only() {
        let mut summary = golden::summary();
        let one = summary.findings[2].clone();
        for n in 0..40 {
            let mut more = one.clone();
            more.host = Some(format!("h{n}.test"));
            more.severity = if n == 39 { Severity::Critical } else { Severity::Low };
            summary.findings.push(more);
        }
        let mut out = String::new();
        graph(&summary, &mut out);
        assert_eq!(out.matches("text-anchor=\"end\"").count(), 2);
        assert_eq!(out.matches("x=\"296\"").count(), NODES);
        assert!(out.contains("h39.test") && out.contains("pairs."), "{out}");
    }

    #[test]
    fn one_moment_is_one_bar() {
        let mut summary = golden::summary();
        summary.findings.truncate(1);
        let mut out = String::new();
        over_time(&summary, &mut out);
        assert_eq!(out.matches("<rect").count(), 1);
    }
}
