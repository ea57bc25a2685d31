//! The control plane of `fastx node run`: a member of a cluster, or, without broker.json, a cluster of one.

use axum::Router;
use cluster::settings::Settings;
use cluster::{Broker, ControlPlane, Name, Role};
use config::Dirs;
use manager::{Keep, Manager};
use node::Identity;

/// The cluster as this process has it; dropping it leaves it.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) plane: ControlPlane,
    pub(crate) settings: Settings,
    /// Of a server that stands alone.
    _manager: Option<Manager>,
}

impl Control {
    /// Does not wait for a broker. `broker` is what broker.json says.
    pub(crate) async fn start(dirs: &Dirs, me: Name, broker: Option<&Broker>) -> anyhow::Result<Self> {
        let Some(broker) = broker else {
            let plane = ControlPlane::standalone(me);
            let manager = Manager::start(&Keep::Folder, &dirs.local("store"), &plane).await?;
            return Ok(Self { settings: follow(&plane, dirs), plane, _manager: Some(manager) });
        };
        let plane = ControlPlane::connect(me, Role::Member, broker).await?;
        Ok(Self { settings: follow(&plane, dirs), plane, _manager: None })
    }
}

/// Follows the settings of this server and of its cluster.
pub(crate) fn follow(plane: &ControlPlane, dirs: &Dirs) -> Settings {
    Settings::start(plane, dirs.local("settings.json"))
}

/// What `node.sock` and `manager.sock` answer alike: each subject adds its routes here.
pub(crate) fn routes(plane: &ControlPlane, settings: &Settings) -> Router {
    Router::new()
        .merge(node::admin::plane::routes(plane))
        .merge(node::admin::config::routes(settings))
        .merge(crate::doctor::routes(plane))
}

/// The server's id, as the cluster writes it.
pub(crate) fn name(identity: &Identity) -> Name {
    Name::new(identity.server_id.as_str()).expect("a server id has a name's letters, and fewer")
}
