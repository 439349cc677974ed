//! Whose the flows on this machine are: a command's, or somebody else's.
//!
//! The kernel says which sockets there are and which processes hold them, but only of those that live at that moment. A
//! connection that came and went between two looks has no known owner. So flows are not taken because they are the
//! command's, but left out because they are certainly not: what is not known stays.

use super::sockets::{self, Socket};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Ends of flows that are remembered; the owner of those beyond is not known.
const ENDS: usize = 1 << 20;

/// Time between two looks, and how much longer than a look it is at least.
const PAUSE: Duration = Duration::from_millis(20);
const SHARE: u32 = 10;

/// Whose a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The command's, or a descendant's.
    Command,
    /// That of other processes, at every end that is on this machine.
    Others,
    /// Nobody was seen to hold it.
    Unknown,
}

/// An end of a flow on this machine: whether it is UDP, its own address, and the other end (none: any).
type End = (bool, SocketAddr, Option<SocketAddr>);

/// What was seen of owners so far.
#[derive(Debug)]
pub struct Owners {
    /// Addresses of this machine.
    here: HashSet<IpAddr>,
    ends: HashMap<End, Owner>,
    /// Sockets whose holder is known not to be the command.
    others: HashSet<u64>,
    next: Instant,
    /// Whether a process descends from this one, if it still lives.
    descends: fn(i32) -> Option<bool>,
}

impl Owners {
    /// Whatever talks now is not the command's, which has not been started. `here` are the addresses of this machine.
    pub fn new(here: impl IntoIterator<Item = IpAddr>) -> Self {
        let here = here.into_iter().collect();
        let (ends, others) = (HashMap::new(), HashSet::new());
        let mut this =
            Self { here, ends, others, next: Instant::now(), descends: super::processes::descends };
        for socket in sockets::all() {
            this.others.insert(socket.inode);
            this.learn(&socket, Owner::Others);
        }
        this
    }

    /// Looks who holds which socket, unless it did a moment ago. `members` are the processes of the command.
    pub fn look(&mut self, members: impl FnOnce() -> Vec<i32>) {
        let started = Instant::now();
        if started < self.next {
            return;
        }
        // The list first: what a member holds then and now is in both.
        let all = sockets::all();
        let members = members();
        let mine: HashSet<u64> = members.iter().flat_map(|pid| held_by(*pid)).collect();
        let mut unknown = Vec::new();
        for socket in &all {
            if mine.contains(&socket.inode) {
                self.others.remove(&socket.inode);
                self.learn(socket, Owner::Command);
            } else if self.others.contains(&socket.inode) {
                self.learn(socket, Owner::Others);
            } else {
                unknown.push(*socket);
            }
        }
        let alive: HashSet<u64> = all.iter().map(|socket| socket.inode).collect();
        self.others.retain(|inode| alive.contains(inode));
        self.find(&unknown);
        let pause = PAUSE.max(started.elapsed() * SHARE);
        self.next = Instant::now() + pause;
    }

    /// Asks the processes outside of the command for sockets that nobody inside holds.
    fn find(&mut self, unknown: &[Socket]) {
        if unknown.is_empty() {
            return;
        }
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let wanted: HashSet<u64> = unknown.iter().map(|socket| socket.inode).collect();
        let mut outside = HashSet::new();
        for pid in numbers {
            let held: Vec<u64> = held_by(pid).into_iter().filter(|inode| wanted.contains(inode)).collect();
            // Asked after its files: one that the command started a moment ago is in no list of members, and one that
            // has ended since tells nothing.
            if !held.is_empty() && (self.descends)(pid) == Some(false) {
                outside.extend(held);
            }
        }
        // Who may not look at the processes of others still sees the user that made a socket.
        let me = nix::unistd::geteuid();
        let foreign = |socket: &Socket| !me.is_root() && socket.user != me.as_raw();
        for socket in unknown.iter().filter(|s| outside.contains(&s.inode) || foreign(s)) {
            self.others.insert(socket.inode);
            self.learn(socket, Owner::Others);
        }
    }

