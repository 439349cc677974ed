//! Traces for other programs.

use super::super::{shown, shown_value};
use super::{Act, Like, Step, Tracer, short};
use crate::message::Direction;
use crate::report::{EndpointView, Settings};
use crate::text::{escape, hex};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// One object with all tokens.
pub(super) fn json(tracer: &Tracer, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let lives = tracer.lives.iter().map(|life| {
        let (token, show) = (&life.token, tracer.show_secrets);
        let member = |value: Option<&Value>| value.map(|value| shown_value(value, show).into_owned());
        json!({
            "token": token.sha256_hex(),
            "kind": token.kind().as_str(),
            "alg": token.alg().map(|alg| shown(alg, show)),
            "kid": member(token.kid()),
            "typ": member(token.typ()),
            "iss": member(token.iss()),
            "sub": member(token.sub()),
            "aud": member(token.aud()),
            "iat": token.iat(),
            "exp": token.exp(),
            "signature": life.signature,
            "text": token.text(tracer.show_secrets),
            "sightings": life.sightings,
            "first_seen": life.first,
            "last_seen": life.last,
            "expires": life.expiry(),
            "refreshed": life.refreshed.map(|(time, token)| json!({ "time": time, "token": hex(&token) })),
            "steps": life.steps.iter().map(|step| step_json(step, tracer)).collect::<Vec<_>>(),
            "dropped": life.dropped,
        })
    });
    let all: Vec<Value> = lives.collect();
    let report = json!({
        "wirelint": settings.version,
        "inputs": tracer.files,
        "tokens": all,
        "dropped": tracer.dropped,
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn step_json(step: &Step, tracer: &Tracer) -> Value {
    let Like { act, direction, place, channel, method, path, status, expired, partner, .. } = &step.like;
    let [client, server] = step.ends;
    json!({
        "event": act.as_str(),
        "outcome": step.like.outcome(),
        "time": step.first,
        "last_time": step.last,
        "count": step.count,
        "file": tracer.files.get(step.file.0 as usize),
        "packet": step.packet,
        "flow": step.flow,
        "client": EndpointView(client),
        "server": EndpointView(server),
        "name": step.like.server,
        "direction": match direction {
            Some(Direction::Request) => "request",
            Some(Direction::Response) => "response",
            None => "datagram",
        },
        "location": place.location.as_str(),
        "place": place.name,
        "channel": channel.as_str(),
        "encrypted": channel.encrypted(),
        "http": method.as_ref().map(|method| {
            json!({ "method": method, "target": step.target, "route": path, "status": status })
        }),
        "expired": expired,
        "exchanged": partner.as_ref().map(|sha256| hex(sha256)),
    })
}

/// One diagram with all tokens, one after the other.
pub(super) fn mermaid(tracer: &Tracer, _: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let mut parties: Vec<(bool, &str)> = Vec::new();
    for party in tracer.lives.iter().flat_map(|life| life.parties()) {
        if !parties.contains(&party) {
            parties.push(party);
        }
    }
    // Mermaid draws them in the order in which they are declared.
    parties.sort_by_key(|(server, _)| *server);
    let number = |server: bool, name: &str| parties.iter().position(|p| *p == (server, name)).unwrap_or(0);
    let mut text = String::from("sequenceDiagram\n");
    for (i, (server, name)) in parties.iter().enumerate() {
        let kind = if *server { "participant" } else { "actor" };
        let _ = writeln!(text, "  {kind} p{i} as {}", safe(name));
    }
    let last = parties.len().saturating_sub(1);
    let over = if last == 0 { "p0".to_owned() } else { format!("p0,p{last}") };
    for life in &tracer.lives {
        let alg = life.token.alg().map_or_else(Default::default, |alg| shown(alg, tracer.show_secrets));
        let about = format!("token {} {} {alg}", life.id(), life.token.kind().as_str());
        let _ = writeln!(text, "  Note over {over}: {}", safe(&about));
        let mut turns = life.turns().into_iter().peekable();
        for step in &life.steps {
            while let Some((at, what)) = turns.next_if(|(at, _)| *at < step.first) {
                let _ = writeln!(text, "  Note over {over}: {}", safe(&format!("{what} {}", clock(at))));
            }
            let like = &step.like;
            let (a, b) = (number(false, &like.client), number(true, &like.server));
            let (from, to) = if like.direction == Some(Direction::Response) { (b, a) } else { (a, b) };
            let arrow = if like.direction == Some(Direction::Response) { "-->>" } else { "->>" };
            let said = format!(
                "{} {} ({}, packet {})",
                clock(step.first),
                label(step),
                like.channel.as_str(),
                step.packet
            );
            let _ = writeln!(text, "  p{from}{arrow}p{to}: {}", safe(&said));
            if let (Some(outcome), Some(status)) = (like.outcome(), like.status) {
                let arrow = if outcome == "refused" { "--x" } else { "-->>" };
                let _ = writeln!(text, "  p{b}{arrow}p{a}: {status} {outcome}");
            }
        }
        for (at, what) in turns {
            let _ = writeln!(text, "  Note over {over}: {}", safe(&format!("{what} {}", clock(at))));
        }
        if life.dropped > 0 {
            let _ = writeln!(text, "  Note over {over}: and {} more sightings", life.dropped);
        }
    }
    if tracer.dropped > 0 {
        let _ = writeln!(text, "  %% {} sightings of more tokens", tracer.dropped);
    }
    // A diagram without participants is none.
    if tracer.lives.is_empty() {
        text.push_str("  participant p0 as no token\n");
    }
    out.write_all(text.as_bytes())
}

/// What happened, in words: `GET /api/orders, header authorization`.
pub(super) fn label(step: &Step) -> String {
    let like = &step.like;
    let mut text = match like.act {
        Act::Issued => "issued by ".to_owned(),
        _ => String::new(),
    };
    for part in [&like.method, &like.path].into_iter().flatten() {
        text.push_str(part);
        text.push(' ');
    }
    let mut text = text.trim_end().to_owned();
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push_str(like.place.location.as_str());
    if let Some(name) = &like.place.name {
        text.push(' ');
        text.push_str(name);
    }
    match (like.act, &like.partner) {
        (Act::Issued, Some(other)) => text.push_str(&format!(", in exchange for token {}", short(other))),
        (_, Some(other)) => text.push_str(&format!(", exchanged for token {}", short(other))),
        (_, None) => {}
    }
    if like.expired {
        text.push_str(", expired");
    }
    if step.count > 1 {
        text.push_str(&format!(", x{}", step.count));
    }
    text
}

/// `15:45:57.123`.
pub(super) fn clock(time: Timestamp) -> String {
    time.to_string().get(11..23).unwrap_or_default().to_owned()
}

/// `text` without anything that Mermaid would read as its own, or a browser as markup.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            ';' | '#' | '<' | '>' | '"' | '\'' | '`' | '%' | '{' | '}' | '&' | '\\' | '[' | ']' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
