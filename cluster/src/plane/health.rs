//! Finds out whether a manager answers, and says in the log what is waited for: after 1 s, after 5 s, then every minute.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Role;
use crate::fleet::Fleet;
use crate::transporter::{Link, Transporter};

/// How often a manager is asked how it is: a thousand members ask 33 times a second.
const ASK_EVERY: Duration = Duration::from_secs(30);
/// A manager in the same process is asked without a network.
const ASK_OWN_EVERY: Duration = Duration::from_secs(2);
/// While none answers: 0.1 s, doubled up to this. A manager in the same process is there within milliseconds.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Looks after it until dropped.
#[derive(Debug)]
pub(super) struct Health {
    store: watch::Receiver<Link>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Health {
    pub(super) fn start(role: Role, fleet: Fleet, transporter: Arc<dyn Transporter>) -> Self {
        let unknown = Link::Down { since: Timestamp::now(), why: "no manager was asked yet".into() };
        let (write, store) = watch::channel(unknown);
        let every = if role == Role::Standalone { ASK_OWN_EVERY } else { ASK_EVERY };
        let ask = tokio::spawn(ask(fleet, transporter.link(), write, every));
        let complain = tokio::spawn(complain(transporter.link(), store.clone()));
        Self { store, _tasks: [ask, complain].map(AbortOnDropHandle::new) }
    }

    pub(super) fn store(&self) -> Link {
        self.store.borrow().clone()
    }
}

async fn ask(fleet: Fleet, mut broker: watch::Receiver<Link>, store: watch::Sender<Link>, every: Duration) {
    let mut tries = 0;
    loop {
        // The writing end goes with the transporter, which the fleet holds.
        if broker.wait_for(Link::is_up).await.is_err() {
            return;
        }
        let heard = match fleet.greet().await {
            Ok((_, store)) => store,
            Err(error) => Link::Down { since: Timestamp::now(), why: error.to_string() },
        };
        let up = heard.is_up();
        store.send_if_modified(|link| turn(link, heard));
        tries = if up { 0 } else { tries + 1 };
        let again = Duration::from_millis(50 << tries.min(6)).min(ASK_AGAIN);
        let pause = if up { every.mul_f64(rand::random_range(0.8..1.2)) } else { again };
        tokio::select! {
            biased;
            _ = broker.wait_for(|link| !link.is_up()) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Keeps `since` while only the reason changes.
fn turn(link: &mut Link, heard: Link) -> bool {
    let next = match (&*link, heard) {
        (Link::Up { .. }, Link::Up { .. }) => return false,
        (Link::Down { since, .. }, Link::Down { why, .. }) => Link::Down { since: *since, why },
        (_, heard) => heard,
    };
    let changed = *link != next;
    *link = next;
    changed
}

async fn complain(mut broker: watch::Receiver<Link>, mut store: watch::Receiver<Link>) {
    let mut waited: Option<(Instant, usize)> = None;
    loop {
        let missing = missing(&broker.borrow_and_update(), &store.borrow_and_update());
        let pause = match (&missing, &mut waited) {
            (None, _) => {
                if let Some((since, 1..)) = waited.take() {
                    tracing::info!("the cluster is reached again, after {:.0?}", since.elapsed());
                }
                waited = None;
                None
            }
            (Some(_), None) => {
                waited = Some((Instant::now(), 0));
                continue;
            }
            (Some((what, why)), Some((since, told))) => {
                if since.elapsed() >= due(*told) {
                    let waits = since.elapsed().as_secs();
                    tracing::warn!("waits for {what} for {waits} s; sessions go on without it; why: {why}");
                    *told += 1;
                }
                Some(due(*told).saturating_sub(since.elapsed()))
            }
        };
        let changed = tokio::select! {
            biased;
            changed = broker.changed() => changed,
            changed = store.changed() => changed,
            () = sleep(pause) => Ok(()),
        };
        if changed.is_err() {
            return;
        }
    }
}

fn missing(broker: &Link, store: &Link) -> Option<(&'static str, String)> {
    match (broker, store) {
        (Link::Down { why, .. }, _) => Some(("the broker", why.clone())),
        (_, Link::Down { why, .. }) => Some(("the cluster's store", why.clone())),
        _ => None,
    }
}

/// When it is said for the nth time, from the beginning of the wait.
fn due(told: usize) -> Duration {
    match told {
        0 => Duration::from_secs(1),
        1 => Duration::from_secs(5),
        n => Duration::from_secs(60) * u32::try_from(n - 1).unwrap_or(u32::MAX / 64),
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_after_one_second_after_five_and_every_minute() {
        let told: Vec<u64> = (0..5).map(|n| due(n).as_secs()).collect();
        assert_eq!(told, [1, 5, 60, 120, 180]);
    }

    #[test]
    fn since_stays_while_only_the_reason_changes() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::now());
        let down = |since, why: &str| Link::Down { since, why: why.into() };
        let mut link = down(then, "no manager");
        assert!(turn(&mut link, down(now, "no database")));
        assert_eq!(link, down(then, "no database"));
        assert!(!turn(&mut link, down(now, "no database")));
        assert!(turn(&mut link, Link::Up { since: now }));
        assert!(!turn(&mut link, Link::Up { since: then }));
        assert_eq!(link, Link::Up { since: now });
    }
}
