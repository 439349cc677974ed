//! Registered members and claims, and what a token is for.

use super::jose::{Kind, Token};
use serde_json::Value;

/// What a token is for, as far as it says so itself.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Access token (RFC 9068).
    Access,
    /// ID token (OpenID Connect Core section 2).
    Id,
    /// Refresh token.
    Refresh,
    /// DPoP proof (RFC 9449 section 4.2).
    DpopProof,
    /// Client assertion (RFC 7523 section 3).
    ClientAssertion,
    /// Logout token (OpenID Connect Back-Channel Logout section 2.4).
    Logout,
    /// Security event token (RFC 8417).
    SecurityEvent,
    /// PASSporT (RFC 8225).
    Passport,
    /// Verifiable credential or key binding JWT (RFC 9901).
    Credential,
    /// Nothing tells.
    #[default]
    Unknown,
}

impl Role {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
            Self::Refresh => "refresh",
            Self::DpopProof => "dpop-proof",
            Self::ClientAssertion => "client-assertion",
            Self::Logout => "logout",
            Self::SecurityEvent => "set",
            Self::Passport => "passport",
            Self::Credential => "vc",
            Self::Unknown => "unknown",
        }
    }
}

/// Members of the header (RFC 7515 section 4.1) and claims (RFC 7519 section 4.1), as sent.
impl Token {
    /// Key identifier.
    pub fn kid(&self) -> Option<&Value> {
        self.header_member("kid")
    }

    /// Type of the whole token.
    pub fn typ(&self) -> Option<&Value> {
        self.header_member("typ")
    }

    /// Issuer.
    pub fn iss(&self) -> Option<&Value> {
        self.claim("iss")
    }

    /// Subject.
    pub fn sub(&self) -> Option<&Value> {
        self.claim("sub")
    }

    /// Audience: a string or an array of strings.
    pub fn aud(&self) -> Option<&Value> {
        self.claim("aud")
    }

    /// Issued at, if it is a number.
    pub fn iat(&self) -> Option<&Value> {
        self.claim("iat").filter(|v| v.is_number())
    }

    /// Expiry, if it is a number.
    pub fn exp(&self) -> Option<&Value> {
        self.claim("exp").filter(|v| v.is_number())
    }

    /// Not before, if it is a number.
    pub fn nbf(&self) -> Option<&Value> {
        self.claim("nbf").filter(|v| v.is_number())
    }

    /// A time claim (NumericDate, RFC 7519 section 2) in seconds; also of a number written as a string.
    pub fn seconds(&self, claim: &str) -> Option<f64> {
        let value = match self.claim(claim)? {
            Value::Number(number) => number.to_string().parse().ok()?,
            Value::String(text) => text.trim().parse::<f64>().ok()?,
            _ => return None,
        };
        f64::is_finite(value).then_some(value)
    }

    /// Names of claims with personal data.
    pub fn personal(&self) -> &[String] {
        &self.reading().content.personal
    }

    /// Whether some of it is of a special category or financial.
    pub fn is_sensitive(&self) -> bool {
        self.reading().content.sensitive
    }

    /// Names of claims with secrets.
    pub fn secrets(&self) -> &[String] {
        &self.reading().content.secrets
    }

    /// What tells of the inside of a network, in words.
    pub fn internal(&self) -> &[String] {
        &self.reading().content.internal
    }

    /// What is wrong with the type or unit of its time claims, in words.
    pub fn date_problems(&self) -> &[String] {
        &self.reading().dates
    }

    /// Its times in seconds since 1970, where they are numbers: `iat`, `nbf`, `exp`, `auth_time`.
    pub fn times(&self) -> [Option<i64>; 4] {
        self.reading().times
    }

    /// Privileged roles and scopes that it carries.
    pub fn privileges(&self) -> &[String] {
        &self.reading().privileges
    }

    /// What the token is for, by `typ`, then `token_use`, then its claims.
    pub fn role(&self) -> Role {
        self.reading().role
    }

    pub(super) fn work_out_role(&self) -> Role {
        let lower = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_ascii_lowercase);
        let typ = lower(self.typ()).unwrap_or_default();
        match typ.strip_prefix("application/").unwrap_or(&typ) {
            "at+jwt" => return Role::Access,
            "dpop+jwt" => return Role::DpopProof,
            "logout+jwt" => return Role::Logout,
            "secevent+jwt" => return Role::SecurityEvent,
            "passport" => return Role::Passport,
            "client-authentication+jwt" => return Role::ClientAssertion,
            "kb+jwt" | "vc+sd-jwt" | "dc+sd-jwt" | "vc+jwt" | "vp+jwt" => return Role::Credential,
            _ => {}
        }
        let has = |name: &str| self.claim(name).is_some();
        // Amazon Cognito, Simple JWT, Keycloak, Flask-JWT-Extended.
        let uses = ["token_use", "token_type", "typ", "type"].iter().find_map(|name| lower(self.claim(name)));
        match uses.as_deref() {
            Some("access" | "access_token" | "bearer") => return Role::Access,
            Some("id" | "id_token") => return Role::Id,
            Some("refresh" | "refresh_token" | "offline") => return Role::Refresh,
            Some("logout") => return Role::Logout,
            _ => {}
        }
        let logout = "http://schemas.openid.net/event/backchannel-logout";
        if let Some(events) = self.claim("events") {
            return if events.get(logout).is_some() { Role::Logout } else { Role::SecurityEvent };
        }
        if has("htm") && has("htu") {
            return Role::DpopProof;
        }
        if self.header_member("ppt").is_some() || (has("orig") && has("dest")) {
            return Role::Passport;
        }
        if has("vc") || has("vp") || has("_sd") || self.kind() == Kind::SdJwt {
            return Role::Credential;
        }
        let authorised = ["scope", "scp", "scopes", "client_id", "roles", "role", "permissions"];
        if has("nonce") || has("at_hash") || has("c_hash") || (has("auth_time") && !has("scope")) {
            return Role::Id;
        }
        if has("jti") && self.iss().is_some() && self.iss() == self.sub() {
            return Role::ClientAssertion;
        }
        if authorised.iter().any(|name| has(name)) { Role::Access } else { Role::Unknown }
    }

    /// Whether this is the sample of jwt.io or of an RFC, which documentation copies.
    pub fn is_sample(&self) -> bool {
        self.reading().sample
    }

    pub(super) fn looks_like_a_sample(&self) -> bool {
        let is = |name: &str, value: &str| self.claim(name).and_then(Value::as_str) == Some(value);
        let jwt_io = is("sub", "1234567890")
            && (is("name", "John Doe") || self.claim("name").is_none())
            && self.seconds("iat").is_none_or(|iat| iat == 1_516_239_022.0);
        // RFC 7515 appendix A.1, RFC 7519 sections 3.1 and 6.1.
        let joe = is("iss", "joe")
            && self.seconds("exp") == Some(1_300_819_380.0)
            && self.claim("http://example.com/is_root").is_some();
        jwt_io || joe
    }
}
