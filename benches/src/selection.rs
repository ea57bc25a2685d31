//! Which systems, clients and places a run takes, from the names given with `--only`.

use anyhow::{Result, bail};

use crate::clients::{self, Client};
use crate::systems::{self, System};

pub(crate) const LOOPBACK: &str = "loopback";
pub(crate) const VETH: &str = "veth";

#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) places: Vec<&'static str>,
    pub(crate) systems: Vec<Box<dyn System>>,
    pub(crate) clients: Vec<Box<dyn Client>>,
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
            complete: only.is_empty(),
        };
        let mut known: Vec<&str> = selection.places.clone();
        known.extend(selection.systems.iter().map(|system| system.name()));
        known.extend(selection.clients.iter().map(|client| client.name()));
        if let Some(stranger) = only.iter().find(|name| !known.contains(&name.as_str())) {
            bail!("--only {stranger}: no such name; known are {}", known.join(", "));
        }
        keep(&mut selection.places, only, |place| place);
        keep(&mut selection.systems, only, |system| system.name());
        keep(&mut selection.clients, only, |client| client.name());
        Ok(selection)
    }
}

fn keep<T>(group: &mut Vec<T>, only: &[String], name: impl Fn(&T) -> &str) {
    let chosen = |item: &T| only.iter().any(|wanted| wanted == name(item));
    if group.iter().any(chosen) {
        group.retain(chosen);
    }
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
        assert!(Selection::new(&["quik".to_owned()]).is_err());
    }
}
