//! Late facts, merging, and what is counted.

use super::*;
use crate::message::{Channel, Location, Place, Transport};
use crate::rules::{RuleBits, Severity};
use crate::time::Timestamp;
use crate::token::Token;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};

/// A judge with these rules, whose texts do not matter.
fn judge(rules: &[&str]) -> Judge {
    judge_of("sighting", rules)
}

/// The same about another subject.
fn judge_of(on: &str, rules: &[&str]) -> Judge {
    let folder = tempfile::tempdir().unwrap();
    for (n, rule) in rules.iter().enumerate() {
        let text = format!(
            "on = '{on}'\ngroup = 'jose'\ntitle = 't'\nseverity = 'low'\nabout = 'a'\nremedy = 'r'\n\
             references = []\ncwe = []\n{rule}"
        );
        std::fs::write(folder.path().join(format!("rule{n}.toml")), text).unwrap();
    }
    let mut set = RuleSet::default();
    set.load_dir(folder.path(), &Facts).unwrap_or_else(|e| panic!("{}", e[0]));
    Judge::new(set, &Given { crack_budget: 1000, ..Given::default() }, false)
}

/// A token signed with HMAC in a place, at a second.
fn sighting(place: &str, second: i64) -> Sighting {
    let token = signed(r#"{"sub":"a"}"#, b"secret");
    let position = crate::message::Position { time: Timestamp::from_parts(second, 0), ..Default::default() };
    Sighting {
        token: Arc::new(Token::parse(token.as_bytes()).unwrap()),
        spans: Default::default(),
        position,
        direction: None,
        place: Place::named(Location::Header, place),
        wrapping: Default::default(),
        transport: Transport {
            flow: 1,
            client: None,
            server: None,
            channel: Channel::Cleartext,
            protocol: "unknown",
        },
    }
}

/// The same of a token that was issued at 0.
fn aged(second: i64) -> Sighting {
    let token = signed(r#"{"iat":0}"#, b"secret");
    Sighting { token: Arc::new(Token::parse(token.as_bytes()).unwrap()), ..sighting("a", second) }
}

/// The text of a token signed with HS256.
fn signed(claims: &str, secret: &[u8]) -> String {
    let [header, claims] = [r#"{"alg":"HS256"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn finish(judge: &mut Judge) {
    judge.finish(&mut CaptureSummary::default());
}

#[test]
fn a_late_fact_raises_what_was_found_already() {
    let mut judge = judge(&["confidence = 'medium'\nwhen = 'true'\nmessage = 'found: {crack.found}'\n\
         severity-if = [{ when = 'crack.found', is = 'critical' }]\n\
         confidence-if = [{ when = 'crack.found', is = 'high' }]"]);
    judge.sighting(sighting("a", 5), None, 1);
    judge.sighting(sighting("a", 9), None, 1);
    let first = judge.take_fresh();
    assert_eq!((first.len(), first[0].severity, first[0].count), (1, Severity::Low, 1 + 1));
    finish(&mut judge);
    let risen = judge.take_fresh();
    assert_eq!((risen.len(), &risen[0].fingerprint), (1, &first[0].fingerprint));
    let (found, _) = judge.take_findings();
    assert_eq!((found.len(), found[0].severity, found[0].count), (1, Severity::Critical, 2));
    assert_eq!(
        (found[0].confidence, found[0].message.as_str()),
        (crate::rules::Confidence::High, "found: true")
    );
    assert_eq!(found[0].last_seen, Some(Timestamp::from_parts(9, 0)));
}

#[test]
fn a_late_fact_that_says_no_changes_nothing() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'true'\nmessage = 'm'\n\
         severity-if = [{ when = 'crack.found', is = 'critical' }]"]);
    let strong = signed("{}", b"7d0e2c44-not-in-any-list");
    let token = Arc::new(Token::parse(strong.as_bytes()).unwrap());
    judge.sighting(Sighting { token, ..sighting("a", 5) }, None, 1);
    finish(&mut judge);
    let (found, _) = judge.take_findings();
    assert_eq!((found.len(), found[0].severity, found[0].count), (1, Severity::Low, 1));
}

#[test]
fn what_was_too_unsure_to_report_is_reported_whole_when_it_is_sure() {
    let rule = "confidence = 'low'\nwhen = 'true'\nmessage = 'm'\n\
                confidence-if = [{ when = 'crack.found', is = 'high' }]";
    let mut judge = judge(&[rule]);
    judge.court.rules.choose(&[], &[], false).unwrap();
    judge.sighting(sighting("a", 5), None, 1);
    judge.sighting(sighting("a", 6), None, 1);
    assert!(judge.take_fresh().is_empty());
    finish(&mut judge);
    assert_eq!(judge.take_findings().0[0].count, 2);
}

#[test]
fn subjects_that_wait_for_other_rules_are_kept_apart() {
    // At one place and of one token, but the second rule only waits for the secret of a token that is old enough.
    let mut judge = judge(&[
        "confidence = 'high'\nwhen = 'crack.found'\nmessage = 'm'",
        "confidence = 'high'\nwhen = 'crack.found && token.age > 10'\nmessage = 'm'",
    ]);
    judge.sighting(aged(5), None, 1);
    judge.sighting(aged(20), None, 1);
    finish(&mut judge);
    let (found, _) = judge.take_findings();
    let counts: Vec<_> = found.iter().map(|f| (f.identity.rule.as_str(), f.count)).collect();
    assert_eq!(counts, [("rule0", 2), ("rule1", 1)]);
}

#[test]
fn news_are_told_once() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'true'\nmessage = 'm'\n\
         severity-if = [{ when = 'token.age > 10', is = 'high' }]"]);
    judge.sighting(aged(5), None, 1);
    judge.sighting(aged(20), None, 1);
    let news = judge.take_fresh();
    assert_eq!((news.len(), news[0].severity), (1, Severity::High));
    assert!(judge.take_fresh().is_empty());
}

#[test]
fn a_token_beyond_those_that_are_counted_is_judged_all_the_same() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'true'\nmessage = 'm'"]);
    judge.court.seen.fill();
    assert!(judge.court.is_new(&sighting("a", 5).token));
    judge.sighting(sighting("a", 5), None, 1);
    assert_eq!(judge.court.tally.weirds.get("tokens_uncounted"), Some(&1));
    assert_eq!(judge.take_findings().0.len(), 1);
}

