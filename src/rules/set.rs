//! All rules of a run: built in and the user's, chosen and indexed.

use std::path::Path;

use super::bits::RuleBits;
use super::builtin::BUILTIN;
use super::error::{RuleError, RuleErrorKind};
use super::folder::read_dir;
use super::load::load;
use super::nearest::nearest;
use super::rule::{Group, Rule, Schemas, Subject};
use super::severity::{Confidence, Severity};
use super::sieve::{Shelf, Sift};
use crate::facts::Facts;
use crate::facts::value::Lookup;

/// The rules of a run.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    states: Vec<State>,
    index: Vec<Shelf>,
}

/// Whether a rule takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    /// On, but silent where its confidence is low.
    On,
    /// On at any confidence.
    Pedantic,
}

impl RuleSet {
    /// The rules that come with wirelint, all enabled whose confidence is not low.
    pub fn builtin(schemas: &dyn Schemas) -> Result<Self, Vec<RuleError>> {
        Self::builtin_as(str::to_owned, schemas)
    }

    /// The same without their examples, which take most of the time to read and which only documentation and tests want.
    pub fn builtin_without_examples(schemas: &dyn Schemas) -> Result<Self, Vec<RuleError>> {
        let end = |text: &str| ["\n[[bad]]", "\n[[good]]"].iter().filter_map(|e| text.find(e)).min();
        Self::builtin_as(|text| text[..end(text).map_or(text.len(), |end| end + 1)].to_owned(), schemas)
    }

    fn builtin_as(text: impl Fn(&str) -> String, schemas: &dyn Schemas) -> Result<Self, Vec<RuleError>> {
        let texts = BUILTIN.iter().map(|(id, source)| (format!("rules/{id}.toml"), text(source)));
        let mut set = Self::default();
        set.add(texts.collect(), schemas)?;
        Ok(set)
    }

    /// One rule alone, enabled at any confidence.
    pub fn single(file: &str, text: &str, schemas: &dyn Schemas) -> Result<Self, Vec<RuleError>> {
        let mut set = Self::default();
        set.add(vec![(file.to_owned(), text.to_owned())], schemas)?;
        set.choose(&[], &[], true).map_err(|error| vec![error])?;
        Ok(set)
    }

    /// Adds the rules of a folder: its files `*.toml`. A rule cannot replace one of the same id.
    pub fn load_dir(&mut self, dir: &Path, schemas: &dyn Schemas) -> Result<(), Vec<RuleError>> {
        self.add(read_dir(dir).map_err(|error| vec![error])?, schemas)
    }

    /// Chooses rules by id or `group:NAME`. With an empty `select` all are chosen. Rules of low confidence
    /// take part only if `pedantic`, or if `select` has their id.
    pub fn choose(&mut self, select: &[String], ignore: &[String], pedantic: bool) -> Result<(), RuleError> {
        let mut states = vec![if select.is_empty() { State::On } else { State::Off }; self.rules.len()];
        for name in select {
            let by_id = !name.starts_with(GROUP);
            for rule in self.named(name, "--select")? {
                states[rule] =
                    if by_id || states[rule] == State::Pedantic { State::Pedantic } else { State::On };
            }
        }
        for name in ignore {
            for rule in self.named(name, "--ignore")? {
                states[rule] = State::Off;
            }
        }
        for (state, rule) in states.iter_mut().zip(&self.rules) {
            let best = rule.confidence_if.iter().map(|case| case.is).fold(rule.confidence, Ord::max);
            *state = match *state {
                State::On if pedantic => State::Pedantic,
                State::On if best == Confidence::Low => State::Off,
                other => other,
            };
        }
        self.states = states;
        self.reindex();
        Ok(())
    }

