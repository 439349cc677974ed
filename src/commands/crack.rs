//! `wirelint crack`: a dictionary attack on the HMAC tokens of captures, or on tokens given as text.

use super::collector::Collector;
use super::given::wordlists;
use super::records;
use super::scan::{settings, stop_flag, threads, unknown_format};
use super::terminal;
use super::work::Work;
use super::{Failure, destinations, exit, key_store, output};
use crate::capture::{CaptureError, FileId, open_stream};
use crate::cli::{CrackArgs, KeyArgs, SourceArgs, WorkArgs};
use crate::crack::{Attack, Mutation, Session, WORD_BYTES};
use crate::pipeline;
use crate::records::{CrackRecord, RECORD_FORMATS, RecordWriter, record_format};
use crate::report::text::counted;
use crate::token::{Scanner, Token};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a session is written.
const SAVE: Duration = Duration::from_secs(10);
/// Largest file of rules.
const RULES_BYTES: u64 = 64 << 20;
/// Largest text with tokens.
const TEXT_BYTES: u64 = 64 << 20;
/// Largest session file that is read.
const SESSION_BYTES: u64 = 1 << 20;

/// Runs the command.
pub(super) fn run(args: &CrackArgs) -> Result<u8, Failure> {
    let format = record_format(&args.format)
        .ok_or_else(|| unknown_format(&args.format, RECORD_FORMATS.iter().map(|f| f.name)))?;
    let read = args.wordlist.iter().chain(&args.mutations).chain(&args.session).map(PathBuf::as_path);
    let read = read.chain(destinations::read(&args.read, &args.keys));
    destinations::spare(args.work.output(), &args.inputs, read)?;
    wordlists(&args.wordlist)?;
    let mutations = mutations(&args.mutations)?;
    let stop = stop_flag();
    let (collected, mut code) = collect(args, &stop)?;
    if stop.load(Ordering::Relaxed) {
        return Ok(exit::INTERRUPTED);
    }
    let keys = key_store(&args.keys, &args.work)?;
    let budget = args.crack_budget.unwrap_or(u64::MAX);
    let mut attack =
        Attack::new(budget, keys.secrets().to_vec(), args.wordlist.clone()).with_mutations(mutations.into());
    let mut targets = Vec::new();
    for (token, host) in &collected.tokens {
        if attack.add(token, host.as_deref()) {
            targets.push((Arc::clone(token), host.clone()));
        }
    }
    attack.share(&collected.texts());
    if targets.is_empty() && code == exit::CLEAN && args.work.quiet == 0 {
        let any = collected.tokens.iter().any(|(token, _)| token.is_hmac());
        terminal::say(match any {
            true => "no trials: the budget is 0 (--crack-budget)",
            false => "no token that is signed with HS256, HS384 or HS512",
        });
    }
    if let Some(path) = &args.session {
        resume(&mut attack, path)?;
    }
    let watched = watch(&mut attack, args, &stop);
    let interrupted = stop.load(Ordering::Relaxed);
    let outcome = attack.outcome();
    match (&args.session, watched) {
        (_, Err(failure)) => return Err(failure),
        (Some(path), Ok(())) if interrupted || outcome.cut => save(&attack, path)?,
        (Some(path), Ok(())) => match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("--session {}: {e}", path.display()).into());
            }
            _ => {}
        },
        _ => {}
    }
    let mut writer = RecordWriter::new(format, &settings(&args.work));
    let mut out = output::open(args.work.output())?;
    let show = args.work.show_secrets;
    let written = targets.iter().try_for_each(|(token, host)| {
        let found = outcome.found.get(token.sha256());
        writer.write(
            &CrackRecord::new(token, host.as_deref(), found.map(|f| (&f.secret, f.origin.as_str())), show),
            &mut *out,
        )
    });
    output::written(
        written.and_then(|()| writer.finish::<CrackRecord<'_>>(&mut *out)).and_then(|()| out.flush()),
    )?;
    let warn = |text: String| {
        if args.work.quiet == 0 {
            terminal::say(&format!("warning: {text}"));
        }
    };
    for error in &outcome.errors {
        warn(format!("--wordlist {error}"));
        code = exit::FAILURE;
    }
    if outcome.long_lines > 0 {
        let lines = counted(outcome.long_lines, "line");
        warn(format!("--wordlist: {lines} longer than {WORD_BYTES} bytes left out"));
    }
    let refused = outcome.refused + collected.refused;
    if refused > 0 {
        warn(format!("over the bound and not attacked: {}", counted(refused, "token")));
    }
    if outcome.cut {
        warn("the budget (--crack-budget) ended before the words did".to_owned());
    }
    if args.work.quiet < 2 && !targets.is_empty() {
        terminal::say(&format!(
            "{} of {} found, {}",
            targets.iter().filter(|(token, _)| outcome.found.contains_key(token.sha256())).count(),
            counted(targets.len() as u64, "token"),
            counted(outcome.trials, "trial")
        ));
    }
    Ok(match code {
        _ if interrupted => exit::INTERRUPTED,
        exit::CLEAN if !outcome.found.is_empty() => exit::FINDINGS,
        code => code,
    })
}

