//! The lives of tokens as sequence diagrams: time goes down, clients stand on the left and servers on the right. They are
//! lists of steps with arrows in them, so that they can be read without being seen.

use super::markup::{channel, clock, html, legend, moment, short};
use crate::{
    finding::{Finding, LifeStep, Story, Summary, TokenLife},
    report::text::{counted, grouped, last},
    text::hex,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Parties with a lane of their own; the others share the last one.
const LANES: usize = 4;
/// Rules that a life names.
const FINDINGS: usize = 8;
/// Diagrams that are open at first.
const OPEN: usize = 1;
/// Diagrams that stand there at first: the others would keep the findings out of sight.
const FIRST: usize = 6;
/// Characters of a claim, of a place that are shown.
const CLAIM: usize = 80;
/// Characters of a method and its path.
const REQUEST: usize = 200;
/// Characters of what the heading names.
const GIST: usize = 40;

/// Writes all diagrams.
pub(super) fn write(story: &Story, summary: &Summary, out: &mut String) {
    if story.lives.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"lives\">\n<h2 id=\"lives\">Lives of tokens</h2>\n");
    legend(out);
    for (i, life) in story.lives.iter().enumerate() {
        if i == FIRST {
            let more = counted((story.lives.len() - FIRST) as u64, "more token");
            let _ = writeln!(out, "<details class=\"more\"><summary>{more}</summary>");
        }
        Diagram::new(life, summary).write(i < OPEN, out);
    }
    if story.lives.len() > FIRST {
        out.push_str("</details>\n");
    }
    if story.tokens_left > 0 || story.sightings_left > 0 {
        let mut said = Vec::new();
        if story.tokens_left > 0 {
            said.push(format!("{} less important are left out", counted(story.tokens_left, "token")));
        }
        if story.sightings_left > 0 {
            said.push(format!("of {} nothing was kept", counted(story.sightings_left, "sighting")));
        }
        let _ = writeln!(
            out,
            "<p class=\"soft\">{}; <code>wirelint trace</code> draws any token.</p>",
            said.join(", ")
        );
    }
    out.push_str("</section>\n");
}

/// The first digits of a SHA-256, as `trace --token` takes them.
pub(super) fn id(token: &[u8; 32]) -> String {
    hex(token.get(..6).unwrap_or_default())
}

struct Diagram<'a> {
    life: &'a TokenLife,
    summary: &'a Summary,
    lanes: usize,
}

impl<'a> Diagram<'a> {
    fn new(life: &'a TokenLife, summary: &'a Summary) -> Self {
        Self { life, summary, lanes: life.parties.len().clamp(2, LANES) }
    }

    fn write(&self, open: bool, out: &mut String) {
        let life = self.life;
        let id = id(&life.token);
        let worst = self.summary.findings.iter().find(|f| f.tokens.iter().any(|(t, _)| *t == life.token));
        let chip =
            worst.map_or_else(String::new, |f| format!("<span class=\"chip {0}\">{0}</span> ", f.severity));
        let alg = life.alg.as_deref().map_or_else(String::new, |alg| format!(" {}", short(alg, GIST)));
        let _ = writeln!(
            out,
            "<details class=\"life\" id=\"life-{id}\"{}><summary>{chip}<span class=\"name\">token <code>{id}</code></span> \
             <span>{}{alg}</span> <span class=\"soft\">{}</span></summary>",
            if open { " open" } else { "" },
            html(life.kind),
            self.gist(),
        );
        self.about(out);
        let _ = writeln!(
            out,
            "<div class=\"seq lanes-{}\" role=\"group\" aria-label=\"Sequence diagram of token {id}\">",
            self.lanes
        );
        self.names(out);
        out.push_str("<ol role=\"list\">\n");
        let mut expiry = life.expiry;
        let mut day = String::new();
        for step in &life.steps {
            if let Some(at) = expiry.take_if(|at| *at < step.first) {
                let _ = writeln!(
                    out,
                    "<li class=\"row gone\"><div class=\"when\">{}</div><div class=\"lanes\"><p class=\"note\">expired</p></div></li>",
                    clock(at)
                );
            }
            self.step(step, &mut day, out);
        }
        out.push_str("</ol></div>\n");
        if life.left > 0 {
            let _ = writeln!(out, "<p class=\"soft\">{} not drawn.</p>", counted(life.left, "more sighting"));
        }
        out.push_str("</details>\n");
    }

