//! `fastx store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Bring a configuration from a folder into the running cluster
    ///
    /// The folder is the store of a server that stood alone, or one that `fastx store download` wrote. It may also have
    /// files of the original product: those whose documents are known are taken, the others are named and left.
    Upload(TransferOptions),
    /// Bring the cluster's configuration into a folder
    Download(TransferOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TransferOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Such as /var/fastx/local/store
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also replace what is newer
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
