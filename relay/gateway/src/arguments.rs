//! What can be written on the command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use config::Dirs;
use tunnel::ServerId;

/// The gateway of a FastX cluster: people come in here, and nodes dial it from inside their networks.
#[derive(Debug, Parser)]
#[command(name = "fastx-gateway", version, about)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the files are.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Configuration [env: FX_CONFIG_DIR] [default: /etc/fastx]
    #[arg(long, global = true, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Local state: who may connect, the admin socket [env: FX_LOCAL_DIR] [default: /var/fastx/local]
    #[arg(long, global = true, value_name = "DIR")]
    local_dir: Option<PathBuf>,
}

impl Folders {
    pub(crate) fn dirs(self) -> Dirs {
        Dirs::choose(self.config_dir, self.local_dir, |name| std::env::var_os(name))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write gateway-server.json, the keys, and the gateway.json to copy to nodes
    Init(Init),
    /// Serve until SIGTERM, which lets open connections finish; a second one ends at once; SIGHUP reloads
    Run,
    /// List the servers that this gateway knows, and who claimed to be one of them
    Nodes(Output),
    /// Cut off a server and keep it out
    Revoke(Revoke),
    /// Say how the gateway is
    Status(Output),
    /// Take the changed configuration and certificates, without dropping anything
    Reload,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The name or address under which people and nodes reach this gateway
    #[arg(long)]
    pub(crate) host: String,
    /// TCP for people, UDP and TCP for nodes
    #[arg(long, default_value_t = 443)]
    pub(crate) port: u16,
    /// The address of this machine to listen on; every one, IPv6 and IPv4, without it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<IpAddr>,
    /// Only nodes of this namespace may connect
    #[arg(long, default_value = "")]
    pub(crate) namespace: String,
    /// Overwrite what is there: every node needs the new gateway.json then
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// As JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The server's id, as `fastx-gateway nodes` shows it
    #[arg(value_name = "SERVERID", value_parser = ServerId::new)]
    pub(crate) server: ServerId,
    /// Let a revoked server in again
    #[arg(long, conflicts_with = "forget")]
    pub(crate) undo: bool,
    /// Forget its key as well: whoever comes next with the token and this id is bound anew
    #[arg(long)]
    pub(crate) forget: bool,
}
