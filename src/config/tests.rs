//! What configuration files may say, and what is said about those that do not.

use super::keys::{KEYS, Key, Kind, TABLES};
use super::*;
use crate::facts::Facts;
use crate::rules::Confidence;

fn parse(text: &str) -> Result<Config, RuleError> {
    read::config("x/wirelint.toml", text, Path::new("x"), false)
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// A file in which one key stands, and what else must.
fn with(key: &Key, name: &str, value: &str) -> String {
    let table = TABLES.iter().find(|table| table.name == key.table).unwrap();
    let head = match (table.name, table.many) {
        ("", _) => String::new(),
        (name, true) => format!("[[{name}]]\n"),
        (name, false) => format!("[{name}]\n"),
    };
    let mut text = format!("{head}{name} = {value}\n");
    if table.name == "suppress" {
        let others = [("rule", "'jwt-alg-none'"), ("reason", "'because'")];
        let others = others.iter().filter(|(other, _)| *other != key.name);
        others.for_each(|(other, value)| text.push_str(&format!("{other} = {value}\n")));
    }
    text
}

#[test]
fn every_documented_key_is_read() {
    let nothing = format!("{:?}", Config::default());
    for key in KEYS {
        let text = with(key, key.name, key.example);
        let config = parse(&text).unwrap_or_else(|e| panic!("{text}{e}"));
        assert_ne!(format!("{config:?}"), nothing, "{text}");
        if key.table == "suppress" && key.name != "rule" && key.name != "reason" {
            let without = with(key, key.name, key.example).replacen(
                &format!("{} = {}\n", key.name, key.example),
                "",
                1,
            );
            assert_ne!(format!("{config:?}"), format!("{:?}", parse(&without).unwrap()), "{text}");
        }
    }
}

#[test]
fn every_unknown_key_is_refused_with_the_nearest_one() {
    for key in KEYS {
        let open = TABLES.iter().any(|table| table.name == key.table && table.open);
        if open {
            continue;
        }
        let wrong = format!("{}x", key.name);
        let text = error(&with(key, &wrong, key.example));
        assert!(text.contains(&format!("unknown key `{wrong}`")), "{text}");
        assert!(text.contains("did you mean") && text.starts_with("x/wirelint.toml:"), "{text}");
    }
    for table in TABLES.iter().filter(|table| !table.name.is_empty()) {
        let text = error(&format!("[{}s]\n", table.name));
        assert!(text.contains(&format!("help: did you mean `{}`?", table.name)), "{text}");
    }
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for key in KEYS {
        let wrong = match key.kind {
            Kind::Text | Kind::Word(_) => ["1", "['a']"],
            Kind::Texts | Kind::Selectors => ["'a'", "[1]"],
            Kind::Flag => ["1", "'true'"],
            Kind::Count => ["-1", "'1'"],
            Kind::Share => ["1.5", "'1'"],
            Kind::Duration => ["'1w'", "1.5"],
            Kind::Date => ["'2027-01-01'", "2027-01-01T00:00:00Z"],
        };
        for value in wrong {
            let text = error(&with(key, key.name, value));
            assert!(text.contains(key.name) && text.contains('^'), "{text}");
        }
    }
}

#[test]
fn values_that_mean_nothing_are_shown_with_their_line() {
    for (text, said) in [
        ("fail-on = 'hihg'", "`hihg` is none of critical"),
        ("[severity]\njwt-alg-none = 'nothing'", "wirelint.toml:2:16: `jwt-alg-none`: `nothing` is none of"),
        ("[cleartext]\nnetworks = ['10.0.0.0/33']", "networks are written like"),
        ("[internal]\nhosts = ['https://a.test']", "hosts are written like"),
        ("[rules]\ndocs = 'docs/rules.md'", "an address like https://"),
        ("[audiences]\napi = ['a b']", "hosts are written like"),
        ("[secrets]\nkey = 'a*'", "fits the empty text"),
        ("[[suppress]]\nreason = 'x'", "or it would suppress everything"),
        ("[[suppress]]\nrule = 'jwt-alg-none'", "key `reason` is missing"),
        ("[[suppress]]\nrule = 'jwt-alg-none'\nreason = ' '", "`reason` is empty"),
        ("[[suppress]]\nfingerprint = 'abc'\nreason = 'x'", "16 hexadecimal digits"),
        ("[expect]\nfind = [{ rul = 'x' }]", "did you mean `rule`"),
        ("a = ", "not TOML"),
    ] {
        let error = error(text);
        assert!(error.contains(said), "{error}");
    }
    assert!(error("fail-on = 'hihg'").contains("did you mean `high`?"));
}

#[test]
fn names_of_rules_are_checked() {
    let rules = RuleSet::builtin_without_examples(&Facts).unwrap();
    for text in [
        "[rules]\nignore = ['jwt-alg-nonee']",
        "[severity]\njwt-alg-nonee = 'low'",
        "[[suppress]]\nrule = 'jwt-alg-nonee'\nreason = 'x'",
        "[expect]\nfind = ['jwt-alg-nonee']",
        "[expect]\nnot-find = [{ rule = 'jwt-alg-nonee' }]",
    ] {
        let error = parse(text).unwrap().check_names(&rules).unwrap_err().to_string();
        assert!(error.contains("no rule and no group is named `jwt-alg-nonee`"), "{error}");
        assert!(error.contains("did you mean `jwt-alg-none`?") && error.contains(":2:"), "{error}");
    }
    parse("[rules]\nselect = ['group:jose', 'jwt-alg-none']").unwrap().check_names(&rules).unwrap();
}

#[test]
fn severities_are_fixed() {
    let mut rules = RuleSet::builtin_without_examples(&Facts).unwrap();
    for (name, severity) in
        parse("[severity]\n'group:jose' = 'low'\njwt-alg-none = 'info'").unwrap().severities
    {
        rules.fix_severity(&name, severity).unwrap();
    }
    let fixed = |id: &str| rules.find(id).unwrap().fixed;
    assert_eq!(fixed("jwt-alg-none"), Some(Severity::Info));
    assert_eq!(fixed("jwt-hs-weak-secret"), Some(Severity::Low));
    assert_eq!(fixed("token-in-url-query"), None);
    assert!(rules.rules().iter().any(|rule| rule.confidence == Confidence::High));
}

#[test]
fn values() {
    let config = parse(
        "[lifetimes]\ntoken = '90s'\nrefresh = 7\nproof = '2h'\n[keys]\nkey = ['a.pem', '/b.pem']\n\
         [[suppress]]\nhost = '*.a.test'\nreason = 'r'\nexpires = 2027-01-31\n[audiences]\n'https://a' = ['b.test']\n\
         [expect]\nfind = ['jwt-alg-none', { rule = 'jwt-missing-exp',  host = 'a.test' }]\ninspected = 1\n",
    )
    .unwrap();
    assert_eq!(config.policy.token_lifetime, 90);
    assert_eq!((config.policy.refresh_lifetime, config.policy.proof_lifetime), (7, 7200));
    assert_eq!(config.policy.skew, Policy::default().skew);
    assert_eq!(config.keys[0], [PathBuf::from("x/a.pem"), PathBuf::from("/b.pem")]);
    let suppression = &config.suppressions[0];
    assert_eq!(suppression.origin, "x/wirelint.toml:7");
    assert_eq!(suppression.expires.unwrap().to_string(), "2027-01-31");
    assert_eq!(config.policy.audiences, [("https://a".to_owned(), "b.test".to_owned())]);
    let expect = config.expect.unwrap();
    let written: Vec<_> = expect.find.iter().map(|(_, written)| written.as_str()).collect();
    assert_eq!(written, ["jwt-alg-none", "{ rule = 'jwt-missing-exp', host = 'a.test' }"]);
}

#[test]
fn what_init_writes_says_nothing_and_everything() {
    let nothing = parse(&template()).unwrap();
    assert_eq!(format!("{nothing:?}"), format!("{:?}", Config::default()));
    let said: String = template()
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") || line.starts_with('['))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = parse(&said).unwrap_or_else(|e| panic!("{said}{e}"));
    config.check_names(&RuleSet::builtin_without_examples(&Facts).unwrap()).unwrap();
    for key in KEYS {
        assert!(said.lines().any(|line| line.starts_with(key.name)), "{}", key.name);
    }
}

/// What the fuzz target does, for a while: files that are nearly right.
#[test]
fn files_that_are_nearly_right_are_read_or_refused() {
    let good: String =
        template().lines().filter_map(|line| line.strip_prefix("# ")).map(|l| format!("{l}\n")).collect();
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let lines: Vec<_> = good.lines().collect();
        let from = random(lines.len());
        let part = &lines[from..(from + 1 + random(12)).min(lines.len())];
        let mut bytes = part.join("\n").into_bytes();
        for _ in 0..random(4).min(bytes.len()) {
            let at = random(bytes.len());
            bytes[at] = b"'\"[]{}=.#\n\0a1-\xff"[random(15)];
        }
        fuzz_config_file(&bytes);
    }
}
