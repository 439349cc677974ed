//! The server's certificate, where the handshake shows it (TLS 1.2 and below, or with keys).

use super::tls::session;
use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::session::Certificate;
use crate::time::Second;

pub(super) const FAMILY: Family = Family {
    name: "certificate",
    doc: "The server's certificate, where the handshake shows it: up to TLS 1.2, or with keys.",
    subjects: &[Subject::Tls, Subject::Flow],
    about_key: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    steady: false,
    fields: &[
        Field {
            name: "certificate.subject",
            ty: Type::Str,
            doc: "Distinguished name of whom the certificate is for.",
            get: |c| Value::or_missing(leaf(c).map(|l| l.subject.as_str())),
        },
        Field {
            name: "certificate.issuer",
            ty: Type::Str,
            doc: "Distinguished name of who signed it.",
            get: |c| Value::or_missing(leaf(c).map(|l| l.issuer.as_str())),
        },
        Field {
            name: "certificate.names",
            ty: Type::List(&Type::Str),
            doc: "Its subject alternative names.",
            get: |c| leaf(c).map_or(Value::Missing, |l| Value::strs(&l.san)),
        },
        Field {
            name: "certificate.validity",
            ty: Type::Str,
            doc: "\"valid\", \"expired\" or \"not-yet-valid\" when the flow began.",
            get: validity,
        },
        Field {
            name: "certificate.not_before",
            ty: Type::Str,
            doc: "The first second of its validity.",
            get: |c| Value::or_missing(leaf(c).map(|l| Second(l.not_before).to_string())),
        },
        Field {
            name: "certificate.not_after",
            ty: Type::Str,
            doc: "The last second of its validity.",
            get: |c| Value::or_missing(leaf(c).map(|l| Second(l.not_after).to_string())),
        },
        Field {
            name: "certificate.self_signed",
            ty: Type::Bool,
            doc: "Whether it names itself as its issuer.",
            get: |c| Value::or_missing(leaf(c).map(|l| l.self_signed)),
        },
        Field {
            name: "certificate.covers_sni",
            ty: Type::Bool,
            doc: "Whether it is valid for the server name that the client asked for (RFC 9525); missing without such a name, and if Encrypted ClientHello makes it a cover.",
            get: covers_sni,
        },
        Field {
            name: "certificate.weaknesses",
            ty: Type::List(&Type::Str),
            doc: "Weak keys (RSA and DSA below 2048 bits, EC below 224) and signatures (MD2, MD4, MD5, SHA-1) in the chain; signatures of roots do not count.",
            get: weaknesses,
        },
    ],
};

fn leaf<'a>(case: &Case<'a>) -> Option<&'a Certificate> {
    session(case)?.certificates().first().map(|leaf| &**leaf)
}

fn validity<'a>(case: &Case<'a>) -> Value<'a> {
    let Some(leaf) = leaf(case) else { return Value::Missing };
    let now = case.time().seconds();
    Value::str(match () {
        () if now > leaf.not_after => "expired",
        () if now < leaf.not_before => "not-yet-valid",
        () => "valid",
    })
}

fn covers_sni<'a>(case: &Case<'a>) -> Value<'a> {
    let covered = || {
        let client = session(case)?.client.as_ref().filter(|c| !c.ech())?;
        Some(leaf(case)?.covers(client.sni.as_deref()?))
    };
    Value::or_missing(covered())
}

fn weaknesses<'a>(case: &Case<'a>) -> Value<'a> {
    let Some(chain) = session(case).map(|s| s.certificates()).filter(|c| !c.is_empty()) else {
        return Value::Missing;
    };
    let mut found = Vec::new();
    for (i, certificate) in chain.iter().enumerate() {
        if weak_key(certificate) {
            found.push(Value::from(format!("{} key of {}", certificate.key_name(), certificate.subject)));
        }
        // Nobody checks a root's signature of itself.
        if weak_signature(&certificate.signature) && (i == 0 || !certificate.self_signed) {
            found.push(Value::from(format!("{} of {}", certificate.signature, certificate.subject)));
        }
    }
    Value::List(List::Owned(found))
}

fn weak_key(certificate: &Certificate) -> bool {
    let least = match certificate.key.as_str() {
        "RSA" | "DSA" => 2048,
        "EC" => 224,
        _ => return false,
    };
    (1..least).contains(&certificate.key_bits)
}

fn weak_signature(name: &str) -> bool {
    let hash = |part: &str| name.len() >= part.len() && name.to_ascii_lowercase().contains(part);
    ["md2", "md4", "md5"].iter().any(|h| hash(h))
        || name.to_ascii_lowercase().ends_with("sha1")
        || hash("sha1with")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_is_what_is_below_the_line() {
        for (name, weak) in [
            ("md5WithRSAEncryption", true),
            ("sha1WithRSAEncryption", true),
            ("ecdsaWithSHA1", true),
            ("dsaWithSHA1", true),
            ("sha256WithRSAEncryption", false),
            ("ecdsaWithSHA512", false),
            ("Ed25519", false),
        ] {
            assert_eq!(weak_signature(name), weak, "{name}");
        }
        for (key, key_bits, weak) in [
            ("RSA", 1024, true),
            ("RSA", 2048, false),
            ("EC", 192, true),
            ("EC", 256, false),
            ("EC", 0, false),
        ] {
            let certificate = Certificate { key: key.into(), key_bits, ..Certificate::default() };
            assert_eq!(weak_key(&certificate), weak, "{key} {key_bits}");
        }
    }
}