    /// What tells this token from the others, in a few words of HTML.
    fn gist(&self) -> String {
        let subject = self.life.claims.iter().find(|(name, _)| *name == "subject");
        let mut gist = subject.map_or_else(String::new, |(_, value)| format!("of {}, ", short(value, GIST)));
        let servers: BTreeSet<usize> = self.life.steps.iter().map(|step| step.server).collect();
        let names: Vec<_> = servers.iter().filter_map(|at| self.life.parties.get(*at)).collect();
        match names.as_slice() {
            [one] => gist.push_str(&format!("with {}, ", short(one, GIST))),
            more => gist.push_str(&format!("with {} servers, ", more.len())),
        }
        gist.push_str(&format!("seen {}", counted(self.life.sightings, "time")));
        gist
    }

    /// What the token says, and what was found about it.
    fn about(&self, out: &mut String) {
        let life = self.life;
        out.push_str("<dl class=\"claims\">");
        for (name, value) in &life.claims {
            let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", short(value, CLAIM));
        }
        if let Some(at) = life.expiry {
            let word = if at < life.last { "expired" } else { "expires" };
            let _ = write!(out, "<div><dt>{word}</dt><dd>{}</dd></div>", moment(at));
        }
        let _ = write!(out, "<div><dt>first seen</dt><dd>{}</dd></div>", moment(life.first));
        let _ = writeln!(out, "<div><dt>last seen</dt><dd>{}</dd></div></dl>", moment(life.last));
        let about: Vec<_> = self
            .summary
            .findings
            .iter()
            .filter(|f| f.tokens.iter().any(|(token, _)| *token == life.token))
            .collect();
        if about.is_empty() {
            return;
        }
        // Of each rule the first: the list is sorted by severity.
        let mut rules: Vec<(&Finding, usize)> = Vec::new();
        for finding in about {
            match rules.iter_mut().find(|(first, _)| first.identity.rule == finding.identity.rule) {
                Some((_, n)) => *n += 1,
                None => rules.push((finding, 1)),
            }
        }
        out.push_str("<ul class=\"about\" aria-label=\"Findings about it\">");
        for (finding, n) in rules.iter().take(FINDINGS) {
            let times = if *n > 1 { format!(" ×{n}") } else { String::new() };
            let _ = write!(
                out,
                "<li><a href=\"#f-{}\"><span class=\"dot {}\"></span>{}</a>{times}</li>",
                finding.fingerprint,
                finding.severity,
                html(&finding.title)
            );
        }
        if rules.len() > FINDINGS {
            let _ = write!(out, "<li class=\"soft\">and {} more</li>", rules.len() - FINDINGS);
        }
        out.push_str("</ul>\n");
    }

    /// The lane of a party.
    fn lane(&self, party: usize) -> usize {
        party.min(self.lanes - 1)
    }

    fn names(&self, out: &mut String) {
        out.push_str(
            "<div class=\"row names\" aria-hidden=\"true\"><div class=\"when\"></div><div class=\"lanes\">",
        );
        for lane in 0..self.lanes {
            let shared = lane + 1 == self.lanes && self.life.parties.len() > self.lanes;
            let name = match self.life.parties.get(lane) {
                Some(_) if shared => "others",
                Some(name) => name,
                None => "-",
            };
            let _ = write!(out, "<b title=\"{0}\">{0}</b>", short(name, CLAIM));
        }
        out.push_str("</div></div>\n");
    }

