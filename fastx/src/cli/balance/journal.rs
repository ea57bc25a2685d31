//! What was decided, and what another chain would have decided.

use clap::Args;

use super::super::Folders;
use super::{PersonOptions, PlanOptions};
use crate::balancer::ActionName;

#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// So many, at most 1000
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) last: usize,
    /// With the trace of each function
    #[arg(long)]
    pub(crate) trace: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// Functions in their order, as for `fastx balance set`
    #[arg(value_name = "FUNCTION")]
    pub(crate) functions: Vec<String>,
    /// So many of the newest decisions, at most 1000
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) last: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ShadowOptions {
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// Functions in their order, as for `fastx balance set`
    #[arg(value_name = "FUNCTION", required_unless_present = "off")]
    pub(crate) functions: Vec<String>,
    /// End it
    #[arg(long, conflicts_with = "functions")]
    pub(crate) off: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChooseOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(value_enum, value_name = "ACTION")]
    pub(crate) action: ActionName,
    #[command(flatten)]
    pub(crate) person: PersonOptions,
    /// A server that is not to be chosen; may be given more than once
    #[arg(long, value_name = "SERVERID")]
    pub(crate) except: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
