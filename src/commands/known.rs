//! `--baseline` and `--write-baseline`: what was found before.

use super::audit::Audit;
use super::{Failure, output, terminal};
use crate::baseline::Baseline;
use crate::cli::AuditArgs;
use crate::finding::Summary;
use crate::report::text::counted;
use std::cell::Cell;
use std::path::PathBuf;

/// What was found before, and where that is to be written which is found now.
pub(super) struct Known {
    before: Option<(PathBuf, Baseline)>,
    write: Option<PathBuf>,
    written: Cell<bool>,
    quiet: bool,
}

impl Known {
    /// Reads what `--baseline` names.
    pub(super) fn load(args: &AuditArgs) -> Result<Self, Failure> {
        let read = |path: &PathBuf| match Baseline::read(path) {
            Ok(baseline) => Ok(Some((path.clone(), baseline))),
            // The first baseline is written where it will be looked for.
            Err(_) if args.write_baseline.as_ref() == Some(path) && !path.exists() => Ok(None),
            Err(error) => Err(Failure::new(format!("--baseline {}: {error}", path.display()))),
        };
        let before = args.baseline.as_ref().map(read).transpose()?.flatten();
        Ok(Self {
            before,
            write: args.write_baseline.clone(),
            written: Cell::new(false),
            quiet: args.work.quiet > 0,
        })
    }

    /// Whether a finding was there before.
    #[cfg(feature = "live")]
    pub(super) fn knows(&self, finding: &crate::finding::Finding) -> bool {
        self.before.as_ref().is_some_and(|(_, baseline)| baseline.knows(finding))
    }

    /// Ends the audit: writes what was found if it is the `whole` of it, and leaves what is new.
    pub(super) fn finish(&self, audit: &mut Audit, said: &[String], whole: bool) -> Result<Summary, Failure> {
        let rules = audit.judge().rules();
        let mut running: Vec<String> = Vec::new();
        if let Some((_, baseline)) = &self.before {
            running.extend(baseline.rules().filter(|rule| rules.takes_part(rule)).map(str::to_owned));
        }
        let mut summary = audit.finish(said);
        self.compare(&mut summary, whole, |rule| running.iter().any(|known| known == rule))?;
        Ok(summary)
    }

    /// Writes what was found if it is the `whole` of it, and leaves what is new; `runs` says which rules took part.
    pub(super) fn compare(
        &self,
        summary: &mut Summary,
        whole: bool,
        runs: impl Fn(&str) -> bool,
    ) -> Result<(), Failure> {
        match &self.write {
            Some(path) if whole => {
                let baseline = Baseline::of(&summary.findings);
                let mut out = output::open(Some(path))?;
                output::written(baseline.write(&mut *out).and_then(|()| out.flush()))?;
                self.written.set(true);
                if !self.quiet {
                    let findings = counted(baseline.len() as u64, "finding");
                    let are = if baseline.len() == 1 { "is" } else { "are" };
                    terminal::say(&format!("{}: {findings} {are} in the baseline", path.display()));
                }
            }
            // What was not seen would be new in the next run.
            Some(path) => {
                terminal::say(&format!(
                    "error: {}: the baseline was not written: not all inputs were read",
                    path.display()
                ));
            }
            None => {}
        }
        let Some((path, baseline)) = &self.before else { return Ok(()) };
        let compared = baseline.compare(&mut summary.findings, runs);
        summary.known = compared.known;
        // A run that ended early has not seen all.
        let stale = compared.stale.into_iter().filter(|_| !summary.interrupted);
        for text in stale.map(|text| format!("{}: {text}; write the baseline anew", path.display())) {
            if !self.quiet {
                terminal::say(&format!("warning: {text}"));
            }
            summary.remarks.push(text);
        }
        Ok(())
    }

    /// What is in the baseline now fails nothing.
    pub(super) fn accept(&self, summary: &mut Summary) {
        if self.written.get() {
            summary.findings.clear();
        }
    }
}
