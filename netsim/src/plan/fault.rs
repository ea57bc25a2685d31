//! What goes wrong, and when.

use std::time::Duration;

use serde::Deserialize;

use super::path::directions;
use super::work::some_span;
use super::{Name, Part, Plan};
use crate::boxes::Udp;
use crate::link::Model;

/// Something that goes wrong, once or again and again.
///
/// ```toml
/// [[fault]]
/// at = "20s"
/// do = { cut = "uplink" }
/// lasts = "5s"       # then it is undone [default: it stays]
/// every = "60s"      # and happens again [default: once]
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    #[serde(with = "config::duration")]
    pub at: Duration,
    #[serde(rename = "do")]
    pub action: Action,
    #[serde(default, deserialize_with = "some_span")]
    pub lasts: Option<Duration>,
    #[serde(default, deserialize_with = "some_span")]
    pub every: Option<Duration>,
}

/// A change of the world. The names are of hosts (all of that name, or a single `node-2`) or of paths.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The host's process ends without a word. Undone by [`Start`](Self::Start).
    Kill(Name),
    /// A killed or drained host's process starts; one that runs does not notice.
    Start(Name),
    /// Kill and start at once.
    Restart(Name),
    /// The gateway drains, as with SIGTERM, and ends. Undone by [`Start`](Self::Start).
    Drain(Name),
    /// The host does nothing, as in a virtual machine that is moved; what arrives waits in its sockets.
    Pause(Name),
    /// Undoes [`Pause`](Self::Pause).
    Resume(Name),
    /// A part of the control plane fails. Undone by [`Restore`](Self::Restore).
    Lose(Part),
    Restore(Part),
    /// All links of the path, or the first link of the host, deliver nothing. Undone by [`Mend`](Self::Mend).
    Cut(Name),
    Mend(Name),
    /// The NATs of the path forget everything, and give other ports.
    Rebind(Name),
    /// The firewalls of the path treat UDP like this.
    Udp(UdpBecomes),
    /// The links of the path behave like this; undone: as the plan has them.
    Change(Box<Change>),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdpBecomes {
    pub path: Name,
    pub becomes: Udp,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Change {
    pub path: Name,
    pub up: Model,
    pub down: Model,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: Name,
    both: Option<Model>,
    up: Option<Model>,
    down: Option<Model>,
}

impl TryFrom<Written> for Change {
    type Error = &'static str;

    fn try_from(Written { path, both, up, down }: Written) -> Result<Self, &'static str> {
        let (up, down) = directions(both, up, down)?;
        Ok(Self { path, up, down })
    }
}

impl Action {
    /// What undoes it in a plan; `None` when nothing does.
    pub(super) fn undone(&self, plan: &Plan) -> Option<Self> {
        match self {
            Self::Kill(host) | Self::Drain(host) => Some(Self::Start(host.clone())),
            Self::Pause(host) => Some(Self::Resume(host.clone())),
            Self::Cut(path) => Some(Self::Mend(path.clone())),
            Self::Lose(part) => Some(Self::Restore(*part)),
            Self::Udp(UdpBecomes { path, .. }) => {
                let becomes = plan.path.get(&**path)?.firewall.as_ref()?.udp;
                Some(Self::Udp(UdpBecomes { path: path.clone(), becomes }))
            }
            Self::Change(change) => {
                let path = &change.path;
                let was = plan.path.get(&**path)?;
                Some(Self::Change(Box::new(Change {
                    path: path.clone(),
                    up: was.up.clone(),
                    down: was.down.clone(),
                })))
            }
            Self::Start(_)
            | Self::Restart(_)
            | Self::Resume(_)
            | Self::Mend(_)
            | Self::Rebind(_)
            | Self::Restore(_) => None,
        }
    }
}

/// One thing that happens at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub at: Duration,
    pub action: Action,
}

/// Ascending.
pub(super) fn steps(plan: &Plan) -> Vec<Step> {
    let mut steps: Vec<Step> = plan.faults.iter().flat_map(|fault| of_one(fault, plan)).collect();
    steps.sort_by_key(|step| step.at);
    steps
}

fn of_one(fault: &Fault, plan: &Plan) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = fault.at;
    while at < plan.length {
        steps.push(Step { at, action: fault.action.clone() });
        let end = fault.lasts.map(|lasts| at.saturating_add(lasts)).filter(|end| *end < plan.length);
        if let (Some(at), Some(action)) = (end, fault.action.undone(plan)) {
            steps.push(Step { at, action });
        }
        match fault.every {
            Some(every) => at = at.saturating_add(every),
            None => break,
        }
    }
    steps
}
