//! Members that describe themselves again and again, as nodes do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::server::Server;
use cluster::{ControlPlane, Name};
use tokio::task::JoinSet;

use super::servers::PATIENCE;

#[derive(Debug)]
pub(crate) struct Updates {
    /// What each said last, which is its `uptime`.
    said: Vec<(Name, Arc<AtomicU64>)>,
    _tasks: JoinSet<()>,
}

impl Updates {
    pub(crate) fn start(planes: &[ControlPlane]) -> Self {
        let (mut said, mut tasks) = (Vec::new(), JoinSet::new());
        for plane in planes {
            let last = Arc::new(AtomicU64::new(0));
            said.push((plane.me.clone(), Arc::clone(&last)));
            tasks.spawn(say(plane.clone(), last));
        }
        Self { said, _tasks: tasks }
    }

    /// Until the managers show of each server something that it says from now on.
    pub(crate) async fn are_shown(&self, asker: &ControlPlane, began: Instant) {
        for (server, last) in &self.said {
            let before = last.load(Ordering::Relaxed);
            loop {
                let shown = asker.fleet.show(server).await;
                if matches!(&shown, Ok(Some(listed)) if listed.server.uptime > before) {
                    break;
                }
                assert!(began.elapsed() < 2 * PATIENCE, "{server}: {before} was said before {shown:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn say(plane: ControlPlane, last: Arc<AtomicU64>) {
    let subject = plane.subjects.update(&plane.me);
    loop {
        let uptime = last.fetch_add(1, Ordering::Relaxed) + 1;
        let server = Server { uptime, ..Server::named(&plane.me) };
        let bytes = serde_json::to_vec(&server).unwrap();
        // What is said while the broker is away is lost; the next is not.
        let _lost = plane.transporter.publish(&subject, bytes.into()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
