//! Datagrams the kernel threw away because a socket's buffer was full.

use std::fs;

use crate::proc::tree;

/// Counters since boot; take the difference of two readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drops {
    /// Of the UDP sockets that the process trees own (`/proc/net/udp`, column drops).
    pub(crate) sockets: u64,
    /// Of the whole network namespace (`/proc/net/snmp`: RcvbufErrors + SndbufErrors), other programs included.
    pub(crate) namespace: u64,
}

impl Drops {
    pub(crate) fn read(roots: &[u32]) -> Self {
        let pids = tree(roots);
        // The two ends may live in different namespaces, or share one that must count once.
        let mut namespaces: Vec<(Option<u64>, u32)> = pids.iter().map(|&pid| (net_inode(pid), pid)).collect();
        namespaces.sort_unstable();
        namespaces.dedup_by_key(|(inode, _)| *inode);
        let sockets = pids.iter().map(|&pid| of_process(pid)).sum();
        Self { sockets, namespace: namespaces.into_iter().map(|(_, pid)| of_namespace(pid)).sum() }
    }
}

fn net_inode(pid: u32) -> Option<u64> {
    bracketed(&link(&format!("/proc/{pid}/ns/net"))?, "net:[")
}

fn of_process(pid: u32) -> u64 {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let owned: Vec<u64> =
        entries.filter_map(|entry| bracketed(&link(entry.path().to_str()?)?, "socket:[")).collect();
    let lines =
        ["udp", "udp6"].map(|file| fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default());
    let sockets = lines.iter().flat_map(|text| text.lines()).filter_map(socket);
    sockets.filter(|(inode, _)| owned.contains(inode)).map(|(_, drops)| drops).sum()
}

/// Inode and drops of one line of `/proc/net/udp`.
fn socket(line: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    Some((fields.get(9)?.parse().ok()?, fields.get(12)?.parse().ok()?))
}

fn of_namespace(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/net/snmp")).unwrap_or_default();
    let mut lines = text.lines().filter(|line| line.starts_with("Udp:"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return 0 };
    let pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs
        .filter(|(name, _)| matches!(*name, "RcvbufErrors" | "SndbufErrors"))
        .filter_map(|(_, value)| value.parse::<u64>().ok())
        .sum()
}

fn link(path: &str) -> Option<String> {
    Some(fs::read_link(path).ok()?.to_str()?.to_owned())
}

fn bracketed(text: &str, before: &str) -> Option<u64> {
    text.strip_prefix(before)?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::socket;

    #[test]
    fn a_socket_line_gives_inode_and_drops() {
        let line = " 3149: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 87187 2 0000000000000000 42";
        assert_eq!(socket(line), Some((87187, 42)));
        assert_eq!(socket("  sl  local_address rem_address   st tx_queue"), None);
    }
}