/// The tokens of all inputs, in order, and how reading them went.
fn collect(args: &CrackArgs, stop: &Arc<AtomicBool>) -> Result<(Collector, u8), Failure> {
    let mut collector = Collector::default();
    let (mut files, mut tokens) = (Vec::new(), Vec::new());
    for input in &args.inputs {
        let token = input.to_str().filter(|_| !input.exists()).and_then(|text| Token::parse(text.as_bytes()));
        match token {
            Some(token) => tokens.push(Arc::new(token)),
            None => {
                let text = text_of(input).map_err(|e| format!("{}: {e}", input.display()))?;
                let mut hits = Vec::new();
                Scanner::new().find(&text, &mut |hit| hits.extend(Token::parse(&hit.text).map(Arc::new)));
                hits.iter().for_each(|token| collector.token(token, None));
                // A text without a token is no capture either, which is told where captures are opened.
                if hits.is_empty() {
                    files.push(input.clone());
                }
            }
        }
    }
    for token in tokens {
        if !token.is_hmac() {
            let alg = token.alg().unwrap_or_default().escape_debug().to_string();
            return Err(format!(
                "token {}: its alg is {alg}; only HS256, HS384 and HS512 can be attacked with words",
                token.sha256_hex().get(..12).unwrap_or_default()
            )
            .into());
        }
        collector.token(&token, None);
    }
    if files.is_empty() {
        return Ok((collector, exit::CLEAN));
    }
    let source = SourceArgs {
        inputs: files,
        config: args.config.clone(),
        read: args.read.clone(),
        keys: KeyArgs { key: Vec::new(), jwks: Vec::new(), secret_file: Vec::new() },
        work: WorkArgs { output: None, ..args.work.clone() },
    };
    let (code, collector) = records::collect(&source, collector, stop)?;
    Ok((collector, code))
}

/// The text of an input that is one; empty for a capture, and for what cannot be opened.
fn text_of(input: &Path) -> std::io::Result<Vec<u8>> {
    let mut reader: Box<dyn BufRead> = match input.as_os_str() == "-" {
        // What is looked at here stays to be read, whoever reads it.
        true => Box::new(std::io::stdin().lock()),
        false => match std::fs::File::open(input) {
            Ok(file) if file.metadata().is_ok_and(|meta| meta.is_file()) => Box::new(BufReader::new(file)),
            _ => return Ok(Vec::new()),
        },
    };
    let head = reader.fill_buf()?;
    let capture = !matches!(
        open_stream(Box::new(std::io::Cursor::new(head.to_vec())), FileId(0)),
        Err(CaptureError::NotACapture { .. })
    );
    if capture || head.is_empty() || head.contains(&0) {
        return Ok(Vec::new());
    }
    bounded(reader, TEXT_BYTES)
}

fn mutations(paths: &[PathBuf]) -> Result<Vec<Mutation>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let name = format!("--mutations {}", path.display());
        let text = read(path, RULES_BYTES).map_err(|e| format!("{name}: {e}"))?;
        all.extend(Mutation::read(&text).map_err(|e| format!("{name}: {e}"))?);
    }
    Ok(all)
}

fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    bounded(std::fs::File::open(path)?, most)
}

fn bounded(reader: impl Read, most: u64) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader.take(most + 1).read_to_end(&mut text)?;
    match text.len() as u64 > most {
        true => Err(std::io::Error::other(format!("longer than {most} bytes"))),
        false => Ok(text),
    }
}

/// Goes on where the session ended, if there is one.
fn resume(attack: &mut Attack, path: &Path) -> Result<(), Failure> {
    let failure = |e: &dyn std::fmt::Display| Failure::new(format!("--session {}: {e}", path.display()));
    let text = match read(path, SESSION_BYTES) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|e| failure(&e))?,
    };
    attack.resume(Session::parse(&text).map_err(|e| failure(&e))?).map_err(|e| failure(&e))
}

/// Writes the session beside its name and puts it there, so that no half of one is ever there.
fn save(attack: &Attack, path: &Path) -> Result<(), Failure> {
    let failure = |e: std::io::Error| Failure::new(format!("--session {}: {e}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut out = output::open(Some(&beside))?;
    out.write_all(attack.session().to_text().as_bytes()).and_then(|()| out.flush()).map_err(failure)?;
    drop(out);
    std::fs::rename(&beside, path).map_err(failure)
}

/// Runs the attack; tells its progress, and writes the session now and then.
fn watch(attack: &mut Attack, args: &CrackArgs, stop: &AtomicBool) -> Result<(), Failure> {
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut work = Work::new(args.wordlist.iter().map(size).sum(), &args.work);
    let mut saved = Instant::now();
    let mut failure = None;
    pipeline::attack(attack, threads(&args.work), &mut |attack| {
        work.at(attack);
        if let Some(path) = args.session.as_ref().filter(|_| saved.elapsed() >= SAVE) {
            saved = Instant::now();
            failure = save(attack, path).err();
        }
        failure.is_none() && !stop.load(Ordering::Relaxed)
    });
    work.finish();
    if attack.is_astray() {
        let path = args.session.as_deref().unwrap_or(Path::new("-"));
        return Err(format!(
            "--session {}: a word list is not what it was; remove the file to begin anew",
            path.display()
        )
        .into());
    }
    failure.map_or(Ok(()), Err)
}
