//! `fastx manager run`.

use anyhow::Context;
use cluster::{ControlPlane, Role};
use config::Dirs;
use manager::{Keep, Manager};
use node::Identity;
use node::admin::AdminSocket;
use tokio::task::JoinSet;

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
        let next = "copy it from another server of the cluster; a server that stands alone needs no manager: \
                    `fastx node run` is its own";
        NotConfigured(format!("{} is missing\n  next: {next}", path.display()))
    })?;
    let path = dirs.config("manager.json");
    let keep = manager::settings::read(&path)?
        .ok_or_else(|| NotConfigured(format!("{} is missing\n  next: fastx manager init", path.display())))?;
    let me = control::name(&Identity::load_or_make(&dirs)?);
    let plane = ControlPlane::connect(me, Role::Manager, &broker).await?;
    let manager = Manager::start(&keep, &dirs.local("store"), &plane).await?;
    let plane = plane.with_store(manager.store());
    let settings = control::follow(&plane, &dirs);
    let socket = dirs.local("manager.sock");
    let _admin = AdminSocket::start(&socket, control::routes(&plane, &settings).merge(log.routes()))
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
