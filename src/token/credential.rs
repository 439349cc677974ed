//! Recognisers of credentials that are no tokens, for the rules about what travels beside them.

/// An opaque token whose format is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpaqueKind {
    /// PASETO, `v1` to `v4`, `local` or `public`.
    Paseto,
    /// Macaroon, version 1 (base64 of a packet) or 2.
    Macaroon,
    /// Biscuit.
    Biscuit,
    /// Fernet.
    Fernet,
    /// Branca.
    Branca,
    /// Long enough and random enough to be a credential.
    Opaque,
}

impl OpaqueKind {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paseto => "paseto",
            Self::Macaroon => "macaroon",
            Self::Biscuit => "biscuit",
            Self::Fernet => "fernet",
            Self::Branca => "branca",
            Self::Opaque => "opaque",
        }
    }
}

/// Whether a cookie of that name is likely to hold a session.
pub fn session_cookie_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let bare = ["__host-", "__secure-"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(&name);
    let known = ["phpsessid", "jsessionid", "connect.sid", "asp.net_sessionid", "laravel_session", "cfid"];
    if known.contains(&bare) {
        return true;
    }
    let harmless = [
        "_ga",
        "_gid",
        "_gat",
        "__utm",
        "_fbp",
        "_hj",
        "ajs_",
        "amplitude",
        "optimizely",
        "mp_",
        "_pk_",
        "ai_",
        "_uetsid",
        "_clsk",
        "intercom-",
        "hubspot",
        "__hs",
        "wordpress_test",
        "residence",
        "author",
    ];
    if harmless.iter().any(|prefix| bare.starts_with(prefix))
        || bare.contains("csrf")
        || bare.contains("xsrf")
    {
        return false;
    }
    let words = words(bare);
    bare.contains("sess") && !bare.contains("assess") && !bare.contains("possess")
        || words.iter().any(|w| matches!(*w, "sid" | "ssid" | "auth" | "remember" | "jwt" | "token"))
        || bare.ends_with("sid")
        || bare.contains("auth") && !bare.contains("author")
}

/// Whether a field of that name is likely to hold a password or one-time code.
pub fn password_field(name: &str) -> bool {
    let name = last_member(name).to_ascii_lowercase();
    let exact = [
        "password",
        "passwd",
        "passwort",
        "pwd",
        "pass",
        "pin",
        "otp",
        "passphrase",
        "passcode",
        "passwrd",
        "userpassword",
        "user_password",
        "user_pass",
        "userpass",
        "login_password",
        "loginpassword",
        "new_password",
        "newpassword",
        "old_password",
        "oldpassword",
        "current_password",
        "currentpassword",
        "password_confirmation",
        "confirm_password",
        "confirmpassword",
        "password1",
        "password2",
        "j_password",
        "_password",
        "user_pwd",
        "userpwd",
        "totp",
        "otp_code",
        "pincode",
        "pin_code",
        "mfa_code",
        "txtpassword",
        "pw",
    ];
    exact.contains(&name.as_str())
}

/// Whether a field or parameter of that name is likely to hold an API key.
pub fn api_key_name(name: &str) -> bool {
    let plain: String =
        last_member(name).to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.strip_prefix('x').filter(|rest| rest.len() > 5).unwrap_or(&plain);
    let exact = [
        "apikey",
        "apitoken",
        "apisecret",
        "appkey",
        "appsecret",
        "accesskey",
        "secretkey",
        "subscriptionkey",
        "ocpapimsubscriptionkey",
        "privatetoken",
        "authtoken",
        "authkey",
        "functionskey",
        "masterkey",
        "jobtoken",
        "deploytoken",
        "vaulttoken",
        "consultoken",
        "shopifyaccesstoken",
        "googapikey",
        "clientkey",
        "ddapikey",
        "ddapplicationkey",
        "parserestapikey",
        "algoliaapikey",
        "rapidapikey",
        "servicekey",
        "amzsecuritytoken",
    ];
    exact.contains(&plain)
}

/// Shannon entropy of the value's own characters, in bits for the whole value.
pub fn entropy_bits(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    let bits = |n: u32| f64::from(n) * (total / f64::from(n)).log2();
    counts.iter().filter(|n| **n > 0).map(|n| bits(*n)).sum()
}

