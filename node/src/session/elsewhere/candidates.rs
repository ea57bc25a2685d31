//! The servers that a session could start on, for who chooses one.

use cluster::fleet::FleetError;
use cluster::membership::Standing;
use cluster::server::Listed;
use serde::Serialize;

use crate::session::Sessions;

/// A server of the cluster that is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub server_id: String,
    pub hostname: String,
    pub standing: Standing,
    pub sessions: u32,
    /// Its processors, and how many were wanted in the last minute, on average.
    pub cpus: u32,
    pub load: f64,
    /// Whether it takes new sessions.
    pub new_sessions: bool,
}

impl Candidate {
    fn of(listed: Listed) -> Option<Self> {
        let Listed { standing, server, .. } = listed;
        let is_there = matches!(standing, Standing::Alive | Standing::Draining | Standing::Late);
        is_there.then(|| Self {
            server_id: server.server_id.as_str().to_owned(),
            standing,
            sessions: server.sessions,
            cpus: server.cpus,
            load: server.loadavg[0],
            new_sessions: standing == Standing::Alive && server.allows.sessions && !server.draining,
            hostname: server.hostname,
        })
    }
}

impl Sessions {
    /// As the managers know them, in the order of ids; without a cluster none.
    pub async fn candidates(&self) -> Result<Vec<Candidate>, FleetError> {
        let Some(plane) = self.inner.plane.get() else { return Ok(Vec::new()) };
        Ok(plane.fleet.list().await?.into_iter().filter_map(Candidate::of).collect())
    }
}