#[test]
fn what_a_token_rules_out_is_not_asked_again() {
    let mut judge = judge(&[
        "confidence = 'high'\nwhen = 'place.name == \"b\" && token.none'\nmessage = 'm'",
        "confidence = 'high'\nwhen = 'token.family == \"HS\" && place.name == \"b\"'\nmessage = 'm'",
        "confidence = 'high'\nwhen = 'token.age > 100'\nmessage = 'm'",
        "confidence = 'high'\nwhen = 'token.claims.missing == 1 || place.name == \"b\"'\nmessage = 'm'",
        "confidence = 'high'\nwhen = 'token.claims.missing == 1'\nmessage = 'm'",
    ]);
    let mut add = |sighting: &Sighting| {
        let case = Case { sighting: Some(sighting), ..Case::default() };
        judge.court.seen.add(sighting, &case, &judge.court.rules)
    };
    let first = aged(5);
    let out = add(&first).unwrap();
    assert_eq!(add(&aged(500)), Some(out));
    let left = |out| {
        let mut rules = RuleBits::default();
        (0..5).for_each(|rule| rules.insert(rule));
        judge.court.seen.rule_out(out, &mut rules);
        rules.iter().collect::<Vec<_>>()
    };
    // What the place or the time decides stays open.
    assert_eq!(left(out), [1, 2, 3]);
    assert_eq!(left(seen::RuledOut::default()), [0, 1, 2, 3, 4]);
    judge.sighting(first, None, 1);
    judge.sighting(Sighting { place: Place::named(Location::Header, "b"), ..aged(500) }, None, 1);
    let (found, _) = judge.take_findings();
    let mut rules: Vec<_> = found.iter().map(|f| f.identity.rule.as_str()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["rule1", "rule2", "rule3"]);
}