    /// Every rule, enabled or not, in the order of the ids. Positions are the indices used elsewhere.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.position(id).map(|at| &self.rules[at])
    }

    /// The rule of that id, or an error with the nearest one.
    pub fn find(&self, id: &str) -> Result<&Rule, RuleError> {
        self.get(id).ok_or_else(|| self.unknown(id, "rules"))
    }

    /// Whether `name` is a rule or `group:NAME`.
    ///
    /// # Errors
    /// With the nearest name, if it is none.
    pub fn check(&self, name: &str) -> Result<(), RuleError> {
        self.named(name, "rules").map(drop)
    }

    /// Whether the rule of that name takes part, or one of `group:NAME`.
    pub fn takes_part(&self, name: &str) -> bool {
        self.named(name, "rules").is_ok_and(|all| all.iter().any(|at| self.is_enabled(*at)))
    }

    /// From now on, findings of a rule, or of those of `group:NAME`, have this severity, whatever the rule says.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn fix_severity(&mut self, name: &str, severity: Severity) -> Result<(), RuleError> {
        for at in self.named(name, "[severity]")? {
            self.rules[at].fixed = Some(severity);
        }
        Ok(())
    }

    /// Whether the rule at `index` takes part.
    pub fn is_enabled(&self, index: usize) -> bool {
        self.states.get(index).is_some_and(|state| *state != State::Off)
    }

    /// Whether a finding of the rule at `index` with this confidence is reported.
    pub fn reports(&self, index: usize, confidence: Confidence) -> bool {
        match self.states.get(index) {
            Some(State::Pedantic) => true,
            Some(State::On) => confidence > Confidence::Low,
            Some(State::Off) | None => false,
        }
    }

    /// Fills `out` with the enabled rules about that kind of subject.
    pub fn about(&self, on: Subject, out: &mut RuleBits) {
        out.clear();
        self.index.get(on as usize).into_iter().for_each(|shelf| out.add(&shelf.all));
    }

    /// Takes those of these rules out that need a fact to be other than it is. Rules that are taken out would not fire and would not be pending.
    pub fn sift(&self, on: Subject, lookup: &dyn Lookup, by: Sift, rules: &mut RuleBits) {
        if let Some(shelf) = self.index.get(on as usize) {
            shelf.sift(lookup, by, rules);
        }
    }

    fn add(&mut self, texts: Vec<(String, String)>, schemas: &dyn Schemas) -> Result<(), Vec<RuleError>> {
        let mut errors = Vec::new();
        for (file, text) in texts {
            match load(&file, &text, schemas) {
                Ok(rule) => match self.rules.iter().find(|other| other.id == rule.id) {
                    Some(other) => {
                        let kind = RuleErrorKind::Duplicate { id: rule.id, other: other.file.clone() };
                        errors.push(RuleError::new(file, kind));
                    }
                    None => self.rules.push(rule),
                },
                Err(error) => errors.push(error),
            }
        }
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
        if errors.is_empty() {
            self.choose(&[], &[], false).map_err(|error| vec![error])
        } else {
            Err(errors)
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok()
    }

    /// The rules that `name` stands for.
    fn named(&self, name: &str, place: &str) -> Result<Vec<usize>, RuleError> {
        if let Some(group) = name.strip_prefix(GROUP) {
            let group = Group::parse(group).ok_or_else(|| self.unknown(name, place))?;
            let members = self.rules.iter().enumerate().filter(|(_, rule)| rule.group == group);
            return Ok(members.map(|(at, _)| at).collect());
        }
        self.position(name).map(|at| vec![at]).ok_or_else(|| self.unknown(name, place))
    }

    fn unknown(&self, name: &str, place: &str) -> RuleError {
        let groups: Vec<String> = Group::NAMES.iter().map(|group| format!("{GROUP}{group}")).collect();
        let names = self.rules.iter().map(|rule| rule.id.as_str()).chain(groups.iter().map(String::as_str));
        let exact = groups.iter().find(|group| group.strip_prefix(GROUP) == Some(name));
        let meant = exact.cloned().or_else(|| nearest(name, names).map(str::to_owned));
        RuleError::new(place, RuleErrorKind::UnknownRule(name.to_owned())).meant(meant)
    }

    fn reindex(&mut self) {
        let enabled = || self.rules.iter().enumerate().filter(|(at, _)| self.is_enabled(*at));
        let shelf = |on: &Subject| Shelf::of(enabled().filter(|(_, rule)| rule.on == *on), Facts::of(*on));
        self.index = Subject::ALL.iter().map(shelf).collect();
    }
}

const GROUP: &str = "group:";

#[cfg(test)]
mod tests {
    use super::super::expr::Verdict;
    use super::super::expr::sample::{Facts, SCHEMA};
    use super::*;

    fn text(on: &str, group: &str, confidence: &str, when: &str) -> String {
        format!(
            "on = '{on}'\ngroup = '{group}'\ntitle = 't'\nseverity = 'low'\nconfidence = '{confidence}'\n\
             when = \"{when}\"\nmessage = 'm'\nabout = 'a'\nremedy = 'r'\n"
        )
    }

    fn sample() -> RuleSet {
        let mut set = RuleSet::default();
        let files = [
            (
                "a-clear",
                text("sighting", "transport", "high", "channel == 'cleartext' && token.lifetime > 5"),
            ),
            ("b-tls", text("sighting", "transport", "high", "channel in ['tls', 'cleartext'] && true")),
            ("c-alg", text("sighting", "jose", "high", "token.alg == 'none' && channel == 'tls'")),
            ("d-any", text("sighting", "claims", "high", "channel == 'cleartext' || late.cracked")),
            ("e-low", text("sighting", "claims", "low", "channel == 'tls'")),
            ("f-flow", text("flow", "transport", "high", "channel == 'cleartext'")),
        ];
        let files = files.map(|(id, text)| (format!("x/{id}.toml"), text));
        set.add(files.to_vec(), &SCHEMA).unwrap();
        set
    }

