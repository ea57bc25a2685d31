//! Saving a plan: it must be one, and its cases must pass.

use std::time::Duration;

use balance::Plan;
use balance::plan::{PlanError, Record, Saved, Verdict};
use cluster::store::{Expect, Revision, StoreError, Write};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plans::{self, ActionName};
use super::{Balancer, Inner};

/// For all cases together; who saves waits for it.
const CASES_WITHIN: Duration = Duration::from_secs(10);

/// What is to be otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) plan: Plan,
    #[serde(default)]
    pub(crate) by: String,
    /// Only if this is still the version.
    #[serde(default)]
    pub(crate) expect: Option<u64>,
    /// Also when cases fail: that is logged, and stays in the history.
    #[serde(default)]
    pub(crate) override_cases: bool,
}

/// Why a plan was not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{}", failures(.0))]
    Cases(Vec<Verdict>),
    #[error("its cases did not end within {} s", CASES_WITHIN.as_secs())]
    Slow,
    #[error("the plan is at version {there}, not at {expected}")]
    Moved { expected: u64, there: u64 },
    #[error("version {0} is not kept")]
    NoVersion(u64),
    #[error("the plan in the store cannot be read: {0}")]
    Damaged(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn failures(verdicts: &[Verdict]) -> String {
    let failed = verdicts.iter().filter(|verdict| !verdict.passed);
    let lines = failed
        .map(|Verdict { case, expected, got, .. }| format!("case {case}: expected {expected}, got {got}"));
    format!("not saved, because cases fail: {}", lines.collect::<Vec<_>>().join("; "))
}

impl Balancer {
    /// Returns the version that now is.
    pub(super) async fn save(&self, action: ActionName, change: Change) -> Result<u64, ChangeError> {
        self.put(action, change, None).await
    }

    pub(super) async fn rollback(
        &self,
        action: ActionName,
        version: u64,
        (by, override_cases): (String, bool),
    ) -> Result<u64, ChangeError> {
        let (record, _) = self.inner.stored(action).await?;
        let plan = record.plan_at(version).ok_or(ChangeError::NoVersion(version))?;
        let change = Change { plan, by, expect: Some(record.version()), override_cases };
        self.put(action, change, Some(version)).await
    }

    async fn put(
        &self,
        action: ActionName,
        change: Change,
        rollback: Option<u64>,
    ) -> Result<u64, ChangeError> {
        let inner = &self.inner;
        let Change { plan, by, expect, override_cases } = change;
        let failed = inner.examine(action, &plan, override_cases).await?;
        let (record, revision) = inner.stored(action).await?;
        let there = record.version();
        if let Some(expected) = expect.filter(|expected| *expected != there) {
            return Err(ChangeError::Moved { expected, there });
        }
        let by = inner.signed(&by);
        if !failed.is_empty() {
            let cases = failed.join(", ");
            tracing::warn!(%by, action = action.path(), cases, "a balancing plan was saved although cases fail");
        }
        let saved =
            Saved { version: 0, by: by.clone(), at: Timestamp::now(), rollback, overridden: failed, plan };
        let record = record.with(saved);
        let body = serde_json::to_value(&record).map_err(|error| ChangeError::Damaged(error.to_string()))?;
        let expect = revision.map_or(Expect::Absent, Expect::Revision);
        inner.plane.store.write(Write { key: action.key(), expect, by, body: Some(body) }).await?;
        plans::read(inner).await?;
        Ok(record.version())
    }

    /// None ends it.
    pub(super) async fn set_shadow(
        &self,
        action: ActionName,
        plan: Option<Plan>,
        by: &str,
    ) -> Result<(), ChangeError> {
        let inner = &self.inner;
        let body = match plan {
            Some(plan) => {
                plan.check()?;
                plan.compiles(inner.trying(), action.into()).await?;
                Some(serde_json::to_value(&plan).map_err(|error| ChangeError::Damaged(error.to_string()))?)
            }
            None => None,
        };
        let write = Write { key: action.shadow_key(), expect: Expect::Anything, by: inner.signed(by), body };
        inner.plane.store.write(write).await?;
        plans::read(inner).await?;
        Ok(())
    }
}

impl Inner {
    /// The names of cases that fail, if they may.
    async fn examine(
        &self,
        action: ActionName,
        plan: &Plan,
        may_fail: bool,
    ) -> Result<Vec<String>, ChangeError> {
        plan.check()?;
        let examined = async {
            plan.compiles(self.trying(), action.into()).await?;
            Ok::<_, PlanError>(plan.verdicts(self.trying()).await)
        };
        let verdicts =
            tokio::time::timeout(CASES_WITHIN, examined).await.map_err(|_| ChangeError::Slow)??;
        let failed: Vec<String> =
            verdicts.iter().filter(|verdict| !verdict.passed).map(|verdict| verdict.case.clone()).collect();
        if failed.is_empty() || may_fail { Ok(failed) } else { Err(ChangeError::Cases(verdicts)) }
    }

    /// As the store has it now.
    pub(super) async fn stored(&self, action: ActionName) -> Result<(Record, Option<Revision>), ChangeError> {
        let Some(document) = self.plane.store.get(&action.key()).await? else {
            return Ok((Record::default(), None));
        };
        let record =
            serde_json::from_value(document.body).map_err(|error| ChangeError::Damaged(error.to_string()))?;
        Ok((record, Some(document.revision)))
    }

    fn signed(&self, by: &str) -> String {
        format!("{}@{}", by.chars().filter(|c| !c.is_control()).take(64).collect::<String>(), self.plane.me)
    }
}
