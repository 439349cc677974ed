//! A network namespace of one's own, with nothing in it but a loopback interface.

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use nix::unistd::{getegid, geteuid};
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;

/// Why there is none.
#[derive(Debug)]
pub struct NoNetwork {
    what: &'static str,
    why: io::Error,
}

impl fmt::Display for NoNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl std::error::Error for NoNetwork {}

/// Moves this process, which must have one thread only, into a new network namespace and brings its loopback interface up.
/// Who has not the right to (CAP_SYS_ADMIN) gets it from a user namespace in which everybody stays who they are.
///
/// # Errors
/// [`NoNetwork`] that names the step which the system refused.
pub fn own_network() -> Result<(), NoNetwork> {
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        // A program with file capabilities is not dumpable, and the files of such a process in /proc are root's.
        let _ = nix::sys::prctl::set_dumpable(true);
        let (user, group) = (geteuid(), getegid());
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
            .map_err(|e| NoNetwork { what: "no user namespace", why: e.into() })?;
        // user_namespaces(7): without privileges only one's own ids can be mapped, and the group's only once
        // setgroups(2) is given up.
        for (file, text) in [
            ("/proc/self/setgroups", "deny".to_owned()),
            ("/proc/self/uid_map", format!("{user} {user} 1")),
            ("/proc/self/gid_map", format!("{group} {group} 1")),
        ] {
            fs::write(file, text).map_err(|why| NoNetwork { what: "no ids in the user namespace", why })?;
        }
    }
    raise_loopback().map_err(|why| NoNetwork { what: "no loopback interface", why })
}

/// Sets the flag IFF_UP of the interface with index 1, which is the loopback in every new namespace (rtnetlink(7)).
fn raise_loopback() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACK: u16 = 1 | 4;
    const UP: u32 = 1;
    let netlink =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let mut request = Vec::with_capacity(32);
    // struct nlmsghdr: length, type, flags, sequence number, port.
    request.extend(32_u32.to_ne_bytes());
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend(REQUEST_AND_ACK.to_ne_bytes());
    request.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    // struct ifinfomsg: family and padding, type, index, flags, mask of the flags that change.
    request.extend([0; 4]);
    request.extend(1_i32.to_ne_bytes());
    request.extend([UP, UP].map(u32::to_ne_bytes).concat());
    send(netlink.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut answer = [0; 256];
    let n = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // struct nlmsgerr behind the header: a negative error number, or 0.
    let error = answer[..n].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match error {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(error.saturating_neg())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}
