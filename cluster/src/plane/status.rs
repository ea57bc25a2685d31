//! How the control plane is, for pages and `fastx status`.

use serde::{Deserialize, Serialize};

use super::{ControlPlane, Role};
use crate::name::Name;
use crate::transporter::Link;

/// The control plane, as one process sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaneStatus {
    pub server_id: Name,
    pub role: Role,
    pub namespace: Name,
    /// Of a server that stands alone it is always up.
    pub broker: Link,
    /// Whether a manager answers, and reaches its database. Unknown, and so as it was, while the broker is not reached.
    pub store: Link,
}

impl ControlPlane {
    pub fn status(&self) -> PlaneStatus {
        PlaneStatus {
            server_id: self.me.clone(),
            role: self.role,
            namespace: self.namespace.clone(),
            broker: self.transporter.link().borrow().clone(),
            store: self.health.store(),
        }
    }
}

impl PlaneStatus {
    pub fn is_whole(&self) -> bool {
        self.broker.is_up() && self.store.is_up()
    }

    /// What is missing, and why; `None` when nothing is.
    pub fn missing(&self) -> Option<(&'static str, &str)> {
        // Without the broker nothing can be said of what is behind it.
        match (&self.broker, &self.store) {
            (Link::Down { why, .. }, _) => Some(("the broker", why)),
            (_, Link::Down { why, .. }) => Some(("the store", why)),
            _ => None,
        }
    }
}
