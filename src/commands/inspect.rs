//! `wirelint inspect`: tokens without traffic before the rules.

use super::given::given;
use super::scan::{settings, unknown_format};
use super::{
    Failure, configure, destinations, exit, failing, key_store, output, parse_now, terminal, unused_keys,
};
use crate::cli::{InspectArgs, RuleArgs};
use crate::config::Config;
use crate::crack::Origin;
use crate::facts::{CaptureSummary, Dictionary, Given, Hands};
use crate::judge::Judge;
use crate::keys::{KeyStore, Opener, Opening};
use crate::message::{Channel, Location, Place, Position, Transport};
use crate::records::{INSPECT_FORMATS, Inspection, inspect_format};
use crate::time::{Day, Timestamp};
use crate::token::{Scanner, Sighting, Token};
use smallvec::SmallVec;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most bytes that are read from standard input.
const STDIN_BYTES: u64 = 64 << 20;
/// Tokens of one run: each has all rules to itself.
const TOKENS: usize = 10_000;
/// The groups of rules that ask about tokens alone; others want traffic.
const GROUPS: [&str; 2] = ["group:jose", "group:claims"];

/// Runs the command.
pub(super) fn run(args: &InspectArgs) -> Result<u8, Failure> {
    let format = inspect_format(&args.format)
        .ok_or_else(|| unknown_format(&args.format, INSPECT_FORMATS.iter().map(|f| f.name)))?;
    let scanner = Scanner::new();
    let now = args.now.as_deref().map(parse_now).transpose()?.unwrap_or_else(clock);
    let (mut rules, mut key_args) = (args.rules.clone(), args.keys.clone());
    let (config, warnings) =
        configure::tokens(&args.config, (&mut rules, &mut key_args), Day::at(now), &args.work)?;
    let files = [&key_args.key, &key_args.jwks, &key_args.secret_file].into_iter().flatten();
    destinations::spare(args.work.output(), &[], files.map(PathBuf::as_path))?;
    let keys = Arc::new(key_store(&key_args, &args.work)?);
    if rules.select.is_empty() {
        rules.select = GROUPS.map(str::to_owned).to_vec();
    }
    let given = given(&rules, Some(now), Arc::clone(&keys), Hands::default())?;
    let (tokens, strangers) = tokens(&args.tokens, &scanner)?;
    for text in warnings.into_iter().chain(unused_keys(&keys)).filter(|_| args.work.quiet == 0) {
        terminal::say(&format!("warning: {text}"));
    }
    let mut opener = Opener::default();
    let sightings = tokens.into_iter().flat_map(|token| opened(token, &mut opener, &keys, now));
    let inspect = |one| inspect(one, (&rules, &config), &given, &keys, args.work.show_secrets);
    let inspections = sightings.map(inspect).collect::<Result<Vec<_>, _>>()?;
    let mut out = output::open(args.work.output())?;
    let written =
        format.write(&inspections, settings(&args.work), &scanner, args.work.show_secrets, &mut *out);
    output::written(written.and_then(|()| out.flush()))?;
    for stranger in &strangers {
        terminal::say(&format!("error: {stranger}"));
    }
    let fail_on = args.fail_on.or(config.fail_on).unwrap_or_default();
    let failing = inspections.iter().any(|inspection| failing(&inspection.findings, fail_on));
    Ok(match failing {
        _ if !strangers.is_empty() => exit::FAILURE,
        true => exit::FINDINGS,
        false => exit::CLEAN,
    })
}

/// Tokens inside of each other that are inspected.
const LEVELS: usize = 4;

/// A token as if it had been sighted in a place that tells nothing, and behind it those inside of it that keys open: each
/// with the digest of the one around it.
fn opened(
    token: Arc<Token>,
    opener: &mut Opener,
    keys: &KeyStore,
    now: Timestamp,
) -> Vec<(Sighting, Option<[u8; 32]>)> {
    let mut open = |token: Arc<Token>| match opener.open(&token, keys, now) {
        Opening::Opened(opened) => opened,
        Opening::Closed | Opening::Spent => token,
    };
    let mut all = vec![(sighting(open(token), now), None)];
    while let Some((outer, _)) = all.last().filter(|_| all.len() < LEVELS)
        && let Some(inner) = outer.token.inside()
    {
        let within = Some(*outer.token.sha256());
        all.push((outer.around(open(Arc::clone(inner))), within));
    }
    all
}

