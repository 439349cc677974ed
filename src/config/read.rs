//! Reads configuration files. Everything that can be wrong with one is found here, except for names of rules.

use super::keys::{FAIL_ON, TABLES, known};
use super::{Config, Expect};
use crate::policy::{HostPattern, Network, Places, SecretPattern};
use crate::rules::document::{Item, Section, Text};
use crate::rules::{FailOn, RuleError, RuleErrorKind, Severity};
use crate::suppress::{Selector, Suppression};
use crate::time::Day;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Reads a file, or one that stands beside a capture. Paths in it start from `folder`.
pub(super) fn config(file: &str, text: &str, folder: &Path, beside: bool) -> Result<Config, RuleError> {
    let document = DeTable::parse(text).map_err(|error| {
        let kind = RuleErrorKind::Toml(error.message().trim().replace('\n', "; "));
        RuleError::at(file, kind, text, error.span().unwrap_or(0..0))
    })?;
    let names: Vec<&'static str> = match beside {
        true => TABLES.iter().filter(|table| table.beside).map(|table| table.name).collect(),
        false => known(""),
    };
    let top = Section::top(file, text, document.get_ref(), &names)?;
    Reader { top, folder, config: Config::default() }.read()
}

/// Reads arbitrary bytes as a configuration file: nothing but an error may come of it.
#[doc(hidden)]
pub fn fuzz_config_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for beside in [false, true] {
        match config("fuzz.toml", text, Path::new("x"), beside) {
            Ok(config) => drop(format!("{config:?}")),
            Err(error) => drop(error.to_string()),
        }
    }
}

