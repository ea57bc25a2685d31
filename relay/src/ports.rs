//! The named TCP ports of the gateway: opened, changed and closed as the settings say, without touching connections
//! that are open.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guard::Guard;
use crate::listen::{self, BindError};
use crate::plain::Plain;
use crate::report::PortReport;
use crate::router::Router;
use crate::service::{Believed, Service, run_on};
use crate::settings::{self, Settings};

/// What a port leads to.
#[derive(Clone, Debug)]
enum Target {
    Tunnel(Arc<Service>),
    Plain(Arc<Plain>),
}

impl Target {
    fn take(&self, socket: OwnedFd, client: SocketAddr, shard: usize) {
        match self {
            Self::Tunnel(service) => service.take(socket, client, shard),
            Self::Plain(plain) => plain.take(socket, client, shard),
        }
    }
}

/// One open port.
#[derive(Debug)]
struct Port {
    settings: settings::Service,
    bound: SocketAddr,
    target: Arc<ArcSwap<Target>>,
    stop: CancellationToken,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// All named ports.
#[derive(Debug)]
pub(crate) struct Ports {
    router: Router,
    guard: Arc<Guard>,
    tasks: TaskTracker,
    /// Ends connections that no tunnel's end would end.
    cut: CancellationToken,
    open: Mutex<Vec<Port>>,
}

impl Ports {
    pub(crate) fn new(router: Router, guard: Arc<Guard>, tasks: TaskTracker, cut: CancellationToken) -> Self {
        Self { router, guard, tasks, cut, open: Mutex::default() }
    }

    /// Makes the ports what `settings` says. All or nothing: when one cannot be opened, the old ones stay as they are.
    pub(crate) fn set(&self, settings: &Settings) -> Result<(), BindError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new =
            |service: &&settings::Service| !open.iter().any(|port| port.settings.listen == service.listen);
        let fresh: Vec<Port> = settings
            .services
            .iter()
            .filter(is_new)
            .map(|service| self.open_one(service, settings))
            .collect::<Result<_, _>>()?;
        open.retain(|port| settings.services.iter().any(|service| service.listen == port.settings.listen));
        for port in open.iter_mut() {
            let service = settings.services.iter().find(|service| service.listen == port.settings.listen);
            let service = service.expect("retained above");
            port.target.store(Arc::new(self.target(service, settings)));
            port.settings = service.clone();
        }
        open.extend(fresh);
        Ok(())
    }

    /// Accepts nothing more; open connections go on.
    pub(crate) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn report(&self) -> Vec<PortReport> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter()
            .map(|port| PortReport { listen: port.bound.to_string(), to: port.settings.to_string() })
            .collect()
    }

    fn target(&self, service: &settings::Service, settings: &Settings) -> Target {
        let limits = &settings.limits;
        let believed = Believed::new(service.proxy_protocol, &settings.proxy_protocol_from, limits);
        match (&service.service, &service.connect) {
            (_, Some(connect)) => Target::Plain(Arc::new(Plain {
                metrics: self.router.metrics().clone(),
                shards: self.router.shards().clone(),
                guard: self.guard.clone(),
                tasks: self.tasks.clone(),
                cut: self.cut.clone(),
                connect: connect.clone(),
                believed,
                open: limits.open,
                patience: limits.patience(),
            })),
            (name, None) => Target::Tunnel(Arc::new(Service {
                router: self.router.clone(),
                guard: self.guard.clone(),
                tasks: self.tasks.clone(),
                service: name.as_deref().unwrap_or_default().into(),
                server: service.server.as_ref().and_then(settings::Target::server).cloned(),
                believed,
                patience: limits.patience(),
            })),
        }
    }

    fn open_one(&self, service: &settings::Service, settings: &Settings) -> Result<Port, BindError> {
        let shards = self.router.shards();
        let what = format!("a `services` entry: {service}");
        let listeners = listen::tcp(&what, service.listen.0, shards.len())?;
        let bound =
            listeners.first().and_then(|listener| listener.local_addr().ok()).unwrap_or(service.listen.0);
        let target = Arc::new(ArcSwap::from_pointee(self.target(service, settings)));
        let stop = CancellationToken::new();
        for (listener, shard) in listeners.into_iter().zip(shards.iter()) {
            let (target, index) = (target.clone(), shard.index());
            let take = move |socket, client| target.load().take(socket, client, index);
            run_on(shard, listener, stop.clone(), &self.tasks, self.router.metrics(), take);
        }
        tracing::info!(listen = %bound, to = %service, "port opened");
        Ok(Port { settings: service.clone(), bound, target, stop })
    }
}