    fn ids(set: &RuleSet, on: Subject, facts: &Facts) -> Vec<String> {
        let mut out = RuleBits::default();
        set.about(on, &mut out);
        set.sift(on, facts, Sift::All, &mut out);
        out.iter().map(|at| set.rules()[at].id.clone()).collect()
    }

    #[test]
    fn candidates_are_those_that_can_fire() {
        let mut set = sample();
        let clear = Facts::default();
        assert_eq!(ids(&set, Subject::Sighting, &clear), ["a-clear", "b-tls", "d-any"]);
        assert_eq!(ids(&set, Subject::Flow, &clear), ["f-flow"]);
        assert_eq!(ids(&set, Subject::Tls, &clear), [""; 0]);
        set.choose(&[], &[], true).unwrap();
        for channel in ["cleartext", "tls", "other"] {
            let facts = Facts { channel: channel.to_owned(), ..Facts::default() };
            let candidates = ids(&set, Subject::Sighting, &facts);
            for rule in set.rules().iter().filter(|rule| rule.on == Subject::Sighting) {
                let verdict = rule.judge(&facts).verdict;
                assert!(verdict == Verdict::No || candidates.contains(&rule.id), "{channel} {}", rule.id);
            }
        }
    }

    #[test]
    fn choices() {
        let mut set = sample();
        let enabled = |set: &RuleSet| -> Vec<String> {
            let on = set.rules().iter().enumerate().filter(|(at, _)| set.is_enabled(*at));
            on.map(|(_, rule)| rule.id.clone()).collect()
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(enabled(&set), ["a-clear", "b-tls", "c-alg", "d-any", "f-flow"]);
        set.choose(&names(&["group:transport", "e-low"]), &names(&["b-tls"]), false).unwrap();
        assert_eq!(enabled(&set), ["a-clear", "e-low", "f-flow"]);
        assert!(set.reports(4, Confidence::Low) && !set.reports(0, Confidence::Low));
        set.choose(&names(&["group:claims"]), &[], false).unwrap();
        assert_eq!(enabled(&set), ["d-any"]);
        set.choose(&[], &names(&["group:transport"]), true).unwrap();
        assert_eq!(enabled(&set), ["c-alg", "d-any", "e-low"]);
        assert!(set.reports(3, Confidence::Low));
        for (name, meant) in
            [("a-claer", "a-clear"), ("group:transprt", "group:transport"), ("jose", "group:jose")]
        {
            let error = set.choose(&names(&[name]), &[], false).unwrap_err();
            assert_eq!(error.nearest.as_deref(), Some(meant), "{error}");
            assert!(error.to_string().starts_with("--select: no rule"), "{error}");
        }
    }

    #[test]
    fn folders() {
        let dir = tempfile::tempdir().unwrap();
        let mut set = sample();
        assert!(matches!(set.load_dir(dir.path(), &SCHEMA).unwrap_err()[0].kind, RuleErrorKind::Read(_)));
        assert!(set.load_dir(&dir.path().join("none"), &SCHEMA).is_err());
        std::fs::write(dir.path().join("mine.toml"), text("tls", "jose", "high", "true")).unwrap();
        std::fs::write(dir.path().join("note.txt"), "no rule").unwrap();
        set.load_dir(dir.path(), &SCHEMA).unwrap();
        assert_eq!(set.get("mine").unwrap().on, Subject::Tls);
        std::fs::write(dir.path().join("broken.toml"), text("tls", "jose", "high", "tru")).unwrap();
        let errors = set.load_dir(dir.path(), &SCHEMA).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().contains("broken.toml:6:9: unknown fact `tru`"), "{}", errors[0]);
        assert!(matches!(&errors[1].kind, RuleErrorKind::Duplicate { id, .. } if id == "mine"));
    }

    #[test]
    fn builtin_lists_every_file() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let listed: Vec<&str> = BUILTIN.iter().map(|(id, _)| *id).collect();
        assert_eq!(files, listed, "src/rules/builtin.rs must list every rules/*.toml, sorted");
        for (id, text) in BUILTIN {
            let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{id}: {error}"));
            for key in ["bad", "good"] {
                assert!(table.contains_key(key), "{id} has no [[{key}]] example");
            }
        }
    }
}
