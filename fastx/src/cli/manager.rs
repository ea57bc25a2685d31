//! `fastx manager`.

use clap::{Args, Subcommand, ValueEnum};

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum ManagerCommand {
    /// Write manager.json: where this manager keeps the cluster's documents
    ///
    /// With `--store mongodb` the connection string is read from standard input, because it may hold a password:
    /// fastx manager init --store mongodb < url
    Init(ManagerInitOptions),
    /// Keep the cluster's documents and answer its members, until told to stop
    ///
    /// It needs broker.json. A server without one needs no manager: `fastx node run` is its own.
    Run(ManagerRunOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ManagerInitOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(long, value_enum, default_value_t = StoreKind::Folder)]
    pub(crate) store: StoreKind,
    /// Write it anew if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// Files below the local folder; for one manager
    Folder,
    /// A database that several managers share
    Mongodb,
}

#[derive(Debug, Args)]
pub(crate) struct ManagerRunOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
}
