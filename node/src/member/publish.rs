//! Says what this server is: again and again (setting `updateInterval`), at once when something changed, and when somebody calls the roll.

use std::sync::Arc;
use std::time::Duration;

use cluster::membership::Announcer;
use cluster::server::Server;
use cluster::settings::Settings;
use cluster::transporter::{Event, Link, Subscription};
use cluster::{ControlPlane, Pattern};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::describe::{Describer, is_news};

/// How often it is looked whether something changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A thousand servers do not describe themselves in the same moment.
const SPREAD: Duration = Duration::from_secs(1);

/// For ever. `changed` says that there is something to look at now.
pub(super) async fn publish(
    (plane, settings): (ControlPlane, Settings),
    describer: Arc<Describer>,
    announcer: Arc<Announcer>,
    changed: Arc<Notify>,
    last: watch::Sender<Server>,
) {
    let mut roll_calls = plane.transporter.subscribe(&Pattern::from(&plane.subjects.roll_call())).await;
    let mut link = plane.transporter.link();
    loop {
        let server = describer.whole().await;
        announcer.drain(server.draining);
        say(&plane, &server).await;
        last.send_replace(server);
        let told = last.borrow().clone();
        wait(&describer, &told, (&mut roll_calls, &mut link), (&changed, &settings)).await;
    }
}

async fn say(plane: &ControlPlane, server: &Server) {
    match serde_json::to_vec(server) {
        // Without a link it is said again when there is one.
        Ok(bytes) => drop(plane.transporter.publish(&plane.subjects.update(&plane.me), bytes.into()).await),
        Err(error) => tracing::error!(%error, "the server object is no JSON"),
    }
}

/// Until it is to be said again.
async fn wait(
    describer: &Describer,
    told: &Server,
    (roll_calls, link): (&mut Subscription, &mut watch::Receiver<Link>),
    (changed, settings): (&Notify, &Settings),
) {
    let said = Instant::now();
    // What happens until then is not said yet.
    let _was = link.borrow_and_update().is_up();
    loop {
        let next = said + settings.now().values.update_interval;
        tokio::select! {
            biased;
            () = changed.notified() => {}
            event = roll_calls.next() => {
                if matches!(event, Event::Message(_)) {
                    tokio::time::sleep(SPREAD.mul_f64(rand::random_range(0.0..1.0))).await;
                }
                return;
            }
            up = link.changed() => if up.is_err() || link.borrow().is_up() { return },
            () = tokio::time::sleep_until(next) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if is_news(told, &describer.news().await) {
            return;
        }
    }
}
