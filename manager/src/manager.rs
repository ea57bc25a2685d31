//! A running manager.

use std::path::Path;
use std::sync::Arc;

use cluster::ControlPlane;
use cluster::store::Store;

use crate::fleet::Fleet;
use crate::folder::{Folder, OpenError};
use crate::mongo::{Mongo, MongoError};
use crate::service::Service;
use crate::settings::Keep;
use crate::watched::Watched;

/// Why a manager does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Folder(#[from] OpenError),
    #[error(transparent)]
    Mongo(#[from] MongoError),
}

/// Manages until it is dropped. Several of them share the work; one whose store is a folder has it for itself.
#[derive(Debug)]
pub struct Manager {
    store: Arc<dyn Store>,
    _service: Service,
    _fleet: Fleet,
}

impl Manager {
    /// Opens the store (a folder of documents, or MongoDB, which need not be reached yet) and serves it. Does not wait for
    /// a broker.
    pub async fn start(keep: &Keep, folder: &Path, plane: &ControlPlane) -> Result<Self, StartError> {
        let store: Arc<dyn Store> = match keep {
            Keep::Folder => Arc::new(Folder::open(folder)?),
            Keep::MongoDb(settings) => Arc::new(Mongo::connect(settings).await?),
        };
        Ok(Self::over(store, plane).await)
    }

    /// Serves a store that is open already.
    pub async fn over(store: Arc<dyn Store>, plane: &ControlPlane) -> Self {
        let watched = Arc::new(Watched::new(store));
        let store: Arc<dyn Store> = Arc::clone(&watched) as _;
        let service =
            Service::start(Arc::clone(&store), Arc::clone(&plane.transporter), &plane.subjects).await;
        let fleet = Fleet::start(plane, watched).await;
        Self { store, _service: service, _fleet: fleet }
    }

    /// The store itself, for who is in this process.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}
