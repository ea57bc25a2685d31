//! `fastx job`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use cluster::session::Geometry;

use super::Folders;
use super::session::{geometry, parameter};

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Ask a job script for a session as a user, and show what it answers; what it submits is submitted
    Test(Box<JobTestOptions>),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  fastx job test /etc/fastx/slurm --user alice --param cpus=4 -- xterm")]
pub(crate) struct JobTestOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The script, as jobs.json names it
    #[arg(value_name = "SCRIPT")]
    pub(crate) script: PathBuf,
    /// What the session would run [default: the desktop]
    #[arg(value_name = "COMMAND", last = true)]
    pub(crate) command: Vec<String>,
    /// Account that the script runs as [default: that of the caller]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) user: Option<String>,
    /// What the session would be called
    #[arg(long, default_value = "trial")]
    pub(crate) name: String,
    /// Size of the screen, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x800", value_parser = geometry)]
    pub(crate) geometry: Geometry,
    /// What a start form would have asked; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, String)>,
    /// The profile of the session
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// The script is killed after it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = ::config::duration::parse)]
    pub(crate) time_limit: Duration,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
