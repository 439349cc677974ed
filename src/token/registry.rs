//! Names in the IANA registry "JSON Web Signature and Encryption Algorithms" (RFC 7518 section 7.1).

/// How a name stands in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// To be used.
    Yes,
    /// Deprecated: another name says more (RFC 9864 section 4.1.2).
    Deprecated,
    /// Not in it in this very spelling, or listed as prohibited.
    No,
}

impl Registered {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "registered",
            Self::Deprecated => "deprecated",
            Self::No => "unregistered",
        }
    }
}

/// The `alg` of a JWS.
pub fn signature_alg(name: &str) -> Registered {
    match name {
        "EdDSA" => Registered::Deprecated,
        "none" | "HS256" | "HS384" | "HS512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512"
        | "ES256" | "ES384" | "ES512" | "ES256K" | "Ed25519" | "Ed448" | "ML-DSA-44" | "ML-DSA-65"
        | "ML-DSA-87" => Registered::Yes,
        _ => Registered::No,
    }
}

/// The `alg` of a JWE.
pub fn key_alg(name: &str) -> Registered {
    match name {
        "RSA1_5" | "RSA-OAEP" | "RSA-OAEP-256" | "RSA-OAEP-384" | "RSA-OAEP-512" | "A128KW" | "A192KW"
        | "A256KW" | "dir" | "ECDH-ES" | "ECDH-ES+A128KW" | "ECDH-ES+A192KW" | "ECDH-ES+A256KW"
        | "A128GCMKW" | "A192GCMKW" | "A256GCMKW" | "PBES2-HS256+A128KW" | "PBES2-HS384+A192KW"
        | "PBES2-HS512+A256KW" => Registered::Yes,
        _ => Registered::No,
    }
}

/// The `enc` of a JWE.
pub fn content_enc(name: &str) -> Registered {
    match name {
        "A128CBC-HS256" | "A192CBC-HS384" | "A256CBC-HS512" | "A128GCM" | "A192GCM" | "A256GCM" => {
            Registered::Yes
        }
        _ => Registered::No,
    }
}

/// Whether anyone who has the public key of the recipient can encrypt to it with that `alg`.
pub fn public_key_alg(name: &str) -> bool {
    name.starts_with("RSA") || name.starts_with("ECDH-ES")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry_and_no_others() {
        for (name, expected) in [
            ("ES256", Registered::Yes),
            ("hs256", Registered::No),
            ("HS256/64", Registered::No),
            ("RS1", Registered::No),
            ("EdDSA", Registered::Deprecated),
            ("RSA-OAEP", Registered::No),
        ] {
            assert_eq!(signature_alg(name), expected, "{name}");
        }
        assert_eq!(key_alg("RSA1_5"), Registered::Yes);
        assert_eq!(key_alg("ES256"), Registered::No);
        assert_eq!(content_enc("A128CBC"), Registered::No);
        assert!(public_key_alg("ECDH-ES+A128KW") && !public_key_alg("A128KW"));
    }
}
