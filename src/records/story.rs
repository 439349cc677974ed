//! Gathers what a report draws: who talked to whom, and the lives of tokens.

use super::trace::{Around, TRACE_FORMATS, Tracer};
use crate::decode::{Endpoint, IpProtocol};
use crate::finding::{Finding, Pair, Story};
use crate::limits::{STORY_FLOWS, STORY_PAIRS};
use crate::message::{Channel, Exchange, name_of};
use crate::report::{EndpointView, Settings};
use crate::rules::Severity;
use crate::session::FlowSummary;
use crate::token::{Scanner, Sighting};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Listens to a run and tells of it at the end.
pub struct Storyteller {
    tracer: Tracer,
    scanner: Scanner,
    /// What was sighted in flows that have not ended, by number.
    open: BTreeMap<u64, Open>,
    pairs: BTreeMap<Ends, Flows>,
    flows_left: u64,
}

/// What tells one pair from another. Only names go into reports: servers of one name are one server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Ends {
    client: Option<Endpoint>,
    server: Option<Endpoint>,
    host: Option<String>,
    channel: &'static str,
}

/// What the flows of a pair add up to.
#[derive(Default)]
struct Flows {
    protocols: BTreeSet<&'static str>,
    flows: u64,
    packets: u64,
    bytes: u64,
    sightings: u64,
}

/// A flow in which a token was sighted.
struct Open {
    ends: Ends,
    protocol: &'static str,
    sightings: u64,
}

impl Storyteller {
    /// A storyteller of inputs that bear these names.
    pub fn new(names: &[String]) -> Self {
        let tracer =
            Tracer::new(&TRACE_FORMATS[0], Settings::default(), String::new(), false, names.to_vec());
        let (open, pairs) = (BTreeMap::new(), BTreeMap::new());
        Self { tracer, scanner: Scanner::new(), open, pairs, flows_left: 0 }
    }

    /// Tokens were sighted in a flow, in an exchange or outside of any.
    pub fn sighted(&mut self, sightings: &[Sighting], exchange: Option<&Exchange>, flow: u64) {
        for sighting in sightings {
            let around = Around { exchange, others: sightings, flow, signature: None };
            self.tracer.sighting(sighting, around, &self.scanner);
        }
        let Some(first) = sightings.first() else { return };
        if self.open.len() >= STORY_FLOWS && !self.open.contains_key(&flow) {
            return;
        }
        let transport = first.transport;
        let open = self.open.entry(flow).or_insert_with(|| Open {
            ends: Ends::new(transport.client, transport.server, None, transport.channel.as_str()),
            protocol: transport.protocol,
            sightings: 0,
        });
        open.sightings += sightings.len() as u64;
        if open.ends.host.is_none() {
            open.ends.host = exchange.and_then(Exchange::host).and_then(named);
        }
    }

    /// A flow ended.
    pub fn ended(&mut self, flow: &FlowSummary, number: u64) {
        let open = self.open.remove(&number);
        let sni = flow.tls.as_ref().and_then(|tls| tls.client.as_ref()?.sni.as_deref());
        let host = open.as_ref().and_then(|open| open.ends.host.clone()).or_else(|| sni.and_then(named));
        let encrypted = flow.protocols.iter().any(|p| matches!(*p, "tls" | "quic" | "dtls"));
        let channel = match flow.transport.channel {
            Channel::Cleartext if encrypted => Channel::TlsOpaque,
            channel => channel,
        };
        let transport = match flow.key.protocol {
            IpProtocol::Tcp => "tcp",
            IpProtocol::Udp => "udp",
        };
        let ends = Ends::new(flow.transport.client, flow.transport.server, host, channel.as_str());
        let protocol = flow.protocols.last().copied().unwrap_or(transport);
        let sightings = open.map_or(0, |open| open.sightings);
        self.add(ends, protocol, [1, flow.packets, flow.bytes, sightings]);
    }

    fn add(&mut self, ends: Ends, protocol: &'static str, [flows, packets, bytes, sightings]: [u64; 4]) {
        // A port scan must not crowd out what carried tokens.
        let room = if sightings > 0 { 2 * STORY_PAIRS } else { STORY_PAIRS };
        if self.pairs.len() >= room && !self.pairs.contains_key(&ends) {
            self.flows_left += flows;
            return;
        }
        let of = self.pairs.entry(ends).or_default();
        of.protocols.insert(protocol);
        of.flows += flows;
        of.packets += packets;
        of.bytes += bytes;
        of.sightings += sightings;
    }

    /// The story, in which the worst of these findings come first.
    pub fn finish(&mut self, findings: &[Finding]) -> Story {
        // Exchanges of files without packets belong to flows that never end.
        for open in std::mem::take(&mut self.open).into_values() {
            self.add(open.ends, open.protocol, [1, 0, 0, open.sightings]);
        }
        let (lives, tokens_left, sightings_left) = self.tracer.told(findings);
        Story { pairs: self.pairs(findings), flows_left: self.flows_left, lives, tokens_left, sightings_left }
    }

