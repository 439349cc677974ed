//! What the operator says of its own traffic, for facts to compare with: where clear text is accepted, what is its own,
//! how long tokens may live, whose tokens are expected, what else is secret. Nothing said is the default.

use std::net::IpAddr;

/// Everything that was said.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where clear text is accepted.
    pub cleartext: Places,
    /// What belongs to the operator: other hosts are third parties, other public addresses the internet.
    pub own: Places,
    /// Clock skew that is forgiven, in seconds.
    pub skew: i64,
    /// Longest lifetime of an access or ID token, in seconds.
    pub token_lifetime: i64,
    /// Longest lifetime of a refresh token, in seconds.
    pub refresh_lifetime: i64,
    /// Longest lifetime of what is used once (a client assertion, a DPoP proof), in seconds.
    pub proof_lifetime: i64,
    /// Issuers whose tokens are expected, as `iss` names them; empty if nothing was said.
    pub issuers: Vec<String>,
    /// Audiences that are expected in `aud`; empty if nothing was said.
    pub expected_audiences: Vec<String>,
    /// Which hosts take tokens of which audience: pairs of an `aud` value and a host.
    pub audiences: Vec<(String, String)>,
    /// What else is secret.
    pub secrets: Vec<SecretPattern>,
}

/// Hosts by name and networks by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Hosts, as requests and TLS hellos name them.
    pub hosts: Vec<HostPattern>,
    /// Networks that servers stand in.
    pub networks: Vec<Network>,
}

/// A host name, or all names below one (`*.example.test`), on one port or any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    name: String,
    below: bool,
    port: Option<String>,
}

/// A network in CIDR notation (RFC 4632), or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A secret of the operator's own make.
#[derive(Clone, Debug)]
pub struct SecretPattern {
    /// What reports call it.
    pub name: String,
    pattern: regex_lite::Regex,
}

impl Default for Policy {
    fn default() -> Self {
        const DAY: i64 = 86_400;
        Self {
            cleartext: Places::default(),
            own: Places::default(),
            skew: 60,
            token_lifetime: DAY,
            refresh_lifetime: 90 * DAY,
            proof_lifetime: 600,
            issuers: Vec::new(),
            expected_audiences: Vec::new(),
            audiences: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

impl Default for &Policy {
    fn default() -> Self {
        static DEFAULT: std::sync::LazyLock<Policy> = std::sync::LazyLock::new(Policy::default);
        &DEFAULT
    }
}

impl Policy {
    /// Whether clear text to this server is accepted. `host` is as the request names it, `server` its address.
    pub fn accepts_cleartext(&self, host: Option<&str>, server: Option<IpAddr>) -> bool {
        self.cleartext.have(host, server)
    }

    /// Whether tokens of that issuer are expected; `None` if nothing was said.
    pub fn expects_issuer(&self, iss: &str) -> Option<bool> {
        (!self.issuers.is_empty()).then(|| self.issuers.iter().any(|known| known == iss))
    }

    /// Whether one of these audiences is expected; `None` if nothing was said.
    pub fn expects_audience<'a>(&self, mut aud: impl Iterator<Item = &'a str>) -> Option<bool> {
        let known = &self.expected_audiences;
        (!known.is_empty()).then(|| aud.any(|aud| known.iter().any(|known| known == aud)))
    }

    /// The patterns that fit somewhere in `bytes`.
    pub fn secrets_in(&self, bytes: &[u8]) -> impl Iterator<Item = &SecretPattern> {
        self.secrets.iter().filter(|pattern| pattern.spans(bytes).next().is_some())
    }
}

impl Places {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.networks.is_empty()
    }

    /// Whether the host or the address is among them.
    pub fn have(&self, host: Option<&str>, address: Option<IpAddr>) -> bool {
        !self.is_empty()
            && (host.is_some_and(|host| self.has_host(host))
                || address.is_some_and(|address| self.has_address(address)))
    }

    /// Whether the host (lower case, perhaps with a port) is among them.
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.fits(host))
    }

    /// Whether the address is in one of the networks.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

impl HostPattern {
    /// Reads `api.example.test`, `*.example.test`, `api.example.test:8080`, `10.0.0.1` or `[fd00::1]:80`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (name, port) = split_port(&text);
        let below = name.starts_with("*.");
        let name = name.strip_prefix("*.").unwrap_or(name).trim_end_matches('.');
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"*/@?#,".contains(c);
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
        let fits = !name.is_empty() && name.len() <= 255 && name.chars().all(plain) && port_fits;
        fits.then(|| Self { name: name.to_owned(), below, port: port.map(str::to_owned) })
    }

    /// Whether it means this host, which is in lower case and may have a port.
    pub fn fits(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        let name = name.trim_end_matches('.');
        let same = match self.below {
            true => name
                .strip_suffix(self.name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            false => name == self.name,
        };
        same && (self.port.is_none() || self.port.as_deref() == port)
    }
}

