//! The walk through the headers of one frame.

use std::collections::BTreeMap;

use super::defrag::{Arrival, Defragmenter, Origin};
use super::ip::{self, Datagram};
use super::transport::{self, Carrier};
use super::{Endpoint, FlowKey, IpProtocol, Packet, Paths, Payload, Segment, Side, ethernet};
use super::{Inner, Link, On, Stop, TUNNELS, Tunnel};
use crate::capture::Block;
use crate::limits;
use crate::tally::Tally;

/// How strict decoding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Drop packets with a wrong IPv4, TCP or UDP checksum. Offloading makes most captured ones wrong.
    pub verify_checksums: bool,
}

/// Frames in, packets out. Traffic cannot make it fail: what is odd is counted.
#[derive(Debug)]
pub struct Decoder {
    options: DecodeOptions,
    paths: Paths,
    defrag: Defragmenter,
    /// The link type of the frame before.
    link: (u16, Option<&'static Link>),
    unknown_links: BTreeMap<u16, u64>,
    /// One bit for each UDP port that some tunnel has.
    tunnel_ports: Box<[u64; 1024]>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DecodeOptions::default())
    }
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(options: DecodeOptions) -> Self {
        let mut tunnel_ports = Box::new([0; 1024]);
        for on in TUNNELS.iter().flat_map(|tunnel| tunnel.on) {
            if let On::Udp(port) = on {
                tunnel_ports[usize::from(port / 64)] |= 1 << (port % 64);
            }
        }
        Self {
            options,
            paths: Paths::default(),
            defrag: Defragmenter::default(),
            link: (0, Link::find(0)),
            unknown_links: BTreeMap::new(),
            tunnel_ports,
        }
    }

    /// Decodes the frame at `index`; call it for each frame in order. `None`: it carries no TCP or UDP, or is
    /// a fragment whose datagram is not whole yet (the packet belongs to the frame that completes it).
    pub fn decode(&mut self, block: &mut Block, index: usize, tally: &mut Tally) -> Option<Packet> {
        let frame = *block.frames.get(index)?;
        let filled = block.bytes.filled();
        let data = filled.get(frame.start as usize..)?.get(..frame.len as usize)?;
        let cut = frame.wire_len.saturating_sub(frame.len);
        if self.link.0 != frame.link.0 {
            self.link = (frame.link.0, Link::find(frame.link.0));
        }
        let Some(link) = self.link.1 else {
            tally.weird("unknown_link_type");
            *self.unknown_links.entry(frame.link.0).or_default() += 1;
            return None;
        };
        let mut walk = Walk {
            verify: self.options.verify_checksums,
            paths: &mut self.paths,
            tunnel_ports: &self.tunnel_ports,
            tally,
            path: 0,
            vlan: 0,
            layers: 0,
            cut,
        };
        let mut side = false;
        let mut found = (link.strip)(data).and_then(|inner| walk.run(Step::Inner(inner)));
        loop {
            let arrival = match found {
                Ok(Found::Packet(packet)) => {
                    let base = if side { &block.side } else { filled };
                    return packet.place(index, base, side);
                }
                Ok(Found::Fragment(arrival)) => arrival,
                Err(stop) => {
                    match stop {
                        Stop::Short => walk.tally.weird("truncated"),
                        Stop::Weird(name) => walk.tally.weird(name),
                        Stop::Other => {}
                    }
                    return None;
                }
            };
            let Origin { source, destination, .. } = arrival.origin;
            let joined = self.defrag.push(arrival, frame.time, walk.tally)?;
            let start = block.side.len();
            block.side.extend_from_slice(&joined.bytes);
            side = true;
            found = walk.run(Step::Ip(Datagram {
                source,
                destination,
                protocol: joined.protocol,
                data: &block.side[start..],
                cut: joined.missing,
                fragment: None,
            }));
        }
    }

    /// What the numbers in [`FlowKey::path`] and [`Packet::vlan`] stand for.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Link types that nothing here decodes, with their number of frames.
    pub fn unknown_links(&self) -> &BTreeMap<u16, u64> {
        &self.unknown_links
    }
}

