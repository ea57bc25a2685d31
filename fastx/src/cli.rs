//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Desktops and graphical programs of this machine, reached from anywhere through a gateway that it dials.
///
/// A machine becomes a node in two steps: copy gateway.json from the gateway to /etc/fastx (mode 0600), and run
/// `fastx node run`, or have systemd run it. `fastx status` then says how it is connected, or why not.
#[derive(Debug, Parser)]
#[command(name = "fastx", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run this machine as a node, or show its key
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
    /// Show how the node on this machine is connected; exit code 1 if it is not
    Status(StatusOptions),
    /// Try it: a gateway, a node and a desktop on this machine, until Ctrl-C
    Demo(DemoOptions),
    /// See what a network does to tunnels: describe yours in a plan, or take one that is there
    ///
    /// A plan says which machines there are, how they are connected, what goes wrong and what people do meanwhile.
    /// docs/simulation.md explains how to write one; `fastx sim campus --print` is one to begin with.
    Sim(SimOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Dial the gateways in gateway.json and serve what they send, until told to stop
    ///
    /// SIGHUP reads gateway.json and services.json again; streams are not cut, and a bad file changes nothing.
    /// SIGTERM and SIGINT end it in order: gateways send new clients elsewhere, open streams may end within --drain.
    /// Displays go on without it, and the next start finds them.
    Run(RunOptions),
    /// Show this node's server id and the fingerprint of its key, for lan.json on another node
    Key(KeyOptions),
}

/// Where files are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Folders {
    /// Folder of gateway.json, services.json and lan.json [default: $FX_CONFIG_DIR, or /etc/fastx]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) config_dir: Option<PathBuf>,
    /// Folder of this node's own state: its id, its key, its displays [default: $FX_LOCAL_DIR, or /var/fastx/local]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) local_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// How long open streams may go on after SIGTERM, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = config::duration::parse)]
    pub(crate) drain: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Print everything that is known, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Keep the demo's files in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Port of the address to open; another is taken if it is in use
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub(crate) port: u16,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_time_needs_its_unit() {
        let run = |drain: &str| Cli::try_parse_from(["fastx", "node", "run", "--drain", drain]);
        assert!(run("30s").is_ok());
        assert!(run("30").unwrap_err().to_string().contains("a time with its unit"));
    }
}
