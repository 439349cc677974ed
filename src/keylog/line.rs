//! One line of a key log: label, identifier, secret (RFC 9850 section 2).

use crate::limits::KEYLOG_LINE;

/// What a secret is, and so what its identifier is: the random of the ClientHello unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// Master secret of TLS 1.2 and below (`CLIENT_RANDOM`).
    Master,
    /// Premaster secret (`PMS_CLIENT_RANDOM`, as Wireshark reads it).
    Premaster,
    /// Premaster secret, known by the first 8 bytes of its encrypted form (`RSA`, written by old NSS).
    RsaPremaster,
    /// Master secret, known by the session ID (`RSA Session-ID:... Master-Key:...`, written by old OpenSSL).
    SessionMaster,
    /// TLS 1.3 early data (`CLIENT_EARLY_TRAFFIC_SECRET`).
    ClientEarly,
    /// TLS 1.3 handshake of the client.
    ClientHandshake,
    /// TLS 1.3 handshake of the server.
    ServerHandshake,
    /// TLS 1.3 application data of the client, before any KeyUpdate.
    ClientTraffic,
    /// TLS 1.3 application data of the server, before any KeyUpdate.
    ServerTraffic,
}

/// What a label of a key log means here: `None` for secrets that open no record.
const LABELS: &[(&str, Option<Label>)] = &[
    ("CLIENT_RANDOM", Some(Label::Master)),
    ("PMS_CLIENT_RANDOM", Some(Label::Premaster)),
    ("RSA", Some(Label::RsaPremaster)),
    ("CLIENT_EARLY_TRAFFIC_SECRET", Some(Label::ClientEarly)),
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", Some(Label::ClientHandshake)),
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", Some(Label::ServerHandshake)),
    ("CLIENT_TRAFFIC_SECRET_0", Some(Label::ClientTraffic)),
    ("SERVER_TRAFFIC_SECRET_0", Some(Label::ServerTraffic)),
    // After a KeyUpdate, as OpenSSL writes it: follows from the one before.
    ("CLIENT_TRAFFIC_SECRET_N", None),
    ("SERVER_TRAFFIC_SECRET_N", None),
    ("EARLY_EXPORTER_SECRET", None),
    ("EARLY_EXPORTER_MASTER_SECRET", None),
    ("EXPORTER_SECRET", None),
    ("ECH_SECRET", None),
    ("ECH_CONFIG", None),
    // QUIC has the secrets of TLS 1.3; these names come from drafts.
    ("QUIC_CLIENT_EARLY_TRAFFIC_SECRET", Some(Label::ClientEarly)),
    ("QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET", Some(Label::ClientHandshake)),
    ("QUIC_SERVER_HANDSHAKE_TRAFFIC_SECRET", Some(Label::ServerHandshake)),
    ("QUIC_CLIENT_TRAFFIC_SECRET_0", Some(Label::ClientTraffic)),
    ("QUIC_SERVER_TRAFFIC_SECRET_0", Some(Label::ServerTraffic)),
];

/// Bytes of a master secret (RFC 5246 section 8.1), and of the premaster secret of an RSA key exchange.
const MASTER: usize = 48;
/// Longest premaster secret: that of an 8192-bit Diffie-Hellman group.
const PREMASTER: usize = 1024;

/// A secret. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSecret(Box<[u8]>);

impl TlsSecret {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for TlsSecret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl std::fmt::Debug for TlsSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsSecret({} bytes)", self.0.len())
    }
}

/// A secret and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub label: Label,
    /// Client random, or what the label says, filled up with zeros.
    pub id: [u8; 32],
    /// The secret.
    pub secret: TlsSecret,
}

/// Why a line is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// Not `LABEL IDENTIFIER SECRET`.
    Shape,
    /// A label that no specification has.
    Label,
    /// Something that ought to be hexadecimal is not.
    Hex,
    /// The identifier has the wrong length.
    Id,
    /// The secret has a length that no cipher suite gives it: the line may be cut.
    Secret,
    /// Longer than any line can be.
    Long,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shape => "not a label, an identifier and a secret",
            Self::Label => "a label that is not known",
            Self::Hex => "not hexadecimal",
            Self::Id => "an identifier of the wrong length",
            Self::Secret => "a secret of the wrong length",
            Self::Long => "longer than a line can be",
        })
    }
}

