//! Why the service on this machine gave no answer, and what to do.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use node::admin::Problem;

#[derive(Debug)]
pub(crate) enum NoAnswer {
    Connect {
        path: PathBuf,
        source: std::io::Error,
    },
    Slow,
    Http(String),
    Content(serde_json::Error),
    /// It answered, and said no.
    Refused(Problem),
}

impl NoAnswer {
    /// Prints both lines, for a person.
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("fastx: {self}");
        if !self.next_step().is_empty() {
            eprintln!("  next: {}", self.next_step());
        }
        ExitCode::FAILURE
    }

    fn next_step(&self) -> &str {
        match self {
            Self::Connect { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                "ask as the user that the node runs as, or as root (sudo fastx …)"
            }
            Self::Connect { .. } => {
                "start it: systemctl start fastx-node; if it ended by itself: journalctl -u fastx-node -n 50"
            }
            Self::Slow => {
                "look at what it does: journalctl -u fastx-node -n 50; restart it: systemctl restart fastx-node"
            }
            Self::Http(_) | Self::Content(_) => {
                "restart it, so that it is of the same version as this program"
            }
            Self::Refused(problem) => &problem.next,
        }
    }
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect { path, source } if source.kind() == ErrorKind::PermissionDenied => {
                write!(f, "you may not ask the node (its socket is {}: {source})", path.display())
            }
            Self::Connect { path, source } => {
                write!(
                    f,
                    "the node does not run on this machine (its socket is {}: {source})",
                    path.display()
                )
            }
            Self::Slow => write!(f, "the node runs, and gives no answer within {:?}", super::PATIENCE),
            Self::Http(error) => write!(f, "the node broke off its answer: {error}"),
            Self::Content(error) => write!(f, "the node's answer is not understood: {error}"),
            Self::Refused(problem) => f.write_str(&problem.message),
        }
    }
}
