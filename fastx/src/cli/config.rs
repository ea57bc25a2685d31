//! `fastx config`.

use clap::{Args, Subcommand};

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show what counts on this server, and where each value comes from
    Get(GetOptions),
    /// Change a setting for the whole cluster, or with --local for this server
    Set(SetOptions),
    /// Show who changed what, and when; the newest first
    History(HistoryOptions),
    /// Go back to the values of a version; it becomes a new version
    Rollback(RollbackOptions),
}

#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// One setting, in full [default: all of them]
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[arg(value_name = "VALUE", required_unless_present = "unset")]
    pub(crate) value: Option<String>,
    /// Take the setting away, so that what is behind it counts: the global value, or the default
    #[arg(long, conflicts_with = "value")]
    pub(crate) unset: bool,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Of this server's own settings, not of the cluster's
    #[arg(long)]
    pub(crate) local: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// As `fastx config history` shows it; 0 is before the first change
    #[arg(value_name = "VERSION")]
    pub(crate) version: u64,
    #[command(flatten)]
    pub(crate) change: ChangeOptions,
}

/// What every change can be told.
#[derive(Debug, Args)]
pub(crate) struct ChangeOptions {
    /// Of this server's own settings, not of the cluster's
    #[arg(long)]
    pub(crate) local: bool,
    /// Only if the settings are still at this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
