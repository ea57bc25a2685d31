//! What is logged, and until when: how the process was started, and what was changed since.

use std::collections::BTreeMap;
use std::time::Instant;

use tracing_subscriber::filter::{LevelFilter, Targets};

/// A level alone is for these. Libraries stay at `info`: in more detail some tell what passes through them.
const OURS: [&str; 9] =
    ["cluster", "config", "fastx", "manager", "netsim", "node", "portal", "relay", "tunnel"];

/// A library that says at `info` each time that a broker is tried and not there, which `cluster` says better.
const TALKATIVE: &str = "async_nats";

/// The levels of one process.
#[derive(Debug)]
pub(super) struct Levels {
    start: Targets,
    /// The environment says it, so no setting counts.
    is_fixed: bool,
    /// By target; `None` is a level for everything of ours.
    changes: BTreeMap<Option<String>, Change>,
}

/// One change of a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) level: LevelFilter,
    /// Reverted then.
    pub(super) until: Option<Instant>,
}

impl Levels {
    /// From `FX_LOG` or `LOGLEVEL`, each a level or a list such as `info,node=debug`; also says which of them is wrong.
    pub(super) fn started(environment: impl Fn(&str) -> Option<String>) -> (Self, Option<String>) {
        let set = |name| environment(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        let said = set("FX_LOG").or_else(|| set("LOGLEVEL"));
        let is_fixed = said.is_some();
        let (start, complaint) = match said {
            None => (ours(Targets::new(), LevelFilter::INFO), None),
            Some((name, value)) => match read(&value) {
                Some(targets) => (targets, None),
                None => {
                    let what = format!(
                        "{name}={value} is no level: use error, warn, info, debug or trace, or a list such as \
                         info,node=debug"
                    );
                    (ours(Targets::new(), LevelFilter::INFO), Some(what))
                }
            },
        };
        (Self { start, is_fixed, changes: BTreeMap::new() }, complaint)
    }

    /// What is logged now.
    pub(super) fn effective(&self) -> Targets {
        self.changes.iter().fold(self.start.clone(), |targets, (target, change)| match target {
            None => ours(targets, change.level),
            Some(target) => targets.with_target(target, change.level),
        })
    }

    /// The same, with everything of ours down to `level`.
    pub(super) fn effective_and(&self, level: LevelFilter) -> Targets {
        let now = self.effective();
        let named = now.iter().filter(|(target, known)| is_ours(target) && *known < level);
        let named: Vec<String> = named.map(|(target, _)| target.to_owned()).collect();
        named.into_iter().fold(now, |targets, target| targets.with_target(target, level))
    }

    pub(super) fn change(&mut self, target: Option<String>, change: Change) {
        if target.is_none() {
            // What was said of a part before would hide the newer word on the whole.
            self.changes.retain(|target, _| target.as_deref().is_some_and(|target| !is_ours(target)));
        }
        self.changes.insert(target, change);
    }

    /// Takes the setting for how the process was started, unless the environment said that.
    pub(super) fn settle(&mut self, level: LevelFilter) {
        if !self.is_fixed {
            self.start = ours(Targets::new(), level);
        }
    }

    /// Back to how the process was started.
    pub(super) fn reset(&mut self) {
        self.changes.clear();
    }

    /// Reverts what is over at `now`. Says whether there was something.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.changes.len();
        self.changes.retain(|_, change| change.until.is_none_or(|until| now < until));
        self.changes.len() < before
    }

    /// When the next change is over.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.changes.values().filter_map(|change| change.until).min()
    }

    pub(super) fn changes(&self) -> impl Iterator<Item = (Option<&str>, Change)> {
        self.changes.iter().map(|(target, change)| (target.as_deref(), *change))
    }
}

fn read(value: &str) -> Option<Targets> {
    match value.trim().parse::<LevelFilter>() {
        Ok(level) => Some(ours(Targets::new(), level)),
        // A list without a level of its own leaves the rest at `info`.
        Err(_) => {
            let listed = value.parse::<Targets>().ok()?;
            let rest = listed.default_level().filter(|level| *level != LevelFilter::OFF);
            let all = ours(Targets::new(), rest.unwrap_or(LevelFilter::INFO));
            Some(all.with_targets(listed.iter().map(|(target, level)| (target.to_owned(), level))))
        }
    }
}

/// `level` for all of ours, and for libraries `info` at most, or `warn` for one.
fn ours(targets: Targets, level: LevelFilter) -> Targets {
    let named: Vec<String> =
        targets.iter().filter(|(target, _)| is_ours(target)).map(|(target, _)| target.to_owned()).collect();
    let all = OURS.iter().map(|target| (*target).to_owned()).chain(named);
    targets
        .with_default(level.min(LevelFilter::INFO))
        .with_target(TALKATIVE, level.min(LevelFilter::WARN))
        .with_targets(all.map(|target| (target, level)))
}

fn is_ours(target: &str) -> bool {
    let room = target.split("::").next().unwrap_or(target);
    OURS.contains(&room)
}

#[cfg(test)]
#[path = "levels_tests.rs"]
mod tests;
