//! Marks: what an exchange was seen to do beside carrying tokens. Found when it closes, while its bodies are
//! still at hand; each is a bit, so that the rules that need it are found without running the others.

use super::value::{List, Type, Value};
use super::{Case, Family, Field, Subject};
use crate::message::{
    Authorization, BodyFormat, Location, Marks, Place, StoredHead, Target, cookies, form_fields,
    json_members, multipart_fields,
};
use crate::token as credential;
use base64::Engine as _;
use memchr::memmem::Finder;
use std::sync::LazyLock;

macro_rules! marks {
    ($($bit:literal $konst:ident $name:literal $doc:literal;)*) => {
        $(#[doc = $doc] pub const $konst: u64 = 1 << $bit;)*

        pub(super) const FAMILY: Family = Family {
            name: "marks",
            doc: "What an exchange was seen to do beside carrying tokens.",
            subjects: &[Subject::Exchange, Subject::Sighting],
            about_key: false,
    late: false,
            fields: &[
                $(Field {
                    name: $name,
                    ty: Type::Bool,
                    doc: $doc,
                    get: |c| Value::Bool(c.exchange.is_some_and(|e| e.marks.has($konst))),
                },)*
                Field {
                    name: "marks.places",
                    ty: Type::List(&Type::Str),
                    doc: "Names of the fields and parameters in which the marks of the exchange were found.",
                    get: places,
                },
            ],
        };

        /// The bit of the mark with that fact name.
        pub fn bit(name: &str) -> Option<u64> {
            match name {
                $($name => Some($konst),)*
                _ => None,
            }
        }
    };
}

marks! {
    0 BASIC "credential.basic" "Authorization or Proxy-Authorization carries a Basic user name and a password.";
    1 BASIC_TOKEN "credential.basic_token" "The password of Basic credentials is a token.";
    2 DIGEST_WEAK "credential.digest_weak" "Digest authentication with MD5 or without qop (RFC 7616).";
    3 NTLM "credential.ntlm" "Authorization carries an NTLM authenticate message.";
    4 PASSWORD_BODY "credential.password_body" "A form, JSON or multipart body has a password field that is not empty.";
    5 PASSWORD_HASHED "credential.password_hashed" "The password in the body looks like a hexadecimal digest.";
    6 PASSWORD_URL "credential.password_url" "The query or user information of the URL has a password.";
    7 API_KEY "credential.api_key" "A header or query parameter named like an API key holds a value with entropy.";
    8 SESSION_COOKIE "credential.session_cookie" "A cookie named like a session holds at least 64 bits of entropy.";
    9 OPAQUE_BEARER "credential.opaque_bearer" "Authorization carries a bearer token that is not a JWT.";
    10 OAUTH_CODE "oauth.code" "An authorization code stands in the request's URL, its Referer or the Location.";
    11 OAUTH_CODE_LOOPBACK "oauth.code_loopback" "The code goes to a loopback redirect URI (RFC 8252 section 7.3).";
    12 OAUTH_REFRESH "oauth.refresh_token" "A refresh grant, or a refresh token in the response.";
    13 OAUTH_SECRET "oauth.client_secret" "A client_secret stands in the body, or in Basic at a token endpoint.";
    14 OAUTH_SECRET_URL "oauth.client_secret_url" "A client_secret stands in the URL.";
    15 OAUTH_PASSWORD_GRANT "oauth.password_grant" "The request asks with grant_type=password.";
    16 OAUTH_CODE_REQUEST "oauth.authorize" "An authorization request with response_type=code.";
    17 OAUTH_NO_PKCE "oauth.no_pkce" "That request has no S256 code_challenge.";
    18 OAUTH_NO_STATE "oauth.no_state" "An authorization request has neither state nor PKCE, or an implicit one no nonce.";
    19 OAUTH_IMPLICIT "oauth.implicit" "An authorization request asks for a token in the front channel, or a fragment carries one.";
    20 PRESIGNED "url.presigned" "The URL is presigned (AWS, Azure SAS, Google).";
    21 SAML "content.saml" "A SAML response or assertion stands unencrypted in the body or URL.";
    22 INTROSPECTION "oauth.introspection" "A token introspection or revocation request (RFC 7662, RFC 7009).";
    23 JWKS "content.jwks" "The response body is a JWK Set (RFC 7517 section 5).";
    24 METADATA "content.oidc_metadata" "The response body is OpenID or OAuth metadata with a jwks_uri (RFC 8414).";
    25 LOGIN_PAGE "content.login_page" "The response is an HTML page with a password field.";
    26 LOGIN_FORM_HTTP "content.login_form_http" "That page posts its form to an http URL.";
    27 HSTS "response.has_hsts" "The response has a Strict-Transport-Security field.";
    28 LOG_SINK "request.log_sink" "The request ships log or telemetry records (Elasticsearch _bulk, Loki, Splunk HEC, OTLP, Sentry).";
    29 TLS_KEY_LOG "content.tls_key_log" "A body holds an SSLKEYLOGFILE.";
    30 ISSUES_TOKEN "exchange.issues_token" "A successful response hands out a token.";
    31 CLEARTEXT "exchange.cleartext" "The exchange passed in clear text.";
    32 REQUEST_TOKEN "exchange.request_token" "The request carries a token.";
    33 TO_HTTPS "exchange.to_https" "The response redirects to https.";
}

fn places<'a>(case: &Case<'a>) -> Value<'a> {
    if case.exchange.is_none() {
        return Value::Missing;
    }
    let names = case.marked().filter_map(|p| p.name.as_deref()).map(Value::str).collect();
    Value::List(List::Owned(names))
}

