//! What a worker and its runners may do: read and write the pipes they have, ask for memory, and compute.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::Duration;

use libc::c_long;
use rustix::fd::OwnedFd;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Of the worker: its servers, and the copy that grows in a runner. 10,000 server objects take a tenth of it.
const WORKER_MEMORY: u64 = 2 << 30;
/// What a runner may ask for beyond what the worker has.
const RUNNER_MEMORY: u64 = 256 << 20;
/// A worker has three pipes, its own size, and the pipe of a runner.
const WORKER_FILES: u64 = 16;
/// `nobody` on Debian and Red Hat.
const NOBODY: u32 = 65_534;

/// Before anything else: files, core dumps and, of root, everything that root may.
pub(super) fn drop_rights() -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, WORKER_FILES)?;
    limit(Resource::As, WORKER_MEMORY)?;
    if rustix::process::geteuid().is_root() {
        let (user, group) = (rustix::process::Uid::from_raw(NOBODY), rustix::process::Gid::from_raw(NOBODY));
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(group, group, group)?;
        rustix::thread::set_thread_res_uid(user, user, user)?;
    }
    Ok(())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Of the thread: the kernel kills it when the thread that started it ends. A fork must ask again.
pub(super) fn end_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// How much memory this process has asked for: a file that is opened before files cannot be opened any more.
#[derive(Debug)]
pub(super) struct Size(OwnedFd);

impl Size {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self(std::fs::File::open("/proc/self/statm")?.into()))
    }

    /// Bytes.
    pub(super) fn now(&self) -> io::Result<u64> {
        let mut text = [0; 64];
        let length = rustix::io::pread(&self.0, &mut text, 0)?;
        let pages =
            std::str::from_utf8(&text[..length]).ok().and_then(|text| text.split(' ').next()?.parse().ok());
        let pages: u64 = pages.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "statm has no size"))?;
        Ok(pages * rustix::param::page_size() as u64)
    }
}

/// In the runner, before the script: `size` is what the worker has.
pub(super) fn narrow(filters: &Filters, size: u64, deadline: Duration) -> io::Result<()> {
    end_with_parent()?;
    limit(Resource::As, size + RUNNER_MEMORY)?;
    // Whole seconds: the deadline is the worker's; this is for a worker that was stopped.
    limit(Resource::Cpu, deadline.as_secs() + 2)?;
    limit(Resource::Nofile, 0)?;
    limit(Resource::Nproc, 0)?;
    seccompiler::apply_filter(&filters.runner).map_err(io::Error::other)
}

/// Lists of what the kernel does for them; everything else it answers with EPERM. Both also set `no_new_privs`.
#[derive(Debug)]
pub(super) struct Filters {
    worker: BpfProgram,
    runner: BpfProgram,
}

/// Memory, pipes, time, chance, and an orderly or disorderly end.
const RUNNER: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_futex,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // abort(3) ends the process so.
    libc::SYS_tgkill,
    libc::SYS_restart_syscall,
];

/// What a worker needs beside that to have runners.
const WORKER: &[c_long] = &[
    libc::SYS_clone,
    libc::SYS_wait4,
    libc::SYS_kill,
    libc::SYS_pipe2,
    libc::SYS_close,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_pread64,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_setrlimit,
    libc::SYS_seccomp,
];

impl Filters {
    pub(super) fn make() -> io::Result<Self> {
        let worker = RUNNER.iter().chain(WORKER).copied();
        Ok(Self { worker: filter(worker)?, runner: filter(RUNNER.iter().copied())? })
    }

    pub(super) fn apply_to_worker(&self) -> io::Result<()> {
        seccompiler::apply_filter(&self.worker).map_err(io::Error::other)
    }
}

fn filter(allowed: impl Iterator<Item = c_long>) -> io::Result<BpfProgram> {
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        allowed.map(|call| (call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::Command;

    use super::*;

    /// What the kernel answers to whoever wants out; a filter is its thread's alone.
    fn answers(filter: BpfProgram) -> Vec<(&'static str, Option<ErrorKind>)> {
        let thread = std::thread::spawn(move || {
            seccompiler::apply_filter(&filter).unwrap();
            vec![
                ("open", File::open("/proc/self/status").err()),
                ("create", File::create("/tmp/balance-was-here").err()),
                ("list", std::fs::read_dir("/").err()),
                ("look", std::fs::metadata("/").err()),
                ("link", std::fs::read_link("/proc/self/exe").err()),
                ("unlink", std::fs::remove_file("/nonexistent").err()),
                ("tcp listener", TcpListener::bind("127.0.0.1:0").err()),
                ("tcp", TcpStream::connect("127.0.0.1:1").err()),
                ("udp", UdpSocket::bind("127.0.0.1:0").err()),
                ("unix", UnixStream::pair().err()),
                ("datagrams", UnixDatagram::unbound().err()),
                ("program", Command::new("/bin/true").spawn().err()),
            ]
        });
        let answers = thread.join().unwrap().into_iter();
        answers.map(|(what, error)| (what, error.map(|error| error.kind()))).collect()
    }

    #[test]
    fn no_file_is_opened_no_socket_made_and_no_program_started() {
        let Filters { worker, runner } = Filters::make().unwrap();
        for (whose, filter) in [("worker", worker), ("runner", runner)] {
            for (what, answer) in answers(filter) {
                assert_eq!(answer, Some(ErrorKind::PermissionDenied), "{whose}: {what}");
            }
        }
    }
}
