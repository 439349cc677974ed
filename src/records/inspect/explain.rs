//! What registered members mean, in a few words: the IANA registries "JSON Web Signature and Encryption Header
//! Parameters" and "JSON Web Token Claims".

/// A registered member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Its name.
    pub(super) name: &'static str,
    /// What it says.
    pub(super) text: &'static str,
    /// Where it is defined.
    pub(super) source: &'static str,
}

const fn m(name: &'static str, text: &'static str, source: &'static str) -> Meaning {
    Meaning { name, text, source }
}

/// What a member of the header means, if it is registered.
pub(super) fn header(name: &str) -> Option<Meaning> {
    HEADER.iter().copied().find(|meaning| meaning.name == name)
}

/// What a claim means, if it is registered.
pub(super) fn claim(name: &str) -> Option<Meaning> {
    CLAIMS.iter().copied().find(|meaning| meaning.name == name)
}

/// What a registered algorithm is; also those of key management (RFC 7518 section 4.1).
pub(super) fn algorithm(alg: &str) -> Option<&'static str> {
    ALGORITHMS.iter().find(|(name, _)| *name == alg).map(|(_, text)| *text)
}

/// Whether a claim is a NumericDate (RFC 7519 section 2).
pub(super) fn is_date(name: &str) -> bool {
    matches!(name, "exp" | "nbf" | "iat" | "auth_time" | "updated_at" | "toe" | "verified_at")
}

const ALGORITHMS: &[(&str, &str)] = &[
    ("HS256", "HMAC with SHA-256"),
    ("HS384", "HMAC with SHA-384"),
    ("HS512", "HMAC with SHA-512"),
    ("RS256", "RSA PKCS #1 v1.5 with SHA-256"),
    ("RS384", "RSA PKCS #1 v1.5 with SHA-384"),
    ("RS512", "RSA PKCS #1 v1.5 with SHA-512"),
    ("PS256", "RSA PSS with SHA-256"),
    ("PS384", "RSA PSS with SHA-384"),
    ("PS512", "RSA PSS with SHA-512"),
    ("ES256", "ECDSA on P-256 with SHA-256"),
    ("ES384", "ECDSA on P-384 with SHA-384"),
    ("ES512", "ECDSA on P-521 with SHA-512"),
    ("ES256K", "ECDSA on secp256k1 with SHA-256"),
    ("EdDSA", "Edwards-curve signature"),
    ("Ed25519", "Edwards-curve signature on Ed25519"),
    ("Ed448", "Edwards-curve signature on Ed448"),
    ("none", "no signature"),
    ("RSA1_5", "RSA PKCS #1 v1.5 encryption of the key"),
    ("RSA-OAEP", "RSA OAEP encryption of the key, SHA-1"),
    ("RSA-OAEP-256", "RSA OAEP encryption of the key, SHA-256"),
    ("RSA-OAEP-384", "RSA OAEP encryption of the key, SHA-384"),
    ("RSA-OAEP-512", "RSA OAEP encryption of the key, SHA-512"),
    ("A128KW", "AES key wrap, 128 bits"),
    ("A192KW", "AES key wrap, 192 bits"),
    ("A256KW", "AES key wrap, 256 bits"),
    ("A128GCMKW", "AES-GCM key wrap, 128 bits"),
    ("A192GCMKW", "AES-GCM key wrap, 192 bits"),
    ("A256GCMKW", "AES-GCM key wrap, 256 bits"),
    ("dir", "a shared key encrypts directly"),
    ("ECDH-ES", "key agreed on by ECDH"),
    ("ECDH-ES+A128KW", "ECDH, then AES key wrap, 128 bits"),
    ("ECDH-ES+A192KW", "ECDH, then AES key wrap, 192 bits"),
    ("ECDH-ES+A256KW", "ECDH, then AES key wrap, 256 bits"),
    ("PBES2-HS256+A128KW", "key from a password, SHA-256"),
    ("PBES2-HS384+A192KW", "key from a password, SHA-384"),
    ("PBES2-HS512+A256KW", "key from a password, SHA-512"),
];