/// The format of an opaque credential; `None` for a value too short or too regular to be one.
pub fn opaque_token_kind(value: &[u8]) -> Option<OpaqueKind> {
    let token = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\');
    if value.len() < 16 || !value.iter().all(token) {
        return None;
    }
    let rest = |prefix: &[u8]| value.strip_prefix(prefix).is_some_and(|r| r.len() >= 16);
    let paseto = |v: &[u8]| rest(&[v, b".local."].concat()) || rest(&[v, b".public."].concat());
    let base64 = value.iter().all(|b| b.is_ascii_alphanumeric() || b"-_=+/".contains(b));
    let kind = if [&b"v1"[..], b"v2", b"v3", b"v4"].iter().any(|v| paseto(v)) {
        OpaqueKind::Paseto
    } else if rest(b"biscuit:") || (base64 && rest(b"En") && value.len() > 120) {
        OpaqueKind::Biscuit
    } else if base64 && (rest(b"MDA") || rest(b"AgE")) && value.len() >= 60 {
        OpaqueKind::Macaroon
    } else if base64 && value.starts_with(b"gAAAAA") && value.len() >= 100 && value.len().is_multiple_of(4) {
        OpaqueKind::Fernet
    } else if is_branca(value) {
        OpaqueKind::Branca
    } else if entropy_bits(value) / value.len() as f64 >= 2.5 {
        OpaqueKind::Opaque
    } else {
        return None;
    };
    Some(kind)
}

/// Whether the value is as long as a hash in hexadecimal (MD5, SHA-1, SHA-256): hashed by the client.
pub fn looks_hashed(value: &[u8]) -> bool {
    matches!(value.len(), 32 | 40 | 64) && value.iter().all(u8::is_ascii_hexdigit)
}

/// Base62 of a text that begins with the version byte 0xBA: 45 bytes of frame and the message. Base62 digits say the first byte only
/// by magnitude, so the number is worked out.
fn is_branca(value: &[u8]) -> bool {
    // Working the number out takes time with the square of its length.
    if !(60..=512).contains(&value.len()) || !value.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(value.len());
    for &c in value {
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'A'..=b'Z' => c - b'A' + 10,
            _ => c - b'a' + 36,
        };
        let mut carry = u32::from(digit);
        for byte in bytes.iter_mut() {
            carry += u32::from(*byte) * 62;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    bytes.last() == Some(&0xba) && bytes.len() >= 45
}

/// `user[password]` and `$.login.password` end with the member that counts.
fn last_member(name: &str) -> &str {
    let name = name.strip_suffix(']').unwrap_or(name);
    name.rsplit(['.', '[']).next().unwrap_or(name)
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).collect()
}

/// All recognisers on arbitrary bytes.
pub(super) fn fuzz_credential(value: &[u8]) {
    let name = String::from_utf8_lossy(value);
    let _ = (session_cookie_name(&name), password_field(&name), api_key_name(&name));
    let _ = (opaque_token_kind(value), looks_hashed(value), entropy_bits(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for name in [
            "PHPSESSID",
            "JSESSIONID",
            "connect.sid",
            "ASP.NET_SessionId",
            "laravel_session",
            "sessionid",
            "sid",
            "__Host-session",
            "auth",
            "next-auth.session-token",
        ] {
            assert!(session_cookie_name(name), "{name}");
        }
        for name in
            ["_ga", "__utma", "_gid", "theme", "csrftoken", "author", "inside_track", "_ga_SID", "XSRF-sid"]
        {
            assert!(!session_cookie_name(name), "{name}");
        }
        for name in ["password", "Passwd", "user[password]", "$.login.pwd", "pin", "otp"] {
            assert!(password_field(name), "{name}");
        }
        for name in ["pwd_reset", "shipping", "passenger", "option", "spin"] {
            assert!(!password_field(name), "{name}");
        }
        for name in
            ["X-Api-Key", "api_key", "apikey", "Ocp-Apim-Subscription-Key", "private-token", "x-auth-token"]
        {
            assert!(api_key_name(name), "{name}");
        }
        assert!(!api_key_name("key") && !api_key_name("x-request-id"));
    }

    #[test]
    fn values_are_told_apart() {
        assert_eq!(opaque_token_kind(b"v2.local.QAxIpVe-ECVNI1z4xQbm_qQYomyT3h8FtV8bxkz8pBJWkT8f7HtlOpbroPDEZUKop_vaglyp76CzYy375cHmKCW8e1CCkV0Lflu4GTDyXMqQdpZMM1E6OaoQW27gaRSvWBrR3IgbFIa0AkuUFw"), Some(OpaqueKind::Paseto));
        assert_eq!(
            opaque_token_kind(
                b"870S4BYxgHw0KnP3W9fgVUHEhT5g86vJ17etaC5Kh5uIraWHCI1psNQGv298ZmjPwoYbjDQ9chy2z"
            ),
            Some(OpaqueKind::Branca)
        );
        assert_eq!(opaque_token_kind(b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="), Some(OpaqueKind::Fernet));
        assert_eq!(opaque_token_kind(b"9f8d7a6b5c4e3f2a1b0c9d8e"), Some(OpaqueKind::Opaque));
        assert_eq!(opaque_token_kind(b"undefined"), None);
        assert_eq!(opaque_token_kind(b"aaaaaaaaaaaaaaaaaaaaaa"), None);
        assert!(looks_hashed(b"5f4dcc3b5aa765d61d8327deb882cf99"));
        assert!(!looks_hashed(b"5f4dcc3b5aa765d61d8327deb882cf9"));
        assert!((entropy_bits(b"abcdefgh") - 24.0).abs() < 1e-9);
    }
}