/// One frame's way through its layers.
struct Walk<'d> {
    verify: bool,
    paths: &'d mut Paths,
    tunnel_ports: &'d [u64; 1024],
    tally: &'d mut Tally,
    path: u32,
    vlan: u32,
    layers: usize,
    /// Bytes missing behind the current data: stripping takes from the front only, so it stays until IP trims.
    cut: u32,
}

enum Step<'a> {
    Inner(Inner<'a>),
    Ip(Datagram<'a>),
    /// A UDP datagram, and what is inside if it is the tunnel that its port promises.
    Guess(Place<'a>, Inner<'a>),
    Done(Found<'a>),
}

enum Found<'a> {
    Packet(Place<'a>),
    Fragment(Arrival<'a>),
}

/// A packet whose payload is still a slice.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: FlowKey,
    from: Side,
    segment: Segment,
    payload: &'a [u8],
    missing: u32,
    vlan: u32,
}

impl Place<'_> {
    /// `base` is the buffer that the payload is a part of.
    #[inline]
    fn place(self, index: usize, base: &[u8], side: bool) -> Option<Packet> {
        let start = self.payload.as_ptr().addr().wrapping_sub(base.as_ptr().addr());
        let payload = Payload {
            start: u32::try_from(start).ok()?,
            len: u32::try_from(self.payload.len()).ok()?,
            missing: self.missing,
            side,
        };
        let Self { key, from, segment, vlan, .. } = self;
        Some(Packet { frame: u32::try_from(index).ok()?, key, from, segment, payload, vlan })
    }
}

impl Walk<'_> {
    #[inline]
    fn run<'a>(&mut self, mut step: Step<'a>) -> Result<Found<'a>, Stop> {
        let mut guess = None;
        loop {
            step = match self.advance(step) {
                Ok(Step::Done(found)) => return Ok(found),
                Ok(Step::Guess(datagram, inner)) => {
                    guess = Some(datagram);
                    Step::Inner(inner)
                }
                Ok(step) => step,
                // The port lied (it may be a client's): the datagram is what it is.
                Err(stop) => {
                    return match guess {
                        Some(datagram)
                            if matches!(stop, Stop::Weird(_)) || self.cut == 0 && stop == Stop::Short =>
                        {
                            self.tally.weird("not_a_tunnel");
                            Ok(Found::Packet(datagram))
                        }
                        _ => Err(stop),
                    };
                }
            };
        }
    }

    #[inline]
    fn advance<'a>(&mut self, step: Step<'a>) -> Result<Step<'a>, Stop> {
        match step {
            Step::Inner(Inner::EtherType(0x0800, data)) => {
                let datagram = ip::v4(data, self.cut, self.verify, self.tally)?;
                self.cut = datagram.cut;
                self.datagram(datagram)
            }
            Step::Inner(Inner::EtherType(0x86dd, data)) => {
                let datagram = ip::v6(data, self.cut, self.tally)?;
                self.cut = datagram.cut;
                self.datagram(datagram)
            }
            Step::Inner(Inner::Ethernet(data)) => Ok(Step::Inner(ethernet::strip(data)?)),
            Step::Inner(Inner::EtherType(kind, data)) => self.ether_type(kind, data),
            Step::Inner(Inner::Ip(data)) => match data.first() {
                None => Err(Stop::Short),
                Some(first) if first >> 4 == 6 => Ok(Step::Inner(Inner::EtherType(0x86dd, data))),
                Some(_) => Ok(Step::Inner(Inner::EtherType(0x0800, data))),
            },
            Step::Inner(Inner::Link(number, data)) => {
                self.layer()?;
                let link = Link::find(number).ok_or(Stop::Weird("unknown_inner_link_type"))?;
                Ok(Step::Inner((link.strip)(data)?))
            }
            Step::Ip(datagram) => {
                self.cut = datagram.cut;
                self.datagram(datagram)
            }
            Step::Guess(..) | Step::Done(_) => Ok(step),
        }
    }

    fn ether_type<'a>(&mut self, kind: u16, data: &'a [u8]) -> Result<Step<'a>, Stop> {
        if ethernet::VLAN.contains(&kind) {
            self.layer()?;
            let (id, inner) = ethernet::vlan(data)?;
            // Zero is a priority without a VLAN (IEEE 802.1Q table 9-2).
            if id != 0 {
                self.vlan = self.paths.tag(self.vlan, id, self.tally);
            }
            return Ok(Step::Inner(inner));
        }
        match kind {
            0x6558 => Ok(Step::Inner(Inner::Ethernet(data))),
            0x88e5 => Ok(Step::Inner(ethernet::macsec(data)?)),
            _ => match Tunnel::find(On::Ether(kind)) {
                Some(tunnel) => self.enter(tunnel, data, false),
                None if ethernet::is_control(kind) => Err(Stop::Other),
                None => Err(Stop::Weird("unknown_ethertype")),
            },
        }
    }

    #[inline]
    fn datagram<'a>(&mut self, datagram: Datagram<'a>) -> Result<Step<'a>, Stop> {
        let datagram = match (datagram.fragment, datagram.protocol) {
            (None, 6 | 17) | (Some(_), _) => datagram,
            (None, _) => ip::extensions(datagram)?,
        };
        if let Some(at) = datagram.fragment {
            let Datagram { source, destination, protocol, data, cut, .. } = datagram;
            let known = if source.is_ipv4() { protocol } else { 0 };
            let origin = Origin { source, destination, protocol: known, id: at.id, path: self.path };
            return Ok(Step::Done(Found::Fragment(Arrival { origin, at, protocol, data, cut })));
        }
        match datagram.protocol {
            6 => {
                let carrier = transport::tcp(&datagram, self.verify)?;
                Ok(Step::Done(Found::Packet(self.place(&datagram, &carrier, IpProtocol::Tcp))))
            }
            17 => self.udp(&datagram),
            50 => Err(Stop::Weird("esp")),
            protocol => match Tunnel::find(On::Ip(protocol)) {
                Some(tunnel) => self.enter(tunnel, datagram.data, datagram.source.is_ipv6()),
                None => Err(Stop::Other),
            },
        }
    }

    fn udp<'a>(&mut self, datagram: &Datagram<'a>) -> Result<Step<'a>, Stop> {
        let carrier = transport::udp(datagram, self.verify, self.tally)?;
        let place = self.place(datagram, &carrier, IpProtocol::Udp);
        // The destination first: it is the tunnel's port in all but answers.
        let tunnel = [carrier.ports[1], carrier.ports[0]].into_iter().find_map(|port| {
            let is_tunnel = self.tunnel_ports[usize::from(port / 64)] >> (port % 64) & 1 == 1;
            if is_tunnel { Tunnel::find(On::Udp(port)) } else { None }
        });
        let Some(tunnel) = tunnel else { return Ok(Step::Done(Found::Packet(place))) };
        let outer = (self.path, self.vlan, self.cut);
        self.cut = carrier.missing;
        match self.enter(tunnel, carrier.payload, false) {
            Ok(Step::Inner(inner)) => Ok(Step::Guess(place, inner)),
            // Tunnel control (echo, keep-alive) and what is no tunnel: a datagram like any other.
            _ if self.layers <= limits::DECODE_DEPTH => {
                (self.path, self.vlan, self.cut) = outer;
                Ok(Step::Done(Found::Packet(place)))
            }
            other => other,
        }
    }

    fn enter<'a>(&mut self, tunnel: &Tunnel, data: &'a [u8], over_v6: bool) -> Result<Step<'a>, Stop> {
        self.layer()?;
        let carried = (tunnel.strip)(data)?;
        let kind = match (carried.kind, over_v6) {
            ("ipip", true) => "4in6",
            ("6in4", true) => "6in6",
            (kind, _) => kind,
        };
        self.path = self.paths.enter(self.path, kind, carried.id, self.tally);
        Ok(Step::Inner(carried.inner))
    }

    fn layer(&mut self) -> Result<(), Stop> {
        self.layers += 1;
        if self.layers > limits::DECODE_DEPTH { Err(Stop::Weird("too_deep")) } else { Ok(()) }
    }

    #[inline]
    fn place<'a>(&self, datagram: &Datagram<'_>, carrier: &Carrier<'a>, protocol: IpProtocol) -> Place<'a> {
        let source = Endpoint { addr: datagram.source, port: carrier.ports[0] };
        let destination = Endpoint { addr: datagram.destination, port: carrier.ports[1] };
        let (key, from) = FlowKey::new(source, destination, protocol, self.path);
        let Carrier { segment, payload, missing, .. } = *carrier;
        Place { key, from, segment, payload, missing, vlan: self.vlan }
    }
}