/// The parts of an exchange that marks are looked for in.
#[derive(Clone, Copy, Default)]
pub struct Parts<'a> {
    /// Request head.
    pub request: Option<&'a StoredHead>,
    /// Response head.
    pub response: Option<&'a StoredHead>,
    /// The beginning of the decoded request body, as far as it was kept.
    pub request_body: &'a [u8],
    /// The beginning of the decoded response body.
    pub response_body: &'a [u8],
}

/// Finds the marks of an exchange and names their places.
pub fn find(parts: Parts<'_>) -> (Marks, Vec<(u64, Place)>) {
    let mut found = Found::default();
    if let Some(request) = parts.request {
        request_fields(request, &mut found);
        request_url(request, &mut found);
        if !parts.request_body.is_empty() {
            request_body(request, parts.request_body, &mut found);
        }
    }
    if let Some(response) = parts.response {
        response_fields(response, &mut found);
        if !parts.response_body.is_empty() {
            response_body(response, parts.response_body, &mut found);
        }
    }
    (found.marks, found.places)
}

#[derive(Default)]
struct Found {
    marks: Marks,
    places: Vec<(u64, Place)>,
}

impl Found {
    fn add(&mut self, bit: u64, location: Location, name: &[u8]) {
        if !self.marks.has(bit) {
            self.marks.set(bit);
            let name = String::from_utf8_lossy(name);
            self.places.push((bit, Place::named(location, name.chars().take(100).collect::<String>())));
        }
    }
}

