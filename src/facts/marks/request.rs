//! Marks of requests.

use super::{
    API_KEY, BASIC, BASIC_TOKEN, CODE_GRANT, DIGEST_WEAK, Found, INTROSPECTION, LOG_SINK, NTLM, OAUTH_CODE,
    OAUTH_CODE_LOOPBACK, OAUTH_CODE_REQUEST, OAUTH_IMPLICIT, OAUTH_NO_PKCE, OAUTH_NO_STATE,
    OAUTH_PASSWORD_GRANT, OAUTH_REFRESH, OAUTH_SECRET, OAUTH_SECRET_URL, OPAQUE_BEARER, PASSWORD_BODY,
    PASSWORD_HASHED, PASSWORD_URL, PRESIGNED, REFRESH_GRANT, SAML, SESSION_COOKIE, code_in, is_loopback,
    key_log,
};
use crate::message::{
    Authorization, BodyFormat, Location, StoredHead, Target, cookies, form_fields, json_members,
    multipart_fields,
};
use crate::token as credential;
use base64::Engine as _;
use memchr::memmem::Finder;
use std::sync::LazyLock;

pub(super) fn fields(head: &StoredHead, found: &mut Found) {
    for (name, value) in head.fields() {
        // Told by length and first letter before anything is compared: this runs for every field of every request.
        match (name.len(), name.first().map_or(0, u8::to_ascii_lowercase)) {
            (13, b'a') if name.eq_ignore_ascii_case(b"authorization") => {
                authorization(b"authorization", value, head, found)
            }
            (19, b'p') if name.eq_ignore_ascii_case(b"proxy-authorization") => {
                authorization(b"proxy-authorization", value, head, found);
            }
            (4, b'd') if name.eq_ignore_ascii_case(b"dpop") => found.proof = true,
            (6, b'c') if name.eq_ignore_ascii_case(b"cookie") => {
                for cookie in cookies(value) {
                    if cookie.value.len() >= 11
                        && credential::session_cookie_name(&String::from_utf8_lossy(cookie.name))
                        && credential::entropy_bits(cookie.value) >= 64.0
                    {
                        found.add(SESSION_COOKIE, Location::Cookie, cookie.name);
                    }
                }
            }
            (7, b'r')
                if name.eq_ignore_ascii_case(b"referer")
                    && code_in(Target::reference(value).query.unwrap_or_default().bytes) =>
            {
                found.add(OAUTH_CODE, Location::Referer, b"code");
            }
            _ if value.len() >= 16 && hints_at_key(name) => {
                let lower = name.to_ascii_lowercase();
                if credential::api_key_name(&String::from_utf8_lossy(&lower)) && keyish(value) {
                    found.add(API_KEY, Location::Header, &lower);
                }
            }
            _ => {}
        }
    }
}

/// A quick look before names are compared: most fields have nothing to do with keys.
fn hints_at_key(name: &[u8]) -> bool {
    let second = |b: u8| matches!(b | 0x20, b'e' | b'o' | b'u');
    name.windows(3).any(|w| {
        second(w[1]) && [&b"key"[..], b"tok", b"aut", b"sec"].iter().any(|hint| w.eq_ignore_ascii_case(hint))
    })
}

fn keyish(value: &[u8]) -> bool {
    value.len() >= 16
        && credential::entropy_bits(value) >= 3.0 * value.len() as f64
        && !value.contains(&b' ')
        && memchr::memchr_iter(b'.', value).count() < 2
}

