//! A machine of the cluster: a server that says how it is, or a manager.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cluster::membership::Announcer;
use cluster::server::Server;
use cluster::settings::Settings;
use cluster::transporter::Event;
use cluster::{ControlPlane, Name, Pattern, Role};
use jiff::Timestamp;
use manager::Manager;
use tokio_util::task::AbortOnDropHandle;

use super::bus::Port;
use super::store::Memory;

/// How often a server describes itself, as `updateInterval` has it.
const UPDATE_EVERY: Duration = Duration::from_secs(10);

/// The control plane as somebody behind this port sees it.
pub fn plane(me: &str, role: Role, port: &Arc<Port>) -> ControlPlane {
    let name = |text| Name::new(text).expect("hosts of a plan have short names");
    ControlPlane::over(name(me), role, name("simulated"), Arc::clone(port) as _)
}

/// A server's process; dropped, it is gone without a word.
#[derive(Debug)]
pub struct Member {
    pub port: Arc<Port>,
    pub settings: Settings,
    pub sessions: Arc<AtomicU32>,
    announcer: Option<Announcer>,
    _describing: AbortOnDropHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.port.close();
    }
}

impl Member {
    /// `clock`: what its machine takes for the time.
    pub fn start(port: Arc<Port>, name: &str, folder: &Path, clock: Timestamp) -> Self {
        let plane = plane(name, Role::Member, &port);
        let transporter = Arc::clone(&plane.transporter);
        let announcer =
            Some(Announcer::started(transporter, plane.subjects.clone(), plane.me.clone(), clock));
        let sessions = Arc::new(AtomicU32::new(0));
        let describing = tokio::spawn(describe(plane.clone(), Arc::clone(&sessions)));
        let settings = Settings::start(&plane, folder.join(format!("{name}.json")));
        Self { port, settings, sessions, announcer, _describing: AbortOnDropHandle::new(describing) }
    }

    /// Ends in order. What the last word goes over stays until it has arrived.
    pub async fn leave(mut self) {
        let announcer = self.announcer.take().expect("a member leaves once");
        let _unheard = announcer.leave().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn describe(plane: ControlPlane, sessions: Arc<AtomicU32>) {
    let mut roll_calls = plane.transporter.subscribe(&Pattern::from(&plane.subjects.roll_call())).await;
    let mut link = plane.transporter.link();
    loop {
        let _was = link.borrow_and_update().is_up();
        let server = Server { sessions: sessions.load(Ordering::Relaxed), ..Server::named(&plane.me) };
        let bytes = serde_json::to_vec(&server).expect("a server is names and numbers");
        // Without a link it is said again when there is one.
        let _unheard = plane.transporter.publish(&plane.subjects.update(&plane.me), bytes.into()).await;
        loop {
            tokio::select! {
                biased;
                event = roll_calls.next() => if matches!(event, Event::Message(_)) { break },
                _ = link.changed() => break,
                () = tokio::time::sleep(UPDATE_EVERY) => break,
            }
        }
    }
}

/// A manager's process; dropped, it is gone without a word.
#[derive(Debug)]
pub struct Keeper {
    pub port: Arc<Port>,
    _manager: Manager,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.port.close();
    }
}

impl Keeper {
    pub async fn start(port: Arc<Port>, name: &str, store: &Arc<Memory>) -> Self {
        let plane = plane(name, Role::Manager, &port).with_store(Arc::clone(store) as _);
        let manager = Manager::over(Arc::clone(store) as _, &plane).await;
        Self { port, _manager: manager }
    }
}
