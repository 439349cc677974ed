//! What traffic looked like, gathered while it is scanned if a report draws it.

use super::audit::{Audit, News, State};
use crate::finding::Summary;
use crate::message::Exchange;
use crate::records::Storyteller;
use crate::report::Format;
use crate::session::FlowSummary;
use crate::token::Sighting;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// The storyteller of a run, if there is one.
pub(super) struct Drawing(Option<Rc<RefCell<Storyteller>>>);

struct Listener(Rc<RefCell<Storyteller>>);

impl Drawing {
    /// Has a storyteller listen to `audit` if one of the reports wants a story; `names` are those of the inputs.
    pub(super) fn of(
        reports: &[(&'static Format, Option<PathBuf>)],
        audit: &mut Audit,
        names: &[String],
    ) -> Self {
        if !reports.iter().any(|(format, _)| format.story) {
            return Self(None);
        }
        let teller = Rc::new(RefCell::new(Storyteller::new(names)));
        audit.watch(Box::new(Listener(Rc::clone(&teller))));
        Self(Some(teller))
    }

    /// Puts the story into the summary.
    pub(super) fn tell(&self, summary: &mut Summary) {
        summary.story = self.0.as_ref().map(|teller| teller.borrow_mut().finish(&summary.findings));
    }
}

impl News for Listener {
    fn sighted(&mut self, sightings: &[Sighting], exchange: Option<&Exchange>, flow: u64) {
        self.0.borrow_mut().sighted(sightings, exchange, flow);
    }

    fn wants_flows(&self) -> bool {
        true
    }

    fn ended(&mut self, flow: &FlowSummary, number: u64) {
        self.0.borrow_mut().ended(flow, number);
    }

    fn after(&mut self, _: State<'_>) -> bool {
        true
    }
}
