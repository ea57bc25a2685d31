//! Graphics processors: NVIDIA's by nvidia-smi, AMD's by the kernel's amdgpu driver in /sys.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::server::Gpu;
use tokio::process::Command;
use tokio::time::Instant;

use super::tenth;
use crate::member::command::{Outcome, PATH, Slot};

const MOST: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);
/// It fails where its driver is not loaded, which may still come.
const AFTER_A_FAILURE: Duration = Duration::from_secs(300);
const QUERY: &str = "--query-gpu=name,utilization.gpu,memory.total,memory.used,temperature.gpu";

#[derive(Debug)]
pub(super) struct Gpus {
    /// Where nvidia-smi may be.
    folders: Vec<PathBuf>,
    nvidia_smi: Slot,
    /// It is not asked before.
    asked_again: Option<Instant>,
    drm: PathBuf,
}

impl Gpus {
    pub(super) fn new() -> Self {
        Self::with_programs_of(std::env::split_paths(PATH).collect())
    }

    pub(super) fn with_programs_of(folders: Vec<PathBuf>) -> Self {
        Self { folders, nvidia_smi: Slot::default(), asked_again: None, drm: "/sys/class/drm".into() }
    }

    #[cfg(test)]
    pub(super) fn is_quiet(&self) -> bool {
        self.asked_again.is_some()
    }

    pub(super) async fn read(&mut self) -> Vec<Gpu> {
        let mut gpus = amd(&self.drm);
        let mut programs = self.folders.iter().map(|folder| folder.join("nvidia-smi"));
        let program = programs.find(|program| program.is_file());
        if let Some(program) = program.filter(|_| self.asked_again.is_none_or(|at| at <= Instant::now())) {
            let mut command = Command::new(program);
            command.args([QUERY, "--format=csv,noheader,nounits"]);
            match self.nvidia_smi.run(command, PATIENCE).await {
                Outcome::Done(text) => gpus.extend(nvidia(&String::from_utf8_lossy(&text))),
                Outcome::Failed(_) => self.asked_again = Some(Instant::now() + AFTER_A_FAILURE),
            }
        }
        gpus.truncate(MOST);
        gpus
    }
}

/// What it does not know it writes as `[N/A]`.
fn nvidia(csv: &str) -> Vec<Gpu> {
    let gpu = |line: &str| {
        let fields: Vec<&str> = line.split(", ").collect();
        let [name, busy, total, used, temperature] = fields[..] else { return None };
        let mebibytes = |text: &str| text.trim().parse::<u64>().ok().map(|mebi| mebi << 20);
        Some(Gpu {
            name: name.trim().to_owned(),
            utilization: busy.trim().parse().ok(),
            memory_total: mebibytes(total),
            memory_used: mebibytes(used),
            temperature: temperature.trim().parse().ok(),
        })
    };
    csv.lines().filter_map(gpu).collect()
}

fn amd(drm: &Path) -> Vec<Gpu> {
    let mut cards: Vec<PathBuf> = std::fs::read_dir(drm)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("card"));
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .map(|entry| entry.path().join("device"))
        .collect();
    cards.sort();
    cards.iter().filter_map(|device| amd_card(device)).collect()
}

fn amd_card(device: &Path) -> Option<Gpu> {
    let number = |file: &str| std::fs::read_to_string(device.join(file)).ok()?.trim().parse::<u64>().ok();
    // Only amdgpu has this file.
    let busy = number("gpu_busy_percent")?;
    let name = std::fs::read_to_string(device.join("product_name")).unwrap_or_default();
    let name = if name.trim().is_empty() { "AMD GPU" } else { name.trim() };
    Some(Gpu {
        name: name.to_owned(),
        utilization: Some(tenth(busy as f64)),
        memory_total: number("mem_info_vram_total"),
        memory_used: number("mem_info_vram_used"),
        temperature: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nvidia_smi_is_read() {
        let gpus = nvidia(
            "NVIDIA A100-PCIE-40GB, 37, 40960, 1024, 41\nTesla K80, [N/A], 11441, 3, 30\nNo devices were found\n",
        );
        assert_eq!(gpus.len(), 2);
        assert_eq!((gpus[0].utilization, gpus[0].memory_total), (Some(37.0), Some(40960 << 20)));
        assert_eq!((gpus[1].name.as_str(), gpus[1].utilization), ("Tesla K80", None));
    }

    #[test]
    fn amdgpu_is_read_from_sysfs() {
        let dir = tempfile::tempdir().unwrap();
        for card in ["card0", "card0-DP-1", "card1"] {
            std::fs::create_dir_all(dir.path().join(card).join("device")).unwrap();
        }
        let device = dir.path().join("card1/device");
        for (file, text) in [("gpu_busy_percent", "7\n"), ("mem_info_vram_total", "1000\n")] {
            std::fs::write(device.join(file), text).unwrap();
        }
        let gpus = amd(dir.path());
        assert_eq!(gpus.len(), 1);
        assert_eq!(
            (gpus[0].name.as_str(), gpus[0].utilization, gpus[0].memory_total),
            ("AMD GPU", Some(7.0), Some(1000))
        );
    }
}
