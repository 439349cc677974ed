//! X.509 certificates (RFC 5280) as the TLS handshake shows them.

use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_parser::{
    der_parser::asn1_rs::Oid,
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo,
};

/// One certificate of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Distinguished name of whom it is for.
    pub subject: String,
    /// Distinguished name of who signed it.
    pub issuer: String,
    /// First second of its validity, since 1970.
    pub not_before: i64,
    /// Last second of its validity, since 1970.
    pub not_after: i64,
    /// Digest of its DER form.
    pub sha256: [u8; 32],
    /// Subject alternative names that are DNS names.
    pub dns_names: Vec<String>,
    /// Subject alternative names that are addresses.
    pub addresses: Vec<IpAddr>,
    /// All subject alternative names as text, in order.
    pub san: Vec<String>,
    /// Algorithm of the public key ("RSA", "EC", "DSA", "Ed25519"), or its object identifier.
    pub key: String,
    /// Curve of an EC key ("P-256"), or its object identifier.
    pub curve: Option<String>,
    /// Size of the public key in bits; of an EC key that of its field, 0 if unknown.
    pub key_bits: u32,
    /// Signature algorithm ("sha256WithRSAEncryption"), or its object identifier.
    pub signature: String,
    /// Subject and issuer are the same, and the key identifiers do not contradict.
    pub self_signed: bool,
    /// Its DER form.
    pub der: Box<[u8]>,
}

impl Certificate {
    /// Reads the DER form of a certificate; `sha256` is its digest ([`Certificate::digest`]).
    pub fn parse(der: &[u8], sha256: [u8; 32]) -> Option<Self> {
        let (_, raw) = X509Certificate::from_der(der).ok()?;
        let mut certificate = Self {
            subject: raw.subject().to_string(),
            issuer: raw.issuer().to_string(),
            not_before: raw.validity().not_before.timestamp(),
            not_after: raw.validity().not_after.timestamp(),
            sha256,
            signature: named(&raw.signature_algorithm.algorithm, SIGNATURES),
            self_signed: raw.subject().as_raw() == raw.issuer().as_raw(),
            der: der.into(),
            ..Self::default()
        };
        certificate.public_key(raw.public_key());
        let (mut own, mut issuers) = (None, None);
        for extension in raw.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    names.general_names.iter().for_each(|name| certificate.name(name));
                }
                ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    issuers = id.key_identifier.as_ref().map(|id| id.0);
                }
                _ => {}
            }
        }
        if let (Some(own), Some(issuers)) = (own, issuers) {
            certificate.self_signed &= own == issuers;
        }
        Some(certificate)
    }

    /// The digest by which a certificate is known.
    pub fn digest(der: &[u8]) -> [u8; 32] {
        Sha256::digest(der).into()
    }

    /// The key in words: "RSA-2048", "EC-P-256", "Ed25519".
    pub fn key_name(&self) -> String {
        match (&self.curve, self.key.as_str(), self.key_bits) {
            (Some(curve), ..) => format!("{}-{curve}", self.key),
            (None, "RSA" | "DSA", bits) => format!("{}-{bits}", self.key),
            (None, key, _) => key.to_owned(),
        }
    }

    /// Whether it is valid for a server of that name (RFC 9525 section 6): a wildcard stands for one whole label, the
    /// first; common names do not count.
    pub fn covers(&self, server: &str) -> bool {
        if let Ok(addr) = server.parse::<IpAddr>() {
            return self.addresses.contains(&addr);
        }
        let server = server.trim_end_matches('.');
        self.dns_names.iter().any(|name| {
            let name = name.trim_end_matches('.');
            match (name.strip_prefix("*."), server.split_once('.')) {
                (Some(domain), Some((_, rest))) => domain.eq_ignore_ascii_case(rest),
                (Some(_), None) => false,
                (None, _) => name.eq_ignore_ascii_case(server),
            }
        })
    }

    fn public_key(&mut self, info: &SubjectPublicKeyInfo<'_>) {
        self.key = named(&info.algorithm.algorithm, KEYS);
        match info.parsed() {
            Ok(PublicKey::RSA(key)) => self.key_bits = key.key_size() as u32,
            Ok(PublicKey::DSA(y)) => self.key_bits = y.len() as u32 * 8,
            Ok(PublicKey::EC(point)) => {
                self.key_bits = point.key_size() as u32;
                let curve = info.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok());
                self.curve = curve.map(|oid| named(&oid, CURVES));
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &GeneralName<'_>) {
        let text = match name {
            GeneralName::DNSName(name) => {
                self.dns_names.push((*name).to_owned());
                (*name).to_owned()
            }
            GeneralName::IPAddress(bytes) => {
                let address = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let Ok(address) = address.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)) else {
                    return;
                };
                self.addresses.push(address);
                address.to_string()
            }
            GeneralName::RFC822Name(text) | GeneralName::URI(text) => (*text).to_owned(),
            GeneralName::DirectoryName(name) => name.to_string(),
            GeneralName::RegisteredID(oid) => oid.to_id_string(),
            _ => return,
        };
        self.san.push(text);
    }
}

const KEYS: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.10045.2.1", "EC"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

const CURVES: &[(&str, &str)] = &[
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.10", "secp256k1"),
];

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.3", "md4WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.3.14.3.2.29", "sha1WithRSAEncryption"),
    ("1.2.840.10040.4.3", "dsaWithSHA1"),
    ("1.3.14.3.2.27", "dsaWithSHA1"),
    ("2.16.840.1.101.3.4.3.2", "dsaWithSHA256"),
    ("1.2.840.10045.4.1", "ecdsaWithSHA1"),
    ("1.2.840.10045.4.3.1", "ecdsaWithSHA224"),
    ("1.2.840.10045.4.3.2", "ecdsaWithSHA256"),
    ("1.2.840.10045.4.3.3", "ecdsaWithSHA384"),
    ("1.2.840.10045.4.3.4", "ecdsaWithSHA512"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

fn named(oid: &Oid<'_>, names: &[(&str, &str)]) -> String {
    let id = oid.to_id_string();
    names.iter().find(|(known, _)| *known == id).map_or(id.clone(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_what_rfc_9525_says() {
        let certificate = Certificate {
            dns_names: vec!["a.test".into(), "*.b.test".into()],
            addresses: vec!["192.0.2.1".parse().unwrap()],
            ..Certificate::default()
        };
        for (server, covered) in [
            ("a.test", true),
            ("A.Test.", true),
            ("x.a.test", false),
            ("x.b.test", true),
            ("x.y.b.test", false),
            ("b.test", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("test", false),
        ] {
            assert_eq!(certificate.covers(server), covered, "{server}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Certificate::parse(&[0x30, 0x82, 1, 0, 5], [0; 32]), None);
        assert_eq!(Certificate::parse(&[], [0; 32]), None);
    }
}
