//! What a function's return value means.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Refused;
use crate::engine::{Returned, Stop};
use crate::function::Function;
use crate::offer::{Offered, Server};
use crate::text::{cut, shown};

/// A server's id has at most 64 characters.
const MAX_ID: usize = 80;

pub(super) enum Next {
    Chosen(String),
    Offer(Offered),
    Same,
    Stop(Why),
}

/// Why the chain stops.
pub(super) enum Why {
    Threw(String),
    NotOffered(String),
    Odd(String),
    Stopped(Stop),
}

impl Why {
    pub(super) fn of(self, function: &Function) -> Refused {
        let function = function.name.clone();
        match self {
            Self::Threw(message) => Refused::Threw { function, message },
            Self::NotOffered(id) => Refused::NotOffered { function, id },
            Self::Odd(what) => Refused::Odd { function, what },
            Self::Stopped(stop) => Refused::Stopped { function, stop },
        }
    }
}

impl Next {
    /// How many servers are left of `offered`.
    pub(super) fn left(&self, offered: usize) -> usize {
        match self {
            Self::Chosen(_) => 1,
            Self::Offer(servers) => servers.len(),
            Self::Same => offered,
            Self::Stop(_) => 0,
        }
    }
}

/// What comes next, and what the function did, in words.
pub(super) fn judge(returned: &Returned, offered: &[Arc<Server>]) -> (Next, String) {
    match returned {
        Returned::Nothing => (Next::Same, "returned nothing: all go on".to_owned()),
        Returned::Text(id) if offered.iter().any(|server| server.id == *id) => {
            (Next::Chosen(id.clone()), format!("chose {id}"))
        }
        Returned::Text(id) => {
            let id = cut(id, MAX_ID);
            let said = format!("returned \"{id}\", which was not offered to it");
            (Next::Stop(Why::NotOffered(id)), said)
        }
        Returned::List(ids) => list(ids, offered),
        Returned::Odd(what) => {
            let what = shown(what);
            let said = format!("returned {what}, which is neither a server's id nor an array");
            (Next::Stop(Why::Odd(what)), said)
        }
        Returned::Threw(message) => {
            let message = shown(message);
            let said = format!("threw: {message}");
            (Next::Stop(Why::Threw(message)), said)
        }
        Returned::Stopped(stop) => (Next::Stop(Why::Stopped(stop.clone())), stop.to_string()),
    }
}

/// Ours, in the script's order, each once. What was not offered is left out, and counted in words.
fn list(ids: &[Option<String>], offered: &[Arc<Server>]) -> (Next, String) {
    let ours: HashMap<&str, &Arc<Server>> =
        offered.iter().map(|server| (server.id.as_str(), server)).collect();
    let mut taken = HashSet::new();
    let (mut servers, mut foreign) = (Vec::with_capacity(ids.len().min(offered.len())), 0_usize);
    for id in ids {
        match id.as_deref().and_then(|id| ours.get(id)) {
            Some(server) if taken.insert(server.id.as_str()) => servers.push(Arc::clone(server)),
            Some(_) => {}
            None => foreign += 1,
        }
    }
    let mut said = format!("left {} of {}", servers.len(), offered.len());
    if foreign > 0 {
        said += &format!(" ({foreign} in its array were not offered to it, and do not count)");
    }
    (Next::Offer(servers), said)
}
