//! From a folder into a running cluster.

use std::collections::BTreeMap;
use std::path::Path;

use cluster::store::{Expect, Key, Revision, Write};

use super::origin::Origin;
use super::plan::{self, Act, Plan, Side, Step};
use super::source::{self, Found};
use super::there::{self, There, write};
use super::{Ask, Options, Progress, TransferError};

/// Writes what the folder has and the store has not, or has older. With something newer in the way it writes nothing.
/// `by` is who wants it.
pub async fn upload(
    store: &dyn Ask,
    folder: &Path,
    by: &str,
    options: Options,
    progress: Progress<'_>,
) -> Result<Plan, TransferError> {
    let found = source::read(folder)?;
    let there = there::read(store).await?;
    let from = found.documents.iter().map(|(key, found)| (key.clone(), side(found))).collect();
    let to: BTreeMap<Key, Side> = there.iter().map(|(key, there)| (key.clone(), there.side())).collect();
    let steps = plan::plan(&from, &to);
    let mut plan = Plan { steps, skipped: found.skipped, done: false };
    if options.dry_run || plan.is_refused(options.force) {
        return Ok(plan);
    }
    let all = plan.steps.len();
    for (count, step) in plan.steps.iter().enumerate() {
        progress(count, all, &step.key);
        do_step(store, by, step, &found.documents[&step.key], there.get(&step.key)).await?;
    }
    plan.done = true;
    Ok(plan)
}

pub(super) fn side(found: &Found) -> Side {
    let Found { provenance, body } = found.clone();
    Side { revision: provenance.revision, at: provenance.at, by: provenance.by, body }
}

impl There {
    pub(super) fn side(&self) -> Side {
        side(&Found { provenance: self.provenance(), body: Some(self.document.body.clone()) })
    }
}

/// Writes the document, on the revision that was looked at, and then where it came from.
async fn do_step(
    store: &dyn Ask,
    by: &str,
    step: &Step,
    found: &Found,
    there: Option<&There>,
) -> Result<(), TransferError> {
    let failed = |source| TransferError::Store { key: step.key.clone(), source };
    let given: Revision = match (step.act, there) {
        // Of an upload that was killed between the two writes the second is still to be done.
        (Act::Keep, Some(there)) if there.origin.is_none() => there.document.revision,
        (Act::Keep, _) => return Ok(()),
        (_, there) => {
            let expect = there.map_or(Expect::Absent, |there| Expect::Revision(there.document.revision));
            let body = found.body.clone();
            let document = Write { key: step.key.clone(), expect, by: by.to_owned(), body };
            write(store, document).await.map_err(failed)?
        }
    };
    if found.body.is_some() {
        let origin = Origin { given, file: found.provenance.clone() };
        write(store, origin.write(&step.key, by)).await.map_err(failed)?;
    }
    Ok(())
}
