//! `fastx doctor`.

use clap::Args;

use super::Folders;

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
