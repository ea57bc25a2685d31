//! `fastx server`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Show one server: this one, or any of the cluster
    Show(OneOptions),
    /// Show what the administrator wrote about this server, or change it
    ///
    /// Load balancing scripts read it as `staticData`. Without changes it is shown; `fastx server static-data gpu=true
    /// group=chips` sets two keys, `fastx server static-data group=` removes one.
    StaticData(StaticDataOptions),
    /// Take no new sessions on a server; those that run go on
    Drain(OneOptions),
    /// Take new sessions again
    Undrain(OneOptions),
    /// Say whether people may log in to a server, and whether sessions may start on it
    Allow(AllowOptions),
    /// Remove a server that is lost, or has left, from the list
    Forget(ForgetOptions),
}

#[derive(Debug, Args)]
pub(crate) struct OneOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The server's id [default: this server]
    #[arg(value_name = "SERVER")]
    pub(crate) server: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StaticDataOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// KEY=VALUE sets a key to a JSON value, or to the text as it is; KEY= removes it
    #[arg(value_name = "KEY=VALUE", conflicts_with = "file")]
    pub(crate) changes: Vec<String>,
    /// Take the whole object from this file, or from standard input (-)
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[group(id = "what", multiple = true, args = ["logins", "sessions"], required = true)]
pub(crate) struct AllowOptions {
    #[command(flatten)]
    pub(crate) one: OneOptions,
    #[arg(long, value_enum)]
    pub(crate) logins: Option<YesNo>,
    #[arg(long, value_enum)]
    pub(crate) sessions: Option<YesNo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(value_name = "SERVER")]
    pub(crate) server: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
