//! `fastx balance`.

use std::path::PathBuf;

use balance::Action;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum BalanceCommand {
    /// List the functions that come with the program, or print one to begin with
    Templates(TemplatesOptions),
    /// Run a chain of functions without starting anything, and show what each did; exit code 1 if no server is chosen
    ///
    /// The servers are those of the running cluster, or of a file that `fastx servers --json` wrote.
    Test(Box<TestOptions>),
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
    /// Who asks
    #[arg(long, default_value = "somebody", value_name = "LOGIN")]
    pub(crate) user: String,
    /// A group of theirs; may be given more than once
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// What they ask for
    #[arg(long, value_enum, default_value_t = Wanted::Start)]
    pub(crate) action: Wanted,
    /// What their request carries, as JSON: {"command":"xterm","params":{"gpu":"true"}}
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) data: String,
    /// The server they are connected to [default: this one; of a file, the first]
    #[arg(long, value_name = "SERVERID")]
    pub(crate) local: Option<String>,
    /// Servers to choose from, as `fastx servers --json` prints them [default: the running cluster's]
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// Only servers that match, as JSON: {"gpu":"*","os":["debian","rocky"]}; docs/balancing.md explains patterns
    #[arg(long, value_name = "JSON")]
    pub(crate) prefilter: Option<String>,
    /// The time that functions see [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// The seed of Math.random, to get the same again [default: by chance]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Milliseconds that each function may take
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=5000))]
    pub(crate) deadline: u64,
    /// Print the trace as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Wanted {
    /// A new session
    #[value(name = "session/start", alias = "start")]
    Start,
    /// To log in
    #[value(name = "user/login", alias = "login")]
    Login,
}

impl From<Wanted> for Action {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Start => Self::Start,
            Wanted::Login => Self::Login,
        }
    }
}
