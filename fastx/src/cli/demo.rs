//! `fastx demo`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Keep the demo's files in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Port of the address to open; another is taken if it is in use
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub(crate) port: u16,
}
