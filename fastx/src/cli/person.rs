//! `fastx person`.

use clap::{Args, Subcommand, ValueEnum};
use portal::people::Role;

use super::Folders;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Let somebody sign in by name and password; of one who is there, everything is set anew
    ///
    /// Asks for the password, or reads the first line of standard input.
    Add(PersonAddOptions),
    /// Change what a person may do; counts at once, for open screens within 2 s
    Role(PersonRoleOptions),
    /// Take a person out; their sessions go on
    Remove(PersonOptions),
    /// Show who may sign in on this server
    List(PeopleOptions),
}

#[derive(Debug, Args)]
pub(crate) struct PersonAddOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Name to sign in with
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What they may do
    #[arg(long, value_enum, default_value_t = RoleName::User)]
    pub(crate) role: RoleName,
    /// Account of this machine that their sessions run as [default: the one called like them]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PersonRoleOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Name of a person
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What they may do from now on
    #[arg(value_enum, value_name = "ROLE")]
    pub(crate) role: RoleName,
}

#[derive(Debug, Args)]
pub(crate) struct PersonOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Name of a person
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct PeopleOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleName {
    /// Nothing
    Disabled,
    /// Has own sessions
    User,
    /// Besides, sees all sessions of this server and ends them
    Manager,
    /// Reaches all sessions of this server
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Disabled => Self::Disabled,
            RoleName::User => Self::User,
            RoleName::Manager => Self::Manager,
            RoleName::Admin => Self::Admin,
        }
    }
}
