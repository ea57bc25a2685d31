//! `fastx start`, `sessions`, `session`, `connect`, `terminate`, `rename`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use cluster::session::{Geometry, SessionId};

use super::Folders;

fn id(text: &str) -> Result<SessionId, String> {
    SessionId::new(text).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<String, String> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one { Ok(text.to_owned()) } else { Err("an id as fastx share --list shows it".into()) }
}

pub(super) fn geometry(text: &str) -> Result<Geometry, String> {
    text.parse().map_err(|error: cluster::session::BadGeometry| error.to_string())
}

pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fastx start                                  the desktop of this server
  fastx start --geometry 1920x1080 -- xterm -fs 14
  fastx start --name night --end-after-disconnect 12h -- sh -c 'cd run7 && ./solve'
  fastx start --user alice                     as another account, if the service is root
  fastx start --user alice --server gpu-07     on another server of the cluster")]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// What runs in it: a program with its arguments, or one quoted shell command [default: the server's desktop]
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub(crate) command: Vec<String>,
    /// What it is called in lists [default: its program]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: String,
    /// Size of the screen, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x800", value_parser = geometry)]
    pub(crate) geometry: Geometry,
    /// A text that its programs find as FX_PARAM_NAME; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, String)>,
    /// Account that its programs run as [default: that of the service]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) user: Option<String>,
    /// Server of the cluster that it starts on, as fastx servers lists them; needs --user [default: which the balancer chooses]
    #[arg(long, value_name = "SERVER", requires = "user")]
    pub(crate) server: Option<String>,
    /// The command serves RFB on $FX_RFB_SOCKET by itself, as a virtual machine does; no X server is started
    #[arg(long)]
    pub(crate) plain: bool,
    /// End it so long after its last viewer left, such as 8h
    #[arg(long, value_name = "TIME", value_parser = ::config::duration::parse)]
    pub(crate) end_after_disconnect: Option<Duration>,
    /// End it so long after the last key or click
    #[arg(long, value_name = "TIME", value_parser = ::config::duration::parse)]
    pub(crate) end_when_idle: Option<Duration>,
    /// End it so long after its start
    #[arg(long, value_name = "TIME", value_parser = ::config::duration::parse)]
    pub(crate) longest: Option<Duration>,
    /// Print the session object, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SessionsOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Show it again every 2 s, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Print everything that is known, as JSON (docs/session-object.schema.json)
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SessionOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Its id, as fastx sessions shows it
    #[arg(value_parser = id)]
    pub(crate) session: SessionId,
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fastx connect a1b2c3d4e5f6                   then: vncviewer localhost:5977
  fastx connect a1b2c3d4e5f6 --port 0          on a port that is free
  fastx connect a1b2c3d4e5f6 --pipe            for a viewer that takes a command as its way

Only this machine reaches the port, and it takes no password: on a machine with other people on it use --socket.")]
pub(crate) struct ConnectOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Its id, as fastx sessions shows it
    #[arg(value_parser = id)]
    pub(crate) session: SessionId,
    /// Port of 127.0.0.1 to listen on; 0: any that is free
    #[arg(long, default_value_t = 5977)]
    pub(crate) port: u16,
    /// Listen on this unix socket instead (mode 0600)
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    pub(crate) socket: Option<PathBuf>,
    /// Pass the bytes through standard input and output instead
    #[arg(long, conflicts_with_all = ["port", "socket"])]
    pub(crate) pipe: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fastx share a1b2c3d4e5f6 --expires 30m            whoever has the link looks, and does nothing
  fastx share a1b2c3d4e5f6 --mode control           and works in it, for an hour
  fastx share a1b2c3d4e5f6 --list
  fastx share a1b2c3d4e5f6 --end 0c11d2e3f405")]
pub(crate) struct ShareOptions {
    #[command(flatten)]
    pub(crate) one: SessionOptions,
    /// What whoever has the link may do
    #[arg(long, value_enum, default_value = "view")]
    pub(crate) mode: ShareMode,
    /// How long the link counts, at most 7 days
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ::config::duration::parse)]
    pub(crate) expires: Duration,
    /// Show the links of the session instead, and how many look by each
    #[arg(long, conflicts_with_all = ["mode", "expires"])]
    pub(crate) list: bool,
    /// End the link with this id instead, and send away who came by it
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with_all = ["mode", "expires", "list"])]
    pub(crate) end: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ShareMode {
    View,
    Control,
}

#[derive(Debug, Args)]
pub(crate) struct RenameOptions {
    #[command(flatten)]
    pub(crate) one: SessionOptions,
    /// What it is called from now on
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResizeOptions {
    #[command(flatten)]
    pub(crate) one: SessionOptions,
    /// In pixels, such as 1920x1080
    #[arg(value_name = "WIDTHxHEIGHT", value_parser = geometry)]
    pub(crate) geometry: Geometry,
}

#[derive(Debug, Args)]
pub(crate) struct ThumbnailOptions {
    #[command(flatten)]
    pub(crate) one: SessionOptions,
    /// Where to write the PNG
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Show everything that is known of it
    Show(SessionOptions),
    /// Show what its programs wrote on their standard error: the last 64 KiB
    Log(SessionOptions),
    /// Give its screen another size
    Resize(ResizeOptions),
    /// Send away everybody who looks at it; it runs on
    Disconnect(SessionOptions),
    /// Write a small picture of its screen to a file
    Thumbnail(ThumbnailOptions),
    /// Begin a pending session inside the job of a batch system, and stay until it has ended; docs/jobs.md
    Run(SessionOptions),
}
