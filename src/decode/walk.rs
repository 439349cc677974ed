//! The walk through the headers of one frame.

use std::net::IpAddr;

use super::decoder::is_in;
use super::defrag::{Arrival, Origin};
use super::ip::{self, Datagram};
use super::paths::Tenant;
use super::transport::{self, Carrier};
use super::{Endpoint, FlowKey, Inner, IpProtocol, Link, On, Packet, Paths, Payload, Segment, Side};
use super::{Id, Stop, Tunnel, control, esp, ethernet, untyped};
use crate::limits;
use crate::tally::Tally;

/// One frame's way through its layers.
pub(super) struct Walk<'d> {
    pub(super) verify: bool,
    pub(super) paths: &'d mut Paths,
    pub(super) tunnel_ports: &'d [u64; 1024],
    pub(super) tally: &'d mut Tally,
    pub(super) path: u32,
    pub(super) vlan: u32,
    pub(super) layers: usize,
    /// Bytes missing behind the current data: stripping takes from the front only, so it stays until IP trims.
    pub(super) cut: u32,
}

pub(super) enum Step<'a> {
    Inner(Inner<'a>),
    Ip(Datagram<'a>),
    /// A UDP datagram, and what is inside if it is the tunnel that its port promises.
    Guess(Place<'a>, Inner<'a>),
    Done(Found<'a>),
}

pub(super) enum Found<'a> {
    Packet(Place<'a>),
    Fragment(Arrival<'a>),
}

/// A packet whose payload is still a slice.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    key: FlowKey,
    from: Side,
    segment: Segment,
    payload: &'a [u8],
    missing: u32,
}

impl Place<'_> {
    /// `base` is the buffer that the payload is a part of.
    #[inline]
    pub(super) fn place(self, index: usize, base: &[u8], side: bool) -> Option<Packet> {
        let start = self.payload.as_ptr().addr().wrapping_sub(base.as_ptr().addr());
        let payload = Payload {
            start: u32::try_from(start).ok()?,
            len: u32::try_from(self.payload.len()).ok()?,
            missing: self.missing,
            side,
        };
        let Self { key, from, segment, .. } = self;
        Some(Packet { frame: u32::try_from(index).ok()?, key, from, segment, payload })
    }
}

impl Walk<'_> {
    #[inline]
    pub(super) fn run<'a>(&mut self, mut step: Step<'a>) -> Result<Found<'a>, Stop> {
        let mut guess = None;
        loop {
            step = match self.advance(step) {
                Ok(Step::Done(found @ Found::Packet(_))) => return Ok(found),
                Ok(Step::Guess(datagram, inner)) => {
                    guess = Some((datagram, inner, self.cut));
                    Step::Inner(inner)
                }
                Ok(Step::Done(found)) => return self.unless_guessed(guess, Ok(found)),
                Ok(step) => step,
                Err(stop) => return self.unless_guessed(guess, Err(stop)),
            };
        }
    }

    /// What no packet came of. If only a port said that there is a tunnel, it may have lied (it may be a client's): the
    /// datagram is what it is.
    fn unless_guessed<'a>(
        &mut self,
        guess: Option<(Place<'a>, Inner<'a>, u32)>,
        found: Result<Found<'a>, Stop>,
    ) -> Result<Found<'a>, Stop> {
        let Some((datagram, inner, cut)) = guess else { return found };
        let is_tunnel = match found {
            Err(Stop::Weird(name)) => name == "too_deep",
            Err(Stop::Short) => self.cut > 0,
            // Text reads as a header, if nobody looks closely.
            Err(Stop::Other | Stop::Closed(_)) | Ok(_) => untyped::holds(inner, cut as usize),
        };
        if is_tunnel {
            return found;
        }
        self.tally.weird("not_a_tunnel");
        Ok(Found::Packet(datagram))
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
            // The others are frames of their own by now, unless this was in a tunnel.
            Step::Inner(Inner::Bundle(mut bundle)) => {
                bundle.next().map(|frame| Step::Inner(Inner::Ethernet(frame))).ok_or(Stop::Short)
            }
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
        if ethernet::is_vlan(kind) {
            self.layer()?;
            let (id, inner) = ethernet::vlan(data)?;
            // Zero is a priority without a VLAN (IEEE 802.1Q table 9-2).
            if id != 0 {
                self.vlan = self.paths.tag(self.vlan, id, self.tally);
            }
            return Ok(Step::Inner(inner));
        }
        match kind {
            ethernet::BRIDGED => Ok(Step::Inner(Inner::Ethernet(data))),
            ethernet::METADATA => Ok(Step::Inner(ethernet::metadata(data)?)),
            ethernet::MACSEC => Ok(Step::Inner(ethernet::macsec(data)?)),
            _ => match Tunnel::find(On::Ether(kind)) {
                Some(tunnel) => self.enter(tunnel, data, None),
                None if control::ether_type(kind) || data.is_empty() => Err(Stop::Other),
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
            let (path, vlan) = (self.path, self.vlan);
            let origin = Origin { source, destination, protocol: known, id: at.id, path, vlan };
            return Ok(Step::Done(Found::Fragment(Arrival { origin, at, protocol, data, cut })));
        }
        match datagram.protocol {
            6 => {
                let carrier = transport::tcp(&datagram, self.verify)?;
                Ok(Step::Done(Found::Packet(self.place(&datagram, &carrier, IpProtocol::Tcp))))
            }
            17 => self.udp(&datagram),
            50 => match esp::null(&datagram) {
                Some(inner) => {
                    self.layer()?;
                    Ok(Step::Ip(inner))
                }
                None => Err(Stop::Closed("esp")),
            },
            protocol => match Tunnel::find(On::Ip(protocol)) {
                Some(tunnel) => {
                    self.enter(tunnel, datagram.data, Some((datagram.source, datagram.destination)))
                }
                None if control::ip_protocol(protocol) || datagram.data.is_empty() => Err(Stop::Other),
                None => Err(Stop::Closed(control::unread(protocol))),
            },
        }
    }

    fn udp<'a>(&mut self, datagram: &Datagram<'a>) -> Result<Step<'a>, Stop> {
        let carrier = transport::udp(datagram, self.verify, self.tally)?;
        let place = self.place(datagram, &carrier, IpProtocol::Udp);
        // The destination first: it is the tunnel's port in all but answers.
        let tunnel = [carrier.ports[1], carrier.ports[0]]
            .into_iter()
            .find_map(|port| if is_in(self.tunnel_ports)(port) { Tunnel::find(On::Udp(port)) } else { None })
            .or_else(|| Tunnel::guess(carrier.payload, carrier.payload.len() + carrier.missing as usize));
        let Some(tunnel) = tunnel else {
            // RFC 3948: ESP behind address translation, on a port of its own.
            if carrier.ports.contains(&esp::UDP)
                && let Some(inner) =
                    esp::null(&Datagram { data: carrier.payload, cut: carrier.missing, ..*datagram })
            {
                self.layer()?;
                return Ok(Step::Ip(inner));
            }
            return Ok(Step::Done(Found::Packet(place)));
        };
        let outer = (self.path, self.vlan, self.cut);
        self.cut = carrier.missing;
        match self.enter(tunnel, carrier.payload, Some((datagram.source, datagram.destination))) {
            Ok(Step::Inner(inner)) => Ok(Step::Guess(place, inner)),
            // Tunnel control (echo, keep-alive) and what is no tunnel: a datagram like any other.
            _ if self.layers <= limits::DECODE_DEPTH => {
                (self.path, self.vlan, self.cut) = outer;
                Ok(Step::Done(Found::Packet(place)))
            }
            other => other,
        }
    }

    /// `ends` are the addresses of what carries the tunnel.
    fn enter<'a>(
        &mut self,
        tunnel: &Tunnel,
        data: &'a [u8],
        ends: Option<(IpAddr, IpAddr)>,
    ) -> Result<Step<'a>, Stop> {
        self.layer()?;
        let carried = (tunnel.strip)(data)?;
        let kind = match (carried.kind, ends) {
            ("ipip", Some((IpAddr::V6(_), _))) => "4in6",
            ("6in4", Some((IpAddr::V6(_), _))) => "6in6",
            (kind, _) => kind,
        };
        let tenant = match (carried.id, ends) {
            (Id::Number(number), _) => Tenant::Number(number),
            (Id::Ends, Some((a, b))) => Tenant::Ends(a.min(b), a.max(b)),
            (Id::Ends, None) | (Id::None, _) => Tenant::Any,
        };
        self.path = self.paths.enter(self.path, kind, tenant, self.tally);
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
        let key = FlowKey { vlan: self.vlan, ..key };
        let Carrier { segment, payload, missing, .. } = *carrier;
        Place { key, from, segment, payload, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, ip4, ip4_udp_to, ip6, seen};
    use super::super::{On, TUNNELS};

    /// Texts of which some read as a header of IP, as a fragment or as a transport that nothing reads.
    const TEXTS: [&str; 9] = [
        "{\"level\":\"info\",\"user\":\"a user with a name that is long enough\"}",
        "client,server,and what else stands in a line of a table that goes on",
        "message of the day: nothing new, and nothing old either, as it seems",
        "12345678E jwt of a user that nobody knows, with all that is in it",
        "12345678client,server,and what else stands in a line of a table",
        "12345678message of a kind that has a header before it, as it seems",
        "<134>1 2023 host app - - - a line of a log in the form of syslog",
        "hello, world; and whatever else there is to say about it, I say",
        "ogre <of <the <swamp and <his donkey, who talks and talks and talks",
    ];

    #[test]
    fn a_text_from_or_to_the_port_of_a_tunnel_is_a_datagram() {
        for port in TUNNELS.iter().flat_map(|tunnel| tunnel.on) {
            let On::Udp(port) = *port else { continue };
            for text in TEXTS {
                for from in [false, true] {
                    let mut packet = ip4_udp_to(port, text.as_bytes());
                    if from {
                        packet[20..24].rotate_left(2);
                    }
                    let got = seen(101, &packet).unwrap_or_else(|weirds| panic!("{port} {text} {weirds:?}"));
                    assert_eq!((got.payload, got.tunnels), (text.as_bytes().to_vec(), vec![]), "{port}");
                }
            }
        }
    }

    #[test]
    fn a_tunnel_with_nothing_of_interest_in_it_is_no_datagram() {
        let arp = ether(0x0806, &[&[0, 1, 8, 0, 6, 4][..], &[0; 22]].concat());
        for (inner, weirds) in [
            (arp, &[][..]),
            (ether(0x0800, &ip4(1, &[8; 16])), &[]),
            (ether(0x86dd, &ip6(58, &[8; 16])), &[]),
            (ether(0x0800, &ip4(132, &[8; 16])), &["sctp"]),
            (ether(0x0800, &ip4(50, &[8; 50])), &["esp"]),
        ] {
            let packet = ip4_udp_to(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &inner].concat());
            assert_eq!(seen(101, &packet), Err(weirds.to_vec()));
        }
    }
}
