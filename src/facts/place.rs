//! Where in a message the token stands.

use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::Location;
use crate::message::{Target, host_of, same_site};

pub(super) const FAMILY: Family = Family {
    name: "place",
    doc: "Where in a message the token stands.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "place.location",
            ty: Type::Str,
            doc: "\"header\", \"trailer\", \"cookie\", \"set-cookie\", \"query\", \"path\", \"fragment\", \"referer\", \"userinfo\", \"body\", \"websocket\", \"connect\", \"sasl\", \"publish\", \"property\", \"command\", \"reply\", \"mail\", \"stanza\", \"attribute\", \"log\", \"metric\", \"dns\", \"stream\", \"datagram\".",
            get: |c| Value::or_missing(c.sighting.map(|s| s.place.location.as_str())),
        },
        Field {
            name: "place.name",
            ty: Type::Str,
            doc: "Lower-case field name, cookie or parameter name, or JSON path such as $.access_token.",
            get: |c| Value::or_missing(c.sighting.and_then(|s| s.place.name.as_deref())),
        },
        Field {
            name: "place.wrapping",
            ty: Type::List(&Type::Str),
            doc: "Encodings that were undone around the token, outermost first: \"percent\", \"base64\", \"json\", \"split\", ...; \"jwe\" last for a token inside of a JWE that a key of the run opens.",
            get: |c| match c.sighting {
                Some(s) => Value::List(List::Owned(s.wrapping.iter().map(|w| Value::str(w)).collect())),
                None => Value::Missing,
            },
        },
        Field {
            name: "place.confidential",
            ty: Type::Bool,
            doc: "Whether only those who have a key read the claims: the token is a JWE, or inside of one.",
            get: |c| Value::Bool(c.sighting.is_some_and(|s| s.token.is_encrypted() || s.is_inside())),
        },
        Field {
            name: "place.credential",
            ty: Type::Bool,
            doc: "Whether a request presents the token as a credential: in Authorization, another header, a cookie, the URL or a form, or where a client logs in.",
            get: |c| Value::Bool(credential(c)),
        },
        Field {
            name: "place.issued",
            ty: Type::Bool,
            doc: "Whether a successful or redirecting response hands the token out: Set-Cookie, Location, a field named like a token, or a body member.",
            get: |c| Value::Bool(issued(c)),
        },
        Field {
            name: "place.referer_cross_site",
            ty: Type::Bool,
            doc: "Whether the Referer that holds the token names another site than the request's host.",
            get: |c| Value::Bool(referer_cross_site(c)),
        },
    ],
};

fn credential(case: &Case<'_>) -> bool {
    let Some(sighting) = case.sighting else { return false };
    sighting.direction == Some(crate::message::Direction::Request)
        && matches!(
            sighting.place.location,
            Location::Header
                | Location::Cookie
                | Location::Query
                | Location::Path
                | Location::Body
                | Location::Userinfo
                | Location::Connect
                | Location::Sasl
        )
}

fn issued(case: &Case<'_>) -> bool {
    let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return false };
    sighting.direction == Some(crate::message::Direction::Response)
        && exchange.status().is_some_and(|s| (200..400).contains(&s))
        && match (sighting.place.location, sighting.place.name.as_deref()) {
            (Location::SetCookie | Location::Fragment, _) => true,
            (Location::Header | Location::Trailer, Some(name)) => {
                matches!(name, "location" | "refresh" | "authorization")
                    || name.contains("token")
                    || name.contains("jwt")
            }
            (Location::Body, Some(name)) => name.starts_with('$') || token_name(name),
            _ => false,
        }
}

fn token_name(name: &str) -> bool {
    matches!(name, "access_token" | "id_token" | "refresh_token" | "token" | "jwt")
}

fn referer_cross_site(case: &Case<'_>) -> bool {
    let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return false };
    if sighting.place.location != Location::Referer {
        return false;
    }
    let referer = exchange.request.as_ref().and_then(|r| r.head.field("referer")).unwrap_or_default();
    match (Target::reference(referer).host, exchange.host()) {
        (Some(from), Some(to)) => !same_site(&host_of(from.bytes), to),
        _ => false,
    }
}
