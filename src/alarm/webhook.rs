//! `http:` and `https:`: batches as JSON, by POST.

use super::connection::Connector;
use super::{Alarm, Kind, Refusal, Sink, Target, http};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The kind.
pub(super) const KIND: Kind = Kind {
    schemes: &["http", "https"],
    doc: "POST of {\"wirelint\": VERSION, \"findings\": [..]}: https://HOST/PATH?token-file=FILE (a bearer token)",
    port: 80,
    batch: 100,
    open,
};

struct Webhook {
    connector: Connector,
    path: String,
    authorization: Option<String>,
}

fn open(target: &Target) -> Result<Box<dyn Sink>, String> {
    let token = |path: &str| {
        let text = std::fs::read_to_string(path).map_err(|e| format!("token-file={path}: {e}"))?;
        let token = text.trim();
        let fits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| format!("Bearer {token}")).ok_or_else(|| format!("token-file={path}: it holds no token"))
    };
    let basic = target.user.as_deref().map(|user| {
        let user = percent_encoding::percent_decode_str(user).collect::<Vec<u8>>();
        format!("Basic {}", STANDARD.encode(user))
    });
    if target.path.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err("a path has no spaces".into());
    }
    Ok(Box::new(Webhook {
        connector: Connector::new(target, target.scheme == "https")?,
        path: target.path.clone(),
        authorization: target.option("token-file").map(token).transpose()?.or(basic),
    }))
}

impl Sink for Webhook {
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
        let records: Vec<&str> = batch.iter().map(|alarm| alarm.record.as_str()).collect();
        let body = format!(
            "{{\"wirelint\":\"{}\",\"findings\":[{}]}}",
            env!("CARGO_PKG_VERSION"),
            records.join(",")
        );
        let mut fields = vec![("Content-Type", "application/json")];
        if let Some(value) = &self.authorization {
            fields.push(("Authorization", value));
        }
        match http::post(&self.connector, &self.path, &fields, body.as_bytes()) {
            Ok(200..=299) => Ok(()),
            Ok(status @ (408 | 425 | 429 | 500..)) => Err((0, Refusal::Later(format!("status {status}")))),
            Ok(status) => Err((0, Refusal::Never(format!("status {status}")))),
            Err(error) => Err((0, error.into())),
        }
    }
}
