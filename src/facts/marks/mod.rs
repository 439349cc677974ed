//! Marks: what an exchange was seen to do beside carrying tokens. Found when it closes, while its bodies are
//! still at hand; each is a bit, so that the rules that need it are found without running the others.

use super::value::{List, Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Location, Marks, Place, StoredHead, Target};
use crate::policy::Policy;
use sha2::{Digest, Sha256};

mod request;
mod response;
mod secret;

macro_rules! marks {
    ($($bit:literal $konst:ident $name:literal $doc:literal;)*) => {
        $(#[doc = $doc] pub const $konst: u64 = 1 << $bit;)*

        pub(super) const FAMILY: Family = Family {
            name: "marks",
            doc: "What an exchange was seen to do beside carrying tokens.",
            subjects: &[Subject::Exchange, Subject::Sighting],
            about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
            fields: &[
                $(Field {
                    name: $name,
                    ty: Type::Bool,
                    doc: $doc,
                    get: |c| Value::Bool(
                        c.exchange.is_some_and(|e| e.marks.has($konst))
                            && !($konst == CLEARTEXT && c.accepts_cleartext()),
                    ),
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
    31 CLEARTEXT "exchange.cleartext" "The exchange passed in clear text, and the configuration does not accept that there.";
    32 REQUEST_TOKEN "exchange.request_token" "The request carries a token.";
    33 TO_HTTPS "exchange.to_https" "The response redirects to https.";
    34 TO_HTTP "exchange.to_http" "The response redirects to http, not on the own machine.";
    35 CUSTOM "credential.custom" "The exchange holds a secret that the configuration describes; marks.places has its name.";
    36 CUSTOM_URL "credential.custom_url" "Such a secret stands in the URL.";
    46 EARLY_DATA "request.early_data" "The request began in early data (0-RTT) of TLS 1.3 or QUIC, which the server took (RFC 8446 section 8, RFC 9001 section 9.2).";
    37 REFUSED "response.refused" "The answer is 401 or 403, or asks for credentials (WWW-Authenticate).";
    38 GRAPHQL_ERRORS "response.graphql_errors" "The answer of a GraphQL endpoint has errors (GraphQL specification section 7.1).";
    39 VERBOSE_ERROR "response.verbose_error" "A 4xx answer tells how a token was verified: expected signature, algorithm, key, file or stack.";
    40 ERROR_SIGNATURE "response.error_signature" "That answer names the signature that would have been right.";
    41 TOKEN_RESPONSE "oauth.token_response" "The body of a successful response has an access_token (RFC 6749 section 5.1).";
    42 REFRESH_GRANT "oauth.refresh_grant" "The request redeems a refresh token (RFC 6749 section 6).";
    43 CODE_GRANT "oauth.code_grant" "The request redeems an authorization code (RFC 6749 section 4.1.3).";
    44 DPOP_TYPE "oauth.dpop_type" "The body of a successful response says that its token is bound with DPoP (RFC 9449 section 5).";
    45 KEY "content.key" "The response body holds a key: a JWK (RFC 7517), or a public key or certificate in PEM.";
    50 PROVIDER_SECRET "credential.provider_secret" "A secret whose format is a provider's (GitHub, AWS, Stripe, ...), or a private key, stands in the exchange, not only where the request presents it; marks.places says what it is.";
    51 PROVIDER_KEY "credential.provider_key" "The request presents such a secret, in a field for credentials.";
    52 PROVIDER_PUBLIC "credential.provider_public" "A key of a provider that is often meant to be public stands in the exchange (Google's AIza).";
}

/// The first request without any credential that succeeded at a route, in its partition: not a fact, since which is the
/// first means nothing.
pub const OPEN_ROUTE: u64 = 1 << 63;
/// The first response of a host over decrypted TLS that sends Strict-Transport-Security, likewise.
pub const HSTS_HOST: u64 = 1 << 62;

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
    /// What the operator says of its traffic.
    pub policy: &'a Policy,
}

/// Finds the marks of an exchange and names their places.
pub fn find(parts: Parts<'_>) -> Found {
    let mut found = Found::default();
    let target = || parts.request.map(|head| Target::parse(head.target())).unwrap_or_default();
    // A head that came before and said nothing says nothing now.
    let heads = [parts.request, parts.response].map(|head| head.filter(|head| !head.is_plain()));
    let [request, response] = heads;
    let mut says = [false; 2];
    if let Some(head) = request {
        says[0] = found.absorb(|own| {
            request::fields(head, own);
            request::url(head, &target(), own);
        });
    }
    if let Some(head) = parts.request.filter(|_| !parts.request_body.is_empty()) {
        request::body(head, target().path.bytes, parts.request_body, &mut found);
    }
    let mut body = secret::Body::default();
    if let Some(head) = response {
        says[1] = found.absorb(|own| response::fields(head, own));
    }
    if let Some(head) = parts.response.filter(|_| !parts.response_body.is_empty()) {
        body = secret::Body::search(parts.response_body);
        response::body(head.status, parts.response_body, body.telling, &mut found);
        response::graphql(target().path.bytes, parts.response_body, &mut found);
    }
    let heads = heads.map(|head| head.filter(|head| secret::touches(head.text())));
    secret::formats(heads, parts.request_body, &body, &mut found);
    let silent = |at: &usize| !says[*at] && heads[*at].is_none();
    let plain = (0..2).filter(silent).filter_map(|at| [request, response][at]);
    plain.for_each(StoredHead::set_plain);
    if !parts.policy.secrets.is_empty() {
        custom(parts, &mut found);
    }
    let grants = found.marks;
    found.spent.retain(|(grant, _)| grants.has(*grant));
    found
}

/// Whether the body of a successful response, as far as it is kept, has no mark, whatever was asked.
pub fn is_silent(body: &[u8]) -> bool {
    let asked = || Found { marks: Marks(REFRESH_GRANT | CODE_GRANT), proof: true, ..Found::default() };
    let mut found = asked();
    let searched = secret::Body::search(body);
    response::body(200, body, searched.telling, &mut found);
    response::graphql(b"graphql", body, &mut found);
    secret::formats([None; 2], &[], &searched, &mut found);
    found == asked()
}

/// Secrets that the configuration describes, wherever they stand. A place is named for the pattern that fits there.
fn custom(parts: Parts<'_>, found: &mut Found) {
    let mut look = |bytes: &[u8], bits: u64, location: Location| {
        for pattern in parts.policy.secrets_in(bytes) {
            found.marks.set(bits);
            let place = (CUSTOM, Place::named(location, pattern.name.as_str()));
            if !found.places.contains(&place) {
                found.places.push(place);
            }
        }
    };
    if let Some(request) = parts.request {
        look(request.target(), CUSTOM | CUSTOM_URL, Location::Query);
    }
    for head in [parts.request, parts.response].into_iter().flatten() {
        head.fields().for_each(|(_, value)| look(value, CUSTOM, Location::Header));
    }
    look(parts.request_body, CUSTOM, Location::Body);
    look(parts.response_body, CUSTOM, Location::Body);
}

/// What was found in an exchange.
#[derive(Default, PartialEq)]
pub struct Found {
    /// The marks.
    pub marks: Marks,
    /// Names of the places where they were found.
    pub places: Vec<(u64, Place)>,
    /// [`spent`](crate::message::Exchange::spent).
    pub spent: Vec<(u64, [u8; 16])>,
    /// The request proves possession of a key (RFC 9449).
    proof: bool,
}

impl Found {
    /// Adds what `look` finds by itself, and says whether that is anything.
    fn absorb(&mut self, look: impl FnOnce(&mut Self)) -> bool {
        let mut own = Self::default();
        look(&mut own);
        let any = own != Self::default();
        let known = self.marks;
        self.places.extend(own.places.into_iter().filter(|(bit, _)| !known.has(*bit)));
        self.marks.set(own.marks.0);
        self.spent.append(&mut own.spent);
        self.proof |= own.proof;
        any
    }

    fn spend(&mut self, grant: u64, value: &str) {
        if let Some(half) = Sha256::digest(value).first_chunk() {
            self.spent.push((grant, *half));
        }
    }

    fn add(&mut self, bit: u64, location: Location, name: &[u8]) {
        if !self.marks.has(bit) {
            self.marks.set(bit);
            let name = String::from_utf8_lossy(name);
            self.places.push((bit, Place::named(location, name.chars().take(100).collect::<String>())));
        }
    }
}

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

fn key_log(bytes: &[u8], found: &mut Found) {
    const LABELS: [&[u8]; 3] =
        [b"CLIENT_RANDOM ", b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", b"SERVER_HANDSHAKE_TRAFFIC_SECRET "];
    // Told by the first letter: this is asked of every body.
    if !matches!(bytes.first(), Some(b'C' | b'S')) {
        return;
    }
    if LABELS.iter().any(|label| {
        bytes.starts_with(label)
            && bytes.get(label.len()..label.len() + 64).is_some_and(|r| r.iter().all(u8::is_ascii_hexdigit))
    }) {
        found.add(TLS_KEY_LOG, Location::Body, b"key log");
    }
}
