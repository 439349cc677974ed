//! The screen as text in cells. Everything from the wire is escaped before it comes here.

use super::lives::Lives;
use super::state::{Page, State};
use crate::finding::Finding;
use crate::report::text::{bytes, grouped, shorten, width, wrap};
use crate::report::{EndpointView, style};
use crate::rules::Severity;
use crate::text::{escape, hex};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

/// Lines above the list, and below it.
const HEAD: u16 = 5;

/// Draws everything.
pub(super) fn draw(state: &mut State, lives: &mut Lives, names: &[String], area: Rect, buffer: &mut Buffer) {
    if area.width < 40 || area.height < 10 {
        line(buffer, area, 0, "the terminal is too small: 40 by 10 at least", Style::new());
        return;
    }
    head(state, area, buffer);
    let body = Rect { y: area.y + HEAD, height: area.height - HEAD - 1, ..area };
    match state.page {
        Page::List => list(state, body, buffer),
        Page::One => one(state, lives, names, body, buffer),
        Page::Help => help(body, buffer),
    }
    let keys = match (state.typing, state.page) {
        (true, _) => format!("filter: {}_   Enter keeps it, Esc clears it", escape(&state.filter)),
        (_, Page::List) => "up/down choose  Enter look  / filter  p pause  ? help  q quit".to_owned(),
        (_, Page::One) => "up/down scroll  Tab next token  Esc back  p pause".to_owned(),
        (_, Page::Help) => "Esc back".to_owned(),
    };
    line(buffer, area, area.height - 1, &keys, bar(state));
}

