//! `fastx status`.

use clap::Args;

use super::Folders;

#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print everything that is known, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
