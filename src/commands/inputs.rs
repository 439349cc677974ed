//! The inputs of a command: opened one after the other, each problem said once, none of them in the way of the others.

use super::Failure;
use super::terminal::{note, say};
use crate::capture::{self, Block, CaptureError, Damage, FileId, Input, More, Source};
use crate::cli::{ReadArgs, WorkArgs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What became of the inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// Some packet or entry was read.
    pub(super) packets: bool,
    /// A named input could not be read.
    pub(super) failed: bool,
    /// Ctrl-C.
    pub(super) interrupted: bool,
}

/// The inputs of a command.
pub(super) struct Inputs {
    list: std::vec::IntoIter<Input>,
    /// Names by [`FileId`].
    pub(super) names: Vec<String>,
    filter: Option<String>,
    opened: u32,
    /// Inputs that are no captures by their content.
    strangers: u32,
    failed: bool,
    /// Inputs that could not be read to their end, and why.
    broken: Arc<Mutex<Vec<String>>>,
    /// Link types that the filter cannot be used on.
    unfit: Arc<Mutex<Vec<String>>>,
    /// What was said.
    pub(super) warnings: Vec<String>,
    work: WorkArgs,
}

impl Inputs {
    /// Expands folders; nothing is opened yet.
    pub(super) fn new(paths: &[PathBuf], read: &ReadArgs, work: &WorkArgs) -> Result<Self, Failure> {
        if let Some(expression) = &read.filter {
            check_filter(expression)?;
        }
        let list = capture::expand(paths);
        let names = list.iter().map(|i| i.path.display().to_string()).collect();
        Ok(Self {
            list: list.into_iter(),
            names,
            filter: read.filter.clone(),
            opened: 0,
            strangers: 0,
            failed: false,
            broken: Arc::default(),
            unfit: Arc::default(),
            warnings: Vec::new(),
            work: work.clone(),
        })
    }

    /// Bytes of all files, for progress.
    pub(super) fn total(&self) -> u64 {
        let size = |i: &Input| std::fs::metadata(&i.path).map_or(0, |m| m.len());
        self.list.as_slice().iter().map(size).sum()
    }

    /// Says a warning on stderr and keeps it for the report.
    pub(super) fn warn(&mut self, text: String) {
        if self.work.quiet == 0 {
            say(&format!("warning: {text}"));
        }
        self.warnings.push(text);
    }

    /// A source gave up.
    pub(super) fn broken(&mut self, error: &CaptureError) {
        self.fail(error.to_string());
    }

    fn fail(&mut self, text: String) {
        self.failed = true;
        say(&format!("error: {text}"));
        self.warnings.push(text);
    }

    /// How it went, once all sources were read.
    pub(super) fn verdict(&mut self, packets: bool, interrupted: bool) -> Verdict {
        let broken = std::mem::take(&mut *lock(&self.broken));
        broken.into_iter().for_each(|text| self.fail(text));
        let unfit = std::mem::take(&mut *lock(&self.unfit));
        unfit.into_iter().for_each(|text| self.warn(text));
        // Where others are captures, one that is not is a mistake; where none is, that is the whole answer.
        let stranger = self.strangers > 0 && self.opened > 0;
        if self.opened > 0 && !packets && !interrupted {
            let what = if self.filter.is_some() { " matches --filter" } else { "" };
            say(&format!("error: no packet in any capture{what}"));
        }
        Verdict { packets, failed: self.failed || stranger, interrupted }
    }

    fn open(&mut self, path: &Path, file: FileId) -> Result<Box<dyn Source>, CaptureError> {
        let source = capture::open(path, file)?;
        let source = Named { source, name: path.display().to_string(), broken: Arc::clone(&self.broken) };
        match &self.filter {
            #[cfg(feature = "live")]
            Some(expression) => {
                let (unfit, name) = (Arc::clone(&self.unfit), path.display().to_string());
                let tell = move |text| lock(&unfit).push(format!("{name}: {text}"));
                Ok(Box::new(capture::Filtered::new(source, capture::Filter::compile(expression)?, tell)))
            }
            _ => Ok(Box::new(source)),
        }
    }
}

/// A source that names its file where it gives up; others are read nevertheless.
struct Named {
    source: Box<dyn Source>,
    name: String,
    broken: Arc<Mutex<Vec<String>>>,
}

impl Source for Named {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        self.source.fill(block).or_else(|error| {
            lock(&self.broken).push(format!("{}: {error}", self.name));
            Ok(More::End)
        })
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.source.progress()
    }

    fn awaits_secrets(&self) -> bool {
        self.source.awaits_secrets()
    }

    fn drops(&self) -> u64 {
        self.source.drops()
    }
}

fn lock(texts: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    texts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Iterator for Inputs {
    type Item = Box<dyn Source>;

    fn next(&mut self) -> Option<Box<dyn Source>> {
        loop {
            let input = self.list.next()?;
            let file = FileId((self.names.len() - self.list.len() - 1) as u32);
            let result = match input.refused {
                Some(error) => Err(error),
                None => self.open(&input.path, file),
            };
            match result {
                Ok(source) => {
                    self.opened += 1;
                    note(&self.work, || format!("reading {}", input.path.display()));
                    return Some(source);
                }
                Err(error) => {
                    if matches!(error, CaptureError::NotACapture { .. }) {
                        self.strangers += 1;
                    } else {
                        self.failed = true;
                    }
                    let text = format!("{}: {error}", input.path.display());
                    say(&format!("error: {text}"));
                    self.warnings.push(text);
                }
            }
        }
    }
}

/// What is said about damage.
pub(super) fn damage_text(names: &[String], damage: &Damage) -> String {
    let file = names.get(damage.file.0 as usize).map_or("-", String::as_str);
    let lost =
        damage.lost.map_or_else(String::new, |n| format!("; {n} byte{} lost", if n == 1 { "" } else { "s" }));
    format!("{file}: offset {}: {}{lost}", damage.offset, damage.cause)
}

/// What is said about packets that nothing here decodes.
pub(super) fn link_text(link: u16, packets: u64) -> String {
    let s = if packets == 1 { "" } else { "s" };
    format!("link type {link} is not known: {packets} packet{s} not inspected")
}

#[cfg(feature = "live")]
fn check_filter(expression: &str) -> Result<(), Failure> {
    capture::Filter::compile(expression).map(drop).map_err(|e| Failure::new(format!("--filter: {e}")))
}

#[cfg(not(feature = "live"))]
fn check_filter(_: &str) -> Result<(), Failure> {
    Err("--filter: this wirelint was built without the feature \"live\", which has the BPF compiler".into())
}
