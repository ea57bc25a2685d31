//! Settings: what an administrator changes while the cluster runs, for all servers (*global*) or for one (*local*).
//!
//! ```text
//! edit ─▶ store: settings/global, settings.local/SERVER ─▶ changes ─▶ follow ─▶ snapshot ─▶ whoever reads
//!                                                                       └▶ file, for a start without a manager
//! ```
//! What counts is local over global over default. Each scope is one document with its values and its history, so a value
//! never changes without an entry that says who did it, and a write on an old version is refused by the store.

mod edit;
mod follow;
mod kind;
mod record;
mod shown;
mod snapshot;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::name::Name;
use crate::plane::ControlPlane;
use crate::store::{Key, Store};

pub use edit::{Edit, EditError, Edited, What};
pub use kind::Kind;
pub use record::{Difference, Record, Version};
pub use shown::{Head, Setting, Shown};
pub use snapshot::{Behind, Documents, Held, Snapshot, Source};
pub use table::{LogLevel, SETTINGS, TableEntry, Values, entry};

/// The collection of the global settings, and the id of their document.
pub const GLOBAL: (&str, &str) = ("settings", "global");
/// The collection of local settings; ids are those of servers.
pub const LOCAL: &str = "settings.local";

/// How long an edit waits until this process itself has it.
const OWN_WORD: Duration = Duration::from_secs(2);

/// For whom a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Every server of the cluster.
    Global,
    /// One server.
    Local,
}

impl Scope {
    /// Where this scope's document is, as `me` sees it.
    pub fn key(self, me: &Name) -> Key {
        let name = |name| Name::new(name).expect("a constant of letters and dots is a name");
        match self {
            Self::Global => Key { collection: name(GLOBAL.0), id: name(GLOBAL.1) },
            Self::Local => Key { collection: name(LOCAL), id: me.clone() },
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Global => "global",
            Self::Local => "local",
        })
    }
}

/// The settings of one server, followed until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Settings {
    me: Name,
    store: Arc<dyn Store>,
    seen: watch::Receiver<Arc<Snapshot>>,
    _following: Arc<AbortOnDropHandle<()>>,
}

impl Settings {
    /// Begins with what `file` kept, or the defaults; does not wait for a manager.
    pub fn start(plane: &ControlPlane, file: PathBuf) -> Self {
        let (following, seen) = follow::start(plane, file);
        let _following = Arc::new(AbortOnDropHandle::new(tokio::spawn(following)));
        Self { me: plane.me.clone(), store: Arc::clone(&plane.store), seen, _following }
    }

    /// What counts now. Whoever needs two values takes both from one snapshot.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.seen.borrow())
    }

    /// Hears of every new snapshot. It ends when the last [`Settings`] is dropped.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.seen.clone()
    }

    /// Changes what the store has, and returns once this process follows it (at most 2 s later).
    pub async fn edit(&self, edit: &Edit) -> Result<Edited, EditError> {
        let length = self.now().values.history_length;
        let edited = edit::edit(&*self.store, &self.me, edit, length).await?;
        let mut seen = self.seen.clone();
        let own_word = seen.wait_for(|now| now.documents.of(edit.scope).revision >= edited.revision);
        // Later than that it comes all the same.
        let _in_time = tokio::time::timeout(OWN_WORD, own_word).await;
        Ok(edited)
    }

    /// Everything, for a person.
    pub fn shown(&self) -> Shown {
        shown::show(&self.me, &self.now())
    }
}
