//! `wirelint flows`, `http` and `tokens`: one record a subject, as subjects close. `wirelint trace`: a diagram a token.

use super::collector::Collector;
use super::inputs::{self, Inputs};
use super::scan::{settings, stop_flag, threads, unknown_format};
use super::secrets::{Secrets, bad_lines_text};
use super::terminal::{self, Progress};
use super::{Failure, configure, decode_as, destinations, exit, key_store, output, unused_keys};
use crate::capture::FileId;
use crate::cli::{RecordArgs, SourceArgs, TraceArgs};
use crate::decode::{DecodeOptions, Paths};
use crate::facts::marks;
use crate::judge::FlowNumbers;
use crate::keys::{KeyStore, Opener, Opening, Publisher};
use crate::message::Exchange;
use crate::pipeline::{self, Listener, Merged};
use crate::records::{
    Around, Context, FlowRecord, HttpRecord, RECORD_FORMATS, Record, RecordWriter, TRACE_FORMATS,
    TokenRecord, Tracer, flow_record, http_record, record_format, token_record, trace_format,
};
use crate::shard::{Demand, Event, Shared, Wanted};
use crate::tally::Tally;
use crate::token::{Scanner, Sighting, Token};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flows,
    Http,
    Tokens,
    Trace,
    Crack,
}

/// What becomes of the records.
enum Sink {
    Writer(RecordWriter),
    Tracer(Tracer),
    Collector(Collector),
}

/// Runs `flows`, `http` or `tokens`.
pub(super) fn run(kind: Kind, args: &RecordArgs) -> Result<u8, Failure> {
    let format = record_format(&args.format)
        .ok_or_else(|| unknown_format(&args.format, RECORD_FORMATS.iter().map(|f| f.name)))?;
    let settings = settings(&args.source.work);
    let sink =
        |names: &[String]| Sink::Writer(RecordWriter::new(format, &settings).of_several(names.len() > 1));
    record(kind, &args.source, &stop_flag(), sink).map(|(code, _)| code)
}

/// Runs `trace`.
pub(super) fn trace(args: &TraceArgs) -> Result<u8, Failure> {
    let format = trace_format(&args.format)
        .ok_or_else(|| unknown_format(&args.format, TRACE_FORMATS.iter().map(|f| f.name)))?;
    let wanted = args.token.as_deref().map(token_id).transpose()?;
    let work = &args.source.work;
    let sink = |names: &[String]| {
        let wanted = wanted.clone().unwrap_or_default();
        Sink::Tracer(Tracer::new(format, settings(work), wanted, work.show_secrets, names.to_vec()))
    };
    let (code, sink) = record(Kind::Trace, &args.source, &stop_flag(), sink)?;
    match (sink, wanted) {
        (Sink::Tracer(tracer), Some(wanted)) if tracer.is_empty() && code == exit::CLEAN => {
            Err(format!("--token {wanted}: no such token; wirelint tokens lists them").into())
        }
        _ => Ok(code),
    }
}

/// Reads the inputs for the tokens that can be attacked.
pub(super) fn collect(
    args: &SourceArgs,
    collector: Collector,
    stop: &Arc<AtomicBool>,
) -> Result<(u8, Collector), Failure> {
    match record(Kind::Crack, args, stop, |_| Sink::Collector(collector))? {
        (code, Sink::Collector(collector)) => Ok((code, collector)),
        (code, _) => Ok((code, Collector::default())),
    }
}

