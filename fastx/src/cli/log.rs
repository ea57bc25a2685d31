//! `fastx log` and `fastx log level`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::Folders;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LogOptions {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Go on with each new line, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin so many lines ago; the service remembers about 4,000
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Only what is at least so grave; with -f also what is not logged elsewhere, such as debug, while you look
    #[arg(long, value_enum)]
    pub(crate) level: Option<Level>,
    /// Print each line as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Show what the service logs, or change it while it runs
    ///
    /// LOGLEVEL=debug where the service is started is the same for all of its life.
    Level(LevelOptions),
}

#[derive(Debug, Args)]
pub(crate) struct LevelOptions {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// error, warn, info, debug, trace or off; `reset` for what the service was started with [default: only show]
    #[arg(value_name = "LEVEL", value_parser = wanted)]
    pub(crate) level: Option<Wanted>,
    /// Revert it by itself, such as 10m [default: it stays until the next start]
    #[arg(long = "for", value_name = "TIME", value_parser = config::duration::parse, requires = "level")]
    pub(crate) lasts: Option<Duration>,
    /// Only for this part of the program, as it stands in each line: node, node::link, h2
    #[arg(long, value_name = "TARGET", requires = "level")]
    pub(crate) target: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
    Off,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
            Self::Off => "off",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Level(Level),
    Reset,
}

fn wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "reset" => Ok(Wanted::Reset),
        _ => Level::from_str(text, true)
            .map(Wanted::Level)
            .map_err(|_| "use error, warn, info, debug, trace, off or reset".to_owned()),
    }
}
