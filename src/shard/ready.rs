//! Exchanges that were never packets: played to the same stages, and counted as the flows that they say they came in.

use super::book::Scribe;
use super::event::Event;
use super::fields::Fields;
use super::stream::Feed;
use crate::capture::FileId;
use crate::decode::{Endpoint, FlowKey, IpProtocol};
use crate::flow::Anomalies;
use crate::message::{
    Channel, Direction, End, ExchangeId, Head, Location, Position, ReadyExchange, ReadyMessage, Start,
    Transport, Version,
};
use crate::protocol::{Carrier, Sink as _, Trail};
use crate::session::FlowSummary;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Connections of recorded exchanges that may have more of them, by the ordinals of their first ones.
#[derive(Default)]
pub(super) struct Connections(BTreeMap<u64, Box<FlowSummary>>);

/// What a trail says of all bytes: they come from the entry.
const ANY: u64 = u64::MAX / 2;

impl Feed<'_> {
    /// Plays an exchange that was never packets.
    pub(super) fn ready(&mut self, file: FileId, ready: &ReadyExchange, open: &mut Connections) {
        let flow = self.ordinal.saturating_sub(ready.connection.unwrap_or(0));
        let transport = Transport {
            flow,
            client: ready.client,
            server: ready.server,
            channel: if ready.encrypted { Channel::TlsDecrypted } else { Channel::Cleartext },
            protocol: if ready.protocol.is_empty() { "http1" } else { ready.protocol },
        };
        let times = [&ready.request, &ready.response].map(|m| m.as_ref().map(|m| m.time));
        let place = Place { frame: ready.number, offset: ready.offset, file };
        let [asked, told] = times;
        let trails = [asked.or(told), told.or(asked)].map(|time| place.trail(time.unwrap_or_default()));
        let mut book = None;
        let mut scribe = self.scribe(&mut book);
        let carrier = Carrier { transport: &transport, trails: &trails, via: None, datagram: false };
        let id = ExchangeId(0);
        for (dir, message) in [(Direction::Request, &ready.request), (Direction::Response, &ready.response)] {
            if let Some(message) = message {
                play(&mut scribe, carrier, id, dir, message);
            }
            scribe.end(id, dir, if message.is_some() { End::Complete } else { End::Cut });
        }
        let inside = Transport { protocol: "websocket", ..transport };
        for (n, frame) in ready.frames.iter().enumerate() {
            let trails = [place.trail(frame.time), place.trail(frame.time)];
            let carrier = Carrier { transport: &inside, trails: &trails, via: Some(id), datagram: false };
            let start =
                Start::Message { dir: frame.dir, location: Location::WebSocket, fields: Location::Header };
            let head = Head::new(Version::Http11, start, &[]);
            let id = ExchangeId(n as u64 + 1);
            scribe.start(carrier, id, &head, &Fields::default(), true);
            scribe.body(carrier, id, frame.dir, 0, &frame.data);
            scribe.end(id, frame.dir, End::Complete);
        }
        scribe.close_all();
        self.give_back(book);
        self.flow(ready, transport, place, open);
    }

    /// The flow of an exchange begins, goes on, or is over with it.
    fn flow(&mut self, ready: &ReadyExchange, transport: Transport, place: Place, open: &mut Connections) {
        let times = || {
            let messages = [&ready.request, &ready.response].into_iter().flatten().map(|m| m.time);
            messages.chain(ready.frames.iter().map(|f| f.time))
        };
        let start = times().min().unwrap_or_default();
        let end = times().max().unwrap_or(start);
        let flow = open.0.entry(transport.flow).or_insert_with(|| {
            self.tools.out.births.push(transport.flow);
            self.tools.out.tally.flows += 1;
            Box::new(FlowSummary {
                file: place.file,
                first: place.position(start),
                key: key(transport),
                vlan: 0,
                transport,
                start,
                end,
                protocols: if ready.encrypted { vec!["tls"] } else { Vec::new() },
                packets: 0,
                bytes: 0,
                state: "open",
                anomalies: Anomalies::default(),
                tls: None,
            })
        });
        flow.start = flow.start.min(start);
        flow.end = flow.end.max(end);
        flow.packets += 1;
        flow.bytes += ready.len;
        let outer = usize::from(ready.encrypted);
        if flow.protocols.len() == outer {
            flow.protocols.push(transport.protocol);
        }
        if let (false, Some(protocol)) = (ready.frames.is_empty(), flow.protocols.get_mut(outer)) {
            *protocol = "websocket";
        }
        if ready.connection.is_none()
            && let Some(flow) = open.0.remove(&transport.flow)
        {
            self.over(flow);
        }
    }

    /// Connections end with their file.
    pub(super) fn connections_end(&mut self, open: &mut Connections) {
        for flow in std::mem::take(&mut open.0).into_values() {
            self.over(flow);
        }
    }

    fn over(&mut self, mut flow: Box<FlowSummary>) {
        self.tools.out.deaths.push(flow.transport.flow);
        if self.shared.demand.flows {
            flow.transport.protocol = flow.protocols.first().copied().unwrap_or("unknown");
            self.emit(Event::Flow(flow));
        }
    }
}

/// Where an entry stands.
#[derive(Clone, Copy)]
struct Place {
    frame: u64,
    offset: u64,
    file: FileId,
}

impl Place {
    fn position(self, time: crate::time::Timestamp) -> Position {
        Position { frame: self.frame, time, offset: self.offset, file: self.file, ..Position::default() }
    }

    fn trail(self, time: crate::time::Timestamp) -> Trail {
        let mut trail = Trail::default();
        trail.push_derived(0, ANY, self.position(time));
        trail
    }
}

fn play(
    scribe: &mut Scribe<'_>,
    carrier: Carrier<'_>,
    id: ExchangeId,
    dir: Direction,
    message: &ReadyMessage,
) {
    let body = !message.body.is_empty() || message.lacking;
    message.head.replay(dir, |head| {
        let fields = Fields::of(head);
        let fields = if message.coded { fields } else { fields.decoded() };
        scribe.start(carrier, id, head, &fields, body);
    });
    if !message.body.is_empty() {
        scribe.body(carrier, id, dir, 0, &message.body);
    }
    if message.lacking {
        scribe.body_gap(id, dir, 0);
        scribe.weird("body_not_recorded");
    }
    if message.cut {
        scribe.weird("http_head_cut");
    }
    scribe.tools.out.tally.payload_bytes += (message.head.size() + message.body.len()) as u64;
}

/// The key of a flow that has no packets. Only its protocol is ever asked for.
fn key(transport: Transport) -> FlowKey {
    let none = Endpoint { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
    let (client, server) = (transport.client.unwrap_or(none), transport.server.unwrap_or(none));
    let protocol = if transport.protocol == "http3" { IpProtocol::Udp } else { IpProtocol::Tcp };
    FlowKey::new(client, server, protocol, 0).0
}