/// The digits that `--token` asks for: given, or those of the token that it is.
fn token_id(text: &str) -> Result<String, Failure> {
    if let Some(token) = Token::parse(text.as_bytes()) {
        return Ok(token.sha256_hex());
    }
    let digits = text.trim().to_ascii_lowercase();
    let fits = (4..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    // What is no number may be a damaged token: it is not repeated.
    fits.then_some(digits)
        .ok_or_else(|| "--token: neither a token nor 4 to 64 hexadecimal digits of the SHA-256 of one".into())
}

/// Reads the inputs and hands what closes to the sink.
fn record(
    kind: Kind,
    args: &SourceArgs,
    stop: &Arc<AtomicBool>,
    sink: impl FnOnce(&[String]) -> Sink,
) -> Result<(u8, Sink), Failure> {
    let mut args = args.clone();
    let reading = (&mut args.read, &mut args.keys);
    let remarks = configure::records(&args.config, &args.inputs, reading, &args.work)?;
    destinations::spare(args.work.output(), &args.inputs, destinations::read(&args.read, &args.keys))?;
    let keys = key_store(&args.keys, &args.work)?;
    let tokens = matches!(kind, Kind::Tokens | Kind::Trace);
    let published = marks::KEY | marks::METADATA;
    let demand = Demand {
        tokens: tokens || kind == Kind::Crack,
        marks: tokens,
        documents: if tokens { published } else { 0 },
        body_digests: kind == Kind::Http,
        exchanges: match kind {
            Kind::Http | Kind::Crack => vec![Wanted::default()],
            Kind::Tokens | Kind::Trace => vec![Wanted(vec![published])],
            Kind::Flows => Vec::new(),
        },
        flows: matches!(kind, Kind::Flows | Kind::Crack),
        ..Demand::default()
    };
    let secrets = Secrets::load(&args.read)?;
    let shared =
        Arc::new(Shared { decode_as: decode_as(&args.read)?, keyring: secrets.ring, ..Shared::new(demand) });
    let mut inputs = Inputs::new(&args.inputs, &args.read, &args.work)?;
    remarks.into_iter().chain(secrets.warnings).chain(unused_keys(&keys)).for_each(|text| inputs.warn(text));
    let out = output::open(args.work.output())?;
    let mut recorder = Recorder {
        kind,
        sink: sink(&inputs.names),
        out,
        show_secrets: args.work.show_secrets,
        keys,
        opener: Opener::default(),
        scanner: Scanner::new(),
        numbers: FlowNumbers::default(),
        names: inputs.names.clone(),
        tally: Tally::default(),
        quiet: args.work.quiet > 0,
        progress: Progress::new(inputs.total(), &args.work),
        stop: Arc::clone(stop),
        result: Ok(()),
    };
    let decode = DecodeOptions { verify_checksums: args.read.verify_checksums };
    if let Err(error) = pipeline::run(&mut inputs, &shared, decode, threads(&args.work), &mut recorder) {
        inputs.broken(&error);
    }
    recorder.progress.finish();
    let finished = std::mem::replace(&mut recorder.result, Ok(())).and_then(|()| recorder.finish());
    output::written(finished)?;
    terminal::counted(&args.work, &recorder.tally);
    let verdict = inputs.verdict(recorder.tally.frames > 0, recorder.stop.load(Ordering::Relaxed));
    let code = match verdict {
        v if v.interrupted => exit::INTERRUPTED,
        v if v.failed => exit::FAILURE,
        v if !v.packets => exit::NO_CAPTURE,
        _ => exit::CLEAN,
    };
    Ok((code, recorder.sink))
}

struct Recorder {
    kind: Kind,
    sink: Sink,
    out: Box<dyn Write>,
    show_secrets: bool,
    keys: KeyStore,
    opener: Opener,
    scanner: Scanner,
    numbers: FlowNumbers,
    names: Vec<String>,
    tally: Tally,
    quiet: bool,
    progress: Progress,
    stop: Arc<AtomicBool>,
    result: io::Result<()>,
}

impl Recorder {
    fn event(&mut self, event: Event, paths: &Paths) -> io::Result<()> {
        match event {
            Event::Exchange { exchange, sightings } => {
                let flow = self.numbers.number(exchange.transport.flow);
                if self.kind == Kind::Http {
                    if !exchange.is_http() {
                        return Ok(());
                    }
                    let file = file(&self.names, exchange.position().file);
                    let record = http_record(&exchange, file, flow, &self.scanner, self.show_secrets);
                    return self.sink.write(&record, &mut *self.out);
                }
                if let Some(body) = &exchange.document {
                    self.keys.learn_document(body, &Publisher::of(&exchange));
                }
                if let Sink::Collector(collector) = &mut self.sink {
                    collector.text(exchange.host().map(str::to_owned));
                }
                sightings.iter().try_for_each(|s| self.token(s, Some(&exchange), &sightings, flow))
            }
            Event::Sighting { sighting, exchange } => {
                let flow = self.numbers.number(sighting.transport.flow);
                self.token(&sighting, exchange.as_deref(), &[], flow)
            }
            Event::Login(_) => Ok(()),
            Event::Flow(summary) => {
                let flow = self.numbers.number(summary.transport.flow);
                let (vlan, tunnel) = (paths.vlan(summary.vlan), paths.tunnel(summary.key.path));
                if let Sink::Collector(collector) = &mut self.sink {
                    let hello = summary.tls.as_ref().and_then(|tls| tls.client.as_ref());
                    collector.text(hello.and_then(|hello| hello.sni.clone()));
                    return Ok(());
                }
                let record = flow_record(&summary, flow, file(&self.names, summary.file), vlan, tunnel);
                self.sink.write(&record, &mut *self.out)
            }
        }
    }

    fn token(
        &mut self,
        sighting: &Sighting,
        exchange: Option<&Exchange>,
        others: &[Sighting],
        flow: u64,
    ) -> io::Result<()> {
        let opened = match self.opener.open(&sighting.token, &self.keys, sighting.position.time) {
            Opening::Opened(token) => Some(Sighting { token, ..sighting.clone() }),
            Opening::Closed | Opening::Spent => None,
        };
        let sighting = opened.as_ref().unwrap_or(sighting);
        let signature = || self.keys.verify(&sighting.token).signature.as_str();
        match (self.kind, &mut self.sink) {
            (Kind::Trace, Sink::Tracer(tracer)) => {
                let around = Around { exchange, others, flow, signature: signature() };
                tracer.sighting(sighting, around, &self.scanner);
                Ok(())
            }
            (Kind::Crack, Sink::Collector(collector)) => {
                collector.token(&sighting.token, exchange.and_then(Exchange::host).map(str::to_owned));
                Ok(())
            }
            (Kind::Tokens, sink) => {
                let context = Context {
                    exchange,
                    flow,
                    file: file(&self.names, sighting.position.file),
                    signature: signature(),
                    show_secrets: self.show_secrets,
                };
                sink.write(&token_record(sighting, context, &self.scanner), &mut *self.out)
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match (self.kind, &mut self.sink) {
            (_, Sink::Tracer(tracer)) => tracer.finish(&mut *self.out),
            (_, Sink::Collector(_)) => Ok(()),
            (Kind::Flows, Sink::Writer(writer)) => writer.finish::<FlowRecord<'_>>(&mut *self.out),
            (Kind::Http, Sink::Writer(writer)) => writer.finish::<HttpRecord<'_>>(&mut *self.out),
            (_, Sink::Writer(writer)) => writer.finish::<TokenRecord<'_>>(&mut *self.out),
        }?;
        self.out.flush()
    }
}

impl Sink {
    /// Writes a record; a tracer and a collector take none.
    fn write<R: Record>(&mut self, record: &R, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.write(record, out),
            Self::Tracer(_) | Self::Collector(_) => Ok(()),
        }
    }
}

fn file(names: &[String], file: FileId) -> &str {
    names.get(file.0 as usize).map_or("-", String::as_str)
}

impl Listener for Recorder {
    fn merged(&mut self, mut merged: Merged, paths: &Paths) -> bool {
        if !self.quiet {
            for damage in &merged.damage {
                terminal::say(&format!("warning: {}", inputs::damage_text(&self.names, damage)));
            }
        }
        for text in
            merged.bad_lines.iter().filter(|_| !self.quiet).flat_map(|b| bad_lines_text(&self.names, b))
        {
            terminal::say(&format!("warning: {text}"));
        }
        self.tally.absorb(&mut merged.tally);
        self.numbers.born(&merged.births);
        for stamped in merged.events {
            if self.result.is_ok() {
                self.result = self.event(stamped.event, paths);
            }
        }
        self.numbers.died(&merged.deaths);
        self.result.is_ok() && !self.stop.load(Ordering::Relaxed)
    }

    fn unknown_links(&mut self, links: &BTreeMap<u16, u64>) {
        for (link, packets) in links.iter().filter(|_| !self.quiet) {
            terminal::say(&format!("warning: {}", inputs::link_text(*link, *packets)));
        }
    }

    fn progress(&mut self, done: u64) {
        self.progress.at(done);
    }
}
