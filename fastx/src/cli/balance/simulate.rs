//! `fastx balance simulate`.

use std::path::PathBuf;

use clap::Args;

use super::super::Folders;

#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// A file that describes machines, people and sessions [default: the one that comes with the program]
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: Option<PathBuf>,
    /// Print the scenario that comes with the program, to copy and to change
    #[arg(long, exclusive = true)]
    pub(crate) print: bool,
    /// A chain to compare: NAME=FUNCTION,FUNCTION,… with files and names that `fastx balance templates` lists, or `current` for
    /// the one that decides in the running cluster; may be given more than once [default: four that come with the program]
    #[arg(long = "chain", value_name = "CHAIN")]
    pub(crate) chains: Vec<String>,
    /// Machines as `fastx servers --json` prints them, instead of the scenario's
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// Starts of your own instead of the scenario's, a line each: at,minutes,login,groups,load,memoryGiB,params
    #[arg(long, value_name = "CSV")]
    pub(crate) starts: Option<PathBuf>,
    /// Of all that happens by chance; the same seed gives the same day
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write report.json and the plots into this folder [default: balance-simulation-SEED]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Print everything that was measured, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
