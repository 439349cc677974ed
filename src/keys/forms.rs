//! The forms in which a public key can be taken for an HMAC secret: a server that verifies whatever `alg` says hands its
//! public key to HMAC in the form that it has it in, and everyone knows that (RFC 8725 section 2.1).

use super::public::{Edwards, PublicKey};
use super::{curve::Curve, der};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// One form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is, in words.
    pub name: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An HMAC (RFC 7518 section 3.2) whose secret was taken in already: to try it costs the input alone.
#[derive(Clone)]
pub enum Keyed {
    /// HS256.
    Sha256(Hmac<Sha256>),
    /// HS384.
    Sha384(Hmac<Sha384>),
    /// HS512.
    Sha512(Hmac<Sha512>),
}

impl Keyed {
    /// That of an algorithm; `None` if it is no HMAC.
    pub fn new(alg: &str, secret: &[u8]) -> Option<Self> {
        Some(match alg {
            "HS256" => Self::Sha256(KeyInit::new_from_slice(secret).ok()?),
            "HS384" => Self::Sha384(KeyInit::new_from_slice(secret).ok()?),
            "HS512" => Self::Sha512(KeyInit::new_from_slice(secret).ok()?),
            _ => return None,
        })
    }

    /// Whether it makes `signature` of `input`.
    pub fn signs(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha256(mac) => mac.clone().chain_update(input).verify_slice(signature).is_ok(),
            Self::Sha384(mac) => mac.clone().chain_update(input).verify_slice(signature).is_ok(),
            Self::Sha512(mac) => mac.clone().chain_update(input).verify_slice(signature).is_ok(),
        }
    }
}

/// All forms of a key, of the certificates that it came with, and of its JWK as it was seen.
pub fn forms(key: &PublicKey, certificates: &[Box<[u8]>], jwk: Option<&str>) -> Vec<Form> {
    let mut all = Vec::new();
    let mut add = |name, bytes: &[u8]| all.push(Form { name, bytes: bytes.to_vec() });
    let spki = der::write_spki(key);
    structure(&SPKI, &spki, &mut add);
    if let Some(pkcs1) = der::write_pkcs1(key) {
        structure(&PKCS1, &pkcs1, &mut add);
    }
    for certificate in certificates {
        structure(&X509, certificate, &mut add);
    }
    add("the JWK in canonical form", key.canonical_jwk().as_bytes());
    if let Some(jwk) = jwk {
        add("the JWK as it was published", jwk.as_bytes());
    }
    match key {
        PublicKey::Rsa { n, e } => {
            numbers(["the modulus", "the modulus in base64url", "the modulus in hex"], n, &mut add);
            add("the OpenSSH line", openssh("ssh-rsa", &[&positive(e), &positive(n)]).as_bytes());
        }
        PublicKey::Ec { curve, point } => {
            let sec1 = [&[4], &point[..]].concat();
            numbers(["the point", "the point in base64url", "the point in hex"], &sec1, &mut add);
            let name = match curve {
                Curve::P256 => "nistp256",
                Curve::P384 => "nistp384",
                Curve::P521 => "nistp521",
                Curve::K256 => return all,
            };
            let line = openssh(&format!("ecdsa-sha2-{name}"), &[name.as_bytes(), &sec1]);
            add("the OpenSSH line", line.as_bytes());
        }
        PublicKey::Edwards { curve, x } => {
            numbers(["the point", "the point in base64url", "the point in hex"], x, &mut add);
            let name = if *curve == Edwards::Ed25519 { "ssh-ed25519" } else { "ssh-ed448" };
            add("the OpenSSH line", openssh(name, &[x]).as_bytes());
        }
    }
    all
}

/// How the forms of a DER structure are called.
struct Names {
    label: &'static str,
    pem: &'static str,
    pem_bare: &'static str,
    pem_crlf: &'static str,
    pem_line: &'static str,
    der: &'static str,
    base64: &'static str,
}

