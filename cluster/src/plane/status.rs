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
    pub broker: Link,
}

impl ControlPlane {
    pub fn status(&self) -> PlaneStatus {
        PlaneStatus {
            server_id: self.me.clone(),
            role: self.role,
            namespace: self.namespace.clone(),
            broker: self.transporter.link().borrow().clone(),
        }
    }
}
