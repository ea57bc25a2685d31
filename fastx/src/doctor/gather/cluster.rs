//! The broker, seen from this program; and the store behind it while no service runs.

use std::time::Duration;

use cluster::transporter::probe;
use cluster::{Broker, ControlPlane, Name, Role};
use config::Dirs;

use crate::doctor::facts::{BrokerFacts, Tried};
use crate::doctor::store;

/// For a link that was just seen to work.
const LINK_PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) broker: Option<BrokerFacts>,
    pub(super) store: Option<Result<Tried, String>>,
}

/// With a service running, the store is the service's to try.
pub(super) async fn look(dirs: &Dirs, broker: Option<&Broker>, runs: bool) -> Cluster {
    let Some(broker) = broker else { return Cluster::default() };
    let servers = probe::look(broker).await;
    let usable = servers.iter().any(|seen| matches!(seen.certificate, Some(Ok(_))));
    let login = if usable { Some(probe::log_in(broker).await) } else { None };
    let store = match login {
        Some(Ok(_)) if !runs => Some(try_store(dirs, broker).await),
        _ => None,
    };
    Cluster { broker: Some(BrokerFacts { servers, login }), store }
}

async fn try_store(dirs: &Dirs, broker: &Broker) -> Result<Tried, String> {
    let id = std::fs::read_to_string(dirs.local("server-id")).unwrap_or_default();
    let me = Name::new(id.trim()).unwrap_or_else(|_| Name::new("doctor").expect("letters are a name"));
    let plane = ControlPlane::connect(me, Role::Member, broker).await.map_err(|error| error.to_string())?;
    let mut link = plane.transporter.link();
    let up = tokio::time::timeout(LINK_PATIENCE, link.wait_for(cluster::transporter::Link::is_up)).await;
    up.map_err(|_| "the broker is lost again".to_owned())?.map_err(|error| error.to_string())?;
    store::write(&*plane.store, &plane.me).await.map_err(|error| error.to_string())
}
