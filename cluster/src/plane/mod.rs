//! What a process has of its cluster: who it is there, the bus, and the store.
//!
//! Every role has one, and everybody who needs the cluster gets a clone of it. A process that stands alone has the same:
//! its bus is in the process, and its manager too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::fleet::Fleet;
use crate::name::Name;
use crate::store::{Store, StoreClient};
use crate::subject::Subjects;
use crate::transporter::{self, ConnectError, InProcess, Transporter};

mod health;
mod status;

pub use status::PlaneStatus;

/// What this process is in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// No broker.json: node and manager in one process.
    Standalone,
    /// A node of a cluster.
    Member,
    /// A manager without a node.
    Manager,
}

/// The control plane, as this process sees it. Clones are the same one.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// This server's id; what this process writes into the store bears it.
    pub me: Name,
    pub role: Role,
    pub namespace: Name,
    pub transporter: Arc<dyn Transporter>,
    pub subjects: Subjects,
    /// Asks the managers; in a manager's own process it is at hand ([`ControlPlane::with_store`]).
    pub store: Arc<dyn Store>,
    /// All servers, asked of the managers.
    pub fleet: Fleet,
    health: Arc<health::Health>,
}

impl ControlPlane {
    /// A cluster of one, inside this process.
    pub fn standalone(me: Name) -> Self {
        let namespace = Name::new("standalone").expect("letters are a name");
        Self::over(me, Role::Standalone, namespace, Arc::new(InProcess::new()))
    }

    /// Returns at once, also while the broker cannot be reached.
    ///
    /// # Errors
    /// What no later try could mend: a certificate or a key that cannot be read.
    pub async fn connect(me: Name, role: Role, broker: &Broker) -> Result<Self, ConnectError> {
        let transporter = transporter::connect(broker).await?;
        Ok(Self::over(me, role, broker.namespace.clone(), transporter))
    }

    /// Over a transporter that is there already.
    pub fn over(me: Name, role: Role, namespace: Name, transporter: Arc<dyn Transporter>) -> Self {
        let subjects = Subjects::new(&namespace);
        let store = Arc::new(StoreClient::new(Arc::clone(&transporter), subjects.clone()));
        let fleet = Fleet::new(Arc::clone(&transporter), subjects.clone());
        let health = Arc::new(health::Health::start(role, fleet.clone(), Arc::clone(&transporter)));
        Self { me, role, namespace, transporter, subjects, store, fleet, health }
    }

    /// The same, with the store at hand: a manager's own reads and writes need no broker.
    pub fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }
}
