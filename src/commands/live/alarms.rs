//! Findings on their way to sinks.

use super::announce::Change;
use super::confine::Needs;
use super::outlet::Outlet;
use crate::alarm::{Alarm, Shape, Spool, Target};
use crate::cli::AlarmArgs;
use crate::commands::Failure;
use crate::commands::terminal::say;
use crate::finding::Finding;
use crate::pipeline::{Deliveries, Delivery};
use crate::report::{ecs_line, ndjson_line};
use crate::rules::Severity;
use std::path::Path;
use std::sync::Arc;

/// The sinks that `--alarm` names, before their threads run.
pub(super) struct Prepared(Vec<(Target, Box<dyn crate::alarm::Sink>, Spool)>);

/// The sinks at work.
pub(super) struct Alarms {
    sinks: Vec<(Shape, Delivery)>,
    least: Severity,
}

impl Prepared {
    /// Opens what they need.
    ///
    /// # Errors
    /// What is wrong with a target.
    pub(super) fn new(args: &AlarmArgs) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for text in &args.alarm {
            // A password in a URL is not repeated.
            let failure = |name: &str, why: String| Failure::new(format!("--alarm {name}: {why}"));
            let scheme = text.split(':').next().unwrap_or_default();
            let target = Target::parse(text).map_err(|why| failure(&crate::text::escape(scheme), why))?;
            let sink = target.open().map_err(|why| failure(&target.name(), why))?;
            let path = args.spool.as_deref().map(|folder| folder.join(spool_name(&target)));
            let spool = Spool::open(path, args.spool_size).map_err(|e| {
                Failure::new(format!(
                    "--spool {}: {e}",
                    args.spool.as_deref().unwrap_or(Path::new("")).display()
                ))
            })?;
            all.push((target, sink, spool));
        }
        Ok(Self(all))
    }

    /// What they read, write and connect to.
    pub(super) fn needs(&self, paths: &mut Needs) {
        for (target, ..) in &self.0 {
            let (read, write) = target.paths();
            paths.read.extend(read);
            paths.write.extend(write);
            paths.connect.extend(Some(target.port).filter(|port| *port > 0));
        }
    }

    /// Starts their threads.
    pub(super) fn start(self, least: Severity) -> Result<Alarms, Failure> {
        let start = |(target, sink, spool): (Target, _, _)| {
            let batch = target.kind().map_or(1, |kind| kind.batch);
            let delivery = Delivery::start(target.name(), sink, batch, spool);
            delivery
                .map(|d| (target.shape, d))
                .map_err(|e| Failure::new(format!("--alarm {}: {e}", target.name())))
        };
        Ok(Alarms { sinks: self.0.into_iter().map(start).collect::<Result<_, _>>()?, least })
    }
}

/// One file for each target, whose name holds no secret.
fn spool_name(target: &Target) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    format!("{}{}.spool", target.name(), target.path)
        .chars()
        .map(clean)
        .rev()
        .take(200)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

impl Alarms {
    /// What became of the alarms of each sink.
    pub(super) fn deliveries(&self) -> Vec<(String, Arc<Deliveries>)> {
        self.sinks.iter().map(|(_, d)| (d.name.clone(), Arc::clone(&d.deliveries))).collect()
    }
}

impl Outlet for Alarms {
    fn finding(&mut self, finding: &Finding, _: Change, names: &[String]) {
        if finding.severity < self.least {
            return;
        }
        for (shape, delivery) in &self.sinks {
            let record = match shape {
                Shape::Native => ndjson_line(finding, names),
                Shape::Ecs => ecs_line(finding, names),
            };
            let seen = finding.last_seen.or(finding.time).map(|time| time.to_string());
            delivery.send(Alarm {
                record,
                rule: finding.identity.rule.clone(),
                fingerprint: finding.fingerprint.clone(),
                severity: finding.severity as u8,
                time: seen.unwrap_or_else(|| "-".into()),
                count: finding.count,
            });
        }
    }

    fn news(&mut self) -> Vec<String> {
        let news =
            |(_, d): &(Shape, Delivery)| Some(format!("warning: {} {}", d.name, d.deliveries.take_news()?));
        self.sinks.iter().filter_map(news).collect()
    }

    fn finish(&mut self) {
        for (_, delivery) in &mut self.sinks {
            delivery.finish();
        }
        for line in self.news() {
            say(&line);
        }
    }
}
