//! The table of checks: each judges what was seen, and looks at nothing itself.

mod cluster;
mod files;
mod machine;
mod network;

use serde::Serialize;

use super::facts::Facts;

/// One thing that is looked at, under a name that stays.
struct Check {
    name: &'static str,
    judge: fn(&Facts) -> Vec<Verdict>,
}

/// In the order in which one thing needs another.
const CHECKS: [Check; 15] = [
    Check { name: "configuration", judge: files::configuration },
    Check { name: "modes", judge: files::modes },
    Check { name: "disk", judge: machine::disk },
    Check { name: "limits", judge: machine::open_files },
    Check { name: "service", judge: machine::service },
    Check { name: "broker", judge: cluster::reached },
    Check { name: "broker-tls", judge: cluster::certificate },
    Check { name: "broker-login", judge: cluster::login },
    Check { name: "store", judge: cluster::store },
    Check { name: "versions", judge: cluster::versions },
    Check { name: "clock", judge: cluster::clock },
    Check { name: "gateway", judge: network::gateway },
    Check { name: "udp", judge: network::udp },
    Check { name: "udp-buffers", judge: network::buffers },
    Check { name: "ports", judge: network::ports },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    Pass,
    /// Works, and will or may not.
    Warn,
    Fail,
    /// There is nothing to look at, or another failure hides it.
    Skip,
}

/// What one check says of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
    /// What was found.
    pub(super) found: String,
    /// The command that mends it, or the place where it is mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Verdict {
    fn new(outcome: Outcome, found: impl Into<String>, mend: Option<String>) -> Self {
        Self { check: "", outcome, found: found.into(), mend }
    }

    fn pass(found: impl Into<String>) -> Self {
        Self::new(Outcome::Pass, found, None)
    }

    fn skip(found: impl Into<String>) -> Self {
        Self::new(Outcome::Skip, found, None)
    }

    fn warn(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Outcome::Warn, found, Some(mend.into()))
    }

    fn fail(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Outcome::Fail, found, Some(mend.into()))
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Nothing failed.
    pub(super) ok: bool,
    pub(super) checks: Vec<Verdict>,
}

pub(super) fn judge(facts: &Facts) -> Report {
    let named = |check: &Check| {
        let name = check.name;
        (check.judge)(facts).into_iter().map(move |verdict| Verdict { check: name, ..verdict })
    };
    let checks: Vec<Verdict> = CHECKS.iter().flat_map(named).collect();
    Report { ok: checks.iter().all(|verdict| verdict.outcome != Outcome::Fail), checks }
}

#[cfg(test)]
#[path = "../checks_tests.rs"]
mod tests;