/// A host and its port, if it has one. A bare IPv6 address has none.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let name_end = match host.strip_prefix('[') {
        Some(_) => host.find(']').map_or(host.len(), |at| at + 1),
        None if host.matches(':').count() == 1 => host.find(':').unwrap_or(host.len()),
        None => host.len(),
    };
    let (name, port) = host.split_at(name_end);
    (name.trim_start_matches('[').trim_end_matches(']'), port.strip_prefix(':'))
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or an address alone.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether the address is in it. An IPv4 address that is mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                prefix(u128::from(a.to_bits()) << 96, u128::from(b.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => prefix(a.to_bits(), b.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn prefix(a: u128, b: u128, bits: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    (a ^ b) & mask == 0
}

impl SecretPattern {
    /// Longest text of a pattern, and bytes that one may take when it is compiled: it comes from a file.
    const BYTES: usize = 1000;
    const COMPILED: usize = 1 << 18;

    /// A name and a regular expression.
    ///
    /// # Errors
    /// What is wrong with the expression, in words. One that fits the empty text would fit everything.
    pub fn new(name: &str, pattern: &str) -> Result<Self, String> {
        if pattern.len() > Self::BYTES {
            return Err(format!("the expression is longer than {} bytes", Self::BYTES));
        }
        let mut builder = regex_lite::RegexBuilder::new(pattern);
        let pattern = builder.size_limit(Self::COMPILED).build().map_err(|e| e.to_string())?;
        match pattern.is_match("") {
            true => Err("the expression fits the empty text, and so everything".to_owned()),
            false => Ok(Self { name: name.to_owned(), pattern }),
        }
    }

    /// Whether it fits somewhere in the text.
    pub fn fits(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }

    /// Where it fits, in order: ranges of bytes. Bytes that are no UTF-8 are in none.
    pub fn spans<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        let mut at = 0;
        bytes.utf8_chunks().flat_map(move |chunk| {
            let base = at;
            at += chunk.valid().len() + chunk.invalid().len();
            self.pattern.find_iter(chunk.valid()).map(move |found| base + found.start()..base + found.end())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let fits = |pattern: &str, host: &str| HostPattern::parse(pattern).unwrap().fits(host);
        assert!(
            fits("api.example.test", "api.example.test")
                && fits("API.example.test.", "api.example.test:8080")
        );
        assert!(fits("*.example.test", "a.b.example.test:80") && !fits("*.example.test", "example.test"));
        assert!(!fits("*.example.test", "notexample.test") && !fits("*.example.test", ".example.test"));
        assert!(fits("api.test:8080", "api.test:8080") && !fits("api.test:8080", "api.test"));
        assert!(
            fits("fd00::1", "[fd00::1]:80")
                && fits("[fd00::1]:80", "[fd00::1]:80")
                && fits("10.0.0.1", "10.0.0.1:1")
        );
        assert!(!fits("[fd00::1]:80", "[fd00::1]:81"));
        for bad in ["", "*", "*.", "a b", "https://a.test", "a.test:http", "a.*.test", "a@b", "a.test:99999"]
        {
            assert_eq!(HostPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.1.2.3", "10.1.2.3") && !contains("10.1.2.3", "10.1.2.4"));
        assert!(
            contains("0.0.0.0/0", "203.0.113.9")
                && contains("::/0", "fd00::1")
                && !contains("::/0", "10.0.0.1")
        );
        assert!(contains("fd00::/8", "fdff::1") && !contains("fd00::/8", "fe80::1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
        for bad in ["", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "host", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_said_accepts_and_expects_nothing() {
        let policy = Policy::default();
        assert!(!policy.accepts_cleartext(Some("a.test"), "10.0.0.1".parse().ok()));
        assert_eq!(policy.expects_issuer("a"), None);
        assert_eq!(policy.expects_audience(["a"].into_iter()), None);
        let policy =
            Policy { issuers: vec!["a".into()], expected_audiences: vec!["x".into(), "y".into()], ..policy };
        assert_eq!((policy.expects_issuer("a"), policy.expects_issuer("b")), (Some(true), Some(false)));
        assert_eq!(policy.expects_audience(["z", "y"].into_iter()), Some(true));
        assert_eq!(policy.expects_audience([].into_iter()), Some(false));
    }

    #[test]
    fn secrets_are_found_between_bytes_that_are_no_text() {
        let pattern = SecretPattern::new("acme", "acme_[a-z0-9]{8}").unwrap();
        let bytes = b"\xff\xfeacme_12345678\xffx acme_abcdefgh";
        let spans: Vec<_> = pattern.spans(bytes).collect();
        assert_eq!(spans, [2..15, 18..31]);
        let policy = Policy { secrets: vec![pattern], ..Policy::default() };
        assert_eq!(policy.secrets_in(bytes).map(|p| p.name.as_str()).collect::<Vec<_>>(), ["acme"]);
        assert_eq!(policy.secrets_in(b"acme_1234567").count(), 0);
        for bad in ["(", "a*", &"x".repeat(1001), "(a{1000}){1000}"] {
            assert!(SecretPattern::new("n", bad).is_err(), "{bad}");
        }
    }
}
