//! `fastx manager`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cluster::Name;

use super::{Folders, ReadmitOptions, RevokeOptions, TokenCommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ManagerCommand {
    /// Write manager.json: where this manager keeps the cluster's documents; with --host, all that a new cluster starts from
    ///
    /// With `--store mongodb` the connection string is read from standard input, because it may hold a password:
    /// fastx manager init --store mongodb < url
    ///
    /// With --host it also makes the cluster's authority, the configuration and certificates of its NATS server (in broker/),
    /// and a broker.json that nodes can come in with. Each --peer is one more host with a NATS server (and a manager, if the
    /// store is one that several can share); carry peers/HOST.json there, and run `fastx manager init --join HOST.json`.
    /// setup-fastx-cluster does all this and installs the services.
    Init(ManagerInitOptions),
    /// Keep the cluster's documents and answer its members, until told to stop
    ///
    /// It needs broker.json. A server without one needs no manager: `fastx node run` is its own.
    Run(ManagerRunOptions),
    /// Join tokens: each lets one server into the cluster, once
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Shut a server out of the cluster; its broker access ends at once
    Revoke(RevokeOptions),
    /// Let a server's id come in again, with a new token and a new key
    Readmit(ReadmitOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ManagerInitOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(long, value_enum, default_value_t = StoreKind::Folder)]
    pub(crate) store: StoreKind,
    /// Write them anew if they are there; whoever is in the cluster stays in
    #[arg(long)]
    pub(crate) force: bool,
    /// Found a cluster whose members reach this machine by this name or address
    #[arg(long, value_name = "NAME", value_parser = host)]
    pub(crate) host: Option<String>,
    /// One more host of the cluster's brokers; may be repeated
    #[arg(long = "peer", value_name = "NAME", requires = "host", value_parser = host)]
    pub(crate) peers: Vec<String>,
    /// Port of the brokers
    #[arg(long, value_name = "PORT", requires = "host", default_value_t = 4222, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// Name of the cluster
    #[arg(long, value_name = "NAME", requires = "host", default_value = "fastx-cluster", value_parser = name)]
    pub(crate) namespace: Name,
    /// Write what another host's `init --peer` made for this one; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "store"])]
    pub(crate) join: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// Files below the local folder; for one manager
    Folder,
    /// A database that several managers share
    Mongodb,
    /// A mongod on this machine for this manager alone, without users yet: setup-fastx-cluster --with-mongod starts it
    Mongod,
}

#[derive(Debug, Args)]
pub(crate) struct ManagerRunOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
}

fn host(text: &str) -> Result<String, String> {
    config::check_host(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}
