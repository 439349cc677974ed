//! The distinct signing inputs that the attack works on.

use super::{derive, keyed::Hs};
use crate::{
    limits,
    token::{Token, signature_len_fits},
};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One signing input and its signature.
pub(super) struct Input {
    pub(super) hs: Hs,
    pub(super) text: Box<[u8]>,
    pub(super) signature: Box<[u8]>,
    pub(super) seeds: Box<[Box<str>]>,
    /// Whether it was the first of its algorithm, issuer, key id and host, whose tokens probably share a secret.
    pub(super) leader: bool,
}

/// Distinct inputs in order of first sighting, bounded.
#[derive(Default)]
pub(super) struct Inputs {
    list: Vec<Arc<Input>>,
    /// SHA-256 of the tokens that are each input; spellings of a signature differ in ways that no verifier sees.
    spellings: Vec<Vec<[u8; 32]>>,
    tokens: HashSet<[u8; 32]>,
    known: HashMap<[u8; 32], usize>,
    groups: HashSet<[u8; 32]>,
    bytes: usize,
    refused: u64,
}

impl Inputs {
    /// Adds a token, if it is new, signed with HMAC and its signature complete. Gives the number of its input.
    pub(super) fn add(&mut self, token: &Token, host: Option<&str>) -> Option<usize> {
        let alg = token.header_member("alg")?.as_str()?;
        let hs = Hs::of(alg).filter(|_| token.is_hmac())?;
        let (text, signature) = (token.signing_input(), token.signature());
        // RFC 7518 knows no truncated ones.
        if !signature_len_fits(alg, signature.len()) || self.tokens.contains(token.sha256()) {
            return None;
        }
        let id = digest(&[&[hs as u8], text, signature]);
        let known = self.known.get(&id).copied();
        let seeds = if known.is_some() { Box::default() } else { derive::seeds(token, host) };
        let more = text.len() + signature.len() + seeds.iter().map(|seed| seed.len()).sum::<usize>();
        let more = if known.is_some() { 0 } else { more };
        if self.tokens.len() >= limits::CRACK_TOKENS || self.bytes + more > limits::CRACK_BYTES {
            self.refused += 1;
            return None;
        }
        self.bytes += more;
        self.tokens.insert(*token.sha256());
        let at = known.unwrap_or_else(|| {
            let leader = self.groups.insert(group(token, hs, host));
            let (text, signature) = (text.into(), signature.into());
            self.list.push(Arc::new(Input { hs, text, signature, seeds, leader }));
            self.spellings.push(Vec::new());
            self.known.insert(id, self.list.len() - 1);
            self.list.len() - 1
        });
        self.spellings.get_mut(at)?.push(*token.sha256());
        Some(at)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Arc<Input>> {
        self.list.get(at)
    }

    /// SHA-256 of the tokens that are an input.
    pub(super) fn tokens(&self, at: usize) -> &[[u8; 32]] {
        self.spellings.get(at).map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Tokens that a bound kept out. A refused token counts each time that it is seen.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

fn group(token: &Token, hs: Hs, host: Option<&str>) -> [u8; 32] {
    let text = |value: Option<&serde_json::Value>| value.map(ToString::to_string).unwrap_or_default();
    let (iss, kid) = (text(token.claim("iss")), text(token.header_member("kid")));
    digest(&[&[hs as u8], iss.as_bytes(), kid.as_bytes(), host.unwrap_or_default().as_bytes()])
}

/// SHA-256 over parts, each with its length before it.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