fn authorization(name: &[u8], value: &[u8], head: &StoredHead, found: &mut Found) {
    let Some(auth) = Authorization::parse(value) else { return };
    match auth.scheme.to_ascii_lowercase().as_slice() {
        b"basic" => {
            let Some(basic) = auth.basic() else { return };
            let (user, password) = (basic.user(), basic.password());
            if memchr::memchr_iter(b'.', password).count() >= 2 && password.len() > 40 {
                found.add(BASIC_TOKEN, Location::Header, name);
            } else if !password.is_empty() {
                found.add(BASIC, Location::Header, name);
                if !user.is_empty() && token_endpoint(head) {
                    found.add(OAUTH_SECRET, Location::Header, name);
                }
            }
        }
        b"bearer" | b"token" | b"dpop" if memchr::memchr_iter(b'.', auth.credentials).count() < 2 => {
            let dummy = matches!(auth.credentials, b"undefined" | b"null");
            if auth.credentials.len() >= 16 && !dummy {
                found.add(OPAQUE_BEARER, Location::Header, name);
            }
        }
        b"bearer" | b"token"
            if auth.credentials.starts_with(b"v")
                && credential::opaque_token_kind(auth.credentials)
                    == Some(credential::OpaqueKind::Paseto) =>
        {
            found.add(OPAQUE_BEARER, Location::Header, name);
        }
        b"digest" => {
            let text = String::from_utf8_lossy(auth.credentials).to_ascii_lowercase();
            let md5 = !text.contains("algorithm=")
                || text.contains("algorithm=md5")
                || text.contains("algorithm=\"md5");
            if md5 || !text.contains("qop=") || !text.contains("cnonce=") {
                found.add(DIGEST_WEAK, Location::Header, name);
            }
        }
        b"ntlm" | b"negotiate" => {
            let lenient = base64::engine::general_purpose::STANDARD;
            let Ok(message) = lenient.decode(auth.credentials) else { return };
            if message.starts_with(b"NTLMSSP\0\x03") {
                found.add(NTLM, Location::Header, name);
            }
        }
        _ => {}
    }
}

fn token_endpoint(head: &StoredHead) -> bool {
    head.method() == b"POST" && Target::parse(head.target()).path.bytes.ends_with(b"/token")
}

pub(super) fn url(head: &StoredHead, target: &Target<'_>, found: &mut Found) {
    let userinfo = target.userinfo.map_or(&b""[..], |u| u.bytes);
    // The scheme of SIP has no slashes behind it.
    let user = userinfo.strip_prefix(b"sip:").or_else(|| userinfo.strip_prefix(b"sips:")).unwrap_or(userinfo);
    if user.contains(&b':') && !user.ends_with(b":") {
        found.add(PASSWORD_URL, Location::Userinfo, b"userinfo");
    }
    // Only what is sent can be shipped; a quick look keeps the search off most requests.
    if matches!(head.method(), b"POST" | b"PUT") {
        let path = target.path.bytes.to_ascii_lowercase();
        // Named by what all such paths have in common: the rest may hold a credential.
        if let Some(sink) = SINKS.iter().find(|sink| sink.find(&path).is_some()) {
            found.add(LOG_SINK, Location::Path, sink.needle());
        }
    }
    let Some(query) = target.query.map(|q| q.bytes) else { return };
    if memchr::memmem::find(query, b"response_type=").is_some() {
        authorize(query, found);
    }
    if code_in(query) {
        found.add(OAUTH_CODE, Location::Query, b"code");
        if is_loopback(head.field("host").unwrap_or_default()) {
            found.marks.set(OAUTH_CODE_LOOPBACK);
        }
    }
    for (name, value) in form_urlencoded::parse(query) {
        let lower = name.to_ascii_lowercase();
        if value.is_empty() {
            continue;
        }
        if credential::password_field(&lower) {
            found.add(PASSWORD_URL, Location::Query, lower.as_bytes());
        } else if lower == "client_secret" {
            found.add(OAUTH_SECRET_URL, Location::Query, b"client_secret");
        } else if credential::api_key_name(&lower) && keyish(value.as_bytes()) {
            found.add(API_KEY, Location::Query, lower.as_bytes());
        } else if lower == "x-amz-signature" || lower == "x-goog-signature" || lower == "googleaccessid" {
            found.add(PRESIGNED, Location::Query, lower.as_bytes());
        } else if lower == "sig" && memchr::memmem::find(query, b"se=").is_some() {
            found.add(PRESIGNED, Location::Query, b"sig");
        } else if lower == "samlresponse" {
            found.add(SAML, Location::Query, b"samlresponse");
        }
    }
}

