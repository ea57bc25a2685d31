//! A plan's text into a [`Plan`], or an error with its place.

use std::path::{Path, PathBuf};

use config::Fault;

use super::{Plan, check};

/// A plan never exceeds this; the shipped ones have 3 kB.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a plan is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} has more than {MAX_BYTES} bytes; this is not a plan", path.display())]
    TooLong { path: PathBuf },
    /// What is wrong, with line, column and caret.
    #[error(transparent)]
    Content(#[from] Box<Fault>),
}

/// Reads a file, at most 1 MiB.
pub fn read(path: &Path) -> Result<Plan, PlanError> {
    use std::io::Read;
    let failed = |source| PlanError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(PlanError::TooLong { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error())))?;
    parse(path, &text)
}

/// Takes `text` for the content of `path`.
pub fn parse(path: &Path, text: &str) -> Result<Plan, PlanError> {
    let plan: Plan = toml::from_str(text).map_err(|error| fault(path, text, &error))?;
    check::check(&plan)
        .map_err(|wrong| Box::new(Fault::new(path, text, wrong.span, wrong.what, wrong.hint)))?;
    Ok(plan)
}

fn fault(path: &Path, text: &str, error: &toml::de::Error) -> Box<Fault> {
    let (what, hint) = config::wording(error.message());
    let span = error.span().unwrap_or(0..0);
    Box::new(Fault::new(path, text, span, what, hint))
}
