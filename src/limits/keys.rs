//! Bounds of what is remembered of keys and signatures, and tried on them.

/// Public keys that are remembered; more are counted. An issuer has a handful.
pub const KEYS: usize = 4096;
/// Keys of certificates of TLS that signatures are tried with: the first ones, of servers on many connections. Each token is
/// tried with those of its issuer's site and [`KEY_TRIES`] others.
pub const CERTIFICATE_KEYS: usize = 1024;
/// Keys of one document that are read; the largest JWK Sets have some dozens.
pub const DOCUMENT_KEYS: usize = 256;
/// Issuers whose metadata is remembered.
pub const METADATA: usize = 1024;
/// Documents that are known to have been read.
pub const DOCUMENTS: usize = 4096;
/// Keys that a signature is tried with whose key is not named.
pub const KEY_TRIES: usize = 8;
/// Distinct tokens whose signatures are verified at the end of input: what they take stays below 40 MiB, their
/// verification below ten seconds.
pub const SIGNATURES: usize = 8192;
/// Bytes of their texts.
pub const SIGNATURE_BYTES: usize = 12 << 20;
/// Tokens that no known key verifies whose own keys are recovered from their signatures, and tokens whose nonces and keys
/// are guessed, in a run: half a second each, at most.
pub const RECOVERED_TOKENS: usize = 1024;
/// See above.
pub const GUESSED_TOKENS: usize = 64;
/// RSA keys that are factored in trivial ways, in a run: ten milliseconds each. Those of TLS alone are not.
pub const FACTORED_KEYS: usize = 128;
/// RSA moduli that are searched for shared primes, in a run: a second at most.
pub const SHARED_MODULI: usize = 1024;
/// ECDSA signatures whose nonces are remembered, the recent ones, at about 300 bytes each. Of EdDSA it is an eighth.
pub const NONCES: usize = 1 << 15;
/// Nonces that were used twice that are looked into: a proof takes a millisecond.
pub const SHARED_NONCES: usize = 256;
/// Recent tokens that later ones are compared with, at about 150 bytes each.
pub const TWINS: usize = 1 << 16;
/// Issuers whose algorithms are remembered.
pub const MIXED: usize = 4096;
/// Recent initialisation vectors of encrypted tokens.
pub const VECTORS: usize = 1 << 16;
/// Forms of public keys that are tried as HMAC secrets in a run: two seconds or less.
pub const CONFUSION_TRIALS: u64 = 2_000_000;
/// Distinct HMAC tokens that the dictionary attack keeps.
pub const CRACK_TOKENS: usize = 8192;
/// Bytes of their texts.
pub const CRACK_BYTES: usize = 12 << 20;
/// Most iterations of PBES2 that one token may ask for: the bound of draft-ietf-oauth-rfc8725bis section 3.13.
pub const PBES2_COUNT: u32 = 1_200_000;
/// Iterations of PBES2 in an hour of packet time: some seconds.
pub const PBES2_ITERATIONS: u32 = 12_000_000;
/// Operations with private keys, to open encrypted tokens, in an hour of packet time: one takes ten milliseconds at most.
pub const PRIVATE_OPERATIONS: u32 = 2048;
/// Content of one encrypted token that is kept once it is inflated. draft-ietf-oauth-rfc8725bis section 3.15 has 250 kB.
pub const JWE_CONTENT: u64 = 256 << 10;
/// Bytes of such a content that are counted.
pub const JWE_INFLATED: u64 = 4 << 20;
/// Encrypted tokens of which it is remembered what came of opening them.
pub const OPENED: usize = 4096;
/// Bytes of their texts; what is inside takes as much again.
pub const OPENED_BYTES: usize = 8 << 20;
/// Sightings of encrypted tokens that wait for a key that somebody may still give away.
pub const SEALED: usize = 1024;
/// Bytes of their texts and exchanges.
pub const SEALED_BYTES: usize = 4 << 20;
