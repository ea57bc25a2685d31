//! `fastx demo`: what a whole site does, on this machine: a gateway, a node that dials it, and a desktop.
//!
//! The gateway is a process of its own, as it would be; node and portal run in this one. All of it listens on the
//! loopback address only, and ends with this program.

mod gateway;
mod place;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use cluster::session::SessionId;
use config::{Dirs, Secrecy};
use node::Node;
use node::session::{Sessions, Wanted, Who};

use self::gateway::Gateway;
use self::place::Place;
use crate::cli::DemoOptions;
use crate::run::{self, EndSignals, Started};

/// From the start of the gateway until the node is connected; both are on this machine.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);
/// Open streams of a demo are not worth waiting for.
const DRAIN: Duration = Duration::from_secs(1);

pub(crate) fn run(options: DemoOptions) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(demo(options))
}

async fn demo(options: DemoOptions) -> anyhow::Result<()> {
    let mut end = EndSignals::new()?;
    let place = Place::choose(options.dir)?;
    let port = place::free_port(options.port)?;
    let mut gateway = Gateway::start(place.path(), port).await?;
    let ran = show(&place, port, &mut gateway, &mut end).await;
    gateway.stop().await;
    ran
}

/// Until a signal, or the end of the gateway.
async fn show(place: &Place, port: u16, gateway: &mut Gateway, end: &mut EndSignals) -> anyhow::Result<()> {
    let (started, desktop) = tokio::select! {
        biased;
        () = end.next() => return Ok(()),
        error = gateway.ended() => return Err(error),
        ready = start(place.path()) => ready?,
    };
    say(&started.portal.address(&format!("https://localhost:{port}/")), place);
    let ran = tokio::select! {
        biased;
        () = end.next() => Ok(()),
        error = gateway.ended() => Err(error),
    };
    println!("Ending the demo.");
    desktop.stop().await;
    started.node.drain(DRAIN).await;
    ran
}

/// A connected node with a desktop.
async fn start(root: &Path) -> anyhow::Result<(Started, Desktop)> {
    let dirs = Dirs { config_dir: root.join("node"), local_dir: root.join("node/local") };
    config::write_bytes(&dirs.local("server-id"), b"demo\n", Secrecy::Public)?;
    let card = std::fs::read(root.join("gateway/gateway.json"))
        .context("the gateway's init wrote no gateway.json")?;
    config::write_bytes(&dirs.config("gateway.json"), &card, Secrecy::OwnerOnly)?;
    let started = run::start(dirs).await?;
    connected(&started.node).await?;
    let sessions = started.sessions.clone();
    let session = sessions.start(Wanted::terminal("Demo desktop")).await?;
    Ok((started, Desktop { sessions, id: session.id }))
}

/// The desktop that the demo started; the others in its folder, if it is kept, stay as they are.
struct Desktop {
    sessions: Sessions,
    id: SessionId,
}

impl Desktop {
    async fn stop(&self) {
        if let Err(error) = self.sessions.terminate(&Who::Administrator, &self.id).await {
            eprintln!("fastx: the desktop did not end: {error}");
        }
    }
}

async fn connected(node: &Node) -> anyhow::Result<()> {
    let ends = tokio::time::Instant::now() + CONNECTED_WITHIN;
    while !node.status().is_reachable() {
        if tokio::time::Instant::now() >= ends {
            let gateways = node.status().gateways;
            let why = gateways
                .first()
                .and_then(|gateway| gateway.last_error.as_ref())
                .map(|error| error.what.clone());
            bail!("the node is not connected to its gateway: {}", why.unwrap_or_else(|| "no answer".into()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn say(address: &str, place: &Place) {
    println!("The demo runs. Open this address in a browser on this machine:\n");
    println!("    {address}\n");
    println!(
        "The browser warns once, because the gateway made its certificate itself. Then click the desktop."
    );
    println!(
        "What happens: browser -> HTTPS -> fastx-gateway -> QUIC tunnel that the node dialled -> node -> Xvnc."
    );
    println!("Files and the gateway's log are in {}.", place.path().display());
    println!("Ctrl-C ends all of it.");
}
