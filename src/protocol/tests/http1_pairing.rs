//! Which response answers which request, where packets of the two directions changed places or were lost.

use super::tape::Wire;
use crate::message::Direction::{self, Request, Response};
use crate::message::Numbers;

/// What one segment says; its number says of which exchange it is.
#[derive(Clone)]
struct Said {
    dir: Direction,
    exchange: usize,
    text: String,
    numbers: Numbers,
}

/// A conversation by TCP's numbers.
struct Talk {
    next: [u32; 2],
    said: Vec<Said>,
}

impl Talk {
    fn new() -> Self {
        Self { next: [u32::MAX - 100, 5000], said: Vec::new() }
    }

    fn say(&mut self, dir: Direction, exchange: usize, text: String) {
        let [own, peer] = [dir, dir.other()].map(Direction::index);
        let numbers = Numbers { seq: self.next[own], ack: self.next[peer] };
        self.next[own] = self.next[own].wrapping_add(text.len() as u32);
        self.said.push(Said { dir, exchange, text, numbers });
    }

    fn ask(&mut self, n: usize) {
        self.say(Request, n, format!("GET /{n} HTTP/1.1\r\n\r\n"));
    }

    fn answer(&mut self, n: usize) {
        self.say(Response, n, format!("HTTP/1.1 {} OK\r\nContent-Length: 2\r\n\r\nok", 200 + n));
    }

    /// So many exchanges, each over before the next.
    fn exchanges(n: usize) -> Vec<Said> {
        let mut talk = Self::new();
        for i in 0..n {
            talk.ask(i);
            talk.answer(i);
        }
        talk.said
    }
}

/// Plays what was captured in this order, holes where numbers say so; what was heard of each exchange, as target and status.
fn pairs(said: &[Said]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut wire = Wire::new();
    let mut next = [None; 2];
    for said in said {
        let expected = next[said.dir.index()].replace(said.numbers.seq.wrapping_add(said.text.len() as u32));
        let hole = expected.map_or(0, |expected: u32| said.numbers.seq.wrapping_sub(expected));
        if hole > 0 {
            wire.lose(said.dir, hole.into());
        }
        wire.numbered(said.dir, said.text.as_bytes(), said.numbers);
    }
    let mut heard: Vec<(Option<usize>, Option<usize>)> = Vec::new();
    for line in wire.all() {
        let words: Vec<_> = line.split(' ').collect();
        let Some((id, asks)) = words[0]
            .strip_suffix('>')
            .map(|id| (id, true))
            .or_else(|| words[0].strip_suffix('<').map(|id| (id, false)))
        else {
            continue;
        };
        let (Ok(id), [_, _, .., _]) = (id.parse::<usize>(), words.as_slice()) else { continue };
        heard.resize(heard.len().max(id + 1), (None, None));
        match (asks, words[1]) {
            (true, "GET") => heard[id].0 = words[2].trim_start_matches('/').parse().ok(),
            (false, status) if status.parse::<usize>().is_ok() => {
                heard[id].1 = status.parse::<usize>().ok().map(|status| status - 200);
            }
            _ => {}
        }
    }
    heard.sort();
    heard
}

fn whole(n: impl Iterator<Item = usize>) -> Vec<(Option<usize>, Option<usize>)> {
    n.map(|i| (Some(i), Some(i))).collect()
}

/// All that is said there in that direction is taken out.
fn without(said: &[Said], lost: &[(Direction, usize)]) -> Vec<Said> {
    said.iter().filter(|said| !lost.contains(&(said.dir, said.exchange))).cloned().collect()
}

/// The server's clock is so many packets early (the client's, if that is negative).
fn skewed(said: &[Said], by: i64) -> Vec<Said> {
    let mut at: Vec<_> = said.iter().enumerate().collect();
    at.sort_by_key(|(i, said)| *i as i64 - by * i64::from(said.dir == Response));
    at.into_iter().map(|(_, said)| said.clone()).collect()
}

#[test]
fn the_order_within_each_direction_is_what_counts() {
    let said = Talk::exchanges(90);
    for by in [0, 2, 3, 9, 60, 180, -3, -60, -180] {
        assert_eq!(pairs(&skewed(&said, by)), whole(0..90), "{by}");
    }
    let mut one_late = said;
    one_late.swap(20, 21);
    assert_eq!(pairs(&one_late), whole(0..90));
}

