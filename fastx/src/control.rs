//! The control plane of `fastx node run`: a member of a cluster, or, without broker.json, a cluster of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use cluster::settings::Settings;
use cluster::{Broker, ControlPlane, Name, Role};
use config::Dirs;
use manager::{Keep, Manager};
use node::admin::AdminSocket;
use node::session::{Elsewhere, Sessions, job};
use node::{Identity, Member, Node};
use tokio_util::task::AbortOnDropHandle;

use crate::balancer::Balancer;

/// The broker takes a message within milliseconds.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
const STORE_AGAIN: Duration = Duration::from_secs(10);

/// The cluster as this process has it; dropping it leaves it.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) settings: Settings,
    pub(crate) balancer: Balancer,
    pub(crate) plane: ControlPlane,
    /// As it was at the start.
    broker: Option<Broker>,
    /// Of a server that stands alone.
    _own: Option<AbortOnDropHandle<()>>,
    member: Member,
    _elsewhere: Elsewhere,
    _jobs: AdminSocket,
}

impl Control {
    /// Does not wait for a broker. `broker` is what broker.json says.
    pub(crate) async fn start(
        dirs: &Dirs,
        me: Name,
        broker: Option<&Broker>,
        (node, sessions): (&Node, Sessions),
    ) -> anyhow::Result<Self> {
        let (plane, own) = match broker {
            Some(broker) => (ControlPlane::connect(me, Role::Member, broker).await?, None),
            None => {
                let plane = ControlPlane::standalone(me);
                let own = manage(dirs.local("store"), plane.clone()).await;
                (plane, Some(own))
            }
        };
        let settings = follow(&plane, dirs);
        let balancer = Balancer::start(&plane, &settings);
        sessions.choose_by(Arc::new(balancer.clone()));
        sessions.hold_to(Arc::new(crate::forms::Held(plane.clone())));
        let member = Member::start(node, sessions.clone(), &plane, &settings);
        let routes = routes(&plane, &settings, &balancer);
        node.add_routes(routes.merge(member.routes()).merge(sessions.routes()));
        let elsewhere = Elsewhere::start(&plane, &settings, &sessions);
        sessions.schedule_by(&dirs.config("jobs.json"));
        let socket = dirs.local(job::SOCKET);
        let jobs = AdminSocket::start_for_all(&socket, sessions.job_routes());
        let jobs = jobs.with_context(|| format!("cannot listen on {}", socket.display()))?;
        Ok(Self {
            settings,
            balancer,
            plane,
            broker: broker.cloned(),
            _own: own,
            member,
            _elsewhere: elsewhere,
            _jobs: jobs,
        })
    }

    /// broker.json counts at a start only.
    ///
    /// # Errors
    /// What to do, when it says something else by now.
    pub(crate) fn is_of_today(&self, dirs: &Dirs) -> Result<(), String> {
        match cluster::broker::read(&dirs.config("broker.json")) {
            Ok(now) if now == self.broker => Ok(()),
            Ok(_) => {
                Err("broker.json changed, and is read at a start only; next: systemctl restart fastx-node"
                    .into())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Says good-bye; without a broker nobody hears it.
    pub(crate) async fn leave(self) {
        let _unheard = tokio::time::timeout(LEAVE_WITHIN, self.member.leave()).await;
    }
}

/// The manager inside a node. Sessions do not need it: where it does not start, because a disk is full or the folder is
/// somebody else's, the node runs, says so, and it is tried again.
async fn manage(store: PathBuf, plane: ControlPlane) -> AbortOnDropHandle<()> {
    let mut started = Manager::start(&Keep::Folder, &store, &plane).await;
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            match started {
                Ok(_manager) => return std::future::pending().await,
                Err(error) => tracing::error!(%error, "the store does not open; it is tried again"),
            }
            tokio::time::sleep(STORE_AGAIN).await;
            started = Manager::start(&Keep::Folder, &store, &plane).await;
        }
    }))
}

/// Follows the settings of this server and of its cluster.
pub(crate) fn follow(plane: &ControlPlane, dirs: &Dirs) -> Settings {
    Settings::start(plane, dirs.local("settings.json"))
}

/// What `node.sock` and `manager.sock` answer alike: each subject adds its routes here.
pub(crate) fn routes(plane: &ControlPlane, settings: &Settings, balancer: &Balancer) -> Router {
    Router::new()
        .merge(node::admin::plane::routes(plane))
        .merge(node::admin::servers::routes(plane))
        .merge(node::admin::config::routes(settings))
        .merge(crate::doctor::routes(plane))
        .merge(crate::store::routes(plane))
        .merge(crate::balancer::routes(balancer))
        .merge(crate::forms::routes(plane))
}

/// The server's id, as the cluster writes it.
pub(crate) fn name(identity: &Identity) -> Name {
    Name::new(identity.server_id.as_str()).expect("a server id has a name's letters, and fewer")
}
