//! The plans in the store: collection `balance`, a document for each action and one for its shadow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use balance::plan::Record;
use balance::{Action, Plan};
use cluster::Name;
use cluster::store::{Change, Document, Key, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Inner;

const COLLECTION: &str = "balance";
/// Between two attempts to read, with as much again by chance.
const RETRY: Duration = Duration::from_secs(2);

/// An action as it stands in paths, on the command line and in names of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ActionName {
    /// A new session
    #[value(alias = "session/start", alias = "start")]
    SessionStart,
    /// To log in
    #[value(alias = "user/login", alias = "login")]
    UserLogin,
}

impl ActionName {
    pub(crate) const ALL: [Self; 2] = [Self::SessionStart, Self::UserLogin];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::SessionStart => "session-start",
            Self::UserLogin => "user-login",
        }
    }

    pub(super) fn key(self) -> Key {
        key(self.path())
    }

    pub(super) fn shadow_key(self) -> Key {
        key(&format!("{}.shadow", self.path()))
    }
}

impl From<ActionName> for Action {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::SessionStart => Self::Start,
            ActionName::UserLogin => Self::Login,
        }
    }
}

impl From<Action> for ActionName {
    fn from(action: Action) -> Self {
        match action {
            Action::Start => Self::SessionStart,
            Action::Login => Self::UserLogin,
        }
    }
}

fn key(id: &str) -> Key {
    let name = |name| Name::new(name).expect("letters, a dash and a dot are a name");
    Key { collection: name(COLLECTION), id: name(id) }
}

/// What counts for one action.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) record: Arc<Record>,
    pub(super) shadow: Option<Arc<Plan>>,
}

/// As they were read last. Before the first time: no functions, so the server with the fewest sessions is taken.
#[derive(Debug, Default)]
pub(super) struct Plans {
    counts: Mutex<[Counts; 2]>,
    /// One reads at a time, so that an older reading does not replace a newer one.
    reading: tokio::sync::Mutex<()>,
}

impl Plans {
    pub(super) fn of(&self, action: Action) -> Counts {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts[usize::from(action == Action::Login)].clone()
    }
}

/// Reads all of them again.
pub(super) async fn read(inner: &Inner) -> Result<(), StoreError> {
    let _alone = inner.plans.reading.lock().await;
    for name in ActionName::ALL {
        let record = inner.plane.store.get(&name.key()).await?;
        let shadow = inner.plane.store.get(&name.shadow_key()).await?;
        let place = usize::from(name == ActionName::UserLogin);
        let mut counts = inner.plans.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be read leaves what was there.
        if let Some(record) = body(record) {
            counts[place].record = Arc::new(record);
        }
        if let Some(shadow) = body::<Option<Plan>>(shadow) {
            counts[place].shadow = shadow.map(Arc::new);
        }
    }
    Ok(())
}

/// What is not there is the default; none if it is damaged.
fn body<T: DeserializeOwned + Default>(document: Option<Document>) -> Option<T> {
    let Some(document) = document else { return Some(T::default()) };
    match serde_json::from_value(document.body) {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::error!(%error, key = %document.key, "a balancing plan cannot be read; the one before it counts");
            None
        }
    }
}

/// Keeps them as new as the store.
pub(super) async fn follow(inner: Arc<Inner>) {
    let mut changes = inner.plane.store.watch().await;
    let mut link = inner.plane.transporter.link();
    loop {
        let is_behind = read(&inner).await.is_err();
        let retry = RETRY.mul_f64(1.0 + rand_part());
        loop {
            tokio::select! {
                biased;
                change = changes.next() => if concerns(&change) { break },
                Ok(()) = async {
                    // Of a link that ended nobody hears.
                    match link.changed().await {
                        Ok(()) => Ok::<(), ()>(()),
                        Err(_) => std::future::pending().await,
                    }
                } => break,
                () = tokio::time::sleep(retry), if is_behind => break,
            }
        }
    }
}

fn concerns(change: &Change) -> bool {
    match change {
        Change::Written(Document { key, .. }) | Change::Deleted { key, .. } => {
            key.collection.as_str() == COLLECTION
        }
        Change::Gap => true,
    }
}

/// From 0 up to 1, so that a thousand servers do not ask at one moment.
fn rand_part() -> f64 {
    f64::from(balance::Moment::now().seed as u32) / f64::from(u32::MAX)
}