    fn learn(&mut self, socket: &Socket, owner: Owner) {
        let remote = Some(socket.remote).filter(|r| !r.ip().is_unspecified() && r.port() != 0);
        let end = (socket.udp, socket.local, remote);
        if self.ends.len() >= ENDS && !self.ends.contains_key(&end) {
            return;
        }
        // Where both used the same ports one after the other, what is the command's is not to be missed.
        let known = self.ends.entry(end).or_insert(owner);
        if owner == Owner::Command {
            *known = owner;
        }
    }

    /// Whose the flow between two ends is.
    pub fn of(&self, udp: bool, one: SocketAddr, other: SocketAddr) -> Owner {
        let ends = [(one, other), (other, one)];
        let owners = ends.map(|(local, remote)| self.end(udp, local, remote));
        if owners.contains(&Owner::Command) {
            return Owner::Command;
        }
        let mut here = ends.iter().zip(owners).filter(|((local, _), _)| self.is_here(local.ip())).peekable();
        if here.peek().is_some() && here.all(|(_, owner)| owner == Owner::Others) {
            Owner::Others
        } else {
            Owner::Unknown
        }
    }

    fn end(&self, udp: bool, local: SocketAddr, remote: SocketAddr) -> Owner {
        let any = if local.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let any6 = IpAddr::from([0_u8; 16]);
        let unconnected = [local, SocketAddr::new(any, local.port()), SocketAddr::new(any6, local.port())];
        let wide = unconnected.into_iter().filter(|_| udp).map(|local| (udp, local, None));
        let mut found = std::iter::once((udp, local, Some(remote))).chain(wide);
        found.find_map(|end| self.ends.get(&end).copied()).unwrap_or(Owner::Unknown)
    }

    fn is_here(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.here.contains(&address)
    }
}

/// Inodes of the sockets that a process holds (proc(5), `/proc/pid/fd`); none of one that may not be looked at.
fn held_by(pid: i32) -> Vec<u64> {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    files.flatten().filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    fn me() -> i32 {
        std::process::id().cast_signed()
    }

    fn looked(owners: &mut Owners, members: Vec<i32>) {
        owners.next = Instant::now();
        owners.look(|| members);
    }

    #[test]
    fn a_flow_is_the_commands_if_one_of_its_processes_holds_an_end() {
        let before = TcpListener::bind("127.0.0.1:0").unwrap();
        let old = TcpStream::connect(before.local_addr().unwrap()).unwrap();
        let (old_local, old_peer) = (old.local_addr().unwrap(), old.peer_addr().unwrap());
        let mut owners = Owners { descends: |_| Some(false), ..Owners::new([]) };
        assert_eq!(
            owners.of(false, old_peer, old_local),
            Owner::Unknown,
            "the server's end was not accepted"
        );
        let server = before.accept().unwrap();
        let new = TcpStream::connect(before.local_addr().unwrap()).unwrap();
        let accepted = before.accept().unwrap();
        let (local, peer) = (new.local_addr().unwrap(), new.peer_addr().unwrap());
        // Nobody of the command holds them, but this process does.
        looked(&mut owners, Vec::new());
        assert_eq!(owners.of(false, local, peer), Owner::Others);
        looked(&mut owners, vec![me()]);
        assert_eq!(owners.of(false, local, peer), Owner::Command);
        assert_eq!(owners.of(false, peer, local), Owner::Command);
        drop((server, new, accepted, old));
        looked(&mut owners, vec![me()]);
        assert_eq!(owners.of(false, local, peer), Owner::Command, "it stays so");
        let never: SocketAddr = "127.0.0.1:1".parse().unwrap();
        assert_eq!(owners.of(false, local, never), Owner::Unknown);
    }

    #[test]
    fn a_datagram_socket_owns_what_its_port_sends() {
        let mut owners = Owners { descends: |_| Some(false), ..Owners::new([]) };
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let local = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), socket.local_addr().unwrap().port());
        let far: SocketAddr = "192.0.2.1:53".parse().unwrap();
        looked(&mut owners, Vec::new());
        assert_eq!(owners.of(true, far, local), Owner::Others);
        looked(&mut owners, vec![me()]);
        assert_eq!(owners.of(true, far, local), Owner::Command);
    }
}