fn request_fields(head: &StoredHead, found: &mut Found) {
    for (name, value) in head.fields() {
        // Told by length and first letter before anything is compared: this runs for every field of every request.
        match (name.len(), name.first().map_or(0, u8::to_ascii_lowercase)) {
            (13, b'a') if name.eq_ignore_ascii_case(b"authorization") => {
                authorization(b"authorization", value, head, found)
            }
            (19, b'p') if name.eq_ignore_ascii_case(b"proxy-authorization") => {
                authorization(b"proxy-authorization", value, head, found);
            }
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
    let hint = |w: &[u8; 3]| matches!(&w.map(|b| b | 0x20), b"key" | b"tok" | b"aut" | b"sec");
    name.array_windows().any(hint)
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
            if credential::opaque_token_kind(auth.credentials) == Some(credential::OpaqueKind::Paseto) =>
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

fn request_url(head: &StoredHead, found: &mut Found) {
    let target = Target::parse(head.target());
    if target.userinfo.is_some_and(|u| u.bytes.contains(&b':') && !u.bytes.ends_with(b":")) {
        found.add(PASSWORD_URL, Location::Userinfo, b"userinfo");
    }
    // Only what is sent can be shipped; a quick look keeps the search off most requests.
    if matches!(head.method(), b"POST" | b"PUT") {
        let path = target.path.bytes.to_ascii_lowercase();
        if SINKS.iter().any(|sink| sink.find(&path).is_some()) {
            found.add(LOG_SINK, Location::Path, &path);
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

fn is_loopback(host: &[u8]) -> bool {
    host.starts_with(b"127.") || host.starts_with(b"localhost") || host.starts_with(b"[::1]")
}

/// A `code` beside one of its companions (RFC 6749 section 4.1.2, RFC 9207).
fn code_in(query: &[u8]) -> bool {
    let has = |name: &str| form_urlencoded::parse(query).any(|(n, v)| n == name && !v.is_empty());
    memchr::memmem::find(query, b"code=").is_some()
        && form_urlencoded::parse(query).any(|(n, v)| n == "code" && v.len() >= 8)
        && ["state", "session_state", "iss"].iter().any(|n| has(n))
}

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

fn request_body(head: &StoredHead, bytes: &[u8], found: &mut Found) {
    let path = Target::parse(head.target()).path.bytes;
    let revokes =
        path.ends_with(b"/introspect") || path.ends_with(b"/revoke") || path.ends_with(b"/revocation");
    let mut field = |name: &str, value: &str| {
        let lower = name.to_ascii_lowercase();
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
        BodyFormat::Html | BodyFormat::Text | BodyFormat::Binary => {}
    }
    key_log(bytes, found);
}

fn response_fields(head: &StoredHead, found: &mut Found) {
    if head.field("strict-transport-security").is_some() {
        found.add(HSTS, Location::Header, b"strict-transport-security");
    }
    if !(300..400).contains(&head.status) {
        return;
    }
    let Some(location) = head.field("location") else { return };
    let target = Target::reference(location);
    if target.scheme.is_some_and(|s| s.bytes.eq_ignore_ascii_case(b"https")) {
        found.marks.set(TO_HTTPS);
    }
    if code_in(target.query.unwrap_or_default().bytes) {
        found.add(OAUTH_CODE, Location::Header, b"location");
        if target.host.is_some_and(|h| is_loopback(h.bytes)) {
            found.marks.set(OAUTH_CODE_LOOPBACK);
        }
    }
    let fragment = target.fragment.unwrap_or_default().bytes;
    if form_urlencoded::parse(fragment).any(|(n, v)| n == "access_token" && !v.is_empty()) {
        found.add(OAUTH_IMPLICIT, Location::Fragment, b"access_token");
    }
}

fn response_body(head: &StoredHead, bytes: &[u8], found: &mut Found) {
    if !(200..300).contains(&head.status) {
        return;
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            for (mark, needles, name) in &*JSON_MARKS {
                if needles.iter().all(|n| n.find(bytes).is_some()) {
                    found.add(*mark, Location::Body, name.as_bytes());
                }
            }
        }
        Some(b'<') => {
            let lower = bytes.to_ascii_lowercase();
            let has = |needle: &str| memchr::memmem::find(&lower, needle.as_bytes()).is_some();
            if has("type=\"password\"") || has("type=password") || has("type='password'") {
                found.add(LOGIN_PAGE, Location::Body, b"input type=password");
                if has("action=\"http:") || has("action=http:") || has("action='http:") {
                    found.add(LOGIN_FORM_HTTP, Location::Body, b"form action");
                }
            }
            if has("<saml:assertion") || has("<saml2:assertion") || has("<assertion ") {
                found.add(SAML, Location::Body, b"assertion");
            }
        }
        _ => {}
    }
    key_log(bytes, found);
}

type JsonMark = (u64, Vec<Finder<'static>>, &'static str);

/// Documents that are known by members that they all have. The searches are prepared once.
static JSON_MARKS: LazyLock<[JsonMark; 3]> = LazyLock::new(|| {
    let finders = |needles: &'static [&'static str]| needles.iter().map(Finder::new).collect();
    [
        (JWKS, finders(&["\"kty\"", "\"keys\""]), "$.keys"),
        (METADATA, finders(&["\"jwks_uri\"", "\"issuer\""]), "$.jwks_uri"),
        (OAUTH_REFRESH, finders(&["\"refresh_token\""]), "$.refresh_token"),
    ]
});

fn key_log(bytes: &[u8], found: &mut Found) {
    const LABELS: [&[u8]; 3] =
        [b"CLIENT_RANDOM ", b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", b"SERVER_HANDSHAKE_TRAFFIC_SECRET "];
    if LABELS.iter().any(|label| {
        bytes.starts_with(label)
            && bytes.get(label.len()..label.len() + 64).is_some_and(|r| r.iter().all(u8::is_ascii_hexdigit))
    }) {
        found.add(TLS_KEY_LOG, Location::Body, b"key log");
    }
}
