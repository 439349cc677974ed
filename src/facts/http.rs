//! The exchange around a subject.

use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Exchange, Target, host_of, name_of, same_site};
use std::borrow::Cow;

pub(super) const FAMILY: Family = Family {
    name: "http",
    doc: "The HTTP request and response around the subject.",
    subjects: &[Subject::Sighting, Subject::Exchange],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "request.method",
            ty: Type::Str,
            doc: "Request method, as sent.",
            get: |c| text(c.exchange.and_then(|e| e.method())),
        },
        Field {
            name: "request.path",
            ty: Type::Str,
            doc: "Path of the request target, without the query.",
            get: |c| text(c.exchange.and_then(|e| e.target()).map(|t| Target::parse(t).path.bytes)),
        },
        Field {
            name: "request.host",
            ty: Type::Str,
            doc: "Host that the request names, lower case, with its port if one is given.",
            get: |c| Value::or_missing(c.exchange.and_then(|e| e.host())),
        },
        Field {
            name: "request.absolute",
            ty: Type::Bool,
            doc: "Whether the request is one to a proxy: CONNECT or an absolute http target.",
            get: |c| {
                let target = c.exchange.and_then(|e| e.target()).map(|t| Target::parse(t).scheme.is_some());
                Value::Bool(target == Some(true) || c.exchange.and_then(|e| e.method()) == Some(b"CONNECT"))
            },
        },
        Field {
            name: "request.content_type",
            ty: Type::Str,
            doc: "Media type of the request body, lower case, without parameters.",
            get: |c| request(c, "content-type").map_or(Value::Missing, media_type),
        },
        Field {
            name: "request.token_places",
            ty: Type::List(&Type::Str),
            doc: "Locations of all tokens in the request, in order.",
            get: |c| match c.exchange {
                Some(e) => Value::List(List::Owned(
                    e.request_tokens.iter().map(|l| Value::str(l.as_str())).collect(),
                )),
                None => Value::Missing,
            },
        },
        Field {
            name: "request.upgrade",
            ty: Type::Str,
            doc: "The Upgrade field, lower case: \"websocket\", \"h2c\".",
            get: |c| request(c, "upgrade").map_or(Value::Missing, lower),
        },
        Field {
            name: "response.status",
            ty: Type::Int,
            doc: "Status code of the final response.",
            get: |c| Value::or_missing(c.exchange.and_then(|e| e.status()).map(i64::from)),
        },
        Field {
            name: "response.challenge",
            ty: Type::Bool,
            doc: "Whether the response says how to authenticate (WWW-Authenticate).",
            get: |c| match c.exchange.and_then(|e| e.response.as_ref()) {
                Some(r) => Value::Bool(r.head.field("www-authenticate").is_some()),
                None => Value::Missing,
            },
        },
        Field {
            name: "response.success",
            ty: Type::Bool,
            doc: "Whether the final response is 2xx, and of a gRPC call its status OK.",
            get: |c| Value::or_missing(c.exchange.and_then(|e| e.success())),
        },
        Field {
            name: "response.tokens",
            ty: Type::Int,
            doc: "Number of tokens in the response.",
            get: |c| Value::or_missing(c.exchange.map(|e| i64::from(e.response_tokens))),
        },
        Field {
            name: "response.content_type",
            ty: Type::Str,
            doc: "Media type of the response body, lower case, without parameters.",
            get: |c| response(c, "content-type").map_or(Value::Missing, media_type),
        },
        Field {
            name: "response.cache_control",
            ty: Type::Str,
            doc: "Cache-Control of the response, lower case; empty if there is none.",
            get: |c| match c.exchange.and_then(|e| e.response.as_ref()) {
                Some(r) => lower(r.head.field("cache-control").unwrap_or_default()),
                None => Value::Missing,
            },
        },
        Field {
            name: "response.cache_hit",
            ty: Type::Bool,
            doc: "Whether a shared cache says that it served the response (Age above 0, X-Cache: HIT).",
            get: |c| Value::Bool(c.exchange.is_some_and(cache_hit)),
        },
        Field {
            name: "response.redirect",
            ty: Type::Str,
            doc: "How a 3xx response redirects: \"same-host-https\", \"https\", \"http\", \"relative\".",
            get: redirect,
        },
        Field {
            name: "response.redirect_cross_site",
            ty: Type::Bool,
            doc: "Whether the Location of a 3xx response leads to another site.",
            get: |c| Value::Bool(redirect_cross_site(c)),
        },
        Field {
            name: "response.cors",
            ty: Type::Str,
            doc: "Who may read the response: \"none\" (no CORS field), \"any\" (*), \"reflected\" (the request's Origin, with credentials), \"fixed\".",
            get: cors,
        },
        Field {
            name: "response.hsts",
            ty: Type::Str,
            doc: "Strict-Transport-Security of the response.",
            get: |c| text(response(c, "strict-transport-security")),
        },
        Field {
            name: "response.websocket_protocol",
            ty: Type::Str,
            doc: "Sec-WebSocket-Protocol of the response.",
            get: |c| text(response(c, "sec-websocket-protocol")),
        },
    ],
};

