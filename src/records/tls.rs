//! The `tls` member of a `flows` record.

use crate::{
    message::Direction,
    protocol::{Alert, Certificate, Over, alert_name, group_name, is_grease, signature_name},
    session::TlsSession,
    time::Second,
};
use serde::Serialize;
use std::borrow::Cow;

/// What a session showed, keys in the order of the contract and then ours.
#[derive(Debug, Serialize)]
pub(super) struct TlsView<'a> {
    pub(super) sni: Option<&'a str>,
    alpn: Vec<Cow<'a, str>>,
    alpn_selected: Option<&'a str>,
    version: Option<&'static str>,
    cipher: Option<String>,
    ja3: Option<String>,
    ja4: Option<String>,
    certificates: Vec<CertificateView<'a>>,
    ja3s: Option<String>,
    versions: Vec<&'static str>,
    groups: Vec<String>,
    key_shares: Vec<String>,
    group: Option<String>,
    signature_algorithms: Vec<String>,
    ech: bool,
    early_data: bool,
    ocsp_stapled: bool,
    resumed: Option<&'static str>,
    ticket: bool,
    renegotiated: bool,
    alerts: Vec<AlertView>,
    not_decrypted: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct CertificateView<'a> {
    subject: &'a str,
    issuer: &'a str,
    not_before: Second,
    not_after: Second,
    sha256: String,
    san: &'a [String],
    key: String,
    signature: &'a str,
    self_signed: bool,
    from: &'static str,
}

#[derive(Debug, Serialize)]
struct AlertView {
    from: &'static str,
    level: &'static str,
    description: String,
}

impl<'a> TlsView<'a> {
    /// The view of a session that came over `over`.
    pub(super) fn new(session: &'a TlsSession, over: Over) -> Self {
        let (client, server) = (session.client.as_ref(), session.server.as_ref());
        let names = |list: Option<&Vec<u16>>, name: fn(u16) -> String| -> Vec<String> {
            list.into_iter().flatten().copied().filter(|n| !is_grease(*n)).map(name).collect()
        };
        Self {
            sni: client.and_then(|c| c.sni.as_deref()),
            alpn: client
                .map(|c| c.alpn.iter().map(|a| String::from_utf8_lossy(a)).collect())
                .unwrap_or_default(),
            alpn_selected: server.and_then(|s| s.alpn.as_deref()).or(session.alpn.as_deref()),
            version: session.version().map(TlsSession::version_name),
            cipher: server.map(|s| s.cipher_name()),
            ja3: client.and_then(|c| c.ja3()),
            ja4: client.and_then(|c| c.ja4(over)),
            certificates: certificates(session),
            ja3s: server.filter(|s| s.version > 0x0002).map(|s| s.ja3s()),
            versions: client
                .map(|c| c.versions.iter().map(|v| TlsSession::version_name(*v)).collect())
                .unwrap_or_default(),
            groups: names(client.map(|c| &c.groups), group_name),
            key_shares: names(client.map(|c| &c.key_shares), group_name),
            group: server.and_then(|s| s.group).map(group_name),
            signature_algorithms: names(client.map(|c| &c.signature_algorithms), signature_name),
            ech: client.is_some_and(|c| c.ech()),
            early_data: client.is_some_and(|c| c.early_data()),
            ocsp_stapled: session.stapled,
            resumed: session.resumed(),
            ticket: session.ticket,
            renegotiated: session.renegotiated,
            alerts: session.alerts.iter().map(AlertView::new).collect(),
            not_decrypted: session.closed(),
        }
    }
}

impl AlertView {
    fn new(alert: &Alert) -> Self {
        Self {
            from: end(alert.from),
            level: if alert.level == 1 { "warning" } else { "fatal" },
            description: alert_name(alert.description),
        }
    }
}

/// The server's chain, then the client's.
fn certificates(session: &TlsSession) -> Vec<CertificateView<'_>> {
    let of =
        |from: Direction| session.chains[from.index()].iter().map(move |c| CertificateView::new(c, from));
    of(Direction::Response).chain(of(Direction::Request)).collect()
}

fn end(from: Direction) -> &'static str {
    if from == Direction::Request { "client" } else { "server" }
}

impl<'a> CertificateView<'a> {
    fn new(certificate: &'a Certificate, from: Direction) -> Self {
        Self {
            subject: &certificate.subject,
            issuer: &certificate.issuer,
            not_before: Second(certificate.not_before),
            not_after: Second(certificate.not_after),
            sha256: certificate.sha256.iter().map(|b| format!("{b:02x}")).collect(),
            san: &certificate.san,
            key: certificate.key_name(),
            signature: &certificate.signature,
            self_signed: certificate.self_signed,
            from: end(from),
        }
    }
}
