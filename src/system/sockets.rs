//! The sockets of this network namespace, as the kernel lists them (proc(5), `/proc/net/tcp` and its like).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Sockets that are read of one list: what a table of a machine with more says is not known.
const SOCKETS: usize = 262_144;

/// State of a TCP socket that listens.
const LISTEN: u8 = 0x0a;

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) udp: bool,
    pub(super) local: SocketAddr,
    /// Unspecified for a UDP socket that is not connected.
    pub(super) remote: SocketAddr,
    pub(super) user: u32,
    pub(super) inode: u64,
}

/// All that talk; TCP sockets that listen or have no owner any more are left out.
pub(super) fn all() -> Vec<Socket> {
    let lists = [("tcp", false), ("tcp6", false), ("udp", true), ("udp6", true)];
    let read = |name: &str| fs::read_to_string(format!("/proc/self/net/{name}")).unwrap_or_default();
    lists
        .into_iter()
        .flat_map(|(name, udp)| {
            read(name).lines().skip(1).take(SOCKETS).filter_map(|l| parse(l, udp)).collect::<Vec<_>>()
        })
        .collect()
}

/// `sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode ...`
fn parse(line: &str, udp: bool) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let local = address(words.next()?)?;
    let remote = address(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let user = words.nth(3)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let talks = inode != 0 && (udp || state != LISTEN);
    talks.then_some(Socket { udp, local, remote, user, inode })
}

/// Addresses are printed in words of 32 bits as this machine has them in memory, ports as numbers.
fn address(text: &str) -> Option<SocketAddr> {
    let (addr, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = addr.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let addr: IpAddr = match addr.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            // A socket for both families shows IPv4 ends inside of IPv6.
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(addr, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn own_sockets_are_in_the_list() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let datagrams = UdpSocket::bind("[::1]:0").unwrap();
        let all = all();
        let here = |udp, local: SocketAddr| all.iter().find(|s| s.udp == udp && s.local == local);
        let found = here(false, stream.local_addr().unwrap()).unwrap();
        assert_eq!(found.remote, listener.local_addr().unwrap());
        assert!(found.inode > 0);
        assert!(here(true, datagrams.local_addr().unwrap()).is_some());
        assert!(here(false, listener.local_addr().unwrap()).is_none_or(|s| s.remote.port() != 0));
    }

    #[test]
    fn addresses_are_told_by_their_words() {
        if cfg!(target_endian = "little") {
            assert_eq!(address("0100007F:1F90"), Some("127.0.0.1:8080".parse().unwrap()));
            let mapped = "0000000000000000FFFF00000100007F:0050";
            assert_eq!(address(mapped), Some("127.0.0.1:80".parse().unwrap()));
            let six = "B80D0120000000000000000001000000:01BB";
            assert_eq!(address(six), Some("[2001:db8::1]:443".parse().unwrap()));
        }
        for bad in ["", ":", "0100007F", "zz00007F:0050", "0100:0050", "é100007F:0050"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
