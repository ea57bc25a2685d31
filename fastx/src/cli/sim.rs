//! `fastx sim`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct SimOptions {
    /// A file, the name of a plan that is there, or random-NUMBER for a network by chance
    #[arg(value_name = "PLAN", required_unless_present = "list")]
    pub(crate) plan: Option<String>,
    /// Show the plans that are there
    #[arg(long, conflicts_with = "plan")]
    pub(crate) list: bool,
    /// Print the plan's text, to copy and to change
    #[arg(long)]
    pub(crate) print: bool,
    /// Only read the plan, and show what it describes
    #[arg(long, conflicts_with = "print")]
    pub(crate) check: bool,
    /// Of all randomness; the same seed gives the same run [default: the plan's]
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["check", "print"])]
    pub(crate) seed: Option<u64>,
    /// Write report.html and outcome.json into this folder [default: sim-PLAN-SEED]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["check", "print"])]
    pub(crate) out: Option<PathBuf>,
    /// Write one line for each packet into packets.log there
    #[arg(long, conflicts_with_all = ["check", "print"])]
    pub(crate) packets: bool,
    /// Print everything that was measured, as JSON
    #[arg(long, conflicts_with_all = ["check", "print"])]
    pub(crate) json: bool,
}
