//! `fastx node run`: the node with its portal, until a signal ends it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use config::Dirs;
use node::session::Sessions;
use node::{Handler, Identity, Node, Options};
use portal::{Logins, Portal};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tunnel::shard::Shards;

use crate::balancer;
use crate::cli::RunOptions;
use crate::control::{self, Control};
use crate::forms;
use crate::log::{self, Log};
use crate::notify::notify;
use crate::portal_service::PortalService;

/// File descriptors that are not streams: sockets of tunnels, sessions, the portal's files, logs.
const OTHER_FILES: u64 = 512;
/// Streams at a time when the limit on open files would allow more.
const MOST_STREAMS: u64 = 65_536;

pub(crate) fn run(options: RunOptions) -> anyhow::Result<()> {
    let log = log::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(options.folders.dirs(), options.drain, log))
}

async fn serve(dirs: Dirs, drain: Option<Duration>, log: Log) -> anyhow::Result<()> {
    let (mut hangup, mut end) = (signal(SignalKind::hangup())?, EndSignals::new()?);
    let Started { node, control, .. } = start(dirs.clone()).await?;
    node.add_routes(log.routes());
    let mut tasks = JoinSet::new();
    tasks.spawn(log.clone().keep());
    tasks.spawn(log.obey(control.settings.watch()));
    tracing::info!("the portal's key is in {}", dirs.local("portal-key").display());
    if node.status().gateways.is_empty() {
        let path = dirs.config("gateway.json");
        tracing::warn!("{} names no gateway: copy it from one, mode 0600, and send SIGHUP", path.display());
    }
    notify("READY=1");
    loop {
        tokio::select! {
            biased;
            () = end.next() => break,
            _ = hangup.recv() => {
                notify("RELOADING=1");
                reload(&node, &control, &dirs).await;
                notify("READY=1");
            }
        }
    }
    notify("STOPPING=1");
    let drain = drain.unwrap_or_else(|| control.settings.now().values.drain_time);
    tracing::info!(?drain, "no new streams; open ones may end; a second signal cuts them");
    tokio::select! {
        biased;
        cut = node.drain(drain) => tracing::info!(cut, "ended"),
        () = end.next() => tracing::warn!("ended at once"),
    }
    control.leave().await;
    Ok(())
}

async fn reload(node: &Node, control: &Control, dirs: &Dirs) {
    if let Err(error) = node.reload().await {
        return tracing::error!("nothing changed, because the configuration is bad: {error}");
    }
    tracing::info!("configuration read again");
    if let Err(why) = control.is_of_today(dirs) {
        tracing::warn!("{why}");
        node.not_taken(&why);
    }
}

/// A node, and what runs in it.
pub(crate) struct Started {
    pub(crate) node: Node,
    pub(crate) portal: Portal,
    pub(crate) sessions: Sessions,
    pub(crate) control: Control,
}

/// Starts a node with its portal, which finds the sessions of its last run again, and then its part in the cluster: the
/// way to sessions is open before anything of the control plane is.
pub(crate) async fn start(dirs: Dirs) -> anyhow::Result<Started> {
    let identity = Identity::load_or_make(&dirs).map_err(node::StartError::from)?;
    let broker = cluster::broker::read(&dirs.config("broker.json"))?;
    let me = control::name(&identity);
    let sessions = Sessions::open(&dirs.local_dir, me.as_str()).context("cannot open the sessions")?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let logins = Logins::open(&dirs.config_dir, program)?;
    let portal = Portal::with_logins(identity.server_id, &dirs.local_dir, sessions.clone(), logins)?;
    let service: Arc<dyn Handler> = Arc::new(PortalService(portal.clone()));
    let options = Options {
        dirs: dirs.clone(),
        handlers: BTreeMap::from([(node::PORTAL.to_owned(), service)]),
        shards: Shards::start("node", Shards::default_count()).context("cannot start threads")?,
        streams: most_streams(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        socket: true,
    };
    let node = Node::start(options).await?;
    let control = Control::start(&dirs, me, broker.as_ref(), (&node, sessions.clone())).await?;
    portal.add_for_admins(balancer::routes(&control.balancer).merge(forms::routes(&control.plane)));
    Ok(Started { node, portal, sessions, control })
}

/// Raises the limit on open files as far as it goes, and says how many streams it holds.
fn most_streams() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let files = limit.current.unwrap_or(u64::MAX);
    let streams = files.saturating_sub(OTHER_FILES).clamp(64, MOST_STREAMS);
    usize::try_from(streams).expect("at most 65,536")
}

/// SIGTERM and SIGINT.
pub(crate) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