/// Paths of collectors.
static SINKS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| {
    const PATHS: [&str; 7] = [
        "/_bulk",
        "/loki/api/v1/push",
        "/services/collector",
        "/v1/logs",
        "/v1/traces",
        "/envelope/",
        "/api/v2/logs",
    ];
    PATHS.iter().map(Finder::new).collect()
});

/// An authorization request (RFC 6749 section 4.1.1).
fn authorize(query: &[u8], found: &mut Found) {
    let value = |name: &str| form_urlencoded::parse(query).find(|(n, _)| n == name).map(|(_, v)| v);
    let (Some(response_type), Some(_)) = (value("response_type"), value("client_id")) else { return };
    let types: Vec<_> = response_type.split(' ').collect();
    let pkce = value("code_challenge").is_some_and(|c| !c.is_empty());
    if types.contains(&"code") {
        found.add(OAUTH_CODE_REQUEST, Location::Query, b"response_type");
        if !(pkce && value("code_challenge_method").as_deref() == Some("S256")) {
            found.add(OAUTH_NO_PKCE, Location::Query, b"code_challenge");
        }
    }
    let front = types.contains(&"token") || types.contains(&"id_token");
    if types.contains(&"token") {
        found.add(OAUTH_IMPLICIT, Location::Query, b"response_type");
    }
    if value("state").is_none() && !pkce || front && value("nonce").is_none() {
        found.add(OAUTH_NO_STATE, Location::Query, b"state");
    }
}

pub(super) fn body(head: &StoredHead, path: &[u8], bytes: &[u8], found: &mut Found) {
    let revokes =
        path.ends_with(b"/introspect") || path.ends_with(b"/revoke") || path.ends_with(b"/revocation");
    let renews = path.ends_with(b"/token") || memchr::memmem::find(path, b"refresh").is_some();
    let mut field = |name: &str, value: &str| {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "refresh_token" | "refreshtoken" if !value.is_empty() => {
                found.spend(REFRESH_GRANT, value);
                if renews {
                    found.marks.set(REFRESH_GRANT);
                }
            }
            "code" if !value.is_empty() => found.spend(CODE_GRANT, value),
            "grant_type" if value == "refresh_token" => found.marks.set(REFRESH_GRANT),
            "grant_type" if value == "authorization_code" => found.marks.set(CODE_GRANT),
            _ => {}
        }
        let mut add = |bit| found.add(bit, Location::Body, name.as_bytes());
        match lower.as_str() {
            _ if value.is_empty() => {}
            "grant_type" if value == "password" => add(OAUTH_PASSWORD_GRANT),
            "grant_type" if value == "refresh_token" => {
                found.add(OAUTH_REFRESH, Location::Body, b"refresh_token");
            }
            "client_secret" => add(OAUTH_SECRET),
            "samlresponse" => add(SAML),
            "token" if revokes => add(INTROSPECTION),
            _ if credential::password_field(&lower) => {
                add(PASSWORD_BODY);
                if credential::looks_hashed(value.as_bytes()) {
                    found.marks.set(PASSWORD_HASHED);
                }
            }
            _ => {}
        }
    };
    match BodyFormat::tell(head.field("content-type"), bytes) {
        BodyFormat::Json => json_members(bytes, 1000, &mut |m| field(&m.name, &m.value)),
        BodyFormat::Form => form_fields(bytes).take(1000).for_each(|(name, value)| field(&name, &value)),
        BodyFormat::Multipart { boundary } => {
            for part in multipart_fields(bytes, &boundary).take(1000).filter(|p| !p.file) {
                field(part.name.as_deref().unwrap_or_default(), &String::from_utf8_lossy(part.value));
            }
        }
        BodyFormat::Fields | BodyFormat::Html | BodyFormat::Text | BodyFormat::Binary => {}
    }
    key_log(bytes, found);
}