/// Reads a line; `None` for one that says nothing: empty, a comment, a secret that opens no record.
///
/// # Errors
/// [`BadLine`] if it cannot be used; others around it can.
pub fn parse_line(line: &[u8]) -> Result<Option<Entry>, BadLine> {
    if line.len() > KEYLOG_LINE {
        return Err(BadLine::Long);
    }
    let line = line.trim_ascii();
    if matches!(line.first(), None | Some(b'#')) {
        return Ok(None);
    }
    let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
    let (Some(label), Some(id), Some(secret), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BadLine::Shape);
    };
    if let (b"RSA", Some(session), Some(master)) =
        (label, id.strip_prefix(b"Session-ID:"), secret.strip_prefix(b"Master-Key:"))
    {
        return entry(Label::SessionMaster, session, master).map(Some);
    }
    let known = LABELS.iter().find(|(name, _)| name.as_bytes() == label);
    match known.ok_or(BadLine::Label)?.1 {
        Some(label) => entry(label, id, secret).map(Some),
        None => Ok(None),
    }
}

fn entry(label: Label, id: &[u8], secret: &[u8]) -> Result<Entry, BadLine> {
    let id = unhex(id).ok_or(BadLine::Hex)?;
    let secret = unhex(secret).ok_or(BadLine::Hex)?;
    let fits = match label {
        Label::RsaPremaster => id.len() == 8,
        Label::SessionMaster => (1..=32).contains(&id.len()),
        _ => id.len() == 32,
    };
    if !fits {
        return Err(BadLine::Id);
    }
    let fits = match label {
        Label::Master | Label::RsaPremaster | Label::SessionMaster => secret.len() == MASTER,
        Label::Premaster => (1..=PREMASTER).contains(&secret.len()),
        // As long as the hash of the cipher suite: SHA-256 or SHA-384.
        _ => matches!(secret.len(), 32 | 48),
    };
    if !fits {
        return Err(BadLine::Secret);
    }
    let mut padded = [0; 32];
    padded[..id.len()].copy_from_slice(&id);
    Ok(Entry { label, id: padded, secret: secret.into() })
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, id: usize, secret: usize) -> String {
        format!("{label} {} {}", "aB".repeat(id), "0f".repeat(secret))
    }

    #[test]
    fn every_label_is_read_with_its_lengths() {
        for (label, expected) in LABELS {
            let text = match expected {
                Some(Label::RsaPremaster) => line(label, 8, 48),
                Some(Label::Master | Label::Premaster) => line(label, 32, 48),
                _ => line(label, 32, 32),
            };
            let read = parse_line(text.as_bytes()).unwrap();
            assert_eq!(read.as_ref().map(|e| e.label), *expected, "{label}");
            if let Some(entry) = read {
                assert!(entry.id.starts_with(&[0xab; 8]) && entry.secret.bytes().starts_with(&[15; 32]));
                assert_eq!(
                    format!("{:?}", entry.secret),
                    format!("TlsSecret({} bytes)", entry.secret.bytes().len())
                );
            }
        }
        let old = format!("RSA Session-ID:{} Master-Key:{}", "ee".repeat(16), "01".repeat(48));
        let entry = parse_line(old.as_bytes()).unwrap().unwrap();
        assert_eq!((entry.label, entry.id[15], entry.id[16]), (Label::SessionMaster, 0xee, 0));
        // SHA-384 suites have longer secrets.
        assert!(parse_line(line("CLIENT_TRAFFIC_SECRET_0", 32, 48).as_bytes()).unwrap().is_some());
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told() {
        for (text, cause) in [
            (line("CLIENT_RANDOM", 32, 48) + " more", BadLine::Shape),
            ("CLIENT_RANDOM".to_owned(), BadLine::Shape),
            ("<html>".to_owned(), BadLine::Shape),
            (line("CLIENT_RANDUM", 32, 48), BadLine::Label),
            (line("CLIENT_RANDOM", 31, 48), BadLine::Id),
            (line("CLIENT_RANDOM", 32, 47), BadLine::Secret),
            (line("CLIENT_RANDOM", 32, 47) + "0", BadLine::Hex),
            (line("SERVER_TRAFFIC_SECRET_0", 32, 33), BadLine::Secret),
            ("CLIENT_RANDOM \u{e9}\u{e9} 00".to_owned(), BadLine::Hex),
            ("a".repeat(KEYLOG_LINE + 1), BadLine::Long),
        ] {
            assert_eq!(parse_line(text.as_bytes()), Err(cause), "{text}");
        }
        for nothing in ["", "  \r", "# SSL/TLS secrets log file", "  # x"] {
            assert_eq!(parse_line(nothing.as_bytes()), Ok(None));
        }
        let crlf = line("CLIENT_RANDOM", 32, 48) + "\r";
        assert!(parse_line(crlf.as_bytes()).unwrap().is_some());
    }
}