const HEADER: &[Meaning] = &[
    m("alg", "algorithm", "RFC 7515 §4.1.1"),
    m("jku", "URL of the key set", "RFC 7515 §4.1.2"),
    m("jwk", "the public key itself", "RFC 7515 §4.1.3"),
    m("kid", "which key", "RFC 7515 §4.1.4"),
    m("x5u", "URL of the certificate", "RFC 7515 §4.1.5"),
    m("x5c", "certificate chain", "RFC 7515 §4.1.6"),
    m("x5t", "SHA-1 of the certificate", "RFC 7515 §4.1.7"),
    m("x5t#S256", "SHA-256 of the certificate", "RFC 7515 §4.1.8"),
    m("typ", "type of the whole token", "RFC 7515 §4.1.9"),
    m("cty", "type of the content", "RFC 7515 §4.1.10"),
    m("crit", "members that must be understood", "RFC 7515 §4.1.11"),
    m("b64", "whether the payload is base64url", "RFC 7797 §3"),
    m("enc", "encryption of the content", "RFC 7516 §4.1.2"),
    m("zip", "compression before encryption", "RFC 7516 §4.1.3"),
    m("epk", "the sender's public key for this token", "RFC 7518 §4.6.1.1"),
    m("apu", "about the producer, for key agreement", "RFC 7518 §4.6.1.2"),
    m("apv", "about the recipient, for key agreement", "RFC 7518 §4.6.1.3"),
    m("iv", "initialisation vector of the wrapped key", "RFC 7518 §4.7.1.1"),
    m("tag", "authentication tag of the wrapped key", "RFC 7518 §4.7.1.2"),
    m("p2s", "salt of the password", "RFC 7518 §4.8.1.1"),
    m("p2c", "iterations for the password", "RFC 7518 §4.8.1.2"),
    m("iss", "issuer, readable outside of the encryption", "RFC 7519 §5.3"),
    m("sub", "subject, readable outside of the encryption", "RFC 7519 §5.3"),
    m("aud", "audience, readable outside of the encryption", "RFC 7519 §5.3"),
    m("url", "the URL that the message is for", "RFC 8555 §6.4.1"),
    m("nonce", "against replay", "RFC 8555 §6.5.2"),
    m("ppt", "kind of PASSporT", "RFC 8225 §8.1"),
    m("svt", "signature validation token", "RFC 9321 §4"),
    m("iheSSId", "submission set of IHE XDS", "IHE ITI TF"),
    m("client_id", "client of a request object", "RFC 9101 §5"),
    m("trust_chain", "chain of entity statements", "OpenID Federation §4.3"),
    m("status", "where the status is listed", "Token Status List §6"),
    m("vctm", "metadata of the credential's type", "SD-JWT VC §7"),
    m("kb", "whether a key binding follows", "RFC 9901 §4"),
];

