//! By whom, from where and to whom one token is presented.

use super::super::audience::{audiences, host_in};
use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject};
use super::{TokenId, client, device, presented};
use crate::limits::{LIFE_ENDS, LIVES};
use crate::message::{Channel, is_ip_literal, name_of, same_site};
use crate::tally::Tally;
use crate::token::Sighting;
use smallvec::SmallVec;
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "replay",
    doc: "By whom, from where and to whom the token was presented before.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| life(c).is_none_or(Life::is_plain)),
    undecided: None,
    source: Source::memory::<Lives>(),
    fields: &[
        Field {
            name: "replay.clients",
            ty: Type::Int,
            doc: "From how many addresses requests presented the token, where this one is not the first of them. Forwarded and X-Forwarded-For count instead of the address of the proxy; one that the token was itself sent to is a hop on the way.",
            get: |c| {
                Value::or_missing(with(
                    c,
                    |life| life.users.len() > 1,
                    |life, now| life.strangers(now).map(|(n, _)| n),
                ))
            },
        },
        Field {
            name: "replay.spread",
            ty: Type::Str,
            doc: "How far this client is from the first: \"same-network\" (/24, /64), \"other-network\", \"other-network-and-device\" (another program by User-Agent, too).",
            get: |c| {
                Value::or_missing(with(
                    c,
                    |life| life.users.len() > 1,
                    |life, now| life.strangers(now).map(|(_, spread)| spread),
                ))
            },
        },
        Field {
            name: "replay.devices",
            ty: Type::Int,
            doc: "How many programs (User-Agent without numbers) presented the token, where this one is not the first.",
            get: |c| Value::or_missing(with(c, |life| life.devices.len() > 1, Life::other_devices)),
        },
        Field {
            name: "replay.exposed",
            ty: Type::Bool,
            doc: "Whether the token was first seen in clear text, and is presented now by a client that had no part in that.",
            get: |c| Value::Bool(with(c, |life| life.exposed.is_some(), Life::exposed).unwrap_or(false)),
        },
        Field {
            name: "replay.mixed",
            ty: Type::Str,
            doc: "The token was seen both inside TLS and in clear text: \"apart\", or on two sides of one \"hop\", as where a proxy ends TLS.",
            get: |c| Value::or_missing(with(c, |life| life.clear && life.opened, Life::mixed)),
        },
        Field {
            name: "replay.other_site",
            ty: Type::Str,
            doc: "Another site that the token was presented to before; missing if one of them issued the token, or both are named by aud or configured as own.",
            get: |c| {
                Value::or_missing(with(c, |life| life.sites.len() > 1, |life, now| life.other_site(now)))
            },
        },
    ],
};

/// The latest tokens, with who had to do with them.
pub(in super::super) struct Lives {
    known: Recent<TokenId, Life>,
}

#[derive(Debug)]
struct Life {
    /// Ends of the first sighting, if it was in clear text.
    exposed: Option<[Option<IpAddr>; 2]>,
    users: SmallVec<[User; 1]>,
    /// What it was sent to, and whether inside TLS.
    servers: SmallVec<[(IpAddr, bool); 1]>,
    devices: SmallVec<[u64; 1]>,
    sites: SmallVec<[Site; 1]>,
    clear: bool,
    opened: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct User {
    addr: IpAddr,
    device: Option<u64>,
    clear: bool,
}

#[derive(Debug)]
struct Site {
    name: Box<str>,
    literal: bool,
    server: Option<IpAddr>,
    /// It issued the token: clients ask there for what it knows of the user.
    issuer: bool,
    /// The token names it as audience, or it is the operator's own.
    meant: bool,
}

/// The sighting at hand: each fact asks for something else of it.
struct Now<'a, 'c> {
    case: &'c Case<'a>,
    sighting: &'a Sighting,
    presented: bool,
}

impl<'a, 'c> Now<'a, 'c> {
    fn of(case: &'c Case<'a>) -> Option<Self> {
        Some(Self { case, sighting: case.sighting?, presented: presented(case) })
    }

    fn client(&self) -> Option<IpAddr> {
        if self.presented { client(self.case) } else { None }
    }

    fn device(&self) -> Option<u64> {
        self.case.exchange.filter(|_| self.presented).and_then(device)
    }

    fn server(&self) -> Option<IpAddr> {
        self.sighting.transport.server.map(|s| s.addr)
    }

    fn encrypted(&self) -> bool {
        self.sighting.transport.channel == Channel::TlsDecrypted
    }

    fn host(&self) -> Option<&'a str> {
        self.case.exchange.filter(|_| self.presented)?.host().map(name_of)
    }
}

impl Memory for Lives {
    fn new(_: &Given) -> Self {
        Self { known: Recent::roughly(LIVES) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(sighting), Some(now)) = (case.sighting, Now::of(case)) else { return };
        let id = sighting.token.id();
        if let Some(life) = self.known.touch(&id) {
            return life.note(case, &now);
        }
        let ends = [sighting.transport.client, sighting.transport.server].map(|end| end.map(|end| end.addr));
        let clear = !sighting.transport.channel.encrypted() && !case.accepts_cleartext();
        let mut life = Life {
            exposed: (clear && ends[0].is_some()).then(|| [client(case).or(ends[0]), ends[1]]),
            users: SmallVec::new(),
            servers: SmallVec::new(),
            devices: SmallVec::new(),
            sites: SmallVec::new(),
            clear: false,
            opened: false,
        };
        life.note(case, &now);
        if self.known.insert(id, life).is_some() {
            tally.weird("lives_evicted");
        }
    }
}

