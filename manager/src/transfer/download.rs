//! From a running cluster into a folder, which can then be the store of a server that stands alone.

use std::collections::BTreeMap;
use std::path::Path;

use cluster::store::{Document, Key, Revision};
use jiff::Timestamp;

use super::plan::{self, Act, Plan, Side};
use super::source::Found;
use super::there::{self, There};
use super::upload::side;
use super::{Ask, Options, Progress, TransferError, source};
use crate::folder::Disk;

/// Writes what the store has and the folder has not, or has older. With something newer in the way it writes nothing.
/// A folder that is not there is made, for its owner only.
pub async fn download(
    store: &dyn Ask,
    folder: &Path,
    options: Options,
    progress: Progress<'_>,
) -> Result<Plan, TransferError> {
    let there = there::read(store).await?;
    let found = match source::read(folder) {
        Err(TransferError::Folder { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            source::Source::default()
        }
        found => found?,
    };
    let from: BTreeMap<Key, Side> = there.iter().map(|(key, there)| (key.clone(), there.side())).collect();
    let in_the_way =
        from.keys().filter_map(|key| Some((key.clone(), in_file(folder, key, &found.documents)?)));
    let steps = plan::plan(&from, &in_the_way.collect());
    let mut plan = Plan { steps, skipped: Vec::new(), done: false };
    if options.dry_run || plan.is_refused(options.force) {
        return Ok(plan);
    }
    let failed = |source| TransferError::Folder { path: folder.to_owned(), source };
    let disk = Disk::new(folder).map_err(failed)?;
    let _held = source::hold(folder)?;
    let all = plan.steps.len();
    for (count, step) in plan.steps.iter().enumerate() {
        progress(count, all, &step.key);
        if step.act != Act::Keep {
            disk.save(&document(&there[&step.key]))?;
        }
    }
    plan.done = true;
    Ok(plan)
}

/// As its file has it: an origin says what it had before.
fn document(there: &There) -> Document {
    let provenance = there.provenance();
    let Document { key, body, .. } = there.document.clone();
    Document { key, body, revision: provenance.revision, by: provenance.by, at: provenance.at }
}

/// What is in the way. A file that cannot be read is somebody's too, and counts as newer than everything.
fn in_file(folder: &Path, key: &Key, found: &BTreeMap<Key, Found>) -> Option<Side> {
    let path = folder.join(key.collection.as_str()).join(format!("{}.json", key.id));
    let changed = path.metadata().ok()?.modified().ok()?;
    Some(found.get(key).filter(|found| found.body.is_some()).map_or_else(
        || Side {
            revision: Revision(i64::MAX),
            at: Timestamp::try_from(changed).unwrap_or(Timestamp::MAX),
            by: "somebody, and it cannot be read".into(),
            body: None,
        },
        side,
    ))
}
