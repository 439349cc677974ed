//! What is found, what is not, and what it costs.

use super::*;
use crate::token::{Secret, Token};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use std::{path::PathBuf, sync::Arc};

const STRONG: &[u8] = b"\x9e\x01 random, 32 bytes \xf3\x88 \x00 of it.";
const ALL: u64 = 4_000_000;

fn signed(alg: &str, claims: &str, key: &[u8]) -> Arc<Token> {
    let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{alg}\"}}"));
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = match alg {
        "HS256" => mac::<Hmac<sha2::Sha256>>(key, &input),
        "HS384" => mac::<Hmac<sha2::Sha384>>(key, &input),
        _ => mac::<Hmac<sha2::Sha512>>(key, &input),
    };
    Arc::new(Token::parse(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)).as_bytes()).unwrap())
}

fn mac<M: Mac + KeyInit>(key: &[u8], input: &str) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key).unwrap().chain_update(input).finalize().into_bytes().to_vec()
}

fn attack(tokens: &[&Arc<Token>], host: Option<&str>, budget: u64) -> (Attack, Outcome) {
    let mut attack = Attack::new(budget, Vec::new(), Vec::new());
    for token in tokens {
        attack.add(token, host);
    }
    let outcome = attack.run();
    (attack, outcome)
}

fn found(token: &Arc<Token>, host: Option<&str>) -> Option<(Vec<u8>, Origin)> {
    let (_, outcome) = attack(&[token], host, ALL);
    outcome.found.get(token.sha256()).map(|found| (found.secret.reveal().to_vec(), found.origin))
}

#[test]
fn words_of_the_lists_are_found_with_every_algorithm() {
    let last = builtin().last().unwrap();
    for alg in ["HS256", "HS384", "HS512"] {
        for word in [&b"secret"[..], b"your-256-bit-secret", b"changeme\n", b"123456", last] {
            let hit = found(&signed(alg, r#"{"sub":"1234567890"}"#, word), None);
            assert_eq!(hit, Some((word.to_vec(), Origin::Builtin)), "{alg}");
        }
        for key in [&b""[..], b"\0", &[0; 32]] {
            assert_eq!(found(&signed(alg, "{}", key), None), Some((Vec::new(), Origin::Empty)), "{alg}");
        }
    }
}

#[test]
fn words_of_the_token_and_its_host_are_found() {
    let claims =
        r#"{"iss":"https://Login.acme-corp.example/x","aud":["orders-api"],"client_id":"Y2xpZW50c2Vj"}"#;
    for word in
        ["https://Login.acme-corp.example/x", "acme-corp", "orders-api\n", "orders-api_secret", "clientsec"]
    {
        let hit = found(&signed("HS256", claims, word.as_bytes()), None);
        assert_eq!(hit, Some((word.as_bytes().to_vec(), Origin::Derived)), "{word}");
    }
    let hit = found(&signed("HS256", "{}", b"shop-7.example.net-secret"), Some("shop-7.example.net"));
    assert_eq!(hit.unwrap().1, Origin::Derived);
}

#[test]
fn a_strong_secret_is_not_found_and_the_cost_is_the_number_of_words() {
    let token = signed("HS256", "{}", STRONG);
    let (_, outcome) = attack(&[&token, &token], None, ALL);
    assert!(outcome.found.is_empty() && !outcome.cut);
    assert_eq!((outcome.trials, outcome.inputs), (builtin().len() as u64 + 1, 1));
}

#[test]
fn the_budget_is_kept_to_the_trial() {
    // The empty key, then the list.
    let token = signed("HS256", "{}", &builtin()[9]);
    let (_, outcome) = attack(&[&token], None, 11);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.cut), (1, 11, false));
    let (_, outcome) = attack(&[&token], None, 10);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.cut), (0, 10, true));
    let (_, outcome) = attack(&[&token], None, 0);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.inputs, outcome.cut), (0, 0, 0, false));
}

