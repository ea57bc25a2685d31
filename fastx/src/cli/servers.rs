//! `fastx servers`.

use clap::Args;

use super::Folders;

#[derive(Debug, Args)]
pub(crate) struct ServersOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Show it again every 2 s, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Print everything that is known, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
