//! What flags, variables and configuration files say together. Flags win over variables, and these over files.

use super::{Failure, terminal};
use crate::capture::FileId;
use crate::cli::{AuditArgs, ConfigArgs, KeyArgs, ReadArgs, RuleArgs, WorkArgs};
use crate::config::{self, Config, Expect};
use crate::facts::Facts;
use crate::judge::Judge;
use crate::keys::KeyStore;
use crate::pipeline;
use crate::report::Settings;
use crate::rules::RuleSet;
use crate::suppress::{Scope, Suppression};
use crate::time::Day;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The flags of a command as they are meant, and what else the configuration says.
pub(super) struct Configured {
    pub(super) args: AuditArgs,
    pub(super) config: Config,
    /// What is to be said about it.
    pub(super) warnings: Vec<String>,
    /// The day on which it is decided what has expired.
    today: Day,
}

/// Puts the flags of a command that audits `inputs` together with its configuration.
pub(super) fn audit(args: &AuditArgs, inputs: &[PathBuf]) -> Result<Configured, Failure> {
    let mut args = args.clone();
    let (mut config, mut warnings) = load(&args.config, inputs, Some(&args.work))?;
    args.fail_on = args.fail_on.or(config.fail_on);
    args.strict |= config.strict;
    args.baseline = args.baseline.or_else(|| config.baseline.clone());
    read(&mut args.read, &config);
    keys(&mut args.keys, &config);
    rules(&mut args.rules, &config);
    let today = Day::at(super::now(&args.read)?.unwrap_or_else(super::inspect::clock));
    hold(&mut config, today, &mut warnings);
    if args.no_suppressions {
        config.suppressions.clear();
    }
    Ok(Configured { args, config, warnings, today })
}

impl Configured {
    /// How reports are printed.
    pub(super) fn settings(&self) -> Settings {
        // Once in a process.
        let docs = self.config.docs.clone().map(|docs| &*docs.leak());
        Settings { fail_on: self.args.fail_on().severity(), docs, ..super::scan::settings(&self.args.work) }
    }

    /// What stands beside the captures `names`: its suppressions hold for them from now on. Gives what is expected of each.
    pub(super) fn beside(
        &self,
        names: &[String],
        audit: &mut super::audit::Audit,
    ) -> Result<Vec<Option<Expect>>, Failure> {
        let mut expected = Vec::new();
        for (file, name) in names.iter().enumerate() {
            let failure = |error: crate::rules::RuleError| Failure::mistakes(&[error]);
            let Some((path, mut config)) = config::read_beside(Path::new(name)).map_err(failure)? else {
                expected.push(None);
                continue;
            };
            config.check_names(audit.judge().rules()).map_err(failure)?;
            terminal::note(&self.args.work, || format!("beside {name}: {}", path.display()));
            let mut warnings = Vec::new();
            hold(&mut config, self.today, &mut warnings);
            warnings.into_iter().for_each(|text| audit.remark(text));
            let scope = Scope { file: FileId(file as u32), packets: 0..u64::MAX };
            for suppression in config.suppressions.into_iter().filter(|_| !self.args.no_suppressions) {
                audit.judge().suppressions().add(Suppression { scope: Some(scope.clone()), ..suppression });
            }
            expected.push(config.expect);
        }
        Ok(expected)
    }
}

/// Puts the flags of a command that judges tokens without traffic together with its configuration; gives it, and what is to be
/// said about it.
pub(super) fn tokens(
    args: &ConfigArgs,
    (choosing, verifying): (&mut RuleArgs, &mut KeyArgs),
    today: Day,
    work: &WorkArgs,
) -> Result<(Config, Vec<String>), Failure> {
    let (mut config, mut warnings) = load(args, &[], Some(work))?;
    keys(verifying, &config);
    rules(choosing, &config);
    hold(&mut config, today, &mut warnings);
    Ok((config, warnings))
}

/// Puts the flags of a command that prints records together with its configuration; gives what is to be said about it.
pub(super) fn records(
    args: &ConfigArgs,
    inputs: &[PathBuf],
    (reading, verifying): (&mut ReadArgs, &mut KeyArgs),
    work: &WorkArgs,
) -> Result<Vec<String>, Failure> {
    let (config, warnings) = load(args, inputs, Some(work))?;
    read(reading, &config);
    keys(verifying, &config);
    Ok(warnings)
}

/// Puts the flags of a command that only reads together with its configuration; gives it, and what is to be said
/// about it.
pub(super) fn reading(
    args: &ConfigArgs,
    input: &Path,
    reading: &mut ReadArgs,
) -> Result<(Config, Vec<String>), Failure> {
    let (config, warnings) = load(args, &[input.to_path_buf()], None)?;
    read(reading, &config);
    Ok((config, warnings))
}