    fn step(&self, step: &LifeStep, day: &mut String, out: &mut String) {
        let (mut a, b) = (self.lane(step.client), self.lane(step.server));
        if a == b {
            // Both are among the others: the arrow comes from the lane before.
            a = b.saturating_sub(1);
        }
        let date = step.first.to_string().get(..10).unwrap_or_default().to_owned();
        let new = if date == *day { String::new() } else { format!("<span class=\"day\">{date}</span> ") };
        *day = date;
        let file = match self.summary.inputs.get(step.file.0 as usize) {
            Some(name) if self.summary.inputs.len() > 1 => {
                // The folder tells apart what is called the same.
                format!(", {}", html(last(name, 2)))
            }
            _ => String::new(),
        };
        let until = if step.count > 1 {
            format!("<span class=\"soft\">to {}</span>", clock(step.last))
        } else {
            String::new()
        };
        let _ = write!(
            out,
            "<li class=\"row\"><div class=\"when\">{new}<span>{}</span> <span class=\"soft\">packet {}{file}</span> {until}</div>\
             <div class=\"lanes\"><p class=\"what w{}\"><span>",
            clock(step.first),
            step.packet,
            a.min(b),
        );
        if step.act == "issued" {
            out.push_str("issued by ");
        }
        if let Some(request) = &step.request {
            let _ = write!(out, "<code>{}</code> ", short(request, REQUEST));
        }
        let _ = write!(out, "<span class=\"soft\">{}</span>", short(&step.place, CLAIM));
        if let Some(partner) = &step.partner {
            let words = if step.act == "issued" { "in exchange for" } else { "exchanged for" };
            let _ = write!(out, " {words} token <code>{}</code>", html(partner));
        }
        if step.expired {
            out.push_str(" <b class=\"bad\">expired</b>");
        }
        if step.count > 1 {
            let _ = write!(out, " <b>×{}</b>", grouped(step.count));
        }
        out.push_str("</span></p>");
        self.arrows(step, a, b, out);
        out.push_str("</div></li>\n");
    }

    /// The message that carried the token, and what came back.
    fn arrows(&self, step: &LifeStep, a: usize, b: usize, out: &mut String) {
        let (class, words) = channel(step.channel);
        let name = |party: usize| short(self.life.parties.get(party).map_or("-", String::as_str), CLAIM);
        let (from, to) = (name(step.client), name(step.server));
        let ((from, to), way) = if step.response { ((to, from), "left") } else { ((from, to), "right") };
        let said = match step.status {
            Some(status) if step.act != "presented" => format!("{status}, {words}"),
            _ => words.to_owned(),
        };
        let _ = write!(
            out,
            "<div class=\"arrow {way} {class} a{} b{}\"><span class=\"hear\">from {from} to {to}:</span> <span>{said}</span></div>",
            a.min(b),
            a.max(b),
        );
        if let (Some(outcome), Some(status)) = (step.outcome, step.status) {
            let tone = match (outcome, step.expired) {
                ("accepted", true) => "bad",
                ("accepted", false) => "good",
                ("refused", _) => "refused",
                _ => "plain",
            };
            let _ = write!(
                out,
                "<div class=\"arrow left answer {tone} a{} b{}\"><span class=\"hear\">answer:</span> <span>{status} {outcome}</span></div>",
                a.min(b),
                a.max(b),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::story;
    use super::*;
    use crate::report::golden;

    fn drawn(story: &Story) -> String {
        let mut out = String::new();
        write(story, &golden::summary(), &mut out);
        out
    }

    #[test]
    fn a_life_has_an_arrow_for_each_message_and_each_answer() {
        let out = drawn(&story());
        assert_eq!(out.matches("class=\"arrow right").count(), 2);
        assert_eq!(out.matches("class=\"arrow left answer").count(), 2);
        assert_eq!(out.matches("class=\"arrow left ").count(), 3, "the response that issued it");
        assert!(out.contains("row gone") && out.contains("<b class=\"bad\">expired</b>"), "{out}");
    }

    #[test]
    fn parties_beyond_the_lanes_share_the_last_one() {
        let mut story = story();
        let life = &mut story.lives[0];
        life.parties = (0..9).map(|n| format!("p{n}")).collect();
        life.steps[1].client = 7;
        life.steps[1].server = 8;
        let out = drawn(&story);
        assert!(out.contains("lanes-4") && out.contains(">others</b>") && !out.contains("b4"), "{out}");
        assert!(out.contains("a2 b3"));
    }

    #[test]
    fn the_most_important_are_not_folded() {
        let mut story = story();
        story.lives = vec![story.lives[0].clone(); FIRST];
        assert!(!drawn(&story).contains("class=\"more\""));
        story.lives.push(story.lives[0].clone());
        let out = drawn(&story);
        let (open, folded) = out.split_once("<details class=\"more\"><summary>1 more token").unwrap();
        assert_eq!(
            (open.matches("class=\"life\"").count(), folded.matches("class=\"life\"").count()),
            (FIRST, 1)
        );
    }

    #[test]
    fn what_is_left_out_is_said() {
        let mut story = story();
        (story.tokens_left, story.sightings_left, story.lives[0].left) = (7, 9, 11);
        let out = drawn(&story);
        assert!(
            out.contains("7 tokens less important are left out, of 9 sightings nothing was kept"),
            "{out}"
        );
        assert!(out.contains("11 more sightings not drawn"));
    }
}
