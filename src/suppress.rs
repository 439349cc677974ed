//! Findings that the operator accepts: by rule, host, route or fingerprint, with a reason, until a day.

use crate::capture::{Comment, FileId};
use crate::finding::Identity;
use crate::limits;
use crate::policy::HostPattern;
use crate::rules::{Rule, RuleSet};
use crate::time::Day;
use foldhash::{HashSet, HashSetExt};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// Which findings are meant: those that all that is said fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Id of a rule, or `group:NAME`.
    pub rule: Option<String>,
    /// Host of the finding.
    pub host: Option<HostPattern>,
    /// Method and path, or the path alone; `*` stands for any characters.
    pub route: Option<String>,
    /// The 16 digits that reports print.
    pub fingerprint: Option<String>,
}

/// Findings that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Which findings.
    pub selector: Selector,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Day>,
    /// Where it is written, for messages: file and line.
    pub origin: String,
    /// The part of the input in which it holds; all of it by default.
    pub scope: Option<Scope>,
}

/// Packets of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The file.
    pub file: FileId,
    /// Numbers of packets.
    pub packets: Range<u64>,
}

/// The suppressions of a run, and what they did.
#[derive(Debug, Default)]
pub struct Suppressions {
    list: Vec<(Suppression, bool)>,
    /// Findings that they keep out of the report: rule and identity, as a hash.
    findings: HashSet<u64>,
}

impl Selector {
    /// Whether nothing is said, so that everything would fit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a finding of this rule, group and identity is meant. The identity's own rule is not looked at.
    pub fn fits(&self, rule: &str, group: &str, identity: &Identity) -> bool {
        let rule_fits = |wanted: &String| match wanted.strip_prefix("group:") {
            Some(name) => name == group,
            None => wanted == rule,
        };
        self.rule.as_ref().is_none_or(rule_fits)
            && self.host.as_ref().is_none_or(|host| host.fits(&identity.host))
            && self.route.as_ref().is_none_or(|route| route_fits(route, &identity.route))
            && self.fingerprint.as_ref().is_none_or(|wanted| {
                let whole = Identity { rule: rule.to_owned(), ..identity.clone() };
                whole.fingerprint() == *wanted
            })
    }
}

/// Whether a pattern of method and path, or of a path alone, means the route.
fn route_fits(pattern: &str, route: &str) -> bool {
    let path = || route.split_once(' ').map_or(route, |(_, path)| path);
    glob(pattern, if pattern.starts_with('/') { path() } else { route })
}

/// Whether `text` is the pattern, in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(last)
}

/// What a comment begins with.
const CALL: &str = "wirelint:";
/// The end of a section that goes on.
const TO_THE_END: u64 = u64::MAX;

/// The rules and the reason of `wirelint:ignore[RULE, ...] reason=...`.
fn read_comment(line: &str) -> Result<(Vec<&str>, &str), &'static str> {
    let said = line.split_once(CALL).map_or("", |(_, said)| said);
    let said = said.strip_prefix("ignore[").ok_or("it is not written `wirelint:ignore[RULE] reason=...`")?;
    let (names, rest) = said.split_once(']').ok_or("the bracket behind the rule is missing")?;
    let reason = rest.trim().strip_prefix("reason=").unwrap_or_default().trim().trim_matches('"');
    match reason.is_empty() {
        true => Err("it has no reason (`reason=...`)"),
        false => Ok((names.split(',').map(str::trim).collect(), reason)),
    }
}

impl Suppressions {
    /// One more.
    pub fn add(&mut self, suppression: Suppression) {
        if self.list.len() < limits::SUPPRESSIONS {
            self.list.push((suppression, false));
        }
    }

