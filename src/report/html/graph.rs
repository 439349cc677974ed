//! Who talks to whom: clients on the left, servers on the right, lines in the colour of what protects them.

use super::markup::{channel, html, legend};
use crate::{
    finding::{Pair, Story},
    report::text::{bytes, counted, grouped},
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Clients, and servers, that the drawing has room for.
const NODES: usize = 12;
/// Pairs that the table lists.
const ROWS: usize = 100;
/// Height of a node in the units of the drawing (16 are 1rem).
const ROW: f64 = 56.0;
/// Distance of two lines between the same ends.
const APART: f64 = 9.0;

/// Writes the drawing, and what it shows as a table.
pub(super) fn write(story: &Story, out: &mut String) {
    if story.pairs.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"hosts\">\n<h2 id=\"hosts\">Who talks to whom</h2>\n<figure>\n");
    legend(out);
    let net = Net::new(&story.pairs);
    net.write(out);
    let left = story.pairs.len() - net.edges.len();
    if left > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft\">The {} most important of {}: the worst findings first, then the most tokens.</p>",
            net.edges.len(),
            counted(story.pairs.len() as u64, "connection"),
        );
    }
    table(story, out);
    out.push_str("</figure>\n</section>\n");
}

/// What is drawn.
struct Net<'a> {
    clients: Vec<Node<'a>>,
    servers: Vec<Node<'a>>,
    edges: Vec<&'a Pair>,
}

struct Node<'a> {
    name: &'a str,
    flows: u64,
    sightings: u64,
}

impl<'a> Net<'a> {
    fn new(pairs: &'a [Pair]) -> Self {
        let mut net = Self { clients: Vec::new(), servers: Vec::new(), edges: Vec::new() };
        for pair in pairs {
            let room = |nodes: &[Node<'_>], name: &str| {
                nodes.len() < NODES || nodes.iter().any(|node| node.name == name)
            };
            if room(&net.clients, &pair.client) && room(&net.servers, &pair.server) {
                count(&mut net.clients, &pair.client, pair);
                count(&mut net.servers, &pair.server, pair);
                net.edges.push(pair);
            }
        }
        net
    }

    fn write(&self, out: &mut String) {
        let rows = self.clients.len().max(self.servers.len());
        let height = rows as f64 * ROW;
        out.push_str("<div class=\"net\">\n");
        nodes("clients", "Clients", &self.clients, |name| format!("<b>{}</b>", html(name)), out);
        let _ = writeln!(
            out,
            "<svg class=\"edges\" viewBox=\"0 0 100 {height}\" height=\"{}rem\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{} between {} and {}; the table below names them.\">",
            height / 16.0,
            counted(self.edges.len() as u64, "connection"),
            counted(self.clients.len() as u64, "client"),
            counted(self.servers.len() as u64, "server"),
        );
        // Lines between the same ends lie side by side.
        let mut lanes: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
        for edge in &self.edges {
            lanes.entry((&edge.client, &edge.server)).or_default().1 += 1;
        }
        for edge in &self.edges {
            let Some((lane, of)) = lanes.get_mut(&(edge.client.as_str(), edge.server.as_str())) else {
                continue;
            };
            let shift = (*lane as f64 - (*of as f64 - 1.0) / 2.0) * APART;
            *lane += 1;
            let from = place(&self.clients, &edge.client, height) + shift;
            let to = place(&self.servers, &edge.server, height) + shift;
            let (class, _) = channel(edge.channel);
            // What was opened is a double line: it has a core in the colour of the paper.
            let double = class == "opened";
            let width = if double { 3.0 } else { 1.5 } + (edge.flows as f64).log10().clamp(0.0, 3.0) * 1.5;
            let path = format!("M0 {from:.1}C45 {from:.1} 55 {to:.1} 100 {to:.1}");
            let _ = writeln!(
                out,
                "<path class=\"edge {class}\" stroke-width=\"{width:.1}\" d=\"{path}\"><title>{}</title></path>",
                html(&about(edge)),
            );
            if double {
                let core = width / 3.0;
                let _ = writeln!(out, "<path class=\"core\" stroke-width=\"{core:.1}\" d=\"{path}\"/>");
            }
        }
        out.push_str("</svg>\n");
        // Only the server's name leads somewhere: findings name their hosts.
        let link = |name: &str| {
            let host = self.edges.iter().find(|e| e.server == name).and_then(|e| e.host.as_deref());
            format!(
                "<a href=\"#findings\" data-find=\"{}\"><b>{}</b></a>",
                html(host.unwrap_or(name)),
                html(name)
            )
        };
        nodes("servers", "Servers", &self.servers, link, out);
        out.push_str("</div>\n");
    }
}

