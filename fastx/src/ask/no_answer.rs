//! Why the service on this machine gave no answer, and what to do.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
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
    /// The answer has no place to go.
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
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

    fn next_step(&self) -> String {
        match self {
            Self::Connect { path, source } if source.kind() == ErrorKind::PermissionDenied => {
                format!("ask as the user that the {} runs as, or as root (sudo fastx …)", service(path))
            }
            Self::Connect { path, .. } => {
                let unit = format!("fastx-{}", service(path));
                format!("start it: systemctl start {unit}; if it ended by itself: journalctl -u {unit} -n 50")
            }
            Self::Slow => "look at what it does: journalctl -u 'fastx-*' -n 50; then restart it".into(),
            Self::Http(_) | Self::Content(_) => {
                "restart it, so that it is of the same version as this program".into()
            }
            Self::Write { .. } => "name a file that you may write".into(),
            Self::Refused(problem) => problem.next.clone(),
        }
    }
}

/// Whose socket it is.
fn service(socket: &Path) -> &'static str {
    if socket.ends_with("manager.sock") { "manager" } else { "node" }
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect { path, source } if source.kind() == ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "you may not ask the {} (its socket is {}: {source})",
                    service(path),
                    path.display()
                )
            }
            Self::Connect { path, source } => {
                let (who, socket) = (service(path), path.display());
                write!(f, "the {who} does not run on this machine (its socket is {socket}: {source})")
            }
            Self::Slow => write!(f, "the service runs, and gives no answer within {:?}", super::PATIENCE),
            Self::Http(error) => write!(f, "the service broke off its answer: {error}"),
            Self::Content(error) => write!(f, "the service's answer is not understood: {error}"),
            Self::Write { path, source } => write!(f, "cannot write {}: {source}", path.display()),
            Self::Refused(problem) => f.write_str(&problem.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_run_is_named() {
        for (socket, who) in [("node.sock", "node"), ("manager.sock", "manager")] {
            let path = Path::new("/var/fastx/local").join(socket);
            let said = NoAnswer::Connect { path, source: ErrorKind::NotFound.into() };
            assert!(said.to_string().starts_with(&format!("the {who} does not run")), "{said}");
            assert!(said.next_step().starts_with(&format!("start it: systemctl start fastx-{who};")));
        }
    }
}
