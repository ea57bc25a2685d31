//! `metrics.d`: commands of the administrator, run again and again; what they write is JSON and goes into the server object.
//!
//! Each command's value has the name of its file without what follows the first dot: `licences.py` is `licences`. A
//! command runs as `nobody` when the node runs as root, else as the node's own user.

use cluster::heard;
use cluster::server::{MAX_METRICS, MAX_STATIC_DEPTH};
use cluster::settings::Settings;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::command::{Outcome, Slot};

/// Commands of one server; each costs processes in every round.
const MOST: usize = 32;
/// Debian's and Red Hat's, unless /etc/passwd says otherwise.
const NOBODY: (u32, u32) = (65534, 65534);

/// What the commands said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metrics {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) errors: BTreeMap<String, String>,
}

/// Runs the commands of `folder` for ever; `said` has what they said last.
pub(super) async fn run(folder: PathBuf, settings: Settings, said: watch::Sender<Metrics>) {
    let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
    loop {
        let (commands, mut metrics) = look(&folder);
        slots.retain(|name, _| commands.iter().any(|(other, _)| other == name));
        let (mut running, patience) = (JoinSet::new(), settings.now().values.metrics_timeout);
        for (name, path) in commands {
            let mut slot = slots.remove(&name).unwrap_or_default();
            running.spawn(async move {
                let outcome = slot.run(unprivileged(&path), patience).await;
                (name, slot, outcome)
            });
        }
        let mut left = MAX_METRICS;
        while let Some(ran) = running.join_next().await {
            let Ok((name, slot, outcome)) = ran else { continue };
            slots.insert(name.clone(), slot);
            match value(outcome, &mut left) {
                Ok(value) => drop(metrics.values.insert(name, value)),
                Err(why) => drop(metrics.errors.insert(name, why)),
            }
        }
        tell(&said, metrics);
        pause(&settings).await;
    }
}

/// Until the next round, which comes as soon as the interval says, also when that changes meanwhile.
async fn pause(settings: &Settings) {
    let (ended, mut changes) = (Instant::now(), settings.watch());
    loop {
        let interval = changes.borrow_and_update().values.metrics_interval;
        tokio::select! {
            biased;
            Ok(()) = changes.changed() => {}
            () = tokio::time::sleep_until(ended + interval) => return,
        }
    }
}

/// A failure is said once in the log; it stands in the server object for as long as it lasts.
fn tell(said: &watch::Sender<Metrics>, metrics: Metrics) {
    for (name, why) in &metrics.errors {
        if said.borrow().errors.get(name) != Some(why) {
            tracing::warn!(metric = name, why, "a command in metrics.d failed");
        }
    }
    said.send_if_modified(|last| {
        let changed = *last != metrics;
        *last = metrics;
        changed
    });
}

/// The commands that may run, by name, and why others may not.
fn look(folder: &Path) -> (Vec<(String, PathBuf)>, Metrics) {
    let (mut commands, mut metrics) = (Vec::new(), Metrics::default());
    let Ok(entries) = std::fs::read_dir(folder) else { return (commands, metrics) };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let folder_is_safe = check(folder);
    for path in files {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = file.split('.').next().filter(|name| !name.is_empty()) else { continue };
        let about = folder_is_safe.clone().and_then(|()| check(&path)).and_then(|()| match commands.len() {
            MOST => Err(format!("more than {MOST} commands in metrics.d")),
            _ => Ok(()),
        });
        match about {
            _ if path.is_dir() => {}
            Ok(()) => commands.push((name.to_owned(), path)),
            Err(why) => drop(metrics.errors.insert(name.to_owned(), why)),
        }
    }
    commands.dedup_by(|second, first| second.0 == first.0);
    (commands, metrics)
}

/// Whoever can write it decides what this machine runs: that is root, or the user the node runs as, and nobody else.
fn check(path: &Path) -> Result<(), String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    let (me, shown) = (rustix::process::geteuid().as_raw(), path.display());
    if about.uid() != 0 && about.uid() != me {
        return Err(format!("{shown} is not owned by root; next: chown root {shown}"));
    }
    if about.mode() & 0o022 != 0 {
        return Err(format!("others can write {shown}; next: chmod go-w {shown}"));
    }
    if about.is_file() && about.mode() & 0o111 == 0 {
        return Err(format!("{shown} is no program; next: chmod +x {shown}"));
    }
    Ok(())
}

fn unprivileged(path: &Path) -> Command {
    let mut command = Command::new(path);
    if rustix::process::geteuid().is_root() {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (user, group) = nobody(&passwd);
        // With it go all other groups of root.
        command.uid(user).gid(group);
    }
    command
}

fn nobody(passwd: &str) -> (u32, u32) {
    let line = passwd.lines().find_map(|line| line.strip_prefix("nobody:"));
    let ids = line.and_then(|line| {
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    // Somebody who made nobody root did not mean this.
    ids.filter(|(user, group)| *user != 0 && *group != 0).unwrap_or(NOBODY)
}

/// `left` is how many bytes all commands together may still say.
fn value(outcome: Outcome, left: &mut usize) -> Result<Value, String> {
    let text = match outcome {
        Outcome::Done(text) => text,
        Outcome::Failed(why) => return Err(why),
    };
    let value: Value =
        serde_json::from_slice(&text).map_err(|error| format!("its output is no JSON: {error}"))?;
    let json = value.to_string();
    if heard::depth(json.as_bytes()) > MAX_STATIC_DEPTH {
        return Err(format!("its output is nested deeper than {MAX_STATIC_DEPTH} levels"));
    }
    *left = left
        .checked_sub(json.len())
        .ok_or_else(|| format!("all commands together say more than {} KiB", MAX_METRICS / 1024))?;
    Ok(value)
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