#[test]
fn what_most_tokens_have_is_not_found_in_those_that_have_it_not() {
    let rules = ["!has(token.claims.exp)", "!has(token.claims.exp) && place.name == 'a'"];
    let rules = rules.map(|when| format!("confidence = 'high'\nwhen = \"{when}\"\nmessage = 'm'"));
    let mut judge = judge(&rules.each_ref().map(String::as_str));
    let mut see = |claims: &str| {
        let token = Arc::new(Token::parse(signed(claims, b"secret").as_bytes()).unwrap());
        judge.sighting(Sighting { token, ..sighting("a", 5) }, None, 1);
    };
    (0..600).for_each(|number| see(&format!(r#"{{"sub":"{number}"}}"#)));
    for _ in 0..3 {
        see(r#"{"sub":"1","exp":1}"#);
    }
    let counts: Vec<_> = judge.take_findings().0.iter().map(|finding| finding.count).collect();
    assert_eq!(counts, [600, 600]);
}

#[test]
fn forms_that_vary_say_nothing_of_each_other() {
    let rule = |when: &str| format!("confidence = 'high'\nwhen = \"{when}\"\nmessage = 'm'");
    let find = |when: &str, tokens: [Token; 3]| {
        let mut judge = judge(&[&rule(when)]);
        for token in tokens {
            judge.sighting(Sighting { token: Arc::new(token), ..sighting("a", 5) }, None, 1);
        }
        judge.take_findings().0.iter().map(|finding| finding.count).collect::<Vec<_>>()
    };
    let text = signed(r#"{"sub":"a"}"#, b"secret");
    let parse = |text: &str| Token::parse(text.as_bytes()).unwrap();
    let mangled = Token::parse_skipping(format!("{}!{}", &text[..9], &text[9..]).as_bytes()).unwrap();
    assert_eq!(mangled.id(), parse(&text).id());
    assert_eq!(find("token.polyglot", [mangled, parse(&text), parse(&text)]), [1]);
    // Two presentations of an SD-JWT, of which the long one shows more.
    let [short, long] = [format!("{text}~"), format!("{text}~{}~", "WyJhIiwiYiIsImMiXQ")].map(|t| parse(&t));
    let between = u64::midpoint(short.reveal().len() as u64, long.reveal().len() as u64);
    let presented = [&long, &short, &long].map(|token| parse(token.reveal()));
    assert_eq!(find(&format!("token.length > {between}"), presented), [2]);
}

#[test]
fn the_same_signed_text_in_another_form_is_asked_anew() {
    let rule =
        ["confidence = 'high'\nwhen = 'token.kind == \"jws\" && token.alg == \"HS256\"'\nmessage = 'm'"];
    let compact = sighting("a", 5);
    let json = |header: &str| {
        let [protected, payload, signature] = [0, 1, 2].map(|n| compact.token.segments().nth(n).unwrap());
        let value = serde_json::json!({"protected": protected, "payload": payload, "signature": signature,
            "header": {"kid": header}});
        Sighting { token: Arc::new(Token::from_json(&value).remove(0)), ..compact.clone() }
    };
    let mut forms = judge(&rule);
    forms.sighting(json("1"), None, 1);
    assert!(forms.take_fresh().is_empty());
    forms.sighting(compact.clone(), None, 1);
    assert_eq!((forms.take_fresh().len(), forms.distinct_tokens()), (1, 1));
    let mut members = judge(&["confidence = 'high'\nwhen = 'token.header.kid == \"2\"'\nmessage = 'm'"]);
    members.sighting(json("1"), None, 1);
    members.sighting(json("2"), None, 1);
    assert_eq!(members.take_findings().0.len(), 1);
}

#[test]
fn hosts_clients_and_issuers_are_judged_when_they_are_over() {
    for (on, name, expected) in [("host", "host.name", "10.0.0.1"), ("client", "client.address", "10.0.0.9")]
    {
        let rule = format!("confidence = 'high'\nwhen = '{name} != \"\"'\nmessage = '{{{name}}}'");
        let mut judge = judge_of(on, &[&rule]);
        assert!(judge.memory::<crate::facts::Dictionary>().is_none() && judge.demand().tokens);
        let ends = |host: u8, second| {
            let end = |addr: [u8; 4]| Some(crate::decode::Endpoint { addr: addr.into(), port: 80 });
            let mut seen = sighting("a", second);
            seen.transport.server = end([10, 0, 0, host]);
            seen.transport.client = end([10, 0, 0, 9]);
            seen
        };
        judge.sighting(ends(1, 5), None, 3);
        judge.sighting(ends(1, 6), None, 3);
        assert!(judge.take_fresh().is_empty());
        // An hour without it, and it is over.
        judge.sighting(ends(2, 5000), None, 4);
        let over = judge.take_fresh();
        assert_eq!((over.len(), over[0].message.as_str(), over[0].flow), (1, expected, Some(3)), "{on}");
        assert_eq!(over[0].last_seen, Some(Timestamp::from_parts(6, 0)));
        finish(&mut judge);
        assert_eq!(judge.take_fresh().len(), 1, "{on}");
    }
}

#[test]
fn late_facts_that_come_meanwhile_are_told_and_the_others_go_on_waiting() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'crack.found'\nmessage = 'm'"]);
    judge.sighting(sighting("a", 5), None, 1);
    judge.reconsider();
    judge.sighting(sighting("a", 6), None, 1);
    assert!(judge.take_fresh().is_empty());
    finish(&mut judge);
    assert_eq!(judge.take_findings().0[0].count, 2);
}

#[test]
fn a_secret_that_is_found_while_the_run_goes_on_is_told_at_once() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'crack.found'\nmessage = '{crack.secret}'"]);
    judge.sighting(sighting("a", 5), None, 1);
    let attack = judge.memory_mut::<crate::facts::Dictionary>().unwrap().attack_mut();
    while attack.take_fresh().is_empty() {
        assert!(attack.run_some(1));
    }
    judge.reconsider();
    let fresh = judge.take_fresh();
    assert_eq!((fresh.len(), fresh[0].message.as_str()), (1, "s****t (6 chars)"));
    // From then on it is known when the token is sighted, and counted.
    judge.sighting(sighting("b", 6), None, 1);
    finish(&mut judge);
    let (found, _) = judge.take_findings();
    assert_eq!((found.len(), found[0].count), (1, 2));
}

#[test]
fn what_differs_in_how_bad_it_would_be_is_kept_apart() {
    let mut judge = judge(&["confidence = 'high'\nwhen = 'crack.found'\nmessage = 'm'\n\
         severity-if = [{ when = 'token.age > 10', is = 'critical' }]"]);
    judge.sighting(aged(5), None, 1);
    judge.sighting(aged(20), None, 1);
    finish(&mut judge);
    let (found, _) = judge.take_findings();
    assert_eq!((found.len(), found[0].severity, found[0].count), (1, Severity::Critical, 2));
}