fn head(state: &State, area: Rect, buffer: &mut Buffer) {
    let stats = &state.stats;
    let seconds = stats.running.as_secs();
    let mut title = format!(
        " wirelint live  {}  {:02}:{:02}:{:02}",
        escape(&state.names),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if state.paused {
        title += "  PAUSED";
    }
    if !state.filter.is_empty() && !state.typing {
        title += &format!("  filter: {}", escape(&state.filter));
    }
    line(buffer, area, 0, &title, bar(state));
    let tally = &stats.tally;
    let share = (tally.opaque_bytes * 100).checked_div(tally.payload_bytes).unwrap_or(0).min(100);
    let [packets, octets] = stats.rates;
    let traffic = format!(
        "packets {} ({}/s)  {}/s  flows {} open, {} seen  encrypted {share} %",
        grouped(tally.frames),
        grouped(packets as u64),
        bytes(octets as u64),
        grouped(stats.open_flows as u64),
        grouped(tally.flows),
    );
    line(buffer, area, 1, &traffic, Style::new());
    let mut found =
        format!("tokens {} distinct, {} sighted  findings", grouped(stats.tokens), grouped(tally.sightings));
    for (severity, n) in Severity::ALL.iter().zip(stats.findings).rev().filter(|(_, n)| *n > 0) {
        found += &format!(" {} {}", grouped(n), severity.as_str());
    }
    if stats.findings.iter().all(|n| *n == 0) {
        found += " none";
    }
    line(buffer, area, 2, &found, Style::new());
    let [kernel, interface] = stats.lost();
    let given: u64 = stats.evictions().map(|(_, n)| n).sum();
    let lost =
        format!("lost {kernel} kernel, {interface} interface  behind {}  given up {given}", stats.behind);
    let curve = curve(&state.curve, usize::from(area.width).saturating_sub(width(&lost) + 2));
    let warn = if kernel + interface + given > 0 { paint(state, style::WARN) } else { Style::new() };
    line(buffer, area, 3, &format!("{lost}  {curve}"), warn);
    let notice = if state.notice.is_empty() { String::new() } else { escape(&state.notice) };
    line(buffer, area, 4, &notice, paint(state, style::WARN));
}

/// Packets a second, as bars of eighths.
fn curve(rates: &[f64], room: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let top = rates.iter().copied().fold(1.0, f64::max);
    let from = rates.len().saturating_sub(room);
    rates[from..].iter().map(|rate| BARS[((rate / top * 7.0) as usize).min(7)]).collect()
}

fn list(state: &State, area: Rect, buffer: &mut Buffer) {
    let shown = state.shown();
    if shown.is_empty() {
        let text = if state.filter.is_empty() { "no findings yet" } else { "no finding matches the filter" };
        line(buffer, area, 1, text, Style::new().add_modifier(Modifier::DIM));
        return;
    }
    let rows = usize::from(area.height);
    let from = (state.chosen + 1).saturating_sub(rows);
    for (row, (at, finding)) in shown.iter().enumerate().skip(from).take(rows).enumerate() {
        let time = finding.last_seen.map(|t| t.to_string()).unwrap_or_default();
        let time = time.get(11..19).unwrap_or_default();
        let host = finding.host.as_deref().unwrap_or("-");
        let route = finding.route.as_deref().unwrap_or_default();
        let place = escape(format!("{host} {route}").trim_end());
        let text = format!(
            "{time:8} {:<8} {:<28} {} x{}",
            finding.severity.as_str(),
            shorten(&finding.identity.rule, 28),
            shorten(&place, usize::from(area.width).saturating_sub(55).max(12)),
            finding.count
        );
        let mut style = paint(state, style::severity(finding.severity));
        if at == state.chosen {
            style = style.add_modifier(Modifier::REVERSED | Modifier::BOLD);
        }
        line(buffer, area, row as u16, &text, style);
    }
}

fn one(state: &mut State, lives: &mut Lives, names: &[String], area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let shown = state.shown();
    let Some(finding) = shown.get(state.chosen) else {
        state.page = Page::List;
        return;
    };
    let mut lines = about(finding, names, columns);
    let tokens = &finding.tokens;
    if !tokens.is_empty() {
        let at = state.token % tokens.len();
        if let Some((sha256, _)) = tokens.get(at) {
            let id = hex(sha256.get(..6).unwrap_or_default());
            lines.push(String::new());
            lines.push(format!("token {} of {} ({id})", at + 1, tokens.len()));
            let life = lives.draw(sha256, columns);
            let none = "its life is not remembered any more".to_owned();
            lines.extend(if life.is_empty() { vec![none] } else { life });
        }
    }
    let rows = usize::from(area.height);
    let scroll = state.scroll.min(lines.len().saturating_sub(rows));
    state.scroll = scroll;
    for (row, text) in lines.iter().skip(scroll).take(rows).enumerate() {
        line(buffer, area, row as u16, text, Style::new());
    }
}

/// What is known of a finding.
fn about(finding: &Finding, names: &[String], columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |name: &str, text: &str| {
        let text = escape(text);
        for (i, part) in wrap(&text, columns.saturating_sub(12)).into_iter().enumerate() {
            lines.push(format!("{:<10}  {part}", if i == 0 { name } else { "" }));
        }
    };
    add("finding", &format!("{} [{}]", finding.title, finding.identity.rule));
    add("severity", &format!("{}, confidence {}", finding.severity.as_str(), finding.confidence.as_str()));
    add("seen", &finding.message);
    let file = finding.file.and_then(|file| names.get(file.0 as usize)).map_or("-", String::as_str);
    let packet = finding.packet.map_or_else(|| "-".into(), |n| n.to_string());
    add(
        "where",
        &format!(
            "{} {}",
            finding.host.as_deref().unwrap_or("-"),
            finding.route.as_deref().unwrap_or_default()
        ),
    );
    let place =
        [finding.location.as_deref(), finding.name.as_deref()].into_iter().flatten().collect::<Vec<_>>();
    add("place", &format!("{}, packet {packet} on {file}", place.join(" ")));
    let ends = [finding.client, finding.server].map(|end| EndpointView(end).text());
    add("flow", &format!("{} -> {}", ends[0], ends[1]));
    let time = |t: Option<crate::time::Timestamp>| t.map_or_else(|| "-".into(), |t| t.to_string());
    add(
        "times",
        &format!("{} from {} to {}", finding.count, time(finding.first_seen), time(finding.last_seen)),
    );
    add("fix", &finding.remediation);
    if !finding.references.is_empty() {
        add("read", &finding.references.join(", "));
    }
    lines
}

fn help(area: Rect, buffer: &mut Buffer) {
    let lines = [
        "up, down, PgUp, PgDn, Home, End   choose a finding, scroll",
        "Enter, right                      look at it: evidence, and the life of its token",
        "Tab                               the next of its tokens",
        "Esc, left                         back; in the list: clear the filter",
        "/                                 filter by rule, severity, host, route: words, all of which match",
        "p, space                          pause what is shown; watching goes on",
        "q, Ctrl-C                         quit, with a summary",
    ];
    for (row, text) in lines.iter().enumerate() {
        line(buffer, area, row as u16, text, Style::new());
    }
}

fn line(buffer: &mut Buffer, area: Rect, row: u16, text: &str, style: Style) {
    if row >= area.height {
        return;
    }
    let text = shorten(text, usize::from(area.width));
    let fill = usize::from(area.width).saturating_sub(width(&text));
    buffer.set_stringn(area.x, area.y + row, format!("{text}{:fill$}", ""), usize::from(area.width), style);
}

fn bar(state: &State) -> Style {
    if state.color {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

/// A style of reports as one of the screen.
fn paint(state: &State, style: anstyle::Style) -> Style {
    let mut out = Style::new();
    if !state.color {
        return out;
    }
    if let Some(anstyle::Color::Ansi(color)) = style.get_fg_color() {
        out = out.fg(match color {
            anstyle::AnsiColor::Red => Color::Red,
            anstyle::AnsiColor::Yellow => Color::Yellow,
            anstyle::AnsiColor::Blue => Color::Blue,
            anstyle::AnsiColor::Green => Color::Green,
            _ => Color::Reset,
        });
    }
    let effects = style.get_effects();
    for (effect, modifier) in
        [(anstyle::Effects::BOLD, Modifier::BOLD), (anstyle::Effects::DIMMED, Modifier::DIM)]
    {
        if effects.contains(effect) {
            out = out.add_modifier(modifier);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::announce::Change;
    use super::*;
    use crate::report::golden;
    use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    fn text(state: &mut State, columns: u16, rows: u16) -> String {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        draw(state, &mut Lives::new(vec!["eth0".into()]), &["eth0".into()], area, &mut buffer);
        let cell = |x, y| buffer.cell((x, y)).map_or(" ", |cell| cell.symbol()).to_owned();
        (0..rows).map(|y| (0..columns).map(|x| cell(x, y)).collect::<String>() + "\n").collect()
    }

    fn state() -> State {
        let mut state = State::new("eth0".into(), true);
        for finding in &golden::summary().findings {
            state.finding(finding, Change::New);
        }
        state
    }

    fn press(state: &mut State, codes: impl IntoIterator<Item = KeyCode>) {
        codes.into_iter().for_each(|code| state.key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    #[test]
    fn findings_are_listed_drilled_into_filtered_and_left() {
        let mut state = state();
        let page = text(&mut state, 80, 24);
        let rules: Vec<_> = golden::summary().findings.iter().map(|f| f.identity.rule.clone()).collect();
        for rule in rules.iter().rev().take(5) {
            assert!(page.contains(&rule.chars().take(20).collect::<String>()), "{rule}\n{page}");
        }
        assert!(page.lines().all(|line| width(line) == 80), "{page}");
        press(&mut state, [KeyCode::Enter]);
        let page = text(&mut state, 80, 24);
        assert!(page.contains("severity") && page.contains("fix") && page.contains("Esc back"), "{page}");
        press(&mut state, [KeyCode::Esc, KeyCode::Char('/')]);
        press(&mut state, "no such thing".chars().map(KeyCode::Char));
        assert!(text(&mut state, 80, 24).contains("no finding matches"));
        press(&mut state, [KeyCode::Esc]);
        assert!(!text(&mut state, 80, 24).contains("no finding matches"));
        press(&mut state, [KeyCode::Char('?')]);
        assert!(text(&mut state, 80, 24).contains("pause what is shown"));
        press(&mut state, [KeyCode::Esc, KeyCode::Char('q')]);
        assert!(state.quit);
    }

    #[test]
    fn a_pause_holds_what_is_shown() {
        let mut state = State::new("eth0".into(), false);
        let findings = golden::summary().findings;
        state.finding(&findings[0], Change::New);
        press(&mut state, [KeyCode::Char('p')]);
        state.finding(&findings[1], Change::New);
        assert_eq!(state.shown().len(), 1);
        assert!(text(&mut state, 80, 24).contains("PAUSED"));
        press(&mut state, [KeyCode::Char('p')]);
        assert_eq!(state.shown().len(), 2);
    }

    #[test]
    fn every_size_is_drawn() {
        for (columns, rows) in [(1, 1), (39, 30), (40, 10), (80, 24), (200, 60)] {
            let mut state = state();
            for page in [Page::List, Page::One, Page::Help] {
                state.page = page;
                (state.chosen, state.scroll) = (usize::MAX / 2, usize::MAX / 2);
                text(&mut state, columns, rows);
            }
        }
    }
}