#[test]
fn one_hit_opens_all_tokens_of_the_secret_and_slices_change_nothing() {
    let tokens: Vec<_> = (0..50)
        .map(|n| signed("HS256", &format!("{{\"iss\":\"a\",\"n\":{n}}}"), b"your_secret"))
        .chain([signed("HS256", r#"{"iss":"b"}"#, STRONG), signed("HS512", "{}", b"your_secret")])
        .collect();
    let (_, whole) = attack(&tokens.iter().collect::<Vec<_>>(), Some("api"), ALL);
    assert_eq!(whole.found.len(), 51);
    assert!(whole.trials < builtin().len() as u64 + 2000, "{}", whole.trials);
    for slice in [1, 7, 1000] {
        let mut attack = Attack::new(ALL, Vec::new(), Vec::new());
        tokens.iter().for_each(|token| assert!(attack.add(token, Some("api"))));
        while attack.run_some(slice) {}
        let outcome = attack.outcome();
        assert_eq!((outcome.trials, &outcome.found), (whole.trials, &whole.found), "{slice}");
    }
}

#[test]
fn tokens_that_come_later_have_a_pass_of_their_own() {
    let (first, later) = (signed("HS256", "{}", b"changeme"), signed("HS384", r#"{"n":1}"#, b"changeme"));
    let (mut attack, outcome) = attack(&[&first], None, ALL);
    assert_eq!(attack.take_fresh(), [*first.sha256()]);
    attack.add(&later, None);
    let after = attack.run();
    assert_eq!(after.trials, outcome.trials + 1);
    assert_eq!(attack.take_fresh(), [*later.sha256()]);
    assert!(after.found[later.sha256()].is_weak());
}

#[test]
fn given_secrets_are_weak_only_if_they_could_be_guessed() {
    for (key, origin) in [(STRONG, Origin::Given), (b"secret", Origin::Builtin)] {
        let token = signed("HS256", "{}", key);
        let mut attack = Attack::new(ALL, vec![Secret::from("other"), Secret::from(key)], Vec::new());
        attack.add(&token, None);
        let outcome = attack.run();
        assert_eq!(outcome.trials, 2);
        assert_eq!(outcome.found[token.sha256()].origin, origin);
        assert_eq!(outcome.found[token.sha256()].is_weak(), origin != Origin::Given);
    }
}

#[test]
fn lists_of_the_user_come_last_and_unreadable_ones_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, b"secret\r\n\xff\xfe raw\r\nzz-last-zz").unwrap();
    let token = signed("HS512", "{}", b"\xff\xfe raw");
    let lists = vec![folder.path().join("none"), list, PathBuf::from("/")];
    let mut attack = Attack::new(ALL, Vec::new(), lists);
    attack.add(&token, None);
    attack.add(&signed("HS512", r#"{"a":1}"#, STRONG), None);
    let outcome = attack.run();
    assert_eq!(outcome.found[token.sha256()].origin, Origin::Wordlist);
    assert_eq!(outcome.errors.len(), 2);
    assert!(attack.outcome().errors.is_empty());
}

#[test]
fn signatures_of_the_wrong_length_are_not_attacked() {
    let token = signed("HS256", "{}", b"secret");
    let text = token.reveal();
    for cut in [&text[..text.len() - 4], &text[..=text.rfind('.').unwrap()]] {
        let cut = Arc::new(Token::parse(cut.as_bytes()).unwrap());
        let (_, outcome) = attack(&[&cut], None, ALL);
        assert_eq!((outcome.inputs, outcome.trials), (0, 0));
    }
}

#[test]
fn debug_output_holds_no_secret() {
    let token = signed("HS256", "{}", b"your-256-bit-secret");
    let (attack, outcome) = attack(&[&token], None, ALL);
    assert_eq!(outcome.found.len(), 1);
    assert!(!format!("{attack:?} {outcome:?}").contains("256-bit"));
}

/// A list that several engines, slices and orders of settling walk: hits in the middle of batches, words that come twice, long
/// ones, a token that falls by the secret of another.
fn mixed(folder: &std::path::Path) -> (Vec<Arc<Token>>, PathBuf) {
    let list = folder.join("mixed");
    let mut words: Vec<String> = (0..5000).map(|n| format!("zz-word-{n}-{}", "y".repeat(n % 90))).collect();
    words.insert(10, "zz-word-7-yyyyyyy".to_owned());
    std::fs::write(&list, words.join("\n")).unwrap();
    let tokens = (0..8)
        .map(|n| {
            let alg = ["HS256", "HS384", "HS512"][n % 3];
            let secret = match n {
                0..3 => builtin()[n * 797 + 3].to_vec(),
                3 | 6 => words[n * 697 + 3].clone().into_bytes(),
                4 => words[7].clone().into_bytes(),
                5 => builtin()[1024].to_vec(),
                _ => STRONG.to_vec(),
            };
            signed(alg, &format!(r#"{{"iss":"{}","n":{n}}}"#, n % 2), &secret)
        })
        .collect();
    (tokens, list)
}

fn mixed_attack(tokens: &[Arc<Token>], list: &std::path::Path, budget: u64) -> Attack {
    let mut attack = Attack::new(budget, Vec::new(), vec![list.to_owned()]);
    tokens.iter().for_each(|token| assert!(attack.add(token, Some("api.example.test"))));
    attack
}

/// Batches are worked on before those before them are settled, as threads do.
fn run_ahead(attack: &mut Attack, ahead: usize) -> Outcome {
    let mut drawn = std::collections::VecDeque::new();
    loop {
        match attack.draw() {
            Draw::Job(job) => drawn.push_back((job.run(), job)),
            Draw::One => {}
            Draw::Wait => settle_one(attack, &mut drawn),
            Draw::Over if drawn.is_empty() => return attack.outcome(),
            Draw::Over => settle_one(attack, &mut drawn),
        }
        if drawn.len() > ahead {
            settle_one(attack, &mut drawn);
        }
    }
}

fn settle_one(attack: &mut Attack, drawn: &mut std::collections::VecDeque<(Vec<usize>, Job)>) {
    let (hits, job) = drawn.pop_front().unwrap();
    attack.settle(&job, &hits);
}

#[test]
fn engines_and_threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (tokens, list) = mixed(folder.path());
    let run = |budget: u64| mixed_attack(&tokens, &list, budget);
    let whole = run(5_001).with_engine(Engine::Crates).run();
    assert!(whole.cut && !whole.found.is_empty());
    for engine in Engine::ALL {
        let outcome = run(5_001).with_engine(*engine).run();
        assert_eq!((outcome.trials, outcome.cut), (whole.trials, whole.cut), "{engine:?}");
        assert_eq!(outcome.found, whole.found, "{engine:?}");
    }
    for budget in [ALL, 31_000] {
        let whole = run(budget).run();
        for ahead in [1, 100] {
            let outcome = run_ahead(&mut run(budget), ahead);
            assert_eq!((outcome.trials, outcome.cut), (whole.trials, whole.cut), "{ahead}");
            assert_eq!(outcome.found, whole.found, "{ahead}");
        }
        assert!(budget < ALL || whole.found.len() == 7, "{}", whole.found.len());
    }
}

#[test]
fn an_attack_goes_on_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (tokens, list) = mixed(folder.path());
    for budget in [ALL, 100_001] {
        let whole = mixed_attack(&tokens, &list, budget).run();
        let mut left = mixed_attack(&tokens, &list, budget);
        let mut stops = 0;
        loop {
            // It is stopped with batches in flight, and by turns after few and many of them.
            let mut drawn = Vec::new();
            let mut over = false;
            for _ in 0..1 + stops % 40 {
                match left.draw() {
                    Draw::Job(job) => drawn.push(job),
                    Draw::One => {}
                    Draw::Wait => break,
                    Draw::Over => over = drawn.is_empty(),
                }
            }
            for job in drawn.iter().take(drawn.len().div_ceil(2)) {
                left.settle(job, &job.run());
            }
            if over {
                break;
            }
            let session = Session::parse(left.session().to_text().as_bytes()).unwrap();
            left = mixed_attack(&tokens, &list, budget);
            left.resume(session.clone()).unwrap();
            assert_eq!(left.session(), session);
            while left.is_replaying() {
                left.run_some(1);
                assert!(!left.is_astray());
            }
            assert_eq!(left.session(), session);
            stops += 1;
        }
        let outcome = left.outcome();
        assert!(stops > 5, "{stops}");
        assert_eq!((outcome.trials, outcome.cut, &outcome.found), (whole.trials, whole.cut, &whole.found));
    }
}

#[test]
fn a_session_of_another_attack_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (tokens, list) = mixed(folder.path());
    let mut attack = mixed_attack(&tokens, &list, ALL);
    attack.run_some(100_000);
    let session = attack.session();
    assert_eq!(mixed_attack(&tokens[1..], &list, ALL).resume(session.clone()), Err(SessionError::Other));
    assert_eq!(mixed_attack(&tokens, &list, ALL - 1).resume(session.clone()), Err(SessionError::Other));
    let rules: Arc<[Mutation]> = Mutation::read(b"u\n").unwrap().into();
    let mut mutated = mixed_attack(&tokens, &list, ALL).with_mutations(rules);
    assert_eq!(mutated.resume(session.clone()), Err(SessionError::Other));
    // A session that tells another story of the same attack is noticed.
    let text = session.to_text().replace(&format!("\"trials\": {}", attack.trials()), "\"trials\": 7");
    let mut astray = mixed_attack(&tokens, &list, ALL);
    astray.resume(Session::parse(text.as_bytes()).unwrap()).unwrap();
    astray.run();
    assert!(astray.is_astray());
    let mut lines = std::fs::read_to_string(&list).unwrap();
    lines.insert(0, 'x');
    std::fs::write(&list, lines).unwrap();
    assert_eq!(mixed_attack(&tokens, &list, ALL).resume(session), Err(SessionError::Other));
    for text in ["", "{}", "[1]", r#"{"wirelint":"0","attack":"","candidates":1,"trials":1,"hits":[1]}"#] {
        assert!(matches!(Session::parse(text.as_bytes()), Err(SessionError::Malformed(_))), "{text}");
    }
}

#[test]
fn mutations_and_words_of_the_capture_are_tried() {
    let rules: Arc<[Mutation]> = Mutation::read(b":\nc $1 $!\n").unwrap().into();
    for (secret, found) in [("Changeme1!", true), ("changeme", true), ("Changeme1", false)] {
        let token = signed("HS256", "{}", secret.as_bytes());
        let mut attack = Attack::new(ALL, Vec::new(), Vec::new()).with_mutations(Arc::clone(&rules));
        attack.add(&token, None);
        assert_eq!(attack.run().found.len(), usize::from(found), "{secret}");
    }
    let tokens =
        [signed("HS256", r#"{"iss":"acme"}"#, STRONG), signed("HS512", r#"{"iss":"b"}"#, b"acme-secret")];
    for (share, secret) in [(false, 0), (true, 1)] {
        let mut attack = Attack::new(ALL, Vec::new(), Vec::new());
        tokens.iter().for_each(|token| assert!(attack.add(token, None)));
        if share {
            attack.share(&[]);
        }
        assert_eq!(attack.run().found.len(), secret);
    }
    let token = signed("HS256", "{}", b"metrics.example.test_secret");
    let mut attack = Attack::new(ALL, Vec::new(), Vec::new());
    attack.add(&token, None);
    attack.share(&["metrics.example.test".into()]);
    assert_eq!(attack.run().found[token.sha256()].origin, Origin::Derived);
}

#[test]
fn compressed_lists_are_read_as_what_they_hold() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(b"zz-first\nzz-second\r\n").unwrap();
    std::fs::write(&path, gz.finish().unwrap()).unwrap();
    let token = signed("HS256", "{}", b"zz-second");
    let mut attack = Attack::new(ALL, Vec::new(), vec![path]);
    attack.add(&token, None);
    assert_eq!(attack.run().found[token.sha256()].origin, Origin::Wordlist);
}
