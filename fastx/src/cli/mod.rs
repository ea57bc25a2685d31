//! The command line: a file for each verb.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod admission;
mod balance;
mod config;
mod demo;
mod doctor;
mod job;
mod log;
mod login;
mod manager;
mod node;
mod person;
mod server;
mod servers;
mod session;
mod sim;
mod status;
mod store;

pub(crate) use self::admission::{
    JoinOptions, ReadmitOptions, RevokeOptions, TokenCommand, TokenCreateOptions, TokenListOptions,
    TokenRevokeOptions,
};
pub(crate) use self::balance::{
    AddCaseOptions, BalanceCommand, CaseCommand, CasesOptions, ChooseOptions,
    LogOptions as BalanceLogOptions, MomentOptions, PersonOptions, PlanOptions, RemoveCaseOptions,
    ReplayOptions, RollbackOptions as BalanceRollbackOptions, SetOptions as BalanceSetOptions, ShadowOptions,
    ShowOptions, SimulateOptions, TemplatesOptions, TestOptions, ToggleOptions,
};
pub(crate) use self::config::{ChangeOptions, ConfigCommand, GetOptions, HistoryOptions};
pub(crate) use self::demo::DemoOptions;
pub(crate) use self::doctor::DoctorOptions;
pub(crate) use self::job::{JobCommand, JobTestOptions};
pub(crate) use self::log::{LevelOptions, LogCommand, LogOptions, Wanted};
pub(crate) use self::login::{LoginOptions, LogoutOptions, TokensCommand};
pub(crate) use self::manager::{ManagerCommand, ManagerInitOptions, ManagerRunOptions, StoreKind};
pub(crate) use self::node::{KeyOptions, NodeCommand, RunOptions};
pub(crate) use self::person::{PeopleOptions, PersonAddOptions, PersonCommand};
pub(crate) use self::server::{ForgetOptions, OneOptions, ServerCommand, StaticDataOptions, YesNo};
pub(crate) use self::servers::ServersOptions;
pub(crate) use self::session::{
    ConnectOptions, RenameOptions, ResizeOptions, SessionCommand, SessionOptions, SessionsOptions, ShareMode,
    ShareOptions, StartOptions, ThumbnailOptions,
};
pub(crate) use self::sim::SimOptions;
pub(crate) use self::status::StatusOptions;
pub(crate) use self::store::{StoreCommand, TransferOptions};

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
    /// Run a cluster manager on this machine, or prepare it
    Manager {
        #[command(subcommand)]
        command: ManagerCommand,
    },
    /// Start a session: a desktop or a program on a screen of its own, that outlives connections and restarts
    Start(StartOptions),
    /// Show all sessions; those that ended within the last hour say why
    Sessions(SessionsOptions),
    /// Show one session, its log or its picture; give its screen another size; send its viewers away
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Sessions that a batch system starts: try the script that submits them; docs/jobs.md explains it
    Job {
        #[command(subcommand)]
        command: JobCommand,
    },
    /// Look at a session with any VNC viewer: opens a port, a socket or a pipe to it
    Connect(ConnectOptions),
    /// End a session and everything that runs in it; one that has ended is forgotten
    Terminate(SessionOptions),
    /// Let others look at a session, or work in it, by a link that expires; list and end such links
    Share(ShareOptions),
    /// Call a session something else
    Rename(RenameOptions),
    /// Sign in on a server from anywhere, and keep a token for other verbs and scripts
    ///
    /// Asks what the server asks; each answer is a line of standard input. The token is kept in
    /// ~/.local/state/fastx/logins.json, which only you can read.
    Login(LoginOptions),
    /// Give the token back: it ends on the server, and what is open in its name
    Logout(LogoutOptions),
    /// Show tokens on a server where you are signed in, or end one
    Token {
        #[command(subcommand)]
        command: TokensCommand,
    },
    /// Say who may sign in on this server by name and password, and what they may do
    Person {
        #[command(subcommand)]
        command: PersonCommand,
    },
    /// Show all servers of the cluster
    Servers(ServersOptions),
    /// Show one server, write about it, drain it
    Server {
        #[command(subcommand)]
        command: ServerCommand,
    },
    /// Show how the node on this machine is connected; exit code 1 if it is not
    Status(StatusOptions),
    /// Look for what is wrong on this server, and say how to mend it; exit code 1 if something fails
    ///
    /// Works without the service too. docs/doctor.md explains each check.
    Doctor(DoctorOptions),
    /// Show what the service on this machine logs, as it happens; or change how much that is
    Log(LogOptions),
    /// Show or change settings: of this server, or of the whole cluster
    ///
    /// What is set for this server (local) counts more than what is set for the cluster (global), and that more than the
    /// default. Every change is a version that can be gone back to. docs/settings.md lists the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The functions that choose a server: what decides, trials, decisions
    Balance {
        #[command(subcommand)]
        command: BalanceCommand,
    },
    /// What this program runs itself as, to execute such functions
    #[command(hide = true)]
    BalanceWorker,
    /// What the service runs as root, for one conversation with PAM
    #[command(hide = true)]
    Launcher,
    /// Move configuration between a folder and the running cluster
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Try it: a gateway, a node and a desktop on this machine, until Ctrl-C
    Demo(DemoOptions),
    /// See what a network does to tunnels: describe yours in a plan, or take one that is there
    ///
    /// A plan says which machines there are, how they are connected, what goes wrong and what people do meanwhile.
    /// docs/simulation.md explains how to write one; `fastx sim campus --print` is one to begin with.
    Sim(SimOptions),
}

/// Where files are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Folders {
    /// Folder of gateway.json, services.json, lan.json, broker.json and manager.json [default: $FX_CONFIG_DIR, or /etc/fastx]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) config_dir: Option<PathBuf>,
    /// Folder of this server's own state: its id, its key, its sessions, its store [default: $FX_LOCAL_DIR, or /var/fastx/local]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) local_dir: Option<PathBuf>,
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

#[cfg(test)]
mod guides_tests;