const SPKI: Names = Names {
    label: "PUBLIC KEY",
    pem: "SPKI PEM",
    pem_bare: "SPKI PEM without a last newline",
    pem_crlf: "SPKI PEM with CRLF",
    pem_line: "SPKI PEM in one line",
    der: "SPKI DER",
    base64: "SPKI in base64",
};
const PKCS1: Names = Names {
    label: "RSA PUBLIC KEY",
    pem: "PKCS#1 PEM",
    pem_bare: "PKCS#1 PEM without a last newline",
    pem_crlf: "PKCS#1 PEM with CRLF",
    pem_line: "PKCS#1 PEM in one line",
    der: "PKCS#1 DER",
    base64: "PKCS#1 in base64",
};
const X509: Names = Names {
    label: "CERTIFICATE",
    pem: "X.509 PEM",
    pem_bare: "X.509 PEM without a last newline",
    pem_crlf: "X.509 PEM with CRLF",
    pem_line: "X.509 PEM in one line",
    der: "X.509 DER",
    base64: "X.509 in base64",
};

fn structure(names: &Names, der: &[u8], add: &mut impl FnMut(&'static str, &[u8])) {
    let text = STANDARD.encode(der);
    let columns = || text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap_or_default());
    let pem =
        |end: &str, body: &str| format!("-----BEGIN {0}-----{end}{body}{end}-----END {0}-----", names.label);
    let (unix, dos) = (
        pem("\n", &columns().collect::<Vec<_>>().join("\n")),
        pem("\r\n", &columns().collect::<Vec<_>>().join("\r\n")),
    );
    add(names.pem, format!("{unix}\n").as_bytes());
    add(names.pem_bare, unix.as_bytes());
    add(names.pem, format!("\n{unix}\n").as_bytes());
    add(names.pem_crlf, format!("{dos}\r\n").as_bytes());
    add(names.pem_crlf, dos.as_bytes());
    for (end, last) in [("\n", "\n"), ("\n", ""), ("", "")] {
        add(names.pem_line, format!("{}{last}", pem(end, &text)).as_bytes());
    }
    add(names.der, der);
    add(names.base64, text.as_bytes());
    add(names.base64, format!("{text}\n").as_bytes());
}

fn numbers(names: [&'static str; 3], bytes: &[u8], add: &mut impl FnMut(&'static str, &[u8])) {
    add(names[0], bytes);
    add(names[1], URL_SAFE_NO_PAD.encode(bytes).as_bytes());
    add(names[2], crate::text::hex(bytes).as_bytes());
}

/// A number of RFC 4251 section 5 (`mpint`) that is not negative.
fn positive(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    [sign, bytes].concat()
}

/// A line of `authorized_keys` without a comment (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4).
fn openssh(name: &str, parts: &[&[u8]]) -> String {
    let mut bytes = Vec::new();
    for part in std::iter::once(name.as_bytes()).chain(parts.iter().copied()) {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
    }
    format!("{name} {}", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::vectors::{ED_SPKI, RSA_PKCS1, RSA_SPKI};

    fn has(forms: &[Form], name: &str, text: &str) -> bool {
        forms.iter().any(|form| form.name == name && form.bytes == text.as_bytes())
    }

    #[test]
    fn a_key_is_written_as_openssl_writes_it() {
        let spki =
            super::super::pem::read(&super::super::pem::blocks(RSA_SPKI.as_bytes()).next().unwrap()).unwrap();
        let forms = forms(&spki, &[], None);
        assert!(has(&forms, "SPKI PEM", RSA_SPKI) && has(&forms, "PKCS#1 PEM", RSA_PKCS1));
        assert!(has(&forms, "SPKI PEM without a last newline", RSA_SPKI.trim_end()));
        assert!(has(&forms, "SPKI PEM with CRLF", &RSA_SPKI.replace('\n', "\r\n")));
        let ed =
            super::super::pem::read(&super::super::pem::blocks(ED_SPKI.as_bytes()).next().unwrap()).unwrap();
        assert!(has(&super::forms(&ed, &[], None), "SPKI PEM", ED_SPKI));
    }

    #[test]
    fn an_hmac_is_told() {
        // RFC 4231 section 4.3.
        let (key, data) = (b"Jefe", b"what do ya want for nothing?");
        let mac = |hex: &str| {
            (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect::<Vec<_>>()
        };
        let sha256 = mac("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let signs =
            |alg, key: &[u8], mac: &[u8]| Keyed::new(alg, key).is_some_and(|keyed| keyed.signs(data, mac));
        assert!(
            signs("HS256", key, &sha256) && !signs("HS384", key, &sha256) && !signs("ES256", key, &sha256)
        );
        assert!(!signs("HS256", b"jefe", &sha256) && !signs("HS256", key, &sha256[..16]));
    }
}
