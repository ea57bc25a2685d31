//! What is kept: chains, versions, cases.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::super::Folders;
use super::{MomentOptions, PersonOptions};
use crate::balancer::ActionName;

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Show its functions in full [default: both actions in short]
    #[arg(value_enum, value_name = "ACTION")]
    pub(crate) action: Option<ActionName>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A chain that is kept.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(value_enum, value_name = "ACTION")]
    pub(crate) action: ActionName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OverrideOptions {
    /// Save it although test cases fail; the log and the history say so
    #[arg(long = "override")]
    pub(crate) override_cases: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// Functions in their order: files, names of functions that are in the chain already, or names that
    /// `fastx balance templates` lists; none at all is "fewest sessions"
    #[arg(value_name = "FUNCTION")]
    pub(crate) functions: Vec<String>,
    /// Only servers that match, as JSON; {} for all [default: as it is]
    #[arg(long, value_name = "JSON")]
    pub(crate) prefilter: Option<String>,
    /// Only if this is still the version
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<u64>,
    #[command(flatten)]
    pub(crate) cases: OverrideOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ToggleOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// Its name, as `fastx balance show` lists it
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: String,
    #[command(flatten)]
    pub(crate) cases: OverrideOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[arg(value_name = "VERSION")]
    pub(crate) version: u64,
    #[command(flatten)]
    pub(crate) cases: OverrideOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// List the cases of a chain
    List(CasesOptions),
    /// Add a case, or replace the one of that name
    Add(Box<AddCaseOptions>),
    /// Take a case away
    Remove(RemoveCaseOptions),
}

#[derive(Debug, Args)]
pub(crate) struct CasesOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
}

#[derive(Debug, Args)]
pub(crate) struct AddCaseOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// What to call it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A server that may be chosen; may be given more than once
    #[arg(long, value_name = "SERVERID", required_unless_present = "error")]
    pub(crate) expect: Vec<String>,
    /// There must be an error instead, with these words in its message
    #[arg(long, value_name = "WORDS", conflicts_with = "expect")]
    pub(crate) error: Option<String>,
    /// Servers to choose from, as `fastx servers --json` prints them; a few are enough
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: PathBuf,
    #[command(flatten)]
    pub(crate) person: PersonOptions,
    #[command(flatten)]
    pub(crate) moment: MomentOptions,
    #[command(flatten)]
    pub(crate) cases: OverrideOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveCaseOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