struct Reader<'a> {
    top: Section<'a>,
    folder: &'a Path,
    config: Config,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Config, RuleError> {
        let top = self.top.clone();
        if let Some(text) = top.optional("fail-on")? {
            self.config.fail_on = Some(word(&top, "fail-on", &text, FAIL_ON, FailOn::parse)?);
        }
        self.config.strict = top.flag("strict")?.unwrap_or_default();
        self.config.pedantic = top.flag("pedantic")?.unwrap_or_default();
        self.config.formats = top.texts("format")?;
        self.config.baseline = top.optional("baseline")?.map(|text| self.folder.join(text.value));
        if let Some(rules) = self.section("rules")? {
            self.config.rule_dirs = self.paths(&rules, "dirs")?;
            self.config.docs = rules.optional("docs")?.map(|text| address(&rules, &text)).transpose()?;
            self.config.select = self.rule_names(&rules, "select")?;
            self.config.ignore = self.rule_names(&rules, "ignore")?;
        }
        if let Some(section) = self.section("severity")? {
            for name in section.keys() {
                let text =
                    section.optional(name.value)?.unwrap_or(Text { value: "", span: name.span.clone() });
                let severity = word(&section, name.value, &text, &Severity::NAMES, Severity::parse)?;
                self.mention(&section, &name);
                self.config.severities.push((name.value.to_owned(), severity));
            }
        }
        self.policy()?;
        self.reading()?;
        let suppressions = top.sections("suppress", &known("suppress"))?;
        for section in suppressions {
            let suppression = self.suppression(&section)?;
            self.config.suppressions.push(suppression);
        }
        if let Some(section) = self.section("expect")? {
            let expect = self.expect(&section)?;
            self.config.expect = Some(expect);
        }
        Ok(self.config)
    }

    fn policy(&mut self) -> Result<(), RuleError> {
        if let Some(section) = self.section("cleartext")? {
            self.config.policy.cleartext = places(&section)?;
        }
        if let Some(section) = self.section("internal")? {
            self.config.policy.own = places(&section)?;
        }
        if let Some(section) = self.section("lifetimes")? {
            let policy = &mut self.config.policy;
            for (key, value) in [
                ("token", &mut policy.token_lifetime),
                ("refresh", &mut policy.refresh_lifetime),
                ("proof", &mut policy.proof_lifetime),
                ("skew", &mut policy.skew),
            ] {
                *value = duration(&section, key)?.unwrap_or(*value);
            }
        }
        if let Some(section) = self.section("expected")? {
            self.config.policy.issuers = section.texts("issuers")?;
            self.config.policy.expected_audiences = section.texts("audiences")?;
        }
        if let Some(section) = self.section("audiences")? {
            for name in section.keys() {
                for host in section.strings(name.value)? {
                    host_pattern(&section, name.value, &host)?;
                    self.config
                        .policy
                        .audiences
                        .push((name.value.to_owned(), host.value.to_ascii_lowercase()));
                }
            }
        }
        if let Some(section) = self.section("secrets")? {
            for name in section.keys() {
                let Some(text) = section.optional(name.value)? else { continue };
                let pattern = SecretPattern::new(name.value, text.value)
                    .map_err(|why| bad(&section, name.value, why, &text))?;
                self.config.policy.secrets.push(pattern);
            }
        }
        Ok(())
    }

    fn reading(&mut self) -> Result<(), RuleError> {
        let mut reading = super::Reading::default();
        if let Some(section) = self.section("attack")? {
            reading.wordlists = self.paths(&section, "wordlists")?;
            reading.budget = section.count("budget")?;
        }
        if let Some(section) = self.section("read")? {
            reading.decode_as = section.texts("decode-as")?;
            reading.verify_checksums = section.flag("verify-checksums")?.unwrap_or_default();
            reading.keylog = self.paths(&section, "keylog")?;
            reading.rsa_key = self.paths(&section, "rsa-key")?;
        }
        self.config.reading = reading;
        if let Some(section) = self.section("keys")? {
            let [key, jwks, secret] = ["key", "jwks", "secret-file"].map(|key| self.paths(&section, key));
            self.config.keys = [key?, jwks?, secret?];
        }
        Ok(())
    }

    fn suppression(&mut self, section: &Section<'a>) -> Result<Suppression, RuleError> {
        let selector = self.selector(section)?;
        if selector.is_empty() {
            let why = "it needs a `rule`, `host`, `route` or `fingerprint`, or it would suppress everything";
            let kind = RuleErrorKind::Value { key: "suppress".to_owned(), why: why.to_owned() };
            return Err(section.error(kind, section.span.clone()));
        }
        let expires = match section.date("expires")? {
            Some((year, month, day)) => Some(Day::of(year, month, day).ok_or_else(|| {
                section.wrong("expires", "a date like 2027-01-31", section.place("expires"))
            })?),
            None => None,
        };
        Ok(Suppression {
            selector,
            reason: section.required("reason")?.value.trim().to_owned(),
            expires,
            origin: format!("{}:{}", section.file, section.line()),
            scope: None,
        })
    }

    fn expect(&mut self, section: &Section<'a>) -> Result<Expect, RuleError> {
        Ok(Expect {
            find: self.selectors(section, "find")?,
            not_find: self.selectors(section, "not-find")?,
            only: section.flag("only")?.unwrap_or_default(),
            sightings: section.count("sightings")?.unwrap_or_default(),
            inspected: section.share("inspected")?.unwrap_or_default(),
        })
    }

    /// Rules by name, or tables.
    fn selectors(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
    ) -> Result<Vec<(Selector, String)>, RuleError> {
        let mut all = Vec::new();
        for item in section.items(key, "a list of rules or of tables")? {
            let (selector, span) = match item {
                Item::Text(name) => {
                    self.mention(section, &name);
                    (Selector { rule: Some(name.value.to_owned()), ..Selector::default() }, name.span)
                }
                Item::Section(table) => {
                    table.deny(&["rule", "host", "route", "fingerprint"])?;
                    (self.selector(&table)?, table.span.clone())
                }
            };
            let written = section.text.get(span).unwrap_or_default();
            let written = written.trim_matches(['"', '\'']).split_whitespace().collect::<Vec<_>>().join(" ");
            all.push((selector, written));
        }
        Ok(all)
    }

    fn selector(&mut self, section: &Section<'a>) -> Result<Selector, RuleError> {
        let rule = section.optional("rule")?;
        if let Some(rule) = &rule {
            self.mention(section, rule);
        }
        let host = section.optional("host")?;
        let host = host.map(|text| host_pattern(section, "host", &text)).transpose()?;
        let fingerprint = section.optional("fingerprint")?;
        if let Some(text) = &fingerprint
            && (text.value.len() != 16
                || !text.value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
        {
            let why = "a fingerprint has 16 hexadecimal digits, as reports print it";
            return Err(bad(section, "fingerprint", why.to_owned(), text));
        }
        Ok(Selector {
            rule: rule.map(|text| text.value.to_owned()),
            host,
            route: section.optional("route")?.map(|text| text.value.to_owned()),
            fingerprint: fingerprint.map(|text| text.value.to_owned()),
        })
    }

    fn section(&self, name: &'static str) -> Result<Option<Section<'a>>, RuleError> {
        self.top.section(name, &known(name))
    }

    fn paths(&self, section: &Section<'a>, key: &'static str) -> Result<Vec<PathBuf>, RuleError> {
        Ok(section.texts(key)?.iter().map(|path| self.folder.join(path)).collect())
    }

    /// A list of rules and groups.
    fn rule_names(&mut self, section: &Section<'a>, key: &'static str) -> Result<Vec<String>, RuleError> {
        let names = section.strings(key)?;
        names.iter().for_each(|name| self.mention(section, name));
        Ok(names.iter().map(|name| name.value.to_owned()).collect())
    }

    /// Notes the name of a rule: it is checked when the rules are known.
    fn mention(&mut self, section: &Section<'a>, name: &Text<'a>) {
        let kind = RuleErrorKind::UnknownRule(name.value.to_owned());
        self.config.mentions.push((name.value.to_owned(), section.error(kind, name.span.clone())));
    }
}

fn places(section: &Section<'_>) -> Result<Places, RuleError> {
    let mut places = Places::default();
    for host in section.strings("hosts")? {
        places.hosts.push(host_pattern(section, "hosts", &host)?);
    }
    for network in section.strings("networks")? {
        let why = "networks are written like 10.0.0.0/8 or fd00::/8";
        let read = Network::parse(network.value);
        places.networks.push(read.ok_or_else(|| bad(section, "networks", why.to_owned(), &network))?);
    }
    Ok(places)
}

/// An address that can stand in any report as it is.
fn address(section: &Section<'_>, text: &Text<'_>) -> Result<String, RuleError> {
    let scheme = ["https://", "http://"].iter().find_map(|scheme| text.value.strip_prefix(scheme));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:?=&%+@,".contains(c);
    match scheme.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain)) {
        true => Ok(text.value.to_owned()),
        false => {
            let why = "an address like https://docs.example.test/rules.html is needed, without a fragment";
            Err(bad(section, "docs", why.to_owned(), text))
        }
    }
}