impl Life {
    /// Whether one client sent it to one site, from where it came if it came in clear text: then nothing is odd about it.
    fn is_plain(&self) -> bool {
        let known = |user: &User| self.exposed.is_none_or(|ends| ends.contains(&Some(user.addr)));
        self.users.len() <= 1
            && self.users.iter().all(known)
            && self.devices.len() <= 1
            && self.sites.len() <= 1
            && !(self.clear && self.opened)
    }

    fn note(&mut self, case: &Case<'_>, now: &Now<'_, '_>) {
        let (clear, device) = (!now.encrypted(), now.device());
        self.opened |= now.encrypted();
        self.clear |= clear && !case.accepts_cleartext();
        if let Some(server) = now.server() {
            keep(&mut self.servers, (server, now.encrypted()));
        }
        if let Some(addr) = now.client().filter(|addr| !addr.is_loopback())
            && !self.users.iter().any(|user| user.addr == addr && user.clear == clear)
        {
            keep(&mut self.users, User { addr, device, clear });
        }
        if let Some(device) = device {
            keep(&mut self.devices, device);
        }
        if let Some(name) = now.host()
            && self.sites.len() < LIFE_ENDS
            && !self.sites.iter().any(|site| *site.name == *name)
        {
            let (issuer, meant) = (issued_by(case, name), meant(case, name));
            let literal = is_ip_literal(name) || name == "localhost";
            self.sites.push(Site { name: name.into(), literal, server: now.server(), issuer, meant });
        }
    }

    /// Clients in order of their first requests, without those that only pass on what they got.
    fn clients(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter(|user| !self.servers.iter().any(|(server, _)| *server == user.addr))
    }

    fn strangers(&self, now: &Now<'_, '_>) -> Option<(i64, &'static str)> {
        let (first, client) = (self.clients().next()?, now.client()?);
        let this = self.clients().find(|user| user.addr == client).filter(|user| user.addr != first.addr)?;
        let mut all: SmallVec<[IpAddr; 4]> = self.clients().map(|user| user.addr).collect();
        all.sort_unstable();
        all.dedup();
        let other_device = this.device.zip(first.device).is_some_and(|(a, b)| a != b);
        let spread = match (this.addr, first.addr) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a.octets()[..3] == b.octets()[..3] => "same-network",
            (IpAddr::V6(a), IpAddr::V6(b)) if a.segments()[..4] == b.segments()[..4] => "same-network",
            _ if other_device => "other-network-and-device",
            // One machine has addresses of both families.
            (a, b) if a.is_ipv4() != b.is_ipv4() => return None,
            _ => "other-network",
        };
        Some((all.len() as i64, spread))
    }

    fn other_devices(&self, now: &Now<'_, '_>) -> Option<i64> {
        (self.devices.first() != Some(&now.device()?)).then_some(self.devices.len() as i64)
    }

    fn exposed(&self, now: &Now<'_, '_>) -> Option<bool> {
        let (ends, addr) = (self.exposed?, now.client()?);
        let hop = self.servers.iter().any(|(server, _)| *server == addr);
        let one_family = ends[0].is_none_or(|end| end.is_ipv4() == addr.is_ipv4());
        Some(!ends.contains(&Some(addr)) && !hop && !addr.is_loopback() && one_family)
    }

    fn mixed(&self, now: &Now<'_, '_>) -> Option<&'static str> {
        let passed = |user: &User| {
            user.clear && self.servers.iter().any(|(server, encrypted)| *encrypted && *server == user.addr)
        };
        let within = !now.encrypted() && now.server().is_some_and(|server| server.is_loopback());
        Some(if within || self.users.iter().any(passed) { "hop" } else { "apart" })
    }

    fn other_site(&self, now: &Now<'_, '_>) -> Option<&str> {
        let host = now.host()?;
        let at = self.sites.iter().position(|site| *site.name == *host)?;
        let this = self.sites.get(at)?;
        let other = self.sites.get(..at)?.iter().find(|other| {
            // An address is another name of a machine that has one.
            let same = same_site(&this.name, &other.name)
                || (this.literal || other.literal) && this.server == other.server;
            !(same || this.issuer || other.issuer || this.meant && other.meant)
        })?;
        Some(&other.name)
    }
}

fn keep<T: PartialEq>(list: &mut SmallVec<[T; 1]>, new: T) {
    if list.len() < LIFE_ENDS && !list.contains(&new) {
        list.push(new);
    }
}

fn issued_by(case: &Case<'_>, host: &str) -> bool {
    case.sighting.and_then(|s| host_in(s.token.iss()?.as_str()?)).is_some_and(|iss| iss == host)
}

fn meant(case: &Case<'_>, name: &str) -> bool {
    let host = case.exchange.and_then(|e| e.host()).unwrap_or_default();
    let configured = |(aud, at): &(String, String)| {
        at.eq_ignore_ascii_case(name_of(host)) && audiences(case).any(|known| known == aud)
    };
    audiences(case).filter_map(host_in).any(|aud| same_site(&aud, name))
        || case.policy.own.has_host(host)
        || case.policy.audiences.iter().any(configured)
}

/// What `f` says of the life of a token and the sighting at hand, if the life is `worth` it: most are of one client.
fn with<'a, T>(
    case: &Case<'a>,
    worth: impl FnOnce(&Life) -> bool,
    f: impl FnOnce(&'a Life, &Now<'_, '_>) -> Option<T>,
) -> Option<T> {
    let life = life(case).filter(|life| worth(life))?;
    f(life, &Now::of(case)?)
}

fn life<'a>(case: &Case<'a>) -> Option<&'a Life> {
    case.memory::<Lives>()?.known.get(&case.sighting?.token.id())
}
