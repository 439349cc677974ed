//! ClientHello and ServerHello (RFC 8446 section 4.1), with the values kept as numbers.

use tls_parser::{
    TlsExtension, parse_tls_client_hello_extension, parse_tls_handshake_client_hello,
    parse_tls_handshake_server_hello, parse_tls_server_hello_extension,
};

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version`, or the version of an SSLv2 hello.
    pub version: u16,
    /// Versions of the `supported_versions` extension, GREASE removed.
    pub versions: Vec<u16>,
    /// Server name (RFC 6066 section 3), not necessarily a valid host name.
    pub sni: Option<String>,
    /// Offered ALPN protocols (RFC 7301).
    pub alpn: Vec<String>,
    /// Offered cipher suites.
    pub ciphers: Vec<u16>,
    /// Encrypted ClientHello is offered (RFC 9849): the server name may be a cover.
    pub ech: bool,
}

/// What a server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// Negotiated version.
    pub version: u16,
    /// Cipher suite.
    pub cipher: u16,
    /// Selected ALPN protocol; in TLS 1.3 it is encrypted.
    pub alpn: Option<String>,
    /// A HelloRetryRequest (RFC 8446 section 4.1.3).
    pub retry: bool,
}

/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

impl ClientHello {
    /// Reads the body of a ClientHello handshake message.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (_, raw) = parse_tls_handshake_client_hello(body).ok()?;
        let mut hello = Self {
            version: raw.version.0,
            ciphers: raw.ciphers.iter().map(|c| c.0).collect(),
            ..Self::default()
        };
        let mut rest = raw.ext.unwrap_or_default();
        while let Ok((after, extension)) = parse_tls_client_hello_extension(rest) {
            if after.len() == rest.len() {
                break;
            }
            rest = after;
            match extension {
                TlsExtension::SNI(names) if hello.sni.is_none() => {
                    hello.sni = names.first().map(|(_, name)| String::from_utf8_lossy(name).into_owned());
                }
                TlsExtension::ALPN(protocols) => {
                    hello.alpn = protocols.iter().map(|p| String::from_utf8_lossy(p).into_owned()).collect();
                }
                TlsExtension::SupportedVersions(versions) => {
                    hello.versions = versions.iter().map(|v| v.0).filter(|v| v & 0x0f0f != 0x0a0a).collect();
                }
                TlsExtension::Unknown(kind, _) if kind.0 == ENCRYPTED_CLIENT_HELLO => hello.ech = true,
                _ => {}
            }
        }
        Some(hello)
    }

    /// Reads an SSLv2-compatible hello from its message type on (RFC 5246 appendix E.2).
    pub(super) fn parse_ssl2(message: &[u8]) -> Option<Self> {
        let [_, major, minor, high, low, _, _, _, _, rest @ ..] = message else { return None };
        let ciphers = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
        let ciphers = ciphers.as_chunks::<3>().0.iter().filter(|c| c[0] == 0);
        Some(Self {
            version: u16::from_be_bytes([*major, *minor]),
            ciphers: ciphers.map(|c| u16::from_be_bytes([c[1], c[2]])).collect(),
            ..Self::default()
        })
    }
}

impl ServerHello {
    /// Reads the body of a ServerHello handshake message.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (_, raw) = parse_tls_handshake_server_hello(body).ok()?;
        let mut hello = Self {
            version: raw.version.0,
            cipher: raw.cipher.0,
            alpn: None,
            retry: raw.random == RETRY.as_slice(),
        };
        let mut rest = raw.ext.unwrap_or_default();
        while let Ok((after, extension)) = parse_tls_server_hello_extension(rest) {
            if after.len() == rest.len() {
                break;
            }
            rest = after;
            match extension {
                TlsExtension::SupportedVersions(versions) => {
                    hello.version = versions.first().map_or(hello.version, |v| v.0);
                }
                TlsExtension::ALPN(protocols) => {
                    hello.alpn = protocols.first().map(|p| String::from_utf8_lossy(p).into_owned());
                }
                _ => {}
            }
        }
        // Drafts of TLS 1.3 announce 0x7f00 plus their number (RFC 8446 section 4.2.1 of the drafts).
        if hello.version >> 8 == 0x7f {
            hello.version = 0x0304;
        }
        Some(hello)
    }

    /// IANA name of the cipher suite, or its number.
    pub fn cipher_name(&self) -> String {
        tls_parser::TlsCipherSuite::from_id(self.cipher)
            .map_or_else(|| format!("0x{:04X}", self.cipher), |c| c.name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
    }

    #[test]
    fn reads_what_a_client_offers() {
        let extensions = [
            extension(0, b"\0\x09\0\0\x06a.test"),
            extension(16, b"\0\x0c\x02h2\x08http/1.1"),
            extension(43, &[6, 0x3a, 0x3a, 3, 4, 3, 3]),
            extension(ENCRYPTED_CLIENT_HELLO, &[0]),
        ]
        .concat();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &[0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0],
            &(extensions.len() as u16).to_be_bytes(),
            &extensions,
        ]
        .concat();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.sni.as_deref(), Some("a.test"));
        assert_eq!(hello.alpn, ["h2", "http/1.1"]);
        assert_eq!(hello.versions, [0x0304, 0x0303]);
        assert_eq!(hello.ciphers, [0x1301, 0xc02f]);
        assert!(hello.ech);
        for cut in 0..body.len() {
            let _ = ClientHello::parse(&body[..cut]);
        }
    }

    #[test]
    fn reads_what_a_server_chose() {
        let body = [&[3, 3][..], &[7; 32], &[0, 0x13, 0x02, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.version, hello.cipher_name().as_str()), (0x0304, "TLS_AES_256_GCM_SHA384"));
        assert!(!hello.retry);
    }
}
