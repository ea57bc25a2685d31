//! The servers to choose from. Between two answers of a manager the choices of this process count as sessions, so that
//! many starts in one second do not all run to the server that was the emptiest before them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use balance::{Offered, Server, offer};
use cluster::ControlPlane;
use cluster::fleet::{Fleet, FleetError};
use serde_json::Value;

/// Managers are asked again after this.
const FRESH: Duration = Duration::from_secs(2);
/// Without managers what they said last is used for this long.
const USABLE: Duration = Duration::from_secs(60);
/// A choice that its server's own count does not show by then has failed, or ended.
const COUNTS: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Roster {
    fleet: Fleet,
    latest: tokio::sync::Mutex<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    servers: Offered,
    /// When a manager answered, and when one was asked.
    heard: Option<Instant>,
    asked: Option<Instant>,
    /// Why no manager answered the last time.
    silent: Option<FleetError>,
    choices: HashMap<String, Choices>,
}

/// Of one server: those that its own count does not show yet.
#[derive(Debug)]
struct Choices {
    /// Its own count when the managers were asked last.
    told: u64,
    at: Vec<Instant>,
}

impl Roster {
    pub(super) fn new(plane: &ControlPlane) -> Self {
        Self { fleet: plane.fleet.clone(), latest: tokio::sync::Mutex::default() }
    }

    pub(super) async fn now(&self) -> Result<Offered, FleetError> {
        let mut latest = self.latest.lock().await;
        let within = |since: Option<Instant>, most| since.is_some_and(|since| since.elapsed() < most);
        if !within(latest.asked, FRESH) {
            latest.asked = Some(Instant::now());
            match self.fleet.list().await {
                Ok(listed) => {
                    let bodies = listed.iter().filter_map(|listed| serde_json::to_value(listed).ok());
                    latest.hear(bodies.collect(), Instant::now());
                }
                Err(error) => latest.silent = Some(error),
            }
        }
        if let Some(error) = latest.silent.clone() {
            if !within(latest.heard, USABLE) {
                return Err(error);
            }
            tracing::warn!(%error, "a server is chosen from what the managers said before");
        }
        Ok(latest.servers.clone())
    }

    /// A session is about to start there.
    pub(super) async fn placed(&self, id: &str) {
        self.latest.lock().await.place(id, Instant::now());
    }
}

impl Latest {
    fn hear(&mut self, mut bodies: Vec<Value>, now: Instant) {
        for body in &mut bodies {
            let Some(object) = body.as_object_mut() else { continue };
            // It changes with every word of the server, and says nothing that its standing does not.
            object.remove("lastSeen");
            let told = object.get("sessions").and_then(Value::as_u64).unwrap_or(0);
            let id = object.get("serverId").and_then(Value::as_str).unwrap_or_default();
            let Some(choices) = self.choices.get_mut(id) else { continue };
            let shown = usize::try_from(told.saturating_sub(choices.told)).unwrap_or(usize::MAX);
            choices.at.drain(..shown.min(choices.at.len()));
            choices.at.retain(|at| now.duration_since(*at) < COUNTS);
            choices.told = told;
            object.insert("sessions".into(), (told + choices.at.len() as u64).into());
        }
        self.choices.retain(|_, choices| !choices.at.is_empty());
        self.servers = offer::renew(&self.servers, bodies);
        (self.heard, self.silent) = (Some(now), None);
    }

    fn place(&mut self, id: &str, now: Instant) {
        let Some(server) = self.servers.iter_mut().find(|server| server.id == id) else { return };
        let sessions = server.sessions();
        let fresh = || Choices { told: sessions, at: Vec::new() };
        self.choices.entry(id.to_owned()).or_insert_with(fresh).at.push(now);
        let mut body = server.body.clone();
        body["sessions"] = (sessions + 1).into();
        if let Some(changed) = Server::new(body) {
            *server = Arc::new(changed);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choices_count_until_the_servers_own_count_shows_them() {
        let (mut latest, began) = (Latest::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let bodies = |a, b| {
            vec![
                json!({ "serverId": "a", "sessions": a, "lastSeen": "x" }),
                json!({ "serverId": "b", "sessions": b }),
            ]
        };
        let counts =
            |latest: &Latest| latest.servers.iter().map(|server| server.sessions()).collect::<Vec<_>>();
        latest.hear(bodies(1, 5), at(0));
        assert!(latest.servers[0].body.get("lastSeen").is_none());
        for _ in 0..3 {
            latest.place("a", at(1));
        }
        assert_eq!(counts(&latest), [4, 5]);
        let unchanged = Arc::clone(&latest.servers[1]);
        latest.hear(bodies(2, 5), at(3));
        assert_eq!(counts(&latest), [4, 5], "one of the three is told by now");
        assert!(Arc::ptr_eq(&unchanged, &latest.servers[1]));
        latest.hear(bodies(4, 5), at(5));
        assert_eq!((counts(&latest), latest.choices.len()), (vec![4, 5], 0));
        latest.place("b", at(6));
        latest.hear(bodies(4, 5), at(22));
        assert_eq!(counts(&latest), [4, 5], "that start has failed");
    }
}