/// One token before the rules.
fn inspect(
    (sighting, within): (Sighting, Option<[u8; 32]>),
    (rules, config): (&RuleArgs, &Config),
    given: &Given,
    keys: &KeyStore,
    show_secrets: bool,
) -> Result<Inspection, Failure> {
    let now = given.now.unwrap_or_default();
    let judge = Judge::new(configure::rule_set(rules, config)?, given, show_secrets);
    let mut judge = configure::judged_by(judge, config);
    let token = Arc::clone(&sighting.token);
    judge.sighting(sighting, None, 1);
    judge.finish(&mut CaptureSummary::default());
    let outcome = judge.memory::<Dictionary>().and_then(Dictionary::outcome);
    let found = outcome.and_then(|o| o.found.get(token.sha256())).filter(|found| found.is_weak());
    let secret = found.map(|found| (found.secret.clone(), in_words(found.origin)));
    let (trials, cut) = outcome.map_or((0, false), |outcome| (outcome.trials, outcome.cut));
    // What is inside of it is inspected by itself.
    let mut findings = judge.take_findings().0;
    findings.retain(|finding| finding.token.is_none_or(|sha256| sha256 == *token.sha256()));
    Ok(Inspection {
        signature: keys.verify(&token).signature.or_weak(secret.is_some()),
        keys: keys.tried(&token),
        given: keys.count(),
        secret,
        trials,
        cut,
        now,
        findings,
        within,
        token,
    })
}

/// Where a secret was found.
fn in_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Given => "which was given",
        Origin::Empty => "which is empty",
        Origin::Derived => "which follows from the token",
        Origin::Builtin => "from the built-in list",
        Origin::Wordlist => "from a list of --wordlist",
    }
}

fn sighting(token: Arc<Token>, now: Timestamp) -> Sighting {
    Sighting {
        token,
        spans: SmallVec::new(),
        position: Position { frame: 1, time: now, ..Position::default() },
        direction: None,
        place: Place::unnamed(Location::Stream),
        wrapping: SmallVec::new(),
        transport: Transport {
            flow: 0,
            client: None,
            server: None,
            channel: Channel::TlsDecrypted,
            protocol: "unknown",
        },
    }
}

/// The tokens of the arguments and of standard input, and what is to be said about texts without one.
fn tokens(arguments: &[String], scanner: &Scanner) -> Result<(Vec<Arc<Token>>, Vec<String>), Failure> {
    let (mut tokens, mut strangers) = (Vec::new(), Vec::new());
    let stdin = [String::from("-")];
    for (i, argument) in if arguments.is_empty() { &stdin } else { arguments }.iter().enumerate() {
        if argument != "-" {
            // What is no token may be a damaged one: it is not repeated.
            let found = tokens_of(argument, scanner);
            if found.is_empty() {
                strangers.push(format!("argument {}: no token", i + 1));
            }
            tokens.extend(found);
            continue;
        }
        let text = standard_input()?;
        let whole = json_form(&text);
        if !whole.is_empty() {
            tokens.extend(whole);
            continue;
        }
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let found = tokens_of(line, scanner);
            if found.is_empty() {
                strangers.push(format!("standard input: line {}: no token", n + 1));
            }
            tokens.extend(found);
        }
    }
    if tokens.len() > TOKENS {
        return Err(format!("{} tokens; at most {TOKENS} are inspected at once", tokens.len()).into());
    }
    if tokens.is_empty() && strangers.is_empty() {
        return Err("no token: give one as argument or on standard input".into());
    }
    Ok((tokens, strangers))
}

/// The tokens in a text: it is one, in compact or JSON form, or has some in it, as a field `Authorization: Bearer` does.
fn tokens_of(text: &str, scanner: &Scanner) -> Vec<Arc<Token>> {
    let text = text.trim();
    if let Some(token) = Token::parse(text.as_bytes()) {
        return vec![Arc::new(token)];
    }
    let mut found = json_form(text);
    if found.is_empty() {
        scanner.find_in_value(text.as_bytes(), &mut |hit| {
            found.extend(Token::parse(&hit.text).map(Arc::new));
        });
    }
    found
}

fn json_form(text: &str) -> Vec<Arc<Token>> {
    let value = text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
    value.map(|value| Token::from_json(&value)).unwrap_or_default().into_iter().map(Arc::new).collect()
}

fn standard_input() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        terminal::say("reading tokens from standard input, one a line; end with Ctrl-D");
    }
    let mut bytes = Vec::new();
    let read = stdin.lock().take(STDIN_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| format!("standard input: {e}"))?;
    if bytes.len() as u64 > STDIN_BYTES {
        return Err(format!("standard input is longer than {} MiB", STDIN_BYTES >> 20).into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A token alone has no packet that could tell the time.
pub(super) fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_parts(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), 0)
}
