//! Limits and disk.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use crate::doctor::facts::{Disk, OpenFiles, Service};

/// Of the running service, which may be started with other limits than a shell.
pub(super) fn open_files(service: &Service) -> OpenFiles {
    let pid = match service {
        Service::Runs { status: Some(status), .. } => Some(status.pid),
        _ => None,
    };
    if let Some(most) = pid.and_then(limit_of) {
        return OpenFiles { most, of_service: true };
    }
    OpenFiles { most: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX), of_service: false }
}

fn limit_of(pid: u32) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    hard_limit(&limits)
}

/// `Max open files   1024   524288   files`
fn hard_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let hard = line.split_whitespace().nth(1)?;
    if hard == "unlimited" { Some(u64::MAX) } else { hard.parse().ok() }
}

pub(super) fn disk(folder: &Path) -> Option<Disk> {
    let seen = rustix::fs::statvfs(folder).ok()?;
    Some(Disk {
        free_bytes: seen.f_bavail.saturating_mul(seen.f_frsize),
        free_inodes: seen.f_favail,
        // Some file systems do not count them.
        has_inodes: seen.f_files > 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_a_process_may_raise_to_is_read() {
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(hard_limit(limits), Some(524_288));
        assert!(limit_of(std::process::id()).is_some());
    }
}
