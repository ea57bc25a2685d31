//! Watches one client: says whether there is a link, and tells subscribers of gaps.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Client, Event};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::subject::Subject;
use crate::transporter::Gap;
use crate::transporter::link::LinkWriter;
use crate::transporter::mailbox::Mailbox;

const ROUND_TRIP_PATIENCE: Duration = Duration::from_secs(5);

/// Those to tell of a gap.
#[derive(Debug, Default)]
pub(super) struct Mailboxes(Mutex<Vec<Weak<Mailbox>>>);

impl Mailboxes {
    pub(super) fn add(&self, mailbox: &Arc<Mailbox>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|mailbox| mailbox.strong_count() > 0);
        all.push(Arc::downgrade(mailbox));
    }

    fn tell_all(&self, gap: Gap) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.tell(gap));
    }
}

/// The server answers "no responders" in its turn, behind everything this client sent before.
pub(super) async fn round_trip(client: &Client, nobody: &Subject) -> bool {
    let request = async_nats::Request::new().payload(Bytes::new()).timeout(Some(ROUND_TRIP_PATIENCE));
    let answer = client.send_request(nobody.as_str().to_owned(), request).await;
    matches!(answer, Err(error) if error.kind() == RequestErrorKind::NoResponders)
}

/// Says what the client tells: the link, and gaps.
pub(super) async fn watch(
    client: Client,
    mut events: mpsc::Receiver<Event>,
    link: LinkWriter,
    mailboxes: Arc<Mailboxes>,
    nobody: Subject,
) {
    while let Some(event) = events.recv().await {
        match event {
            // Subscriptions are made again only behind this event.
            Event::Connected if round_trip(&client, &nobody).await => {
                link.up();
                mailboxes.tell_all(Gap::Reconnected);
            }
            Event::Connected => {
                link.down("the server takes connections and does not answer");
                // Fails only when the client has ended.
                let _ended = client.force_reconnect().await;
            }
            Event::Disconnected => link.down("the connection was lost"),
            Event::SlowConsumer(_) => mailboxes.tell_all(Gap::TooSlow),
            Event::ServerError(error) => tracing::warn!(%error, "the NATS server objects"),
            _ => {}
        }
    }
}
