//! What a run showed, for people: a page with plots in one file, the numbers as JSON, a few lines for a terminal.

mod control;
mod escape;
mod lanes;
mod lines;
mod page;
mod plot;
mod recovery;
mod scale;
mod summary;
mod tables;

use std::path::{Path, PathBuf};

pub use summary::summary;

use crate::outcome::{Cost, Outcome, Verdict, judge};
use crate::plan::Plan;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: std::io::Error,
}

/// A run of a plan, judged.
#[derive(Debug)]
pub struct Report<'a> {
    plan: &'a Plan,
    outcome: &'a Outcome,
    verdicts: Vec<Verdict>,
    /// What repeats the run: `fastx sim hotel --seed 7`.
    replay: String,
    cost: Option<&'a Cost>,
}

impl<'a> Report<'a> {
    pub fn new(plan: &'a Plan, outcome: &'a Outcome, replay: String) -> Self {
        Self { plan, outcome, verdicts: judge(plan, outcome), replay, cost: None }
    }

    /// Shows what the run took, too; no two runs are alike in that.
    pub fn with_cost(self, cost: &'a Cost) -> Self {
        Self { cost: Some(cost), ..self }
    }

    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Whether everything that the plan expects held, and no invariant was violated.
    pub fn holds(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.met)
    }

    /// The page: one file that needs no other.
    pub fn html(&self) -> String {
        page::html(self)
    }

    /// Everything that was measured, with the verdicts.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "holds": self.holds(),
            "replay": self.replay,
            "verdicts": self.verdicts,
            "outcome": self.outcome,
            "cost": self.cost,
        })
    }

    /// Writes `report.html` and `outcome.json` into `folder`, which is made if it is not there.
    pub fn write(&self, folder: &Path) -> Result<(), WriteError> {
        let failed = |path: PathBuf| |source| WriteError { path, source };
        std::fs::create_dir_all(folder).map_err(failed(folder.to_owned()))?;
        for (name, text) in [("report.html", self.html()), ("outcome.json", format!("{:#}\n", self.json()))] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(failed(path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
