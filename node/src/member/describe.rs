//! Makes the server object.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::Name;
use cluster::server::{Gateway, Server};
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::Shared;
use super::machine::Machine;
use crate::status::{GatewayStatus, LinkState};

/// As the server object says.
const MOST_PEOPLE: usize = 512;

/// Describes this server, whole or only by what is worth telling at once.
#[derive(Debug)]
pub(super) struct Describer {
    shared: Arc<Shared>,
    me: Name,
    machine: Mutex<Machine>,
}

impl Describer {
    pub(super) fn new(shared: Arc<Shared>, me: Name) -> Self {
        let machine = Mutex::new(Machine::new(&shared.core.dirs.local_dir));
        Self { shared, me, machine }
    }

    /// With fresh numbers of the machine.
    pub(super) async fn whole(&self) -> Server {
        let mut server = self.news().await;
        self.machine.lock().await.read(&mut server).await;
        // Whoever has a session is there, also without a login on the machine's own screen.
        let people = std::mem::take(&mut server.logged_in_users);
        let people: BTreeSet<String> = self.shared.sessions.people().into_iter().chain(people).collect();
        server.logged_in_users = people.into_iter().take(MOST_PEOPLE).collect();
        server.updated = Some(Timestamp::now());
        server
    }

    /// All but what the machine says: cheap enough for every second.
    pub(super) async fn news(&self) -> Server {
        let Shared { core, sessions, static_data, duty, metrics, settings } = &*self.shared;
        let mut server = Server::named(&self.me);
        server.sessions = u32::try_from(sessions.count()).unwrap_or(u32::MAX);
        let status = core.status();
        server.version = status.version;
        server.started = Some(status.started);
        server.urls = status.gateways.iter().filter_map(|gateway| url(gateway, &self.me)).collect();
        server.gateways = status.gateways.iter().map(gateway).collect();
        server.static_data = static_data.read().0;
        let metrics = metrics.borrow().clone();
        (server.metrics, server.metric_errors) = (metrics.values, metrics.errors);
        let duty = *duty.borrow();
        server.draining = duty.draining || status.draining;
        server.allows = duty.allows();
        let settings = settings.now();
        server.allows.logins &= settings.values.new_logins;
        server.allows.sessions &= settings.values.new_sessions && !server.draining;
        sessions.admit(server.allows.sessions);
        server
    }
}

/// Where its pages are, through one gateway.
fn url(gateway: &GatewayStatus, me: &Name) -> Option<String> {
    let address = config::HostPort { host: gateway.host.clone(), port: gateway.port }.to_string();
    let address = address.strip_suffix(":443").unwrap_or(&address);
    (gateway.state == LinkState::Connected).then(|| format!("https://{address}/@{me}/"))
}

fn gateway(gateway: &GatewayStatus) -> Gateway {
    let connected = gateway.state == LinkState::Connected;
    Gateway {
        host: gateway.host.clone(),
        port: gateway.port,
        connected,
        transport: gateway.transport.filter(|_| connected).map(|carrier| carrier.to_string().to_lowercase()),
        rtt_ms: gateway.rtt_ms.filter(|_| connected),
    }
}

/// Whether the difference is to be told at once.
pub(super) fn is_news(told: &Server, now: &Server) -> bool {
    // A round-trip time differs every time.
    let ways = |server: &Server| {
        let way = |gateway: &Gateway| (gateway.host.clone(), gateway.port, gateway.transport.clone());
        server.gateways.iter().map(way).collect::<Vec<_>>()
    };
    told.sessions != now.sessions
        || (told.draining, told.allows) != (now.draining, now.allows)
        || told.static_data != now.static_data
        || told.metric_errors != now.metric_errors
        || ways(told) != ways(now)
}