/// The judge that flags and configuration ask for, and the keys that it verifies with.
pub(super) fn judge(configured: &Configured) -> Result<(Judge, Arc<KeyStore>), Failure> {
    let Configured { args, config, .. } = configured;
    let keys = Arc::new(super::key_store(&args.keys, &args.work)?);
    let hands = pipeline::hands(super::scan::threads(&args.work));
    let given = super::given::given(&args.rules, super::now(&args.read)?, Arc::clone(&keys), hands)?;
    let judge = Judge::new(rule_set(&args.rules, config)?, &given, args.work.show_secrets);
    Ok((judged_by(judge, config), keys))
}

/// The judge that measures by the configuration, and accepts what it accepts.
pub(super) fn judged_by(judge: Judge, config: &Config) -> Judge {
    let suppressions = config.suppressions.iter().cloned().collect();
    judge.with_policy(config.policy.clone()).with_suppressions(suppressions)
}

/// The rules that flags and configuration choose.
pub(super) fn rule_set(args: &RuleArgs, config: &Config) -> Result<RuleSet, Failure> {
    let mut set = super::with_dirs(RuleSet::builtin_without_examples(&Facts), &args.rules)?;
    let failure = |error: crate::rules::RuleError| Failure::mistakes(&[error]);
    config.check_names(&set).map_err(failure)?;
    for (name, severity) in &config.severities {
        set.fix_severity(name, *severity).map_err(failure)?;
    }
    set.choose(&args.select, &args.ignore, args.pedantic).map_err(failure)?;
    Ok(set)
}

/// Keeps the suppressions that have not expired; of the others it is said that they have. What an operator accepts ends when
/// the operator says, not when a recording was made: `today` is the clock's.
fn hold(config: &mut Config, today: Day, warnings: &mut Vec<String>) {
    config.suppressions.retain(|suppression| {
        let expired = suppression.expires.filter(|day| *day < today);
        if let Some(day) = expired {
            warnings.push(format!(
                "{}: this suppression has expired on {day} and holds no longer ({}); renew or remove it",
                suppression.origin, suppression.reason
            ));
        }
        expired.is_none()
    });
}

/// The file of `--config`, or the one that is found; nothing where there is none. `work` says whether it is named.
fn load(
    args: &ConfigArgs,
    inputs: &[PathBuf],
    work: Option<&WorkArgs>,
) -> Result<(Config, Vec<String>), Failure> {
    let mut warnings = Vec::new();
    let path = match (&args.config, args.isolated) {
        (_, true) => None,
        (Some(path), false) => Some(path.clone()),
        (None, false) => found(inputs, &mut warnings),
    };
    let Some(path) = path else { return Ok((Config::default(), warnings)) };
    let config = Config::load(&path).map_err(|error| Failure::mistakes(&[error]))?;
    if let Some(work) = work {
        terminal::note(work, || format!("configuration: {}", path.display()));
    }
    Ok((config, warnings))
}

/// The nearest file of the inputs, or of the working directory.
fn found(inputs: &[PathBuf], warnings: &mut Vec<String>) -> Option<PathBuf> {
    let folder = |input: &PathBuf| match input.is_dir() {
        true => Some(input.clone()),
        false if input.as_os_str() == "-" => None,
        false => Some(input.parent().unwrap_or(Path::new("")).to_path_buf()),
    };
    let mut folders: Vec<_> = inputs.iter().filter_map(folder).collect();
    folders.dedup();
    let mut files = folders.iter().filter_map(|folder| {
        config::find(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    });
    let Some(first) = files.next() else { return config::find(Path::new(".")) };
    if let Some(other) = files.find(|other| *other != first) {
        warnings.push(format!(
            "the inputs have several configurations: {} is used, {} is not; --config chooses one",
            first.display(),
            other.display()
        ));
    }
    Some(first)
}

fn read(args: &mut ReadArgs, config: &Config) {
    let reading = &config.reading;
    args.decode_as.extend(reading.decode_as.iter().cloned());
    args.verify_checksums |= reading.verify_checksums;
    args.keylog.extend(reading.keylog.iter().cloned());
    args.rsa_key.extend(reading.rsa_key.iter().cloned());
}

fn rules(args: &mut RuleArgs, config: &Config) {
    args.rules.splice(0..0, config.rule_dirs.iter().cloned());
    if args.select.is_empty() {
        args.select.clone_from(&config.select);
    }
    args.ignore.extend(config.ignore.iter().cloned());
    args.pedantic |= config.pedantic;
    args.wordlist.extend(config.reading.wordlists.iter().cloned());
    args.crack_budget = args.crack_budget.or(config.reading.budget);
}

fn keys(args: &mut KeyArgs, config: &Config) {
    let [key, jwks, secret] = &config.keys;
    args.key.extend(key.iter().cloned());
    args.jwks.extend(jwks.iter().cloned());
    args.secret_file.extend(secret.iter().cloned());
}
