//! Fingerprints of hellos: JA3 and JA3S (Salesforce, BSD-3-Clause), JA4 (FoxIO, BSD-3-Clause).
//!
//! The other methods of JA4+ are patent pending under a licence that is not free; they are not implemented.

use super::extension;
use super::hello::{ClientHello, ServerHello, is_grease};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What a ClientHello came in, as JA4 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// Hexadecimal digits of a digest in JA4.
const HASH: usize = 12;
/// Largest count that JA4 prints.
const COUNT: usize = 99;

impl ClientHello {
    /// JA3: MD5 of version, cipher suites, extensions, groups and point formats. SSLv2 hellos have none.
    pub fn ja3(&self) -> Option<String> {
        let formats = join(self.point_formats.iter().copied().map(u16::from), "-", decimal);
        let text = format!(
            "{},{},{},{},{formats}",
            self.version,
            join(known(&self.ciphers), "-", decimal),
            join(known(&self.extensions), "-", decimal),
            join(known(&self.groups), "-", decimal),
        );
        (!self.ssl2).then(|| hex(&Md5::digest(text)))
    }

    /// JA4: what was offered, sorted. SSLv2 hellos have none.
    pub fn ja4(&self, over: Over) -> Option<String> {
        if self.ssl2 {
            return None;
        }
        let mut ciphers: Vec<_> = known(&self.ciphers).collect();
        let mut extensions: Vec<_> = known(&self.extensions).collect();
        let mut text = String::with_capacity(36);
        text.push(match over {
            Over::Tcp => 't',
            Over::Quic => 'q',
            Over::Dtls => 'd',
        });
        text += match self.versions.iter().copied().max().unwrap_or(self.version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        };
        text.push(if extensions.contains(&extension::SERVER_NAME) { 'd' } else { 'i' });
        let _ = write!(text, "{:02}{:02}", ciphers.len().min(COUNT), extensions.len().min(COUNT));
        text.extend(self.alpn_ends());
        ciphers.sort_unstable();
        extensions.retain(|e| !matches!(*e, extension::SERVER_NAME | extension::ALPN));
        extensions.sort_unstable();
        let ciphers = join(ciphers, ",", four_digits);
        let mut rest = join(extensions, ",", four_digits);
        if !self.signature_algorithms.is_empty() && !rest.is_empty() {
            rest.push('_');
            rest += &join(self.signature_algorithms.iter().copied(), ",", four_digits);
        }
        Some(format!("{text}_{}_{}", short(&ciphers), short(&rest)))
    }

    /// First and last character of the first ALPN value, or of its hexadecimal form.
    fn alpn_ends(&self) -> [char; 2] {
        let Some((first, last)) = self.alpn.first().and_then(|a| Some((*a.first()?, *a.last()?))) else {
            return ['0'; 2];
        };
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
            return [first.into(), last.into()];
        }
        let digit = |b: u8| char::from_digit(b.into(), 16).unwrap_or('0');
        [digit(first >> 4), digit(last & 15)]
    }
}

impl ServerHello {
    /// JA3S: MD5 of version, cipher suite and extensions.
    pub fn ja3s(&self) -> String {
        let extensions = join(self.extensions.iter().copied(), "-", decimal);
        hex(&Md5::digest(format!("{},{},{extensions}", self.legacy_version, self.cipher)))
    }
}

fn known(values: &[u16]) -> impl Iterator<Item = u16> {
    values.iter().copied().filter(|v| !is_grease(*v))
}

fn join(values: impl IntoIterator<Item = u16>, between: &str, write: impl Fn(&mut String, u16)) -> String {
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text += between;
        }
        write(&mut text, value);
    }
    text
}

fn decimal(text: &mut String, value: u16) {
    let _ = write!(text, "{value}");
}

fn four_digits(text: &mut String, value: u16) {
    let _ = write!(text, "{value:04x}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

fn short(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(HASH);
    }
    let mut digest = hex(&Sha256::digest(text));
    digest.truncate(HASH);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of JA4's technical details.
    fn example() -> ClientHello {
        ClientHello {
            version: 0x0303,
            versions: vec![0x0304, 0x0303],
            ciphers: vec![
                0x8a8a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x2a2a,
            ],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            groups: vec![0x2a2a, 29, 23, 24],
            point_formats: vec![0],
            ..ClientHello::default()
        }
    }

    #[test]
    fn ja4_is_that_of_its_description() {
        assert_eq!(example().ja4(Over::Tcp).unwrap(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert!(example().ja4(Over::Quic).unwrap().starts_with("q13d1516h2_"));
        let bare = ClientHello { version: 0x0301, ..ClientHello::default() };
        assert_eq!(bare.ja4(Over::Tcp).unwrap(), "t10i000000_000000000000_000000000000");
        let odd = |alpn: &[u8]| ClientHello { alpn: vec![alpn.to_vec()], ..bare.clone() }.alpn_ends();
        assert_eq!(
            [odd(b"h"), odd(b"\xab"), odd(b"\x30\xab\xcd"), odd(b"")],
            [['h'; 2], ['a', 'b'], ['3', 'd'], ['0'; 2]]
        );
    }

    #[test]
    fn ja3_is_that_of_its_description() {
        let hello = ClientHello {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..ClientHello::default()
        };
        assert_eq!(hello.ja3().unwrap(), "ada70206e40642a3e4461f35503241d5");
        let bare = ClientHello {
            version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..ClientHello::default()
        };
        assert_eq!(bare.ja3().unwrap(), "de350869b8c85de67a350c8d186f11e6");
        assert_eq!(ClientHello { ssl2: true, ..bare }.ja3(), None);
    }

    #[test]
    fn ja3s_is_what_tshark_says() {
        let hello = ServerHello {
            legacy_version: 771,
            cipher: 49199,
            extensions: vec![0, 65281, 11, 35, 5, 13172],
            ..ServerHello::default()
        };
        assert_eq!(hello.ja3s(), "9168bbacb9fd42f7f7cf95dc89c9d30c");
    }
}
