//! `fastx login`, `logout`, `token`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fastx login https://gw.example.org/@n1/                  asks what that server asks
  fastx login https://gw.example.org/@n1/ --user alice --label cron <secret-file")]
pub(crate) struct LoginOptions {
    /// Address of a server's pages
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Name to sign in with [default: $USER]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Way to sign in [default: the first one that the server has]
    #[arg(long, value_name = "WAY")]
    pub(crate) way: Option<String>,
    /// Certificates (PEM) that the address is checked with [default: those of this machine]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// What lists of tokens call this one [default: the name of this machine]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// How long it counts
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = ::config::duration::parse)]
    pub(crate) expires: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutOptions {
    /// Address that `fastx login` was given [default: the only one]
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Show your tokens on a server; an admin sees everybody's
    List(TokensOptions),
    /// End a token, and what is open in its name
    Revoke(TokensRevokeOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TokensOptions {
    /// Address that `fastx login` was given [default: the only one]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokensRevokeOptions {
    /// Address that `fastx login` was given [default: the only one]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Id of a token (`jti`)
    #[arg(value_name = "ID")]
    pub(crate) jti: String,
}
