//! Where a plan comes from: a file, or the program itself.

use std::path::{Path, PathBuf};

use anyhow::bail;
use netsim::plan::{Plan, PlanError, SHIPPED, Shipped, parse, read, shipped};
use netsim::random;

/// Where a plan comes from.
pub(super) enum Source {
    Shipped(Shipped),
    /// `random-7`: the seventh of the networks by chance that the tests run.
    Random(u64),
    File(PathBuf),
}

impl Source {
    /// A name that is shipped, else a file. With a slash or `.toml` it is a file.
    pub(super) fn find(wanted: &str) -> anyhow::Result<Self> {
        let path = Path::new(wanted);
        if let Some(shipped) = shipped(wanted) {
            return Ok(Self::Shipped(shipped));
        }
        if let Some(number) = wanted.strip_prefix("random-").and_then(|number| number.parse().ok()) {
            return Ok(Self::Random(number));
        }
        if path.exists() || wanted.contains('/') || wanted.ends_with(".toml") {
            return Ok(Self::File(path.to_owned()));
        }
        let names: Vec<&str> = SHIPPED.iter().map(|plan| plan.name).collect();
        bail!("there is no plan and no file `{wanted}`; {}", config::suggest(wanted, &names))
    }

    pub(super) fn plan(&self) -> Result<Plan, PlanError> {
        match self {
            Self::Shipped(shipped) => parse(shipped.name.as_ref(), shipped.text),
            Self::Random(number) => Ok(random::plan(*number)),
            Self::File(path) => read(path),
        }
    }

    pub(super) fn text(&self) -> anyhow::Result<String> {
        match self {
            Self::Shipped(shipped) => Ok(shipped.text.to_owned()),
            Self::Random(number) => Ok(random::text(*number)),
            Self::File(path) => {
                // Read as a plan first, so that only a plan is printed.
                read(path)?;
                Ok(std::fs::read_to_string(path)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_shipped_plan_or_a_file_or_an_error_with_a_suggestion() {
        assert!(matches!(Source::find("campus").unwrap(), Source::Shipped(plan) if plan.name == "campus"));
        assert_eq!(Source::find("random-7").unwrap().plan().unwrap().seed, 7);
        assert!(matches!(Source::find("./campus").unwrap(), Source::File(_)));
        let error = Source::find("camus").err().unwrap().to_string();
        assert!(error.contains("did you mean `campus`?"), "{error}");
        let missing = Source::find("none.toml").unwrap().plan().unwrap_err().to_string();
        assert!(missing.starts_with("cannot read none.toml"), "{missing}");
    }
}
