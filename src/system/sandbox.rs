//! What this process can still do once it only reads packets: Landlock for files and connections, seccomp for system calls.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
};
use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The newest rights that are asked for; an older kernel grants fewer restrictions.
const NEWEST: ABI = ABI::V5;

/// Folders of the system that name resolution, certificates and libraries are read from, and libpcap asks about interfaces.
const SYSTEM: [&str; 8] = [
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/run/systemd/resolve",
    "/sys/class/net",
    "/sys/devices",
    "/proc/self",
];

/// System calls that nothing here makes and that an intruder would.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_chroot,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_personality,
];

/// What must go on working.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Files and folders that are read.
    pub read: Vec<PathBuf>,
    /// Folders in which files are written, renamed and removed.
    pub write: Vec<PathBuf>,
    /// TCP ports that are connected to.
    pub connect: Vec<u16>,
}

/// Confines this thread, and those that it starts, to what is allowed. Each part does what the kernel can; the lines say what that
/// is.
pub fn confine(allowed: &Allowed) -> Vec<String> {
    let landlock = landlock(allowed).unwrap_or_else(|error| format!("Landlock: not applied: {error}"));
    let seccomp = seccomp().map_or_else(
        |error| format!("seccomp: not applied: {error}"),
        |()| format!("seccomp: {} system calls are refused, execve among them", REFUSED.len()),
    );
    vec![landlock, seccomp]
}

fn landlock(allowed: &Allowed) -> Result<String, landlock::RulesetError> {
    let read = SYSTEM.iter().map(PathBuf::from).chain(allowed.read.iter().cloned());
    let ports = allowed.connect.iter().map(|port| Ok(NetPort::new(*port, AccessNet::ConnectTcp)));
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules(&allowed.write, AccessFs::from_all(NEWEST)))?
        .add_rules(ports.collect::<Vec<Result<_, landlock::RulesetError>>>())?
        .restrict_self()?;
    let how = match status.ruleset {
        RulesetStatus::FullyEnforced => "in force",
        RulesetStatus::PartiallyEnforced => "in force as far as this kernel knows it",
        RulesetStatus::NotEnforced => return Ok("Landlock: this kernel has none".into()),
    };
    let list = |paths: &[PathBuf]| match paths {
        [] => "nowhere".to_owned(),
        paths => paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
    };
    Ok(format!(
        "Landlock {how}: writes to {}, connects to TCP ports {:?}",
        list(&allowed.write),
        allowed.connect
    ))
}

fn seccomp() -> Result<(), String> {
    let arch: TargetArch =
        std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        REFUSED.iter().map(|number| (*number, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).map_err(|e| e.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    // Sets no_new_privs as well (seccomp(2) asks for it).
    apply_filter(&program).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confined_thread_runs_no_program_and_writes_where_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(&outside).unwrap();
        let allowed = Allowed { write: vec![inside.clone()], ..Allowed::default() };
        // Of its own: what is confined stays so.
        let worker = std::thread::spawn(move || {
            let said = confine(&allowed);
            assert!(said[1].contains("execve"), "{said:?}");
            let run = std::process::Command::new("/bin/true").status();
            assert_eq!(run.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
            std::fs::write(inside.join("file"), "x").unwrap();
            std::fs::read("/etc/passwd").unwrap();
            if said[0].contains("in force") {
                assert!(std::fs::write(outside.join("file"), "x").is_err(), "{said:?}");
            }
        });
        worker.join().unwrap();
        std::fs::write(folder.path().join("out/file"), "x").unwrap();
    }
}
