//! Which systems, clients and places a run takes, from the names given with `--only`.

use anyhow::{Result, bail};

use crate::clients::{self, Client};
use crate::systems::{self, System};

pub(crate) const LOOPBACK: &str = "loopback";
pub(crate) const VETH: &str = "veth";
/// The measurement of a gateway with idle nodes; stands in the group of the clients.
pub(crate) const NODES: &str = "nodes";

#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) places: Vec<&'static str>,
    pub(crate) systems: Vec<Box<dyn System>>,
    pub(crate) clients: Vec<Box<dyn Client>>,
    pub(crate) nodes: bool,
    /// Whether nothing was left out.
    pub(crate) complete: bool,
}

impl Selection {
    /// A name picks within its own group; a group that no name belongs to is taken whole.
    pub(crate) fn new(only: &[String]) -> Result<Self> {
        let mut selection = Self {
            places: vec![LOOPBACK, VETH],
            systems: systems::all(),
            clients: clients::all(),
            nodes: true,
            complete: only.is_empty(),
        };
        let mut known: Vec<&str> = selection.places.clone();
        known.extend(selection.systems.iter().map(|system| system.name()));
        known.extend(selection.clients.iter().map(|client| client.name()));
        known.push(NODES);
        if let Some(stranger) = only.iter().find(|name| !known.contains(&name.as_str())) {
            bail!("--only {stranger}: no such name; known are {}", known.join(", "));
        }
        keep(&mut selection.places, only, |place| place);
        keep(&mut selection.systems, only, |system| system.name());
        let named = keep(&mut selection.clients, only, |client| client.name());
        selection.nodes = only.iter().any(|name| name == NODES);
        if selection.nodes && !named {
            selection.clients.clear();
        }
        selection.nodes |= !named;
        Ok(selection)
    }
}

/// Keeps what `only` names; keeps all, and says false, when it names nothing here.
fn keep<T>(group: &mut Vec<T>, only: &[String], name: impl Fn(&T) -> &str) -> bool {
    let chosen = |item: &T| only.iter().any(|wanted| wanted == name(item));
    let named = group.iter().any(chosen);
    if named {
        group.retain(chosen);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::Selection;

    fn names(only: &[&str]) -> (usize, Vec<&'static str>, usize) {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        let selection = Selection::new(&only).unwrap();
        let systems = selection.systems.iter().map(|system| system.name()).collect();
        (selection.places.len(), systems, selection.clients.len())
    }

    #[test]
    fn a_name_picks_within_its_own_group() {
        assert_eq!(names(&["quic", "ssh", "bulk"]), (2, vec!["quic", "ssh"], 1));
        assert_eq!(names(&["loopback"]).0, 1);
        assert_eq!(names(&["nodes"]).2, 0);
        assert!(Selection::new(&["quik".to_owned()]).is_err());
    }
}
