//! Late facts, merging, and what is counted.

use super::*;
use crate::message::{Channel, Location, Place, Transport};
use crate::rules::Severity;
use crate::token::Secret;

/// A judge with these rules, whose texts do not matter.
fn judge(rules: &[&str]) -> Judge {
    let folder = tempfile::tempdir().unwrap();
    for (n, rule) in rules.iter().enumerate() {
        let text = format!(
            "on = 'sighting'\ngroup = 'jose'\ntitle = 't'\nseverity = 'low'\nabout = 'a'\nremedy = 'r'\n\
             references = []\ncwe = []\n{rule}"
        );
        std::fs::write(folder.path().join(format!("rule{n}.toml")), text).unwrap();
    }
    let mut set = RuleSet::default();
    set.load_dir(folder.path(), &Facts).unwrap_or_else(|e| panic!("{}", e[0]));
    Judge::new(set, None, false)
}

/// A token signed with HMAC in a place, at a second.
fn sighting(place: &str, second: i64) -> Sighting {
    let token = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtMTI";
    let position = crate::message::Position { time: Timestamp::from_parts(second, 0), ..Default::default() };
    Sighting {
        token: Arc::new(Token::parse(token).unwrap()),
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
    let token = b"eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjB9.c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtMTI";
    Sighting { token: Arc::new(Token::parse(token).unwrap()), ..sighting("a", second) }
}

fn weak(_: &Token) -> Cracked {
    Cracked::Secret(Secret::new(b"secret".to_vec()))
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
    judge.finish(&CaptureSummary::default(), &weak);
    let risen = judge.take_fresh();
    assert_eq!((risen.len(), &risen[0].fingerprint), (1, &first[0].fingerprint));
    let (found, _) = judge.into_findings();
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
    judge.sighting(sighting("a", 5), None, 1);
    judge.finish(&CaptureSummary::default(), &|_| Cracked::No);
    let (found, _) = judge.into_findings();
    assert_eq!((found.len(), found[0].severity, found[0].count), (1, Severity::Low, 1));
}

#[test]
fn what_was_too_unsure_to_report_is_reported_whole_when_it_is_sure() {
    let rule = "confidence = 'low'\nwhen = 'true'\nmessage = 'm'\n\
                confidence-if = [{ when = 'crack.found', is = 'high' }]";
    let mut judge = judge(&[rule]);
    judge.rules.choose(&[], &[], false).unwrap();
    judge.sighting(sighting("a", 5), None, 1);
    judge.sighting(sighting("a", 6), None, 1);
    assert!(judge.take_fresh().is_empty());
    judge.finish(&CaptureSummary::default(), &weak);
    assert_eq!(judge.into_findings().0[0].count, 2);
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
    judge.finish(&CaptureSummary::default(), &weak);
    let (found, _) = judge.into_findings();
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
    judge.seen.fill();
    let seen = sighting("a", 5);
    assert!(judge.is_new(&seen.token));
    judge.sighting(seen, None, 1);
    assert_eq!(judge.tally.weirds.get("tokens_uncounted"), Some(&1));
    assert_eq!(judge.into_findings().0.len(), 1);
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
    let first = aged(5);
    let out = judge.seen.add(&first, &judge.rules).unwrap();
    let ruled: Vec<_> = (0..5).filter(|rule| judge.seen.rules_out(out, *rule)).collect();
    // What the place or the time decides stays open.
    assert_eq!(ruled, [0, 4]);
    assert_eq!(judge.seen.add(&aged(500), &judge.rules), Some(out));
    assert!(!judge.seen.rules_out(RuledOut::default(), 0));
    judge.sighting(first, None, 1);
    judge.sighting(Sighting { place: Place::named(Location::Header, "b"), ..aged(500) }, None, 1);
    let (found, _) = judge.into_findings();
    let mut rules: Vec<_> = found.iter().map(|f| f.identity.rule.as_str()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["rule1", "rule2", "rule3"]);
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
    assert_eq!(members.into_findings().0.len(), 1);
}