fn count<'a>(nodes: &mut Vec<Node<'a>>, name: &'a str, pair: &Pair) {
    let at = nodes.iter().position(|node| node.name == name).unwrap_or_else(|| {
        nodes.push(Node { name, flows: 0, sightings: 0 });
        nodes.len() - 1
    });
    if let Some(node) = nodes.get_mut(at) {
        node.flows += pair.flows;
        node.sightings += pair.sightings;
    }
}

/// The middle of a node.
fn place(nodes: &[Node<'_>], name: &str, height: f64) -> f64 {
    let at = nodes.iter().position(|node| node.name == name).unwrap_or(0);
    height / nodes.len().max(1) as f64 * (at as f64 + 0.5)
}

fn nodes(class: &str, label: &str, nodes: &[Node<'_>], name: impl Fn(&str) -> String, out: &mut String) {
    let _ = writeln!(out, "<ul class=\"nodes {class}\" aria-label=\"{label}\">");
    for node in nodes {
        let tokens = match node.sightings {
            0 => String::new(),
            n => format!(", {}", counted(n, "sighting")),
        };
        let _ = writeln!(
            out,
            "<li title=\"{}\">{}<span class=\"soft\">{}{tokens}</span></li>",
            html(node.name),
            name(node.name),
            counted(node.flows, "flow"),
        );
    }
    out.push_str("</ul>\n");
}

/// A line in words.
fn about(pair: &Pair) -> String {
    let worst = pair.worst.map_or_else(String::new, |worst| format!(", worst finding {worst}"));
    format!(
        "{} to {}: {}, {}, {}{worst}",
        pair.client,
        pair.server,
        channel(pair.channel).1,
        counted(pair.flows, "flow"),
        counted(pair.sightings, "token sighting"),
    )
}

fn table(story: &Story, out: &mut String) {
    out.push_str(
        "<details class=\"list\"><summary>As a table</summary><div class=\"wide\" tabindex=\"0\" role=\"group\" \
         aria-label=\"Connections\"><table>\n<thead><tr><th scope=\"col\">Client</th><th scope=\"col\">Server</th>\
         <th scope=\"col\">Channel</th><th scope=\"col\">Protocol</th><th scope=\"col\" class=\"n\">Flows</th>\
         <th scope=\"col\" class=\"n\">Bytes</th><th scope=\"col\" class=\"n\">Tokens</th>\
         <th scope=\"col\">Worst finding</th></tr></thead>\n<tbody>\n",
    );
    for pair in story.pairs.iter().take(ROWS) {
        let (class, words) = channel(pair.channel);
        let worst =
            pair.worst.map_or_else(|| "-".to_owned(), |w| format!("<span class=\"chip {w}\">{w}</span>"));
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"nowrap\"><span class=\"key {class}\"></span>{words}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{worst}</td></tr>",
            html(&pair.client),
            html(&pair.server),
            html(&pair.protocols.join(", ")),
            grouped(pair.flows),
            bytes(pair.bytes),
            grouped(pair.sightings),
        );
    }
    out.push_str("</tbody></table></div>\n");
    let unlisted = story.pairs.iter().skip(ROWS).map(|pair| pair.flows).sum::<u64>() + story.flows_left;
    if unlisted > 0 {
        let _ = writeln!(
            out,
            "<p class=\"soft\">{} more in connections that are not listed.</p>",
            counted(unlisted, "flow")
        );
    }
    out.push_str("</details>\n");
}

#[cfg(test)]
mod tests {
    use super::super::tests::story;
    use super::*;

    #[test]
    fn every_pair_that_has_room_has_a_line() {
        let mut story = story();
        let one = story.pairs[0].clone();
        for n in 0..40 {
            story.pairs.push(Pair { server: format!("h{n}.test:80"), ..one.clone() });
        }
        let mut out = String::new();
        write(&story, &mut out);
        let servers = out.split("nodes servers").nth(1).unwrap().split("</ul>").next().unwrap();
        assert_eq!(servers.matches("<li").count(), NODES);
        assert_eq!(out.matches("class=\"edge ").count(), Net::new(&story.pairs).edges.len());
        assert!(out.contains("h0.test:80") && out.contains("of 43 connections"), "{out}");
    }

    #[test]
    fn two_channels_between_two_ends_are_two_lines() {
        let mut story = story();
        story.pairs.truncate(1);
        story.pairs.push(Pair { channel: "tls-decrypted", ..story.pairs[0].clone() });
        let mut out = String::new();
        write(&story, &mut out);
        let lines: Vec<_> = out.match_indices(" d=\"").map(|(at, _)| &out[at..at + 12]).collect();
        assert!(lines.len() == 3 && lines[0] != lines[1] && lines[1] == lines[2], "{lines:?}");
        assert!(out.contains("edge clear") && out.contains("edge opened") && out.contains("core"));
    }
}
