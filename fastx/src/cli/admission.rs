//! Who comes into the cluster: `fastx manager token`, `revoke`, `readmit`, and `fastx node join`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use cluster::Name;

use super::Folders;
use super::manager::name;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token that lets one server in, once and for a while
    ///
    /// The file is secret until it is used. To bring it to a node without a file:
    /// fastx manager token create --out - | ssh root@node fastx node join
    Create(TokenCreateOptions),
    /// Show the tokens, and who came in with them
    List(TokenListOptions),
    /// Make a token useless
    Revoke(TokenRevokeOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreateOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Write it into this file, mode 0600; - writes to standard output, unless that is a terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Only this server may use it
    #[arg(long, value_name = "SERVERID", value_parser = name)]
    pub(crate) server: Option<Name>,
    /// How long it may be used, such as 1h; at most 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = config::duration::parse)]
    pub(crate) expires: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct TokenListOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The beginning of its name, as `token list` shows it
    #[arg(value_name = "TOKEN")]
    pub(crate) token: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The server to shut out
    #[arg(value_name = "SERVERID", value_parser = name, required_unless_present = "shared")]
    pub(crate) server: Option<Name>,
    /// Shut out all that came in with a copy of broker.json; who came in with a token stays
    #[arg(long, conflicts_with = "server")]
    pub(crate) shared: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReadmitOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[arg(value_name = "SERVERID", value_parser = name)]
    pub(crate) server: Name,
}

#[derive(Debug, Args)]
pub(crate) struct JoinOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The token's file [default: standard input]
    #[arg(value_name = "TOKEN-FILE")]
    pub(crate) token: Option<PathBuf>,
    /// Take the place of a broker.json that is there
    #[arg(long)]
    pub(crate) force: bool,
}