fn text<'a>(bytes: Option<&'a [u8]>) -> Value<'a> {
    bytes.map_or(Value::Missing, |b| Value::Str(String::from_utf8_lossy(b)))
}

fn lower<'a>(bytes: &'a [u8]) -> Value<'a> {
    if bytes.is_ascii() && !bytes.iter().any(u8::is_ascii_uppercase) {
        return text(Some(bytes));
    }
    Value::Str(Cow::Owned(String::from_utf8_lossy(bytes).to_ascii_lowercase()))
}

fn media_type<'a>(bytes: &'a [u8]) -> Value<'a> {
    lower(bytes.split(|b| *b == b';').next().unwrap_or_default().trim_ascii())
}

fn request<'a>(case: &Case<'a>, name: &str) -> Option<&'a [u8]> {
    case.exchange?.request.as_ref()?.head.field(name)
}

pub(super) fn response<'a>(case: &Case<'a>, name: &str) -> Option<&'a [u8]> {
    case.exchange?.response.as_ref()?.head.field(name)
}

pub(super) fn cache_hit(exchange: &Exchange) -> bool {
    let Some(head) = exchange.response.as_ref().map(|response| &response.head) else { return false };
    let age = head.field("age").is_some_and(|v| v.iter().any(|b| (b'1'..=b'9').contains(b)));
    let hit = ["x-cache", "cf-cache-status", "x-proxy-cache"]
        .iter()
        .filter_map(|name| head.field(name))
        .any(|v| v.to_ascii_uppercase().starts_with(b"HIT"));
    age || hit
}

fn redirect<'a>(case: &Case<'a>) -> Value<'a> {
    let Some(exchange) = case.exchange else { return Value::Missing };
    let Some(status) = exchange.status() else { return Value::Missing };
    let (300..=399, Some(location)) = (status, response(case, "location")) else { return Value::Missing };
    let target = Target::reference(location);
    let scheme = target.scheme.map(|s| s.bytes.to_ascii_lowercase());
    Value::str(match scheme.as_deref() {
        Some(b"https") => {
            let to = target.host.map(|h| name_of(&host_of(h.bytes)).to_owned());
            let from = exchange.host().map(|h| name_of(h).to_owned());
            if to.is_some() && to == from { "same-host-https" } else { "https" }
        }
        Some(b"http") => "http",
        _ => "relative",
    })
}

fn redirect_cross_site(case: &Case<'_>) -> bool {
    let (Some(exchange), Some(location)) = (case.exchange, response(case, "location")) else { return false };
    match (Target::reference(location).host, exchange.host()) {
        (Some(to), Some(from)) => !same_site(&host_of(to.bytes), from),
        _ => false,
    }
}

fn cors<'a>(case: &Case<'a>) -> Value<'a> {
    let Some(exchange) = case.exchange else { return Value::Missing };
    if exchange.response.is_none() {
        return Value::Missing;
    }
    let credentials = response(case, "access-control-allow-credentials") == Some(b"true");
    Value::str(match response(case, "access-control-allow-origin") {
        None => "none",
        Some(b"*") => "any",
        Some(origin) if credentials && request(case, "origin") == Some(origin) => "reflected",
        Some(_) => "fixed",
    })
}
