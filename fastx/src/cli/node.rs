//! `fastx node`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Folders, JoinOptions};

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Dial the gateways in gateway.json and serve what they send, until told to stop
    ///
    /// SIGHUP reads gateway.json and services.json again; streams are not cut, and a bad file changes nothing.
    /// SIGTERM and SIGINT end it in order: gateways send new clients elsewhere, open streams may end within --drain.
    /// Displays go on without it, and the next start finds them.
    Run(RunOptions),
    /// Come into a cluster with a token from `fastx manager token create`; writes broker.json
    Join(JoinOptions),
    /// Show this node's server id and the fingerprint of its key, for lan.json on another node
    Key(KeyOptions),
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// How long open streams may go on after SIGTERM, such as 30s or 5m [default: the setting drainTime]
    #[arg(long, value_name = "TIME", value_parser = config::duration::parse)]
    pub(crate) drain: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
