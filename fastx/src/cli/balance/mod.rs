//! `fastx balance`.

mod journal;
mod plan;
mod simulate;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

pub(crate) use self::journal::{ChooseOptions, LogOptions, ReplayOptions, ShadowOptions};
pub(crate) use self::plan::{
    AddCaseOptions, CaseCommand, CasesOptions, PlanOptions, RemoveCaseOptions, RollbackOptions, SetOptions,
    ShowOptions, ToggleOptions,
};
pub(crate) use self::simulate::SimulateOptions;
use super::Folders;
use crate::balancer::ActionName;

#[derive(Debug, Subcommand)]
pub(crate) enum BalanceCommand {
    /// Show what decides, which functions are paused, and the source of the functions of one action
    Show(ShowOptions),
    /// Save the functions that decide for an action, in their order; the test cases must pass
    Set(SetOptions),
    /// Let a function of the chain run again
    Enable(ToggleOptions),
    /// Leave a function of the chain out; it keeps its place
    Disable(ToggleOptions),
    /// Show who changed the chain, and when; the newest first
    History(PlanOptions),
    /// Go back to a version of the chain; it becomes a new version
    Rollback(RollbackOptions),
    /// Test cases, which must pass before a chain is saved
    Case {
        #[command(subcommand)]
        command: CaseCommand,
    },
    /// Run a second chain beside the one that decides; `fastx balance log` shows what it would have chosen
    Shadow(ShadowOptions),
    /// Show the last decisions of the service on this machine, and why
    Log(LogOptions),
    /// Make the last decisions again with other functions, and show the differences
    Replay(ReplayOptions),
    /// Choose a server, as a login or a start does: it counts, and is in the log; exit code 1 if there is none
    Choose(ChooseOptions),
    /// List the functions that come with the program, or print one to begin with
    Templates(TemplatesOptions),
    /// Run a chain of functions without starting anything, and show what each did; exit code 1 if no server is chosen
    ///
    /// The servers are those of the running cluster, or of a file that `fastx servers --json` wrote.
    Test(Box<TestOptions>),
    /// Let a day of session starts pass over machines that do not exist, and compare chains; docs/balancing.md explains it
    Simulate(SimulateOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TemplatesOptions {
    /// Print the source of this one
    pub(crate) name: Option<String>,
    /// Print names, descriptions and sources as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Functions in the order of the chain: files, or names that `fastx balance templates` lists
    #[arg(required = true, value_name = "FUNCTION")]
    pub(crate) functions: Vec<String>,
    /// What they ask for
    #[arg(long, value_enum, default_value_t = ActionName::SessionStart)]
    pub(crate) action: ActionName,
    #[command(flatten)]
    pub(crate) person: PersonOptions,
    #[command(flatten)]
    pub(crate) moment: MomentOptions,
    /// Servers to choose from, as `fastx servers --json` prints them [default: the running cluster's]
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// Only servers that match, as JSON: {"gpu":"*","os":["debian","rocky"]}; docs/balancing.md explains patterns
    #[arg(long, value_name = "JSON")]
    pub(crate) prefilter: Option<String>,
    /// Milliseconds that each function may take
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=5000))]
    pub(crate) deadline: u64,
    /// Print the trace as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who asks, and for what.
#[derive(Debug, Args)]
pub(crate) struct PersonOptions {
    /// Who asks
    #[arg(long, default_value = "somebody", value_name = "LOGIN")]
    pub(crate) user: String,
    /// A group of theirs; may be given more than once
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// What their request carries, as JSON: {"command":"xterm","params":{"gpu":"true"}}
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) data: String,
    /// The server they are connected to [default: this one; of a file, the first]
    #[arg(long, value_name = "SERVERID")]
    pub(crate) local: Option<String>,
}

/// To get the same again.
#[derive(Debug, Args)]
pub(crate) struct MomentOptions {
    /// The time that functions see [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// The seed of Math.random, to get the same again [default: by chance]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}
