//! Members, as they hear of each other.

use std::time::Instant;

use cluster::Name;
use cluster::membership::{Announcer, Beat, Follower, Standing, Word};

use super::servers::PATIENCE;
use super::ways::{Two, subjects};

async fn until(follower: &Follower, server_id: &Name, standing: Standing) {
    let mut members = follower.members();
    let stands = members.wait_for(|members| members.standing(server_id, Instant::now()) == Some(standing));
    let waited = tokio::time::timeout(PATIENCE, stands).await.is_ok();
    assert!(waited, "{server_id} is not {standing:?}: {:?}", follower.members().borrow());
}

pub(crate) async fn members_see_each_other_come_drain_and_leave(two: Two) {
    let [one, other] = ["one.example", "other"].map(|name| Name::new(name).unwrap());
    let before = Follower::start(two.b.clone(), subjects());
    let a = Announcer::start(two.a.clone(), subjects(), one.clone());
    let b = Announcer::start(two.b.clone(), subjects(), other.clone());
    until(&before, &one, Standing::Alive).await;
    until(&before, &other, Standing::Alive).await;
    // Who comes later asks, and need not wait for the next beat.
    let later = Follower::start(two.a.clone(), subjects());
    until(&later, &one, Standing::Alive).await;
    until(&later, &other, Standing::Alive).await;
    a.drain(true);
    until(&later, &one, Standing::Draining).await;
    a.drain(false);
    until(&later, &one, Standing::Alive).await;
    // Nobody speaks for another.
    let forged = Beat { server_id: one.clone(), generation: i64::MAX, word: Word::Leaving };
    let payload = serde_json::to_vec(&forged).unwrap();
    two.b.publish(&subjects().presence(&other), payload.into()).await.unwrap();
    b.leave().await.unwrap();
    until(&later, &other, Standing::Left).await;
    until(&before, &other, Standing::Left).await;
    assert_eq!(later.members().borrow().standing(&one, Instant::now()), Some(Standing::Alive));
}
