//! `fastx manager run`.

use std::sync::Arc;

use anyhow::Context;
use cluster::admission::Authority;
use cluster::{Broker, ControlPlane, Role, Subjects};
use config::Dirs;
use manager::{Admission, Keep, Manager};
use node::Identity;
use node::admin::AdminSocket;
use tokio::task::JoinSet;

use super::routes;
use crate::balancer::Balancer;
use crate::cli::ManagerRunOptions;
use crate::control;
use crate::exit::NotConfigured;
use crate::log::{self, Log};
use crate::notify::notify;
use crate::run::EndSignals;

pub(crate) fn run(options: &ManagerRunOptions) -> anyhow::Result<()> {
    let log = log::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(options.folders.dirs(), log))
}

async fn serve(dirs: Dirs, log: Log) -> anyhow::Result<()> {
    let mut end = EndSignals::new()?;
    let path = dirs.config("broker.json");
    let broker = cluster::broker::read(&path)?.ok_or_else(|| {
        let next = "found a cluster: setup-fastx-cluster, or fastx manager init --host NAME; or copy broker.json from \
                    another server of the cluster. A server that stands alone needs no manager: `fastx node run` is its own";
        NotConfigured(format!("{} is missing\n  next: {next}", path.display()))
    })?;
    let path = dirs.config("manager.json");
    let keep = manager::settings::read(&path)?
        .ok_or_else(|| NotConfigured(format!("{} is missing\n  next: fastx manager init", path.display())))?;
    let me = control::name(&Identity::load_or_make(&dirs)?);
    let authority = Authority::read(&dirs.config("authority.json"))?;
    let broker = match &authority {
        // What is copied to nodes may not answer for a manager.
        Some(authority) => {
            let login = authority.manager_login(&Subjects::new(&broker.namespace));
            Broker { login, ..broker }
        }
        None => broker,
    };
    let plane = ControlPlane::connect(me, Role::Manager, &broker).await?;
    let manager = Manager::start(&keep, &dirs.local("store"), &plane).await?;
    let plane = plane.with_store(manager.store());
    let settings = control::follow(&plane, &dirs);
    let admission = match authority {
        Some(authority) => Some(admission(authority, broker, &plane).await),
        None => None,
    };
    let routes = control::routes(&plane, &settings, &Balancer::start(&plane, &settings))
        .merge(log.routes())
        .merge(routes::routes(admission))
        .merge(routes::of_nodes_only());
    let socket = dirs.local("manager.sock");
    let _admin = AdminSocket::start(&socket, routes)
        .with_context(|| format!("cannot make the admin socket {}", socket.display()))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(log.clone().keep());
    tasks.spawn(log.obey(settings.watch()));
    if let Keep::Folder = keep {
        tracing::info!("the store is {}", dirs.local("store").display());
    }
    notify("READY=1");
    end.next().await;
    notify("STOPPING=1");
    Ok(())
}

async fn admission(authority: Authority, broker: Broker, plane: &ControlPlane) -> Admission {
    let (store, transporter) = (Arc::clone(&plane.store), Arc::clone(&plane.transporter));
    Admission::start(authority, broker, plane.me.clone(), store, transporter).await
}
