//! ClientHello and ServerHello (RFC 8446 section 4.1), with the values kept as numbers.

use super::extension;
use crate::protocol::reader::{Reader, u16s};

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version`, or the version of an SSLv2 hello.
    pub version: u16,
    /// Its random value, by which key logs name the session.
    pub random: [u8; 32],
    /// Session that it wants to resume, or a dummy (RFC 8446 appendix D.4).
    pub session_id: Vec<u8>,
    /// Offered cipher suites, in order, GREASE (RFC 8701) among them.
    pub ciphers: Vec<u16>,
    /// Types of the extensions, in order, GREASE among them.
    pub extensions: Vec<u16>,
    /// Versions of the `supported_versions` extension, GREASE removed.
    pub versions: Vec<u16>,
    /// Server name (RFC 6066 section 3), not necessarily a valid host name.
    pub sni: Option<String>,
    /// Offered ALPN protocols (RFC 7301), not necessarily text.
    pub alpn: Vec<Vec<u8>>,
    /// Supported groups, in order, GREASE among them.
    pub groups: Vec<u16>,
    /// Groups of the key shares.
    pub key_shares: Vec<u16>,
    /// Point formats (RFC 8422 section 5.1.2).
    pub point_formats: Vec<u8>,
    /// Signature algorithms, in order.
    pub signature_algorithms: Vec<u16>,
    /// A session ticket is presented (RFC 5077).
    pub ticket: bool,
    /// The hello came in an SSLv2 record (RFC 5246 appendix E.2), or is of SSLv2.
    pub ssl2: bool,
}

/// What a server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// `legacy_version`.
    pub legacy_version: u16,
    /// Negotiated version.
    pub version: u16,
    /// Its random value.
    pub random: [u8; 32],
    /// Session that is resumed or begins.
    pub session_id: Vec<u8>,
    /// Cipher suite.
    pub cipher: u16,
    /// Types of the extensions, in order.
    pub extensions: Vec<u16>,
    /// Selected ALPN protocol; in TLS 1.3 it is encrypted.
    pub alpn: Option<String>,
    /// Group of the key share.
    pub group: Option<u16>,
    /// A HelloRetryRequest (RFC 8446 section 4.1.3).
    pub retry: bool,
}

/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl ClientHello {
    /// Reads the body of a ClientHello handshake message.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut r = Reader(body);
        let mut hello = Self { version: r.u16()?, random: r.array()?, ..Self::default() };
        hello.session_id = r.vec8()?.to_vec();
        if matches!(hello.version, 0xfe00..=0xfeff | 0x0100) {
            // The cookie of DTLS (RFC 6347 section 4.2.1).
            r.vec8()?;
        }
        hello.ciphers = u16s(r.vec16()?);
        r.vec8()?;
        for (kind, data) in extensions(r) {
            hello.extensions.push(kind);
            hello.extension(kind, Reader(data));
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut r: Reader<'_>) -> Option<()> {
        match kind {
            extension::SERVER_NAME if self.sni.is_none() => {
                let mut names = Reader(r.vec16()?);
                names.u8()?;
                self.sni = Some(text(names.vec16()?));
            }
            extension::SUPPORTED_GROUPS => self.groups = u16s(r.vec16()?),
            extension::EC_POINT_FORMATS => self.point_formats = r.vec8()?.to_vec(),
            extension::SIGNATURE_ALGORITHMS => self.signature_algorithms = u16s(r.vec16()?),
            extension::ALPN => self.alpn = protocols(r)?,
            extension::SESSION_TICKET => self.ticket = !r.0.is_empty(),
            extension::SUPPORTED_VERSIONS => {
                self.versions = u16s(r.vec8()?);
                self.versions.retain(|v| !is_grease(*v));
            }
            extension::KEY_SHARE => {
                let mut shares = Reader(r.vec16()?);
                while let Some(group) = shares.u16() {
                    self.key_shares.push(group);
                    shares.vec16()?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Encrypted ClientHello is offered (RFC 9849): the server name may be a cover.
    pub fn ech(&self) -> bool {
        self.extensions.contains(&extension::ENCRYPTED_CLIENT_HELLO)
    }

    /// Application data is sent before the server has answered (RFC 8446 section 4.2.10).
    pub fn early_data(&self) -> bool {
        self.extensions.contains(&extension::EARLY_DATA)
    }

    /// The highest version that is offered.
    pub fn highest_version(&self) -> u16 {
        self.versions.iter().map(|v| final_version(*v)).max().unwrap_or(self.version)
    }

    /// Reads an SSLv2-compatible hello from its message type on (RFC 5246 appendix E.2).
    pub(super) fn parse_ssl2(message: &[u8]) -> Option<Self> {
        let mut r = Reader(message);
        r.u8()?;
        let version = r.u16()?;
        let (ciphers, session, challenge) = (r.u16()?, r.u16()?, r.u16()?);
        let ciphers = r.take(ciphers.into())?;
        let session_id = r.take(session.into())?.to_vec();
        let challenge = r.take(usize::from(challenge).min(r.0.len()))?;
        let mut random = [0; 32];
        // Shorter challenges stand behind zeros (RFC 5246 appendix E.2).
        for (to, from) in random.iter_mut().rev().zip(challenge.iter().rev()) {
            *to = *from;
        }
        let ciphers = ciphers.as_chunks::<3>().0.iter().filter(|c| c[0] == 0);
        let ciphers = ciphers.map(|c| u16::from_be_bytes([c[1], c[2]])).collect();
        Some(Self { version, random, session_id, ciphers, ssl2: true, ..Self::default() })
    }
}

impl ServerHello {
    /// Reads the body of a ServerHello handshake message.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut r = Reader(body);
        let mut hello = Self { legacy_version: r.u16()?, ..Self::default() };
        hello.version = final_version(hello.legacy_version);
        hello.random = r.array()?;
        hello.retry = hello.random == RETRY;
        // The first drafts of TLS 1.3 left out the session and the compression.
        let draft = (0x7f00..0x7f16).contains(&hello.legacy_version);
        if !draft {
            hello.session_id = r.vec8()?.to_vec();
        }
        hello.cipher = r.u16()?;
        if !draft {
            r.u8()?;
        }
        for (kind, data) in extensions(r) {
            hello.extensions.push(kind);
            let mut r = Reader(data);
            match kind {
                extension::SUPPORTED_VERSIONS => {
                    hello.version = r.u16().map_or(hello.version, final_version);
                }
                extension::ALPN => hello.alpn = protocols(r).and_then(|p| Some(text(p.first()?))),
                extension::KEY_SHARE => hello.group = r.u16(),
                _ => {}
            }
        }
        Some(hello)
    }

    /// The session goes on from a pre-shared key (RFC 8446 section 4.2.11).
    pub fn psk(&self) -> bool {
        self.extensions.contains(&extension::PRE_SHARED_KEY)
    }

    /// IANA name of the cipher suite, or its number.
    pub fn cipher_name(&self) -> String {
        tls_parser::TlsCipherSuite::from_id(self.cipher)
            .map_or_else(|| format!("0x{:04X}", self.cipher), |c| c.name.to_owned())
    }
}

/// A value that is there so that nobody relies on knowing all values (RFC 8701).
pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Drafts of TLS 1.3 announce 0x7f00 plus their number (RFC 8446 section 4.2.1 of the drafts), those of one large
/// site 0xfb00, experiments of a browser 0x7e00.
fn final_version(version: u16) -> u16 {
    if matches!(version >> 8, 0x7e | 0x7f | 0xfb) { 0x0304 } else { version }
}

/// Extensions up to the first that is cut.
fn extensions(mut r: Reader<'_>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut list = Reader(r.vec16().unwrap_or_default());
    std::iter::from_fn(move || Some((list.u16()?, list.vec16()?)))
}

fn protocols(mut r: Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut list = Reader(r.vec16()?);
    Some(std::iter::from_fn(|| list.vec8()).map(<[u8]>::to_vec).collect())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
            extension(51, &[0, 11, 0x1a, 0x1a, 0, 1, 0, 0, 29, 0, 2, 9, 9]),
            extension(10, &[0, 4, 0x1a, 0x1a, 0, 29]),
            extension(13, &[0, 4, 4, 3, 8, 4]),
            extension(35, &[5; 6]),
            extension(42, &[]),
            extension(extension::ENCRYPTED_CLIENT_HELLO, &[0]),
        ]
        .concat();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &[2, 8, 8, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0],
            &(extensions.len() as u16).to_be_bytes(),
            &extensions,
        ]
        .concat();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!((hello.random, &hello.session_id[..]), ([7; 32], &[8, 8][..]));
        assert_eq!(hello.sni.as_deref(), Some("a.test"));
        assert_eq!(hello.alpn, [&b"h2"[..], b"http/1.1"]);
        assert_eq!((&hello.versions[..], hello.highest_version()), (&[0x0304, 0x0303][..], 0x0304));
        assert_eq!(hello.ciphers, [0x1301, 0xc02f]);
        assert_eq!((hello.groups, hello.key_shares), (vec![0x1a1a, 29], vec![0x1a1a, 29]));
        assert_eq!(hello.signature_algorithms, [0x0403, 0x0804]);
        assert_eq!(hello.extensions, [0, 16, 43, 51, 10, 13, 35, 42, 0xfe0d]);
        let hello = ClientHello::parse(&body).unwrap();
        assert!(hello.ech() && hello.ticket && hello.early_data());
        for cut in 0..body.len() {
            let _ = ClientHello::parse(&body[..cut]);
        }
    }

    #[test]
    fn reads_what_a_server_chose() {
        let extensions =
            [extension(43, &[3, 4]), extension(51, &[0, 29, 0, 1, 5]), extension(41, &[0, 0])].concat();
        let head = [&[3, 3][..], &[7; 32], &[1, 4, 0x13, 0x02, 0, 0, extensions.len() as u8]].concat();
        let hello = ServerHello::parse(&[head, extensions].concat()).unwrap();
        assert_eq!((hello.version, hello.cipher_name().as_str()), (0x0304, "TLS_AES_256_GCM_SHA384"));
        assert_eq!((hello.legacy_version, hello.group, hello.session_id), (0x0303, Some(29), vec![4]));
        assert!(!hello.retry);
    }

    #[test]
    fn drafts_and_experiments_are_the_version_that_they_became() {
        for (announced, is) in
            [(0x7f1c, 0x0304), (0x7e01, 0x0304), (0xfb1a, 0x0304), (0x0303, 0x0303), (0x7d00, 0x7d00)]
        {
            assert_eq!(final_version(announced), is, "{announced:x}");
        }
    }

    #[test]
    fn grease_is_told_from_other_values() {
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a) && !is_grease(0xc02f));
    }
}