    fn pairs(&mut self, findings: &[Finding]) -> Vec<Pair> {
        let mut worst: HashMap<(IpAddr, Endpoint), Severity> = HashMap::new();
        for finding in findings {
            if let (Some(client), Some(server)) = (finding.client, finding.server) {
                let of = worst.entry((client.addr, server)).or_insert(finding.severity);
                *of = (*of).max(finding.severity);
            }
        }
        let mut told: BTreeMap<(String, String, &'static str), Pair> = BTreeMap::new();
        for (ends, flows) in std::mem::take(&mut self.pairs) {
            let (client, server) = (ends.client_name(), ends.server_name());
            let pair = told.entry((client.clone(), server.clone(), ends.channel)).or_insert_with(|| Pair {
                client,
                server,
                host: ends.host.clone(),
                channel: ends.channel,
                protocols: Vec::new(),
                flows: 0,
                packets: 0,
                bytes: 0,
                sightings: 0,
                worst: None,
            });
            pair.protocols.extend(flows.protocols);
            pair.flows += flows.flows;
            pair.packets += flows.packets;
            pair.bytes += flows.bytes;
            pair.sightings += flows.sightings;
            if let (Some(client), Some(server)) = (ends.client, ends.server) {
                pair.worst = pair.worst.max(worst.get(&(client.addr, server)).copied());
            }
        }
        let mut pairs: Vec<Pair> = told.into_values().collect();
        for pair in &mut pairs {
            pair.protocols.sort_unstable();
            pair.protocols.dedup();
        }
        // Stable: what is alike stays in the order of names.
        pairs.sort_by_key(|pair| Reverse((pair.worst, pair.sightings, pair.bytes)));
        pairs
    }
}

impl Ends {
    /// Ports of clients tell no pairs apart.
    fn new(
        client: Option<Endpoint>,
        server: Option<Endpoint>,
        host: Option<String>,
        channel: &'static str,
    ) -> Self {
        Self { client: client.map(|client| Endpoint { port: 0, ..client }), server, host, channel }
    }

    fn client_name(&self) -> String {
        self.client.map_or_else(|| "client".to_owned(), |_| EndpointView(self.client).address())
    }

    fn server_name(&self) -> String {
        match (&self.host, self.server) {
            (Some(host), Some(server)) => format!("{host}:{}", server.port),
            (Some(host), None) => host.clone(),
            (None, Some(_)) => EndpointView(self.server).text(),
            (None, None) => "server".to_owned(),
        }
    }
}

/// The name in a host, if there is one: at most as long as DNS allows (RFC 1035 section 2.3.4).
fn named(host: &str) -> Option<String> {
    let name = name_of(host);
    (1..=255).contains(&name.len()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;
    use std::sync::Arc;

    /// A storyteller that saw one token in a request of flow 7.
    fn teller() -> Storyteller {
        let mut teller = Storyteller::new(&["a.pcap".into()]);
        teller.sighted(&[golden::sighting(golden::TOKEN)], Some(&golden::exchange()), 7);
        teller
    }

    #[test]
    fn a_flow_has_the_name_of_the_host_that_was_asked_and_its_channel() {
        let mut teller = teller();
        let mut clear = golden::flow();
        (clear.tls, clear.protocols) = (None, vec!["http1"]);
        clear.transport.channel = Channel::Cleartext;
        teller.ended(&clear, 7);
        teller.ended(&golden::flow(), 8);
        teller.ended(&golden::flow(), 9);
        let story = teller.finish(&[]);
        let rows = story.pairs.iter().map(|p| (p.client.as_str(), p.server.as_str(), p.channel, p.flows));
        let rows: Vec<_> = rows.collect();
        let host = "api.example.test:8080";
        assert_eq!(rows, [("10.0.0.1", host, "cleartext", 1), ("10.0.0.1", host, "tls-opaque", 2)]);
        assert_eq!((story.pairs[0].sightings, story.pairs[1].bytes), (1, 2 * 3456));
        assert_eq!((story.lives.len(), story.lives[0].steps.len()), (1, 1));
        assert_eq!(story.lives[0].steps[0].request.as_deref(), Some("GET /v1/items"));
    }

    #[test]
    fn entries_without_flows_are_told_too() {
        let story = teller().finish(&[]);
        assert_eq!((story.pairs.len(), story.pairs[0].flows, story.pairs[0].channel), (1, 1, "cleartext"));
    }

    #[test]
    fn a_port_scan_does_not_crowd_out_tokens() {
        let mut teller = teller();
        let mut flow = golden::flow();
        flow.tls = None;
        let mut port = |n: usize, number| {
            flow.transport.server.as_mut().unwrap().port = n as u16;
            teller.ended(&flow, number);
        };
        (0..STORY_PAIRS + 5).for_each(|n| port(n, 1000 + n as u64));
        port(60_000, 7);
        let story = teller.finish(&[]);
        assert_eq!((story.pairs.len(), story.flows_left), (STORY_PAIRS + 1, 5));
        assert_eq!((story.pairs[0].server.as_str(), story.pairs[0].sightings), ("api.example.test:60000", 1));
    }

    #[test]
    fn the_worst_lives_come_first_and_the_others_are_counted() {
        let mut teller = Storyteller::new(&["a.pcap".into()]);
        let mut sighting = golden::sighting(golden::TOKEN);
        let (head, rest) = golden::TOKEN.rsplit_once('.').unwrap();
        for n in 0..crate::limits::STORY_LIVES + 3 {
            let text = format!("{head}.{n:04}{}", &rest[4..]);
            sighting.token = Arc::new(crate::token::Token::parse(text.as_bytes()).unwrap());
            teller.sighted(std::slice::from_ref(&sighting), None, 1);
        }
        let last = *sighting.token.sha256();
        let mut finding = crate::report::golden::summary().findings.remove(0);
        finding.tokens = vec![(last, String::new())];
        let story = teller.finish(&[finding]);
        assert_eq!((story.lives.len(), story.tokens_left), (crate::limits::STORY_LIVES, 3));
        assert_eq!(story.lives[0].token, last);
    }
}
