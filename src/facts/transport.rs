//! What carried the subject.

use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::Direction;
use std::net::IpAddr;

pub(super) const FAMILY: Family = Family {
    name: "transport",
    doc: "What carried the subject.",
    subjects: &[Subject::Sighting, Subject::Exchange, Subject::Login, Subject::Flow, Subject::Tls],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "channel",
            ty: Type::Str,
            doc: "\"cleartext\", \"tls-opaque\" or \"tls-decrypted\", of the very bytes that carried the subject.",
            get: |c| Value::or_missing(c.transport().map(|t| t.channel.as_str())),
        },
        Field {
            name: "cleartext",
            ty: Type::Bool,
            doc: "Whether anyone on the path could read the bytes, and the configuration does not accept that there.",
            get: |c| {
                Value::or_missing(c.transport().map(|t| !t.channel.encrypted() && !c.accepts_cleartext()))
            },
        },
        Field {
            name: "protocol",
            ty: Type::Str,
            doc: "The innermost protocol that carried the subject: \"http1\", \"tls\", \"unknown\", ...",
            get: |c| Value::or_missing(c.transport().map(|t| t.protocol)),
        },
        Field {
            name: "direction",
            ty: Type::Str,
            doc: "\"request\" (from the client), \"response\", or \"datagram\".",
            get: direction,
        },
        Field {
            name: "loopback",
            ty: Type::Bool,
            doc: "Whether both ends are loopback addresses.",
            get: |c| Value::Bool(ends(c).is_some_and(|(a, b)| a.is_loopback() && b.is_loopback())),
        },
        Field {
            name: "server_public",
            ty: Type::Bool,
            doc: "Whether the server's address is globally routable, and not in a network that the configuration calls own.",
            get: |c| Value::Bool(ends(c).is_some_and(|(_, server)| is_public(server) && !is_own(c, server))),
        },
        Field {
            name: "time",
            ty: Type::Int,
            doc: "When the subject was captured, or --now, in seconds since 1970.",
            get: |c| Value::Int(c.time().seconds()),
        },
    ],
};

fn direction<'a>(case: &Case<'a>) -> Value<'a> {
    let Some(sighting) = case.sighting else { return Value::Missing };
    Value::str(match sighting.direction {
        Some(Direction::Request) => "request",
        Some(Direction::Response) => "response",
        None => "datagram",
    })
}

fn ends(case: &Case<'_>) -> Option<(IpAddr, IpAddr)> {
    let transport = case.transport()?;
    Some((transport.client?.addr, transport.server?.addr))
}

fn is_own(case: &Case<'_>, server: IpAddr) -> bool {
    case.policy.own.has_address(server)
}

/// Not private, loopback, link-local, shared or unspecified (RFC 6890). Documentation addresses count as public: only
/// examples use them, in the place of real ones.
pub(crate) fn is_public(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(a) => {
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_unspecified()
                || a.octets()[0] == 100 && (64..128).contains(&a.octets()[1]))
        }
        IpAddr::V6(a) => {
            let first = a.segments()[0];
            !(a.is_loopback() || a.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80)
        }
    }
}