    /// What a comment in a capture says holds from now on: `wirelint:ignore[RULE] reason=...` for its packet, or for all packets
    /// of its section. `name` is the capture's. Gives what is wrong with it, in words.
    pub fn hear(&mut self, file: FileId, name: &str, comment: &Comment, rules: &RuleSet) -> Vec<String> {
        if comment.begins {
            for scope in self.list.iter_mut().filter_map(|(s, _)| s.scope.as_mut()) {
                // What stands beside the file holds for all of it.
                if scope.file == file && scope.packets.end == TO_THE_END && scope.packets.start > 0 {
                    scope.packets.end = comment.packet;
                }
            }
        }
        let end = if comment.section { TO_THE_END } else { comment.packet + 1 };
        let origin = match comment.section {
            true => format!("{name}: comment of the section at packet {}", comment.packet),
            false => format!("{name}: comment of packet {}", comment.packet),
        };
        let mut wrong = Vec::new();
        for line in comment.text.lines().filter(|line| line.contains(CALL)) {
            let (names, reason) = match read_comment(line) {
                Ok(said) => said,
                Err(why) => {
                    wrong.push(format!("{origin}: {why}; nothing is suppressed by it"));
                    continue;
                }
            };
            for rule in names {
                if let Err(error) = rules.check(rule) {
                    wrong.push(format!("{origin}: {}", error.plain()));
                    continue;
                }
                self.add(Suppression {
                    selector: Selector { rule: Some(rule.to_owned()), ..Selector::default() },
                    reason: reason.to_owned(),
                    expires: None,
                    origin: origin.clone(),
                    scope: Some(Scope { file, packets: comment.packet..end }),
                });
            }
        }
        wrong
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether an occurrence of a finding is accepted. `at` is the packet where reports would say that it is.
    pub fn cover(&mut self, rule: &Rule, identity: &Identity, at: Option<(FileId, u64)>) -> bool {
        let here = |scope: &Scope| at.is_some_and(|(f, n)| f == scope.file && scope.packets.contains(&n));
        let mut covered = false;
        for (suppression, used) in &mut self.list {
            let fits = suppression.scope.as_ref().is_none_or(here)
                && suppression.selector.fits(&rule.id, rule.group.as_str(), identity);
            *used |= fits;
            covered |= fits;
        }
        if covered && self.findings.len() < limits::FINDINGS {
            let mut hash = DefaultHasher::new();
            (&rule.id, identity).hash(&mut hash);
            self.findings.insert(hash.finish());
        }
        covered
    }

    /// Findings that are kept out of the report.
    pub fn count(&self) -> u64 {
        self.findings.len() as u64
    }

    /// What is to be said at the end: those that nothing was found for, unless their rule did not run. With `part`, what was read
    /// is but a part of the inputs, and those that hold for all of them may still be needed.
    pub fn unused(&self, rules: &RuleSet, part: bool) -> Vec<String> {
        let runs = |selector: &Selector| match &selector.rule {
            Some(name) => rules.takes_part(name),
            None => true,
        };
        let unused = self.list.iter().filter(|(suppression, used)| {
            !used && runs(&suppression.selector) && !(part && suppression.scope.is_none())
        });
        unused
            .map(|(s, _)| format!("{}: nothing was found that this suppresses; remove it", s.origin))
            .collect()
    }
}

impl Clone for Suppressions {
    fn clone(&self) -> Self {
        Self { list: self.list.clone(), findings: HashSet::new() }
    }
}

impl FromIterator<Suppression> for Suppressions {
    fn from_iter<T: IntoIterator<Item = Suppression>>(all: T) -> Self {
        let mut this = Self::default();
        all.into_iter().for_each(|suppression| this.add(suppression));
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            host: "api.example.test:8080".into(),
            route: "GET /v1/users/{id}".into(),
            place: "query access_token".into(),
            ..Identity::default()
        }
    }

