//! The servers that can be chosen: those that take what is asked for.

use std::sync::Arc;

use serde_json::Value;

use crate::request::Action;

/// One server, as it is shown to functions.
#[derive(Debug, PartialEq)]
pub struct Server {
    pub id: String,
    /// The server object.
    pub body: Value,
}

/// Servers in the order in which functions see them.
pub type Offered = Vec<Arc<Server>>;

impl Server {
    /// None without a `serverId`.
    pub fn new(body: Value) -> Option<Self> {
        let id = body.get("serverId")?.as_str().filter(|id| !id.is_empty())?.to_owned();
        Some(Self { id, body })
    }

    /// Why it is not offered; none if it is.
    pub fn unfit(&self, action: Action) -> Option<Unfit> {
        let standing = self.body.get("standing").and_then(Value::as_str);
        match standing {
            Some("revoked") => return Some(Unfit::Revoked),
            Some("lost") => return Some(Unfit::Lost),
            Some("left") => return Some(Unfit::Left),
            _ => {}
        }
        let draining = self.body.get("draining") == Some(&Value::Bool(true)) || standing == Some("draining");
        if draining && action == Action::Start {
            return Some(Unfit::Draining);
        }
        let (what, unfit) = match action {
            Action::Start => ("sessions", Unfit::NoSessions),
            Action::Login => ("logins", Unfit::NoLogins),
        };
        let allowed = self.body.get("allows").and_then(|allows| allows.get(what));
        (allowed == Some(&Value::Bool(false))).then_some(unfit)
    }

    /// Sessions that run on it.
    pub fn sessions(&self) -> u64 {
        self.body.get("sessions").and_then(Value::as_u64).unwrap_or(0)
    }
}

/// Why a server is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    Revoked,
    Lost,
    Left,
    Draining,
    NoSessions,
    NoLogins,
    Prefilter,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Revoked => "shut out of the cluster",
            Self::Lost => "lost",
            Self::Left => "gone",
            Self::Draining => "draining",
            Self::NoSessions => "without new sessions",
            Self::NoLogins => "without logins",
            Self::Prefilter => "not wanted by the prefilter",
        })
    }
}

/// The server with the fewest sessions; the first of several. What decides while scripts cannot.
pub fn fewest_sessions(offered: &[Arc<Server>]) -> Option<&Arc<Server>> {
    offered.iter().min_by_key(|server| server.sessions())
}

/// A roster where unchanged servers are the same as in the one before, so that workers are only told what changed.
pub fn renew(before: &[Arc<Server>], bodies: Vec<Value>) -> Offered {
    let known: std::collections::HashMap<&str, &Arc<Server>> =
        before.iter().map(|server| (server.id.as_str(), server)).collect();
    let same = |new: Server| match known.get(new.id.as_str()) {
        Some(old) if ***old == new => Arc::clone(old),
        _ => Arc::new(new),
    };
    bodies.into_iter().filter_map(Server::new).map(same).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_servers_that_take_it_are_offered() {
        let unfit = |body: Value, action| Server::new(body).unwrap().unfit(action);
        let (start, login) = (Action::Start, Action::Login);
        assert_eq!(unfit(json!({ "serverId": "a" }), start), None);
        assert_eq!(unfit(json!({ "serverId": "a", "standing": "late" }), start), None);
        for (standing, why) in [("revoked", Unfit::Revoked), ("lost", Unfit::Lost), ("left", Unfit::Left)] {
            let body = json!({ "serverId": "a", "standing": standing });
            assert_eq!((unfit(body.clone(), start), unfit(body, login)), (Some(why), Some(why)));
        }
        let draining = json!({ "serverId": "a", "draining": true });
        assert_eq!((unfit(draining.clone(), start), unfit(draining, login)), (Some(Unfit::Draining), None));
        let allows = json!({ "serverId": "a", "allows": { "sessions": false, "logins": true } });
        assert_eq!((unfit(allows.clone(), start), unfit(allows, login)), (Some(Unfit::NoSessions), None));
        let allows = json!({ "serverId": "a", "allows": { "sessions": true, "logins": false } });
        assert_eq!((unfit(allows.clone(), start), unfit(allows, login)), (None, Some(Unfit::NoLogins)));
        assert!(Server::new(json!({ "hostname": "a" })).is_none());
    }

    #[test]
    fn what_did_not_change_is_the_same_server() {
        let before = renew(&[], vec![json!({ "serverId": "a" }), json!({ "serverId": "b", "sessions": 1 })]);
        let after =
            renew(&before, vec![json!({ "serverId": "b", "sessions": 2 }), json!({ "serverId": "a" })]);
        assert!(Arc::ptr_eq(&before[0], &after[1]) && !Arc::ptr_eq(&before[1], &after[0]));
        assert_eq!(fewest_sessions(&after).unwrap().id, "a");
    }
}