#[test]
fn what_is_lost_damages_its_own_exchange_only() {
    let said = Talk::exchanges(90);
    for by in [0, 3, 9, 60, 180, -3, -60, -180] {
        for lost in [Request, Response] {
            for count in [1, 2, 5] {
                let holes: Vec<_> = (20..20 + count).map(|n| (lost, n)).collect();
                let mut expected = whole((0..20).chain(20 + count..90));
                expected.extend((20..20 + count).map(|n| match lost {
                    Request => (None, Some(n)),
                    Response => (Some(n), None),
                }));
                expected.sort();
                let heard = pairs(&without(&skewed(&said, by), &holes));
                assert_eq!(heard, expected, "{lost:?} {count} {by}");
            }
        }
        let both = [(Request, 20), (Response, 20), (Response, 40), (Request, 41)];
        let mut expected = whole((0..90).filter(|n| ![20, 40, 41].contains(n)));
        expected.extend([(Some(40), None), (None, Some(41))]);
        expected.sort();
        assert_eq!(pairs(&without(&skewed(&said, by), &both)), expected, "{by}");
    }
}

#[test]
fn a_hole_of_which_the_other_direction_did_not_wait_damages_no_more() {
    // The responses behind the hole are in its grace, and the client goes on.
    let said = Talk::exchanges(60);
    let (lost, grace): (Vec<_>, Vec<_>) = (vec![(Response, 20)], (21..50).collect());
    let rest = without(&said, &lost);
    let is_held = |said: &Said| said.dir == Response && grace.contains(&said.exchange);
    let behind = rest.iter().position(|said| said.exchange == 50).unwrap();
    let order = [
        rest[..behind].iter().filter(|said| !is_held(said)).cloned().collect(),
        rest[..behind].iter().filter(|said| is_held(said)).cloned().collect::<Vec<_>>(),
        rest[behind..].to_vec(),
    ];
    let mut expected = whole((0..60).filter(|n| *n != 20));
    expected.push((Some(20), None));
    expected.sort();
    assert_eq!(pairs(&order.concat()), expected);
}

#[test]
fn pipelined_requests_are_answered_in_their_order_with_holes_too() {
    let mut talk = Talk::new();
    for batch in 0..10 {
        (batch * 5..batch * 5 + 5).for_each(|n| talk.ask(n));
        (batch * 5..batch * 5 + 5).for_each(|n| talk.answer(n));
    }
    for by in [0, 3, -3, 100, -100] {
        assert_eq!(pairs(&skewed(&talk.said, by)), whole(0..50), "{by}");
    }
    let mut expected = whole((0..50).filter(|n| *n != 21));
    expected.push((Some(21), None));
    expected.sort();
    assert_eq!(pairs(&without(&talk.said, &[(Response, 21)])), expected);
}

#[test]
fn what_began_before_the_capture_stays_alone() {
    let said = Talk::exchanges(20);
    for by in [0, 3, 40] {
        let mut expected = whole(1..20);
        expected.insert(0, (None, Some(0)));
        assert_eq!(pairs(&without(&skewed(&said, by), &[(Request, 0)])), expected, "{by}");
    }
}

#[test]
fn interim_and_unasked_responses_change_nothing() {
    let mut talk = Talk::new();
    for n in 0..30 {
        talk.ask(n);
        talk.say(Response, n + 100, "HTTP/1.1 103 Early Hints\r\n\r\n".to_owned());
        talk.answer(n);
    }
    // Nobody asked for that: the server hangs up, and the client's next request is on its way.
    let client = talk.next[0];
    talk.answer(208);
    talk.said.last_mut().unwrap().numbers.ack = client;
    talk.ask(30);
    talk.said.last_mut().unwrap().numbers.ack = talk.said[talk.said.len() - 2].numbers.seq;
    let mut expected = vec![(None, Some(208))];
    expected.extend(whole(0..30));
    expected.push((Some(30), None));
    assert_eq!(pairs(&talk.said), expected);
    for by in [0, 4, -4] {
        let heard = pairs(&without(&skewed(&talk.said, by), &[(Response, 110)]));
        assert!(whole(0..30).iter().all(|pair| heard.contains(pair)), "{by}: {heard:?}");
    }
}

#[test]
fn responses_without_requests_are_bounded() {
    let mut talk = Talk::new();
    (0..90).for_each(|n| {
        talk.ask(n);
        talk.answer(n);
    });
    let alone: Vec<_> = talk.said.iter().filter(|said| said.dir == Response).cloned().collect();
    let mut wire = Wire::new();
    let mut seq = 1;
    for said in alone.iter().cycle().take(crate::limits::EARLY_RESPONSES + 7) {
        wire.numbered(Response, said.text.as_bytes(), Numbers { seq, ack: 1 });
        seq += said.text.len() as u32;
    }
    assert_eq!(wire.reserved(), crate::limits::EARLY_RESPONSES * crate::limits::EARLY_COST);
    let said = wire.all();
    assert_eq!(said.iter().filter(|line| *line == "weird http_early_limit").count(), 7);
}