fn host_pattern(section: &Section<'_>, key: &str, text: &Text<'_>) -> Result<HostPattern, RuleError> {
    let why = "hosts are written like api.example.test, *.example.test, api.example.test:8080 or 10.0.0.1";
    HostPattern::parse(text.value).ok_or_else(|| bad(section, key, why.to_owned(), text))
}

/// A duration in seconds: `90s`, `10m`, `24h`, `30d`, or a number.
fn duration(section: &Section<'_>, key: &'static str) -> Result<Option<i64>, RuleError> {
    let Ok(Some(text)) = section.optional(key) else {
        let expected = "a duration like \"90s\", \"10m\", \"24h\" or \"30d\"";
        let seconds = section.count(key).map_err(|_| section.wrong(key, expected, section.place(key)))?;
        return Ok(seconds.map(|n| i64::try_from(n).unwrap_or(i64::MAX)));
    };
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: i64 = text.value.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(*seconds).filter(|n| *n >= 0)
    });
    let why = "durations are written like \"90s\", \"10m\", \"24h\" or \"30d\"";
    read.map(Some).ok_or_else(|| bad(section, key, why.to_owned(), &text))
}

fn word<T>(
    section: &Section<'_>,
    key: &str,
    text: &Text<'_>,
    allowed: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, RuleError> {
    parse(text.value).ok_or_else(|| {
        let why = format!("`{}` is none of {}", text.value.escape_debug(), allowed.join(", "));
        let near = crate::rules::nearest::nearest(text.value, allowed.iter().copied());
        bad(section, key, why, text).meant(near)
    })
}

fn bad(section: &Section<'_>, key: &str, why: String, text: &Text<'_>) -> RuleError {
    section.error(RuleErrorKind::Value { key: key.to_owned(), why }, text.span.clone())
}
