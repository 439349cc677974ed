//! What the hellos of a TLS session show.

use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::session::TlsSession;

pub(super) const FAMILY: Family = Family {
    name: "tls",
    doc: "What the hellos of a TLS session show.",
    subjects: &[Subject::Tls, Subject::Flow],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "tls.version",
            ty: Type::Str,
            doc: "Negotiated version, or the highest one offered while no server answered: \"SSLv2\", \"SSLv3\", \"1.0\" to \"1.3\".",
            get: |c| {
                Value::or_missing(session(c).and_then(TlsSession::version).map(TlsSession::version_name))
            },
        },
        Field {
            name: "tls.deprecated",
            ty: Type::Bool,
            doc: "Whether that version is below TLS 1.2 (RFC 8996).",
            get: |c| Value::or_missing(session(c).and_then(TlsSession::version).map(TlsSession::deprecated)),
        },
        Field {
            name: "tls.negotiated",
            ty: Type::Bool,
            doc: "Whether a server answered.",
            get: |c| Value::or_missing(session(c).map(|s| s.server.is_some())),
        },
        Field {
            name: "tls.cipher",
            ty: Type::Str,
            doc: "IANA name of the selected cipher suite.",
            get: |c| Value::or_missing(cipher(c)),
        },
        Field {
            name: "tls.cipher_class",
            ty: Type::Str,
            doc: "\"broken\" (NULL, anonymous, EXPORT), \"weak\" (RC4, DES, 3DES, IDEA, RC2, MD5), \"legacy\" (CBC with SHA-1), or \"good\".",
            get: |c| Value::or_missing(cipher(c).map(|name| class(&name))),
        },
        Field {
            name: "tls.forward_secret",
            ty: Type::Bool,
            doc: "Whether a later theft of the server's key leaves the session closed.",
            get: |c| Value::or_missing(cipher(c).map(|name| forward_secret(&name))),
        },
        Field {
            name: "tls.established",
            ty: Type::Bool,
            doc: "Whether application data followed the handshake (in TLS 1.3 also if only its encrypted part did).",
            get: |c| Value::or_missing(session(c).map(|s| s.established)),
        },
        Field {
            name: "tls.sni",
            ty: Type::Str,
            doc: "Server name that the client asked for.",
            get: |c| Value::or_missing(session(c).and_then(|s| s.client.as_ref()?.sni.as_deref())),
        },
    ],
};

pub(super) fn session<'a>(case: &Case<'a>) -> Option<&'a TlsSession> {
    case.flow?.tls.as_deref()
}

fn cipher(case: &Case<'_>) -> Option<String> {
    Some(session(case)?.server.as_ref()?.cipher_name())
}

fn class(name: &str) -> &'static str {
    let has = |part: &str| name.contains(part);
    if has("_NULL_") || name.ends_with("_NULL") || has("_anon_") || has("EXPORT") {
        "broken"
    } else if ["RC4", "_DES", "3DES", "IDEA", "RC2"].iter().any(|p| has(p)) || name.ends_with("MD5") {
        "weak"
    } else if has("CBC") && name.ends_with("_SHA") {
        "legacy"
    } else {
        "good"
    }
}

fn forward_secret(name: &str) -> bool {
    !name.starts_with("TLS_")
        || name.starts_with("TLS_ECDHE")
        || name.starts_with("TLS_DHE")
        || !name.contains("_WITH_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_fall_into_classes() {
        for (name, expected, secret) in [
            ("TLS_AES_128_GCM_SHA256", "good", true),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "good", true),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", "good", false),
            ("TLS_RSA_WITH_RC4_128_SHA", "weak", false),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "weak", false),
            ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "broken", false),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "legacy", true),
        ] {
            assert_eq!((class(name), forward_secret(name)), (expected, secret), "{name}");
        }
    }
}
