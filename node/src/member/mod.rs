//! This node as a member of its cluster: says what it is, and does what is wanted of it.
//!
//! ```text
//! describe   the server object, from: machine (/proc, /sys, nvidia-smi), sessions, gateways,
//! static_data, metrics (metrics.d), duty (what an administrator wants), settings
//! publish    says it                                    routes   what the command line asks about it
//! ```
//! Nothing here is on the way of a session.

mod command;
mod describe;
mod duty;
mod machine;
mod metrics;
mod publish;
mod routes;
mod static_data;

use std::sync::Arc;

use axum::Router;
use cluster::ControlPlane;
use cluster::membership::Announcer;
use cluster::server::{Duty, Server};
use cluster::settings::Settings;
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use self::describe::Describer;
use self::metrics::Metrics;
use self::static_data::StaticData;
use crate::core::Core;
use crate::node::Node;
use crate::session::Sessions;

/// A member until it is dropped; [`Member::leave`] says so before.
#[derive(Debug)]
pub struct Member {
    shared: Arc<Shared>,
    announcer: Arc<Announcer>,
    changed: Arc<Notify>,
    last: watch::Receiver<Server>,
    tasks: Vec<AbortOnDropHandle<()>>,
}

/// Where the parts of the description come from.
#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    sessions: Sessions,
    static_data: StaticData,
    duty: watch::Receiver<Duty>,
    metrics: watch::Receiver<Metrics>,
    settings: Settings,
}

impl Member {
    /// Does not wait for anybody.
    pub fn start(node: &Node, sessions: Sessions, plane: &ControlPlane, settings: &Settings) -> Self {
        let core = node.core();
        let path = core.dirs.local("duty.json");
        let (duty, wanted) = watch::channel(duty::kept(&path));
        let (said, metrics) = watch::channel(Metrics::default());
        let static_data = StaticData::new(&core.dirs.local("static-data.json"));
        let folder = core.dirs.config("metrics.d");
        let settings = settings.clone();
        let shared =
            Shared { core, sessions, static_data, duty: wanted, metrics, settings: settings.clone() };
        let shared = Arc::new(shared);
        let announcer =
            Announcer::start(Arc::clone(&plane.transporter), plane.subjects.clone(), plane.me.clone());
        let (announcer, changed) = (Arc::new(announcer), Arc::new(Notify::new()));
        let (describes, last) = watch::channel(Server::named(&plane.me));
        let describer = Arc::new(Describer::new(Arc::clone(&shared), plane.me.clone()));
        let publish = publish::publish(
            (plane.clone(), settings.clone()),
            describer,
            Arc::clone(&announcer),
            Arc::clone(&changed),
            describes,
        );
        let tasks = vec![
            tokio::spawn(publish),
            tokio::spawn(metrics::run(folder, settings.clone(), said)),
            tokio::spawn(duty::follow(plane.clone(), path, duty)),
            tokio::spawn(notify(shared.duty.clone(), Arc::clone(&changed))),
            tokio::spawn(rest(Arc::clone(&shared.core), shared.duty.clone())),
            tokio::spawn(notify(shared.metrics.clone(), Arc::clone(&changed))),
            tokio::spawn(notify(settings.watch(), Arc::clone(&changed))),
        ];
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        Self { shared, announcer, changed, last, tasks }
    }

    /// What `node.sock` answers about this server.
    pub fn routes(&self) -> Router {
        routes::routes(Arc::clone(&self.shared), self.last.clone(), Arc::clone(&self.changed))
    }

    /// The last word; it may not be heard.
    pub async fn leave(self) {
        let Self { announcer, tasks, .. } = self;
        for task in tasks {
            task.abort();
            let _aborted = task.await;
        }
        if let Some(announcer) = Arc::into_inner(announcer) {
            let _unheard = announcer.leave().await;
        }
    }
}

/// A server that is taken out of service says so to its gateways.
async fn rest(core: Arc<Core>, mut duty: watch::Receiver<Duty>) {
    loop {
        core.rest(duty.borrow_and_update().draining);
        if duty.changed().await.is_err() {
            return;
        }
    }
}

/// Something that `source` says changed.
async fn notify<T>(mut source: watch::Receiver<T>, changed: Arc<Notify>) {
    while source.changed().await.is_ok() {
        changed.notify_one();
    }
}