const CLAIMS: &[Meaning] = &[
    m("iss", "issuer", "RFC 7519 §4.1.1"),
    m("sub", "subject: whom it is about", "RFC 7519 §4.1.2"),
    m("aud", "audience: whom it is for", "RFC 7519 §4.1.3"),
    m("exp", "expires", "RFC 7519 §4.1.4"),
    m("nbf", "not valid before", "RFC 7519 §4.1.5"),
    m("iat", "issued", "RFC 7519 §4.1.6"),
    m("jti", "identifier of this token", "RFC 7519 §4.1.7"),
    m("name", "full name", "OpenID Connect Core §5.1"),
    m("given_name", "given name", "OpenID Connect Core §5.1"),
    m("family_name", "family name", "OpenID Connect Core §5.1"),
    m("middle_name", "middle name", "OpenID Connect Core §5.1"),
    m("nickname", "casual name", "OpenID Connect Core §5.1"),
    m("preferred_username", "name the user goes by", "OpenID Connect Core §5.1"),
    m("profile", "URL of the profile page", "OpenID Connect Core §5.1"),
    m("picture", "URL of the picture", "OpenID Connect Core §5.1"),
    m("website", "URL of the web site", "OpenID Connect Core §5.1"),
    m("email", "e-mail address", "OpenID Connect Core §5.1"),
    m("email_verified", "whether the address was verified", "OpenID Connect Core §5.1"),
    m("gender", "gender", "OpenID Connect Core §5.1"),
    m("birthdate", "birthday", "OpenID Connect Core §5.1"),
    m("zoneinfo", "time zone", "OpenID Connect Core §5.1"),
    m("locale", "language and country", "OpenID Connect Core §5.1"),
    m("phone_number", "telephone number", "OpenID Connect Core §5.1"),
    m("phone_number_verified", "whether the number was verified", "OpenID Connect Core §5.1"),
    m("address", "postal address", "OpenID Connect Core §5.1"),
    m("updated_at", "the profile was changed", "OpenID Connect Core §5.1"),
    m("azp", "party it was issued to", "OpenID Connect Core §2"),
    m("nonce", "ties it to the client's request", "OpenID Connect Core §2"),
    m("auth_time", "the user logged in", "OpenID Connect Core §2"),
    m("at_hash", "hash of the access token", "OpenID Connect Core §2"),
    m("c_hash", "hash of the code", "OpenID Connect Core §3.3.2.11"),
    m("s_hash", "hash of the state", "OpenID FAPI 1.0 §5.2.2.1"),
    m("acr", "how strong the login was", "OpenID Connect Core §2"),
    m("amr", "how the user logged in", "OpenID Connect Core §2"),
    m("sub_jwk", "key of a self-issued subject", "OpenID Connect Core §7.4"),
    m("sid", "session", "OpenID Connect Front-Channel Logout §3"),
    m("events", "security events", "RFC 8417 §2.2"),
    m("toe", "time of the event", "RFC 8417 §2.2"),
    m("txn", "transaction", "RFC 8417 §2.2"),
    m("cnf", "key that its holder must prove", "RFC 7800 §3.1"),
    m("act", "who acts for the subject", "RFC 8693 §4.1"),
    m("may_act", "who may act for the subject", "RFC 8693 §4.4"),
    m("scope", "what it allows", "RFC 8693 §4.2"),
    m("client_id", "client it was issued to", "RFC 8693 §4.3"),
    m("roles", "roles", "RFC 9068 §2.2.3.1"),
    m("groups", "groups", "RFC 9068 §2.2.3.1"),
    m("entitlements", "entitlements", "RFC 9068 §2.2.3.1"),
    m("htm", "method of the request it proves", "RFC 9449 §4.2"),
    m("htu", "URL of the request it proves", "RFC 9449 §4.2"),
    m("ath", "hash of the access token it proves", "RFC 9449 §4.2"),
    m("authorization_details", "what it allows, in detail", "RFC 9396 §9.1"),
    m("token_introspection", "answer to an introspection", "RFC 9701 §5"),
    m("sub_id", "subject in another format", "RFC 9493 §4.1"),
    m("_sd", "digests of disclosures", "RFC 9901 §4.2.4.1"),
    m("_sd_alg", "hash of the disclosures", "RFC 9901 §4.1.1"),
    m("...", "digest of a disclosed element", "RFC 9901 §4.2.4.2"),
    m("sd_hash", "hash of the token it is bound to", "RFC 9901 §4.3"),
    m("vct", "type of the credential", "SD-JWT VC §3"),
    m("vct#integrity", "digest of the type's metadata", "SD-JWT VC §7"),
    m("status", "where its status is listed", "Token Status List §6"),
    m("status_list", "list of statuses", "Token Status List §5"),
    m("ttl", "seconds that the list may be kept", "Token Status List §5"),
    m("vc", "verifiable credential", "W3C Verifiable Credentials §6.3"),
    m("vp", "verifiable presentation", "W3C Verifiable Credentials §6.3"),
    m("orig", "calling party", "RFC 8225 §5.2.1"),
    m("dest", "called party", "RFC 8225 §5.2.1"),
    m("mky", "media keys", "RFC 8225 §5.2.2"),
    m("attest", "how sure the caller's number is", "RFC 8588 §4"),
    m("origid", "origin of the call", "RFC 8588 §5"),
    m("rph", "priority of the call", "RFC 8443 §3"),
    m("sph", "SIP priority", "RFC 9027 §3"),
    m("div", "diversion of the call", "RFC 8946 §3"),
    m("opt", "the call before its diversion", "RFC 8946 §6"),
    m("rcd", "data about the caller", "RFC 9795 §5"),
    m("rcdi", "digests of data about the caller", "RFC 9795 §5"),
    m("crn", "reason for the call", "RFC 9795 §5"),
    m("msgi", "integrity of a message", "RFC 9475 §3"),
    m("sip_from_tag", "From tag of SIP", "RFC 8055 §3"),
    m("sip_date", "Date field of SIP", "RFC 8055 §3"),
    m("sip_callid", "Call-ID of SIP", "RFC 8055 §3"),
    m("sip_cseq_num", "CSeq number of SIP", "RFC 8055 §3"),
    m("sip_via_branch", "Via branch of SIP", "RFC 8055 §3"),
    m("jcard", "contact card", "RFC 9795 §5"),
    m("at_use_nbr", "how often it may be used", "ETSI GS NFV-SEC 022"),
    m("vot", "vector of trust", "RFC 8485 §3"),
    m("vtm", "URL of the trust mark", "RFC 8485 §3"),
    m("ace_profile", "profile of ACE", "RFC 9200 §5.8.4.3"),
    m("cnonce", "nonce of the client", "RFC 9200 §5.8.4.4"),
    m("exi", "seconds until it expires", "RFC 9200 §5.10.3"),
    m("cdniv", "version of CDNI claims", "RFC 9246 §2.1.8"),
    m("cdnicrit", "critical CDNI claims", "RFC 9246 §2.1.9"),
    m("cdniip", "address of the client", "RFC 9246 §2.1.10"),
    m("cdniuc", "URI that it opens", "RFC 9246 §2.1.11"),
    m("cdniets", "seconds until the next token", "RFC 9246 §2.1.12"),
    m("cdnistt", "how the next token is passed on", "RFC 9246 §2.1.13"),
    m("cdnistd", "depth of the path of a cookie", "RFC 9246 §2.1.14"),
    m("atc", "authority over an identifier", "RFC 9447 §4"),
    m("sig_val_claims", "signature validation", "RFC 9321 §3.2.3"),
    m("verified_claims", "claims that were verified", "OpenID Identity Assurance §5"),
    m("place_of_birth", "place of birth", "OpenID Identity Assurance §4"),
    m("nationalities", "nationalities", "OpenID Identity Assurance §4"),
    m("birth_family_name", "family name at birth", "OpenID Identity Assurance §4"),
    m("birth_given_name", "given name at birth", "OpenID Identity Assurance §4"),
    m("birth_middle_name", "middle name at birth", "OpenID Identity Assurance §4"),
    m("salutation", "salutation", "OpenID Identity Assurance §4"),
    m("title", "title", "OpenID Identity Assurance §4"),
    m("msisdn", "mobile number", "OpenID Identity Assurance §4"),
    m("also_known_as", "stage or religious name", "OpenID Identity Assurance §4"),
    m("eat_nonce", "nonce of an attestation", "RFC 9711 §4.1"),
    m("ueid", "identifier of the device", "RFC 9711 §4.2.1"),
    m("sueids", "further identifiers of the device", "RFC 9711 §4.2.2"),
    m("oemid", "maker of the hardware", "RFC 9711 §4.2.3"),
    m("hwmodel", "model of the hardware", "RFC 9711 §4.2.4"),
    m("hwversion", "version of the hardware", "RFC 9711 §4.2.5"),
    m("swname", "software", "RFC 9711 §4.2.6"),
    m("swversion", "version of the software", "RFC 9711 §4.2.7"),
    m("oemboot", "whether it booted what its maker allows", "RFC 9711 §4.2.8"),
    m("dbgstat", "state of debugging", "RFC 9711 §4.2.9"),
    m("location", "where the device is", "RFC 9711 §4.2.10"),
    m("uptime", "seconds since the start", "RFC 9711 §4.2.11"),
    m("bootcount", "starts", "RFC 9711 §4.2.12"),
    m("bootseed", "random value of this start", "RFC 9711 §4.2.13"),
    m("dloas", "certifications", "RFC 9711 §4.2.14"),
    m("manifests", "software manifests", "RFC 9711 §4.2.15"),
    m("measurements", "measurements of software", "RFC 9711 §4.2.16"),
    m("measres", "results of measurements", "RFC 9711 §4.2.17"),
    m("submods", "parts of the device", "RFC 9711 §4.2.18"),
    m("intuse", "what the attestation is for", "RFC 9711 §4.3.3"),
    m("eat_profile", "profile of the attestation", "RFC 9711 §4.3.2"),
    m("jwks", "key set of an entity", "OpenID Federation §3.1"),
    m("metadata", "metadata of an entity", "OpenID Federation §3.1"),
    m("metadata_policy", "policy for metadata", "OpenID Federation §3.1"),
    m("authority_hints", "superiors of an entity", "OpenID Federation §3.1"),
    m("trust_marks", "trust marks of an entity", "OpenID Federation §3.1"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_member_is_explained_once_and_shortly() {
        for table in [HEADER, CLAIMS] {
            let names: HashSet<_> = table.iter().map(|meaning| meaning.name).collect();
            assert_eq!(names.len(), table.len());
            assert!(table.iter().all(|m| m.text.len() <= 44 && !m.source.is_empty()));
        }
        assert_eq!(claim("exp").map(|m| m.source), Some("RFC 7519 §4.1.4"));
        assert_eq!((claim("kid"), header("exp")), (None, None));
        assert_eq!(algorithm("HS256"), Some("HMAC with SHA-256"));
    }
}
