use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tunnel::{Fingerprint, ServerId, Transport};

use super::*;

/// A tunnel that exists only for the tests of decisions.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    pub id: String,
    pub transport: Transport,
    pub shard: usize,
    pub open: usize,
    pub doubtful: bool,
    pub closed: Arc<AtomicUsize>,
}

impl Fake {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            transport: Transport::Quic,
            shard: 0,
            open: 0,
            doubtful: false,
            closed: Arc::default(),
        }
    }

    pub(crate) fn over_tls(self) -> Self {
        Self { transport: Transport::Tls, ..self }
    }

    pub(crate) fn doubtful(self) -> Self {
        Self { doubtful: true, ..self }
    }

    pub(crate) fn with(self, open: usize, shard: usize) -> Self {
        Self { open, shard, ..self }
    }

    pub(crate) fn close(&self) {
        self.closed.store(1, Ordering::Relaxed);
    }
}

impl Link for Fake {
    fn id(&self) -> &str {
        &self.id
    }
    fn transport(&self) -> Transport {
        self.transport
    }
    fn shard(&self) -> usize {
        self.shard
    }
    fn open_streams(&self) -> usize {
        self.open
    }
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed) > 0
    }
    fn is_doubtful(&self) -> bool {
        self.doubtful
    }
}

pub(crate) fn id(id: &str) -> ServerId {
    ServerId::new(id).unwrap()
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn registration(server: &str, generation: u64) -> Registration {
    Registration {
        id: id(server),
        key: Fingerprint::of_public_key(server.as_bytes()),
        version: "1".into(),
        generation,
        services: vec!["ssh".into(), "portal".into()],
        reach: Vec::new(),
    }
}

fn names(links: &[Fake]) -> Vec<&str> {
    links.iter().map(|link| link.id.as_str()).collect()
}

fn tunnels(registry: &Registry<Fake>, server: &str) -> Vec<String> {
    let snapshot = registry.snapshot();
    let server = snapshot.server(&id(server)).expect("known");
    server.tunnels.iter().map(|entry| entry.link.id.clone()).collect()
}

#[test]
fn the_newest_generation_wins_and_the_old_tunnels_are_handed_out() {
    let mut registry = Registry::default();
    for tunnel in ["a1", "a2"] {
        assert!(registry.register(registration("a", 1), Fake::new(tunnel), at(1)).unwrap().is_empty());
    }
    let displaced = registry.register(registration("a", 2), Fake::new("b"), at(9)).unwrap();
    assert_eq!(names(&displaced), ["a1", "a2"]);
    assert_eq!(tunnels(&registry, "a"), ["b"]);
    assert_eq!(registry.snapshot().server(&id("a")).unwrap().since, at(9));
    let stale = registry.register(registration("a", 1), Fake::new("late"), at(10)).unwrap_err();
    assert_eq!(stale, NotRegistered::Stale { newest: 2, ours: 1 });
    assert_eq!(tunnels(&registry, "a"), ["b"]);
}

#[test]
fn teardown_removes_only_its_own() {
    let mut registry = Registry::default();
    registry.register(registration("a", 1), Fake::new("old"), at(1)).unwrap();
    registry.register(registration("a", 2), Fake::new("new"), at(2)).unwrap();
    assert_eq!(registry.remove(&id("a"), "old", at(3)), Removed::Nothing);
    assert_eq!(tunnels(&registry, "a"), ["new"]);
    registry.register(registration("a", 2), Fake::new("more"), at(4)).unwrap();
    assert_eq!(registry.remove(&id("a"), "new", at(5)), Removed::OneOfSeveral);
    assert_eq!(registry.remove(&id("a"), "more", at(6)), Removed::Last);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.server(&id("a")).unwrap().since, at(6));
    assert!(snapshot.offering("ssh").is_empty());
}

#[test]
fn a_lower_count_is_welcome_when_nobody_else_is_there() {
    let mut registry = Registry::default();
    registry.register(registration("a", 7), Fake::new("x"), at(1)).unwrap();
    registry.remove(&id("a"), "x", at(2));
    registry.register(registration("a", 3), Fake::new("y"), at(3)).unwrap();
    assert_eq!(tunnels(&registry, "a"), ["y"]);
}

#[test]
fn stripes_are_bounded() {
    let mut registry = Registry::default();
    for n in 0..STRIPES {
        registry.register(registration("a", 1), Fake::new(&n.to_string()), at(1)).unwrap();
    }
    let more = registry.register(registration("a", 1), Fake::new("more"), at(1));
    assert_eq!(more.unwrap_err(), NotRegistered::TooMany);
    assert_eq!(tunnels(&registry, "a").len(), STRIPES);
}

#[test]
fn a_remembered_server_is_unreachable_until_it_comes() {
    let mut registry = Registry::<Fake>::default();
    registry.remember(id("a"), Fingerprint::of_public_key(b"a"), at(5));
    assert!(!registry.snapshot().server(&id("a")).unwrap().is_healthy());
    registry.register(registration("a", 1), Fake::new("t"), at(8)).unwrap();
    registry.remember(id("a"), Fingerprint::of_public_key(b"a"), at(9));
    assert!(registry.snapshot().server(&id("a")).unwrap().is_healthy());
}

#[test]
fn updates_count_only_from_a_registered_tunnel() {
    let mut registry = Registry::default();
    registry.register(registration("a", 1), Fake::new("t"), at(1)).unwrap();
    registry.update(&id("a"), "stranger", vec!["vnc".into()], vec![], true);
    assert!(registry.snapshot().offering("vnc").is_empty());
    registry.update(&id("a"), "t", vec!["vnc".into()], vec![id("b")], true);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.offering("vnc").len(), 1);
    assert!(snapshot.offering("ssh").is_empty());
    assert_eq!(snapshot.relays(&id("b"))[0].id, id("a"));
}

#[test]
fn forgetting_hands_out_the_tunnels() {
    let mut registry = Registry::default();
    registry.register(registration("a", 1), Fake::new("t"), at(1)).unwrap();
    assert_eq!(names(&registry.forget(&id("a"))), ["t"]);
    assert!(registry.snapshot().server(&id("a")).is_none());
}

#[test]
fn a_snapshot_does_not_change() {
    let mut registry = Registry::default();
    registry.register(registration("a", 1), Fake::new("t"), at(1)).unwrap();
    let before = registry.snapshot();
    registry.drain(&id("a"), "t");
    assert!(before.server(&id("a")).unwrap().is_healthy());
    assert!(!registry.snapshot().server(&id("a")).unwrap().is_healthy());
}
