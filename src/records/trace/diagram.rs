//! Traces as diagrams for a terminal: time goes down, clients stand on the left and servers on the right.

use super::super::{shown, shown_value};
use super::formats::{clock, label};
use super::{Act, Life, Step, Tracer};
use crate::message::{Channel, Direction};
use crate::report::Settings;
use crate::report::style::{self, Paint};
use crate::report::text::{counted, shorten, width, wrap};
use crate::text::escape;
use crate::time::Timestamp;
use std::io::{self, Write};

/// Narrowest and widest diagram.
const WIDTHS: (usize, usize) = (60, 120);
/// Columns of time and packet, before the diagram.
const GUTTER: usize = 22;
/// Parties with a lane of their own; the others share the last one.
const LANES: usize = 4;
/// Narrowest room that a label is written into.
const LABEL: usize = 24;

/// All diagrams.
pub(super) fn write(tracer: &Tracer, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    for (i, life) in tracer.lives.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        for line in lines(life, tracer, settings) {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    if tracer.dropped > 0 {
        writeln!(out, "\n… and {} of other tokens", counted(tracer.dropped, "sighting"))?;
    }
    Ok(())
}

/// The diagram of one life.
pub(super) fn lines(life: &Life, tracer: &Tracer, settings: &Settings) -> Vec<String> {
    Diagram::new(life, tracer, settings).lines()
}

struct Diagram<'a> {
    life: &'a Life,
    /// Tokens inside of others are shown whole.
    show: bool,
    files: &'a [String],
    width: usize,
    paint: Paint,
    /// Names of the lanes, and their columns.
    lanes: Vec<(bool, &'a str)>,
    columns: Vec<usize>,
    shared: bool,
}

impl<'a> Diagram<'a> {
    fn new(life: &'a Life, tracer: &'a Tracer, settings: &Settings) -> Self {
        let width = settings.width.clamp(WIDTHS.0, WIDTHS.1);
        let lanes = life.parties();
        let n = lanes.len().clamp(2, LANES);
        let room = width - GUTTER;
        let columns = (0..n).map(|i| i * (room - 1) / (n - 1)).collect();
        let paint = Paint(settings.color);
        let show = tracer.show_secrets;
        Self { life, show, files: &tracer.files, width, paint, shared: lanes.len() > n, lanes, columns }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = self.heading();
        let mut turns = self.life.turns().into_iter().peekable();
        let mut day = String::new();
        for step in &self.life.steps {
            while let Some((at, what)) = turns.next_if(|(at, _)| *at < step.first) {
                self.day(at, &mut day, &mut lines);
                lines.push(self.turn(at, &what));
            }
            self.day(step.first, &mut day, &mut lines);
            self.step(step, &mut lines);
        }
        for (at, what) in turns {
            self.day(at, &mut day, &mut lines);
            lines.push(self.turn(at, &what));
        }
        if self.life.dropped > 0 {
            let more = format!("… and {}", counted(self.life.dropped, "more sighting"));
            lines.push(format!("{:GUTTER$}{}", "", self.paint.paint(style::DIM, &more)));
        }
        lines
    }

    /// What the token is.
    fn heading(&self) -> Vec<String> {
        let (life, token) = (self.life, &self.life.token);
        let alg = token.alg().map(|alg| format!(" {}", escape(&shown(alg, self.show)))).unwrap_or_default();
        let signature = life.signature.map_or_else(String::new, |s| format!(", signature {s}"));
        let title = format!("token {}  {}{alg}{signature}", life.id(), token.kind().as_str());
        let title = shorten(&title, self.width);
        let mut said = Vec::new();
        for (name, value) in [("issuer", token.iss()), ("subject", token.sub()), ("audience", token.aud())] {
            if let Some(value) = value.map(|value| shown_value(value, self.show)) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                said.push(format!("{name} {}", shorten(&escape(&text), self.width / 2)));
            }
        }
        if let Some(at) = life.expiry() {
            let when = if at < life.last { "expired" } else { "expires" };
            said.push(format!("{when} {}", whole(at)));
        }
        said.push(format!("seen {}", counted(life.sightings, "time")));
        let mut lines = vec![self.paint.paint(style::BOLD, &title)];
        let about = wrap(&said.join(", "), self.width - 2);
        lines.extend(about.iter().map(|line| format!("  {}", self.paint.paint(style::DIM, line))));
        lines.push(String::new());
        lines.push(self.names());
        lines
    }

    /// The names of the lanes, above them.
    fn names(&self) -> String {
        let n = self.columns.len();
        let gap = (self.width - GUTTER) / n;
        let mut out = format!("{:GUTTER$}", "");
        let mut used = 0;
        for (i, column) in self.columns.iter().enumerate() {
            let name = match self.lanes.get(i) {
                _ if self.shared && i + 1 == n => "others",
                Some((_, name)) => name,
                None => "-",
            };
            let name = shorten(&escape(name), gap.saturating_sub(1));
            let wide = width(&name);
            let start = match i {
                0 => 0,
                i if i + 1 == n => (column + 1).saturating_sub(wide),
                _ => column.saturating_sub(wide / 2),
            };
            let pad = start.saturating_sub(used);
            out.push_str(&" ".repeat(pad));
            out.push_str(&self.paint.paint(style::BOLD, &name));
            used += pad + wide;
        }
        out
    }

    /// The date, where it changes.
    fn day(&self, time: Timestamp, day: &mut String, lines: &mut Vec<String>) {
        let text = time.to_string();
        let date = text.get(..10).unwrap_or_default();
        if date != day.as_str() {
            date.clone_into(day);
            let gutter = self.paint.paint(style::DIM, &format!("{date:GUTTER$}"));
            lines.push(format!("{gutter}{}", self.lanes(0, "", 0)));
        }
    }

    fn step(&self, step: &Step, lines: &mut Vec<String>) {
        let like = &step.like;
        let (mut a, b) = (self.lane(false, &like.client), self.lane(true, &like.server));
        if a == b {
            // Both are among the others: the arrow comes from the lane before.
            a = self.columns.iter().rev().nth(1).copied().unwrap_or_default();
        }
        let back = like.direction == Some(Direction::Response);
        let mut text = escape(&label(step));
        if self.files.len() > 1 {
            let file = self.files.get(step.file.0 as usize).map_or("-", String::as_str);
            text.push_str(&format!(", in {}", escape(file.rsplit('/').next().unwrap_or(file))));
        }
        // Where there is little room between two lanes, the text begins further to the left.
        let room = self.width - GUTTER;
        let start = (a.min(b) + 2).min(room.saturating_sub(LABEL.max(room / 2)));
        let wide = match a.max(b).saturating_sub(start + 1) {
            wide if wide >= LABEL => wide,
            _ => room - start,
        };
        for (i, line) in wrap(&text, wide).iter().enumerate() {
            let gutter = if i == 0 {
                format!("{} {:>8} ", clock(step.first), step.packet)
            } else {
                format!("{:GUTTER$}", "")
            };
            let gutter = self.paint.paint(style::DIM, &format!("{gutter:GUTTER$}"));
            lines.push(format!("{gutter}{}", self.lanes(start, line, width(line))));
        }
        let until = if step.count > 1 { format!("to {}", clock(step.last)) } else { String::new() };
        let until = self.paint.paint(style::DIM, &format!("{until:GUTTER$}"));
        let (channel, tone) = match like.channel {
            Channel::Cleartext => ("cleartext", style::WARN),
            _ => ("TLS", style::GOOD),
        };
        let said = match (like.act, like.status) {
            (Act::Presented, _) | (_, None) => channel.to_owned(),
            (_, Some(status)) => format!("{status}, {channel}"),
        };
        let (from, to) = if back { (b, a) } else { (a, b) };
        lines.push(format!("{until}{}", self.arrow(from, to, &said, tone, '─')));
        if let (Some(outcome), Some(status)) = (like.outcome(), like.status) {
            let tone = match (outcome, like.expired) {
                ("accepted", false) => style::GOOD,
                ("answered", false) => style::DIM,
                _ => style::WARN,
            };
            let arrow = self.arrow(b, a, &format!("{status} {outcome}"), tone, '-');
            lines.push(format!("{:GUTTER$}{arrow}", ""));
        }
    }

    /// An arrow with a text in it.
    fn arrow(&self, from: usize, to: usize, text: &str, tone: anstyle::Style, line: char) -> String {
        let (left, right) = (from.min(to), from.max(to));
        let room = right.saturating_sub(left + 1);
        let text = shorten(text, room.saturating_sub(4));
        let bars = room.saturating_sub(width(&text) + 3);
        let (before, after) = (bars / 2, bars - bars / 2);
        let bar = |n: usize| line.to_string().repeat(n);
        let painted = self.paint.paint(tone, &text);
        let drawn = match from <= to {
            true => format!("{} {painted} {}>", bar(before), bar(after)),
            false => format!("<{} {painted} {}", bar(before), bar(after)),
        };
        self.lanes(left + 1, &drawn, room)
    }

    fn turn(&self, at: Timestamp, what: &str) -> String {
        let room = self.width - GUTTER;
        let text = format!(" {what} ");
        let bars = room.saturating_sub(text.len());
        let line = format!("{}{text}{}", "═".repeat(bars / 2), "═".repeat(bars - bars / 2));
        let gutter = self.paint.paint(style::DIM, &format!("{:GUTTER$}", clock(at)));
        format!("{gutter}{}", self.paint.paint(style::WARN, &line))
    }

    /// The lanes, with a text of `wide` columns over them from column `start` on.
    fn lanes(&self, start: usize, text: &str, wide: usize) -> String {
        let (mut out, mut used) = (String::new(), 0);
        let mut to = |column: usize, out: &mut String, piece: &str, wide: usize| {
            out.push_str(&" ".repeat(column.saturating_sub(used)));
            out.push_str(piece);
            used = used.max(column) + wide;
        };
        let end = start + wide;
        let left = self.columns.iter().filter(|c| **c < start || wide == 0);
        left.for_each(|column| to(*column, &mut out, "│", 1));
        if wide > 0 {
            to(start, &mut out, text, wide);
            self.columns.iter().filter(|c| **c >= end).for_each(|column| to(*column, &mut out, "│", 1));
        }
        out
    }

    /// The column of a party.
    fn lane(&self, server: bool, name: &str) -> usize {
        let at = self.lanes.iter().position(|lane| *lane == (server, name)).unwrap_or(usize::MAX);
        self.columns.get(at).or(self.columns.last()).copied().unwrap_or_default()
    }
}

/// `2026-11-23 15:45:57 UTC`.
fn whole(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}
