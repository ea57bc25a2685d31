//! This machine, and the service on it.

use super::Verdict;
use crate::doctor::facts::{Facts, Service};

/// The store, the log of a start and a display's files need some of it.
const LEAST_BYTES: u64 = 16 << 20;
const LITTLE_BYTES: u64 = 512 << 20;
const LEAST_INODES: u64 = 100;
/// 512 for everything else, and some hundred streams.
const FEW_FILES: u64 = 1024;
/// Streams of a few hundred people.
const SOME_FILES: u64 = 8192;

pub(super) fn disk(facts: &Facts) -> Vec<Verdict> {
    let folder = facts.local_dir.display();
    let Some(disk) = facts.disk else {
        let mend = format!("mkdir -p -m 700 {folder}");
        return vec![Verdict::fail(format!("{folder} is not there"), mend)];
    };
    let free = format!("{folder} has {} MiB free", disk.free_bytes >> 20);
    let mend = format!("du -xh {folder} | sort -h | tail; then remove what is not needed");
    if disk.has_inodes && disk.free_inodes < LEAST_INODES {
        let few = format!("{folder} has room for {} more files", disk.free_inodes);
        return vec![Verdict::fail(few, mend)];
    }
    vec![match disk.free_bytes {
        ..LEAST_BYTES => Verdict::fail(free, mend),
        LEAST_BYTES..LITTLE_BYTES => Verdict::warn(free, mend),
        _ => Verdict::pass(free),
    }]
}

pub(super) fn open_files(facts: &Facts) -> Vec<Verdict> {
    let (most, of) = (facts.files.most, if facts.files.of_service { "the service" } else { "this shell" });
    let found = format!("{of} may open {most} files");
    // A shell's limit is not the service's: systemd sets that one.
    let unit = facts.unit;
    let mend =
        format!("systemctl edit {unit}, write [Service] LimitNOFILE=524288, then systemctl restart {unit}");
    let too_few = most < FEW_FILES && facts.files.of_service;
    vec![match most < SOME_FILES {
        _ if too_few => Verdict::fail(found, mend),
        true => Verdict::warn(found, mend),
        false => Verdict::pass(found),
    }]
}

pub(super) fn service(facts: &Facts) -> Vec<Verdict> {
    let unit = facts.unit;
    let (version, status) = match &facts.service {
        Service::Not { why } => {
            return vec![Verdict::fail(why.clone(), format!("systemctl start {unit}"))];
        }
        Service::Runs { version, status, .. } => (version, status),
    };
    let ours = env!("CARGO_PKG_VERSION");
    let mut verdicts = vec![match version {
        Some(version) if version != ours => {
            let found = format!("the service is fastx {version}, and this program is {ours}");
            Verdict::warn(found, format!("systemctl restart {unit}"))
        }
        _ => Verdict::pass("the service runs and answers"),
    }];
    if let Some(error) = status.as_ref().and_then(|status| status.reload_error.as_ref()) {
        let found = format!("the last reload was refused: {error}");
        // broker.json is read at a start only.
        let act = if error.starts_with("broker.json") { "restart" } else { "reload" };
        verdicts.push(Verdict::fail(found, format!("mend the file, then systemctl {act} {unit}")));
    }
    verdicts
}
