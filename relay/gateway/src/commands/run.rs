//! `fastx-gateway run`: serves until a signal, then lets open connections finish.

use anyhow::Context;
use config::Dirs;
use relay::gateway::StartError;
use relay::{Gateway, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{BadConfiguration, logging, notify};

pub(crate) fn run(dirs: &Dirs) -> anyhow::Result<()> {
    logging::start();
    raise_descriptor_limit();
    let settings = Settings::read(dirs).map_err(|error| {
        let first = error.is_missing().then_some("not set up yet; next: fastx-gateway init --host NAME");
        let error = anyhow::Error::from(error);
        BadConfiguration(match first {
            Some(first) => error.context(first),
            None => error,
        })
    })?;
    // Client bytes move on the shards' threads; this one decides about nodes and answers administrators.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start a runtime")?.block_on(serve(dirs, settings))
}

async fn serve(dirs: &Dirs, settings: Settings) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let mut reloads = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    let gateway = Gateway::start(settings, dirs).await.map_err(blame)?;
    let listen: Vec<String> = gateway.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(
        host = gateway.settings().host,
        ?listen,
        version = env!("CARGO_PKG_VERSION"),
        "gateway runs"
    );
    notify::tell("READY=1");
    loop {
        tokio::select! {
            biased;
            () = signals.end() => break,
            () = gateway.asked_to_drain() => break,
            _ = reloads.recv() => reload(&gateway),
        }
    }
    let limit = gateway.settings().drain;
    tracing::info!(?limit, "draining; another signal ends at once");
    notify::tell("STOPPING=1");
    tokio::select! {
        biased;
        () = signals.end() => tracing::warn!("ended by a second signal"),
        () = gateway.drain(limit) => {}
    }
    Ok(())
}

fn reload(gateway: &Gateway) {
    notify::tell_reloading();
    // What is wrong with the new configuration is in the log; the old one stays.
    let _logged = gateway.reload().is_err();
    notify::tell("READY=1");
}

fn blame(error: StartError) -> anyhow::Error {
    if error.is_config() { BadConfiguration(error.into()).into() } else { error.into() }
}

/// What ends the program.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// Waits for SIGTERM or SIGINT.
    async fn end(&mut self) {
        tokio::select! {
            biased;
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// A client connection takes a descriptor or two, and shells still start programs with 1,024.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A sandbox may forbid it; systemd has raised it already then.
    let _forbidden = setrlimit(Resource::Nofile, limit).is_err();
}
