//! What the machine says about itself.
//!
//! /proc and /sys are read directly: it is a dozen short files, and of the file systems only those that matter are asked,
//! where a hanging file server must not hold up everything else.

mod disks;
mod gpus;
mod people;
mod proc;

use std::collections::BTreeMap;
use std::path::Path;

use cluster::server::{Network, Pressure, Server};
use tokio::time::Instant;

use self::disks::Disks;
use self::gpus::Gpus;
use self::proc::{Processors, tenth};

/// A host of containers has one interface for each of them.
const MOST_INTERFACES: usize = 32;

/// Reads the machine; some numbers are of the time since the reading before.
#[derive(Debug)]
pub(super) struct Machine {
    disks: Disks,
    gpus: Gpus,
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    at: Instant,
    processors: Processors,
    network: BTreeMap<String, (u64, u64)>,
}

impl Machine {
    pub(super) fn new(local: &Path) -> Self {
        Self { disks: Disks::new(local), gpus: Gpus::new(), before: None }
    }

    /// Fills in what the machine knows.
    pub(super) async fn read(&mut self, server: &mut Server) {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        server.hostname = text("/proc/sys/kernel/hostname").trim().to_owned();
        server.uptime = proc::uptime(&text("/proc/uptime"));
        server.loadavg = proc::load(&text("/proc/loadavg"));
        let (memory, swap) = proc::memory(&text("/proc/meminfo"));
        (server.totalmem, server.freemem, server.swap) = (memory.total, memory.free, swap);
        let stall = |kind: &str| {
            let text = std::fs::read_to_string(format!("/proc/pressure/{kind}"));
            text.ok().map(|text| proc::stall(&text))
        };
        server.pressure =
            (|| Some(Pressure { cpu: stall("cpu")?, memory: stall("memory")?, io: stall("io")? }))();
        server.logged_in_users = people::logged_in();
        self.rates(server, &text("/proc/stat"), &text("/proc/net/dev"));
        server.disks = self.disks.read().await;
        server.gpus = self.gpus.read().await;
    }

    fn rates(&mut self, server: &mut Server, stat: &str, dev: &str) {
        let (at, processors, network) = (Instant::now(), proc::processors(stat), proc::network(dev));
        server.cpus = processors.count;
        if let Some(before) = &self.before {
            server.cpu = processors.since(&before.processors);
            let seconds = at.duration_since(before.at).as_secs_f64().max(0.001);
            // A counter that is less than before is of an interface that was made anew.
            let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds) as u64;
            let interface = |(name, (receives, sends)): (&String, &(u64, u64))| {
                let before = before.network.get(name)?;
                let (receives, sends) = (rate(*receives, before.0), rate(*sends, before.1));
                Some(Network { name: name.clone(), receives, sends })
            };
            server.network = network.iter().filter_map(interface).take(MOST_INTERFACES).collect();
        }
        self.before = Some(Before { at, processors, network });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_has_memory_and_processors() {
        let mut machine = Machine::new(Path::new("/tmp"));
        let mut server = Server::default();
        machine.read(&mut server).await;
        machine.read(&mut server).await;
        assert!(server.totalmem > server.freemem && server.freemem > 0, "{server:?}");
        assert!(server.cpus > 0 && (0.0..=100.0).contains(&server.cpu), "{server:?}");
        assert!(!server.hostname.is_empty() && server.uptime > 0, "{server:?}");
        assert_eq!(server.disks[0].path, "/");
    }

    #[tokio::test]
    async fn the_gpus_of_nvidia_smi_are_in_the_server_object() {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = Machine::new(Path::new("/tmp"));
        machine.gpus = Gpus::with_programs_of(vec![dir.path().join("absent"), dir.path().into()]);
        let mut server = Server::default();
        machine.read(&mut server).await;
        let own = server.gpus.len();
        // Written by another process: see metrics_tests.rs.
        let text =
            "#!/bin/sh\n[ \"$2\" = --format=csv,noheader,nounits ] && echo NVIDIA A100, 37, 40960, 1024, 41";
        let script = r#"printf '%b\n' "$1" > "$2" && chmod 755 "$2""#;
        let mut write = std::process::Command::new("sh");
        write.args(["-c", script, "sh", text]).arg(dir.path().join("nvidia-smi"));
        assert!(write.status().unwrap().success());
        machine.read(&mut server).await;
        let gpu = &server.gpus[own];
        assert_eq!((gpu.name.as_str(), gpu.memory_used), ("NVIDIA A100", Some(1 << 30)));
        // One that fails is not asked again for a while.
        assert!(
            std::process::Command::new("sh")
                .args(["-c", r#"echo exit 9 >> "$1"; sed -i 2d "$1""#, "sh"])
                .arg(dir.path().join("nvidia-smi"))
                .status()
                .unwrap()
                .success()
        );
        machine.read(&mut server).await;
        assert_eq!(server.gpus.len(), own);
        assert!(machine.gpus.is_quiet());
    }
}
