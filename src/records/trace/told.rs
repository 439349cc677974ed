//! Lives for reports that draw them: of the tokens that matter most, what is drawn.

use super::super::{shown, shown_value};
use super::{Life, Step, Tracer, short};
use crate::finding::{Finding, LifeStep, TokenLife};
use crate::limits::{STORY_LIVES, STORY_STEPS};
use crate::message::Direction;
use crate::rules::Severity;
use std::cmp::Reverse;
use std::collections::HashMap;

impl Tracer {
    /// The lives of the tokens with the worst findings, then of those that were seen most; how many tokens that leaves
    /// out, and how many sightings of tokens that never fitted.
    pub fn told(&mut self, findings: &[Finding]) -> (Vec<TokenLife>, u64, u64) {
        let mut weight: HashMap<[u8; 32], (Severity, usize)> = HashMap::new();
        for finding in findings {
            for (token, _) in &finding.tokens {
                let of = weight.entry(*token).or_insert((finding.severity, 0));
                *of = (of.0.max(finding.severity), of.1 + 1);
            }
        }
        let mut order: Vec<usize> = (0..self.lives.len()).collect();
        // Stable: what is alike stays in the order of appearance.
        order.sort_by_key(|at| {
            self.lives.get(*at).map(|life| Reverse((weight.get(life.token.sha256()), life.sightings)))
        });
        let left = order.len().saturating_sub(STORY_LIVES) as u64;
        order.truncate(STORY_LIVES);
        let mut told = Vec::new();
        for at in order {
            if let Some(life) = self.lives.get_mut(at) {
                life.steps.sort_by_key(|step| (step.first, step.file.0, step.packet));
                told.push(life.told(self.show_secrets));
            }
        }
        (told, left, self.dropped)
    }
}

impl Life {
    fn told(&self, show: bool) -> TokenLife {
        let token = &self.token;
        let mut claims = Vec::new();
        for (name, value) in [("issuer", token.iss()), ("subject", token.sub()), ("audience", token.aud())] {
            if let Some(value) = value.map(|value| shown_value(value, show)) {
                claims.push((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
        let parties = self.parties();
        let at = |server, name: &str| parties.iter().position(|p| *p == (server, name)).unwrap_or(0);
        let steps = self.steps.iter().take(STORY_STEPS);
        let steps = steps.map(|s| s.told(at(false, &s.like.client), at(true, &s.like.server)));
        let beyond = self.steps.iter().skip(STORY_STEPS).map(|step| step.count);
        TokenLife {
            token: *token.sha256(),
            kind: token.kind().as_str(),
            alg: token.alg().map(|alg| shown(alg, show).into()),
            claims,
            expiry: self.expiry(),
            sightings: self.sightings,
            first: self.first,
            last: self.last,
            steps: steps.collect(),
            left: self.dropped + beyond.sum::<u64>(),
            parties: parties.iter().map(|(_, name)| (*name).to_owned()).collect(),
        }
    }
}

impl Step {
    fn told(&self, client: usize, server: usize) -> LifeStep {
        let like = &self.like;
        let request: Vec<_> = [&like.method, &like.path].into_iter().flatten().map(String::as_str).collect();
        let place = [Some(like.place.location.as_str()), like.place.name.as_deref()];
        LifeStep {
            act: like.act.as_str(),
            request: (!request.is_empty()).then(|| request.join(" ")),
            place: place.into_iter().flatten().collect::<Vec<_>>().join(" "),
            partner: like.partner.as_ref().map(short),
            client,
            server,
            response: like.direction == Some(Direction::Response),
            channel: like.channel.as_str(),
            outcome: like.outcome(),
            status: like.status,
            expired: like.expired,
            count: self.count,
            file: self.file,
            packet: self.packet,
            first: self.first,
            last: self.last,
        }
    }
}
