//! The lives of the tokens that were seen last.

use crate::commands::live::outlet::Seen;
use crate::records::{Around, TRACE_FORMATS, Tracer, trace_format};
use crate::report::Settings;
use crate::token::Scanner;

/// Tokens of one half of what is remembered.
const TOKENS: usize = 1024;

/// Two tracers: when the younger one is full, the older one is forgotten.
pub(super) struct Lives {
    names: Vec<String>,
    young: Tracer,
    old: Tracer,
    scanner: Scanner,
}

impl Lives {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { young: tracer(&names), old: tracer(&names), names, scanner: Scanner::new() }
    }

    /// A token was sighted.
    pub(super) fn seen(&mut self, seen: &Seen<'_>) {
        if self.young.len() >= TOKENS {
            self.old = std::mem::replace(&mut self.young, tracer(&self.names));
        }
        let around =
            Around { exchange: seen.exchange, others: seen.others, flow: seen.flow, signature: None };
        self.young.sighting(seen.sighting, around, &self.scanner);
    }

    /// The diagram of a token's life, in lines of at most `width` columns.
    pub(super) fn draw(&mut self, token: &[u8; 32], width: usize) -> Vec<String> {
        let settings = Settings { width, color: false, ..Settings::default() };
        // The older half first: that is how it went.
        let mut lines = self.old.life_of(token, &settings);
        lines.extend(self.young.life_of(token, &settings));
        lines
    }
}

fn tracer(names: &[String]) -> Tracer {
    let text = trace_format("text").unwrap_or(&TRACE_FORMATS[0]);
    Tracer::new(text, Settings::default(), String::new(), false, names.to_vec())
}