    #[test]
    fn selectors() {
        let fits = |selector: Selector| selector.fits("token-in-url-query", "placement", &identity());
        let rule = |name: &str| Selector { rule: Some(name.into()), ..Selector::default() };
        assert!(fits(rule("token-in-url-query")) && fits(rule("group:placement")));
        assert!(!fits(rule("token-in-url-path")) && !fits(rule("group:jose")) && !fits(rule("placement")));
        let host = |name: &str| Selector { host: HostPattern::parse(name), ..Selector::default() };
        assert!(fits(host("api.example.test")) && fits(host("*.example.test:8080")));
        assert!(!fits(host("example.test")) && !fits(host("api.example.test:80")));
        let route = |text: &str| Selector { route: Some(text.into()), ..Selector::default() };
        for yes in ["/v1/users/{id}", "GET /v1/users/{id}", "/v1/*", "GET *", "*users*", "/v1/*/{id}"] {
            assert!(fits(route(yes)), "{yes}");
        }
        for no in ["/v1/users", "POST /v1/*", "/v2/*", "", "*/users", "/v1/*/users/{id}x"] {
            assert!(!fits(route(no)), "{no}");
        }
        let whole = Identity { rule: "token-in-url-query".into(), ..identity() }.fingerprint();
        assert!(fits(Selector { fingerprint: Some(whole), ..Selector::default() }));
        assert!(!fits(Selector { fingerprint: Some("0".repeat(16)), ..Selector::default() }));
        assert!(!fits(Selector { host: HostPattern::parse("other.test"), ..rule("token-in-url-query") }));
    }

    #[test]
    fn stars_do_not_overlap() {
        assert!(glob("a*a", "aa") && !glob("a*a", "a") && glob("*", "") && glob("a**b", "ab"));
        assert!(glob("*ab*ab*", "abxab") && !glob("*ab*ab*", "abx"));
    }

    #[test]
    fn comments_in_captures() {
        let rules = RuleSet::builtin_without_examples(&crate::facts::Facts).unwrap();
        let rule = rules.find("token-in-url-query").unwrap();
        let comment =
            |packet, section, begins, text: &str| Comment { packet, section, begins, text: text.into() };
        let mut all = Suppressions::default();
        let file = FileId(3);
        let mut hear = |comment: Comment| all.hear(file, "a.pcapng", &comment, &rules);
        let whole = "seen\nwirelint:ignore[token-in-url-query, group:jose] reason=a lab";
        assert!(hear(comment(1, true, true, whole)).is_empty());
        assert!(hear(comment(10, true, true, "")).is_empty());
        assert!(
            hear(comment(12, false, false, "wirelint:ignore[token-in-url-query] reason=\"lab\"")).is_empty()
        );
        for (text, said) in [
            ("wirelint:ignore[token-in-url-query]", "it has no reason"),
            ("wirelint:ignore token-in-url-query reason=x", "it is not written"),
            ("wirelint:ignore[token-in-url-query reason=x", "the bracket"),
            ("wirelint:ignore[token-in-url-qery] reason=x", "did you mean `token-in-url-query`?"),
        ] {
            let wrong = hear(comment(13, false, false, text));
            assert!(wrong.len() == 1 && wrong[0].contains(said), "{wrong:?}");
            assert!(wrong[0].starts_with("a.pcapng: comment of packet 13: "), "{wrong:?}");
        }
        let mut covered = |packet| all.cover(rule, &identity(), Some((file, packet)));
        assert!(covered(1) && covered(9) && covered(12));
        assert!(!covered(10) && !covered(11) && !covered(13));
        assert!(!all.cover(rule, &identity(), Some((FileId(0), 1))));
    }

    #[test]
    fn a_scope_holds_for_its_packets() {
        let rules = RuleSet::builtin_without_examples(&crate::facts::Facts).unwrap();
        let rule = rules.find("token-in-url-query").unwrap();
        let suppression = Suppression {
            selector: Selector { rule: Some(rule.id.clone()), ..Selector::default() },
            reason: "test".into(),
            expires: None,
            origin: "a:1".into(),
            scope: Some(Scope { file: FileId(1), packets: 4..6 }),
        };
        let mut all: Suppressions = [suppression].into_iter().collect();
        for (at, covered) in [(Some((FileId(0), 4)), false), (Some((FileId(1), 6)), false), (None, false)] {
            assert_eq!(all.cover(rule, &identity(), at), covered);
        }
        assert_eq!(all.unused(&rules, false).len(), 1);
        assert!(all.cover(rule, &identity(), Some((FileId(1), 5))));
        assert!(all.cover(rule, &identity(), Some((FileId(1), 4))));
        assert_eq!((all.count(), all.unused(&rules, false).len()), (1, 0));
    }
}
