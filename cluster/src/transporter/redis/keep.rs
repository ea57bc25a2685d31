//! Keeps one connection to Redis, and what it is subscribed to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisResult};
use tokio::sync::{Notify, mpsc};

use super::Shared;
use super::arrive::{self, Arrived};
use crate::transporter::Gap;

/// A stopped server is seen within two of these.
const PING_EVERY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages between the connection and their mailboxes, which take them without waiting.
const MAX_ARRIVED: usize = 4096;

/// Connects for ever.
pub(super) async fn keep(client: Client, shared: Arc<Shared>) {
    let mut attempts = 0;
    loop {
        let (push, arrived) = mpsc::channel(MAX_ARRIVED);
        let lost = Arc::new(Notify::new());
        let why = match connect(&client, &shared, push, Arc::clone(&lost)).await {
            Ok(connection) => {
                let held = hold(connection, &shared, &lost);
                tokio::select! {
                    biased;
                    why = held => {
                        attempts = if shared.link.is_up() { 0 } else { attempts };
                        why
                    }
                    () = deliver(&shared, arrived) => "the connection was lost".into(),
                }
            }
            Err(error) => error.to_string(),
        };
        *shared.connection() = None;
        shared.link.down(&why);
        // Who waits for an answer learns that none will come.
        shared.asked().clear();
        tokio::time::sleep(backoff(attempts)).await;
        attempts += 1;
    }
}

/// 0.1 s, doubled up to 5 s, and less by chance: a thousand members do not come back at once.
fn backoff(attempts: u32) -> Duration {
    let step = Duration::from_millis(100 << attempts.min(6)).min(Duration::from_secs(5));
    step.mul_f64(rand::random_range(0.5..1.0))
}

async fn connect(
    client: &Client,
    shared: &Arc<Shared>,
    push: mpsc::Sender<Arrived>,
    lost: Arc<Notify>,
) -> RedisResult<MultiplexedConnection> {
    let registry = Arc::clone(&shared.registry);
    let sort = move |info: PushInfo| -> Result<(), redis::aio::SendError> {
        if matches!(info.kind, PushKind::Disconnection) {
            lost.notify_one();
        } else if let Some(arrived) = arrive::read(info)
            && push.try_send(arrived).is_err()
        {
            registry.tell_all(Gap::TooSlow);
        }
        Ok(())
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_push_sender(sort);
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn deliver(shared: &Arc<Shared>, mut arrived: mpsc::Receiver<Arrived>) {
    while let Some(one) = arrived.recv().await {
        arrive::deliver(shared, one).await;
    }
}

/// Returns why the connection is of no more use.
async fn hold(mut connection: MultiplexedConnection, shared: &Shared, lost: &Notify) -> String {
    let mut subscribed = BTreeSet::new();
    if let Err(error) = subscribe(&mut connection, shared, &mut subscribed).await {
        return error.to_string();
    }
    *shared.connection() = Some(connection.clone());
    shared.link.up();
    shared.registry.tell_all(Gap::Reconnected);
    loop {
        let done = tokio::select! {
            biased;
            () = lost.notified() => return "the connection was lost".into(),
            () = shared.registry.changed.notified() => {
                subscribe(&mut connection, shared, &mut subscribed).await
            }
            () = tokio::time::sleep(PING_EVERY) => ping(&mut connection).await,
        };
        if let Err(error) = done {
            return error.to_string();
        }
    }
}

async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    redis::cmd("PING").query_async(connection).await
}

fn is_wild(channel: &str) -> bool {
    channel.ends_with('*')
}

/// Brings Redis's subscriptions to what the registry wants.
async fn subscribe(
    connection: &mut MultiplexedConnection,
    shared: &Shared,
    subscribed: &mut BTreeSet<String>,
) -> RedisResult<()> {
    let (mut wanted, served, came) = shared.registry.wanted();
    wanted.extend(served.iter().map(|subject| format!("{subject}.{}", shared.instance)));
    wanted.insert(shared.replies.as_str().to_owned());
    for channel in subscribed.difference(&wanted) {
        if is_wild(channel) {
            connection.punsubscribe(channel).await?
        } else {
            connection.unsubscribe(channel).await?
        }
    }
    for channel in wanted.difference(subscribed) {
        if is_wild(channel) {
            connection.psubscribe(channel).await?
        } else {
            connection.subscribe(channel).await?
        }
    }
    *subscribed = wanted;
    shared.settled.send_replace(came);
    Ok(())
}
