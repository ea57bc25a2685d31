//! Moves configuration between a folder and a running cluster: `fastx store upload|download`.
//!
//! ```text
//! folder ─▶ source ─▶ plan ◀─ there ◀─ store        upload: plan ─▶ store, download: plan ─▶ folder
//! ```
//! The folder is that of a server that stands alone. What is uploaded and downloaded again is the same byte for byte: beside
//! each document its *origin* is kept (revision, writer and time that it had in the folder), as long as nobody changes it.
//! Each step is whole, and a step that was done is not needed again: whoever is killed midway begins anew and goes on.

mod download;
mod known;
mod origin;
mod original;
mod plan;
mod source;
mod there;
mod upload;

use std::path::PathBuf;

use cluster::Name;
use cluster::store::{Answer, Key, Question, Store, StoreError};
use config::ConfigError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use download::download;
pub use known::may_be_asked;
pub use plan::{Act, Plan, Step};
pub use source::Skipped;
pub use upload::upload;

use crate::service::act;

/// Whoever answers questions about the store: the store itself, or a service that asks it.
pub trait Ask: Sync {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, StoreError>>;
}

impl Ask for &dyn Store {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, StoreError>> {
        async move { act(*self, question).await }.boxed()
    }
}

/// What is done about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only look.
    pub dry_run: bool,
    /// Also replace what is newer.
    pub force: bool,
}

/// How far it is: steps done, steps in all, and the document of the next one.
pub type Progress<'a> = &'a mut (dyn FnMut(usize, usize, &Key) + Send);

/// Why it is not done, or not to its end; what was done stays done.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("{} is no folder that can be read: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{} is the store of a process that runs", .0.display())]
    InUse(PathBuf),
    #[error("{key}: {source}")]
    Store { key: Key, source: StoreError },
    #[error("cannot read {collection} from the store: {source}")]
    Read { collection: Name, source: StoreError },
    #[error(transparent)]
    Write(#[from] ConfigError),
}
