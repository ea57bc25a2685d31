//! A broker in memory: members reach it over ways with a delay, which can be cut.
//!
//! As over TCP: what is sent into a way that is cut waits, and arrives when it is mended within [`NOTICE`]; then both ends
//! give the connection up, what waited is lost, and the member is told of a gap when it comes back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cluster::transporter::{
    Gap, InProcess, Link, PublishError, RequestError, Requests, Subscription, Transporter,
};
use cluster::{Pattern, Subject};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::asked::Asked;
use super::lane::{Lane, Way};

/// After so long both ends know that nothing passes.
pub const NOTICE: Duration = Duration::from_secs(5);
/// Until a way that is open again is tried.
const RECONNECT: Duration = Duration::from_secs(1);

/// In the subject of what a server says of itself.
const UPDATE: &str = ".update.";

/// The broker. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Bus(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ports: Mutex<Vec<Arc<Port>>>,
    turn: AtomicUsize,
    updates: AtomicUsize,
}

/// A member's connection.
#[derive(Debug)]
pub struct Port {
    bus: Bus,
    /// Who listens and serves behind it.
    pub(super) local: InProcess,
    serves: Mutex<BTreeSet<String>>,
    link: watch::Sender<Link>,
    way: watch::Sender<Way>,
    cuts: AtomicUsize,
    /// As [`Port::reach`] was told last.
    reaches: AtomicBool,
    pub(super) up: Lane,
    pub(super) down: Lane,
}

impl Bus {
    /// `delay`: to the broker, one way.
    pub fn join(&self, delay: Duration) -> Arc<Port> {
        let way = watch::Sender::new(Way::Open);
        let port = Arc::new(Port {
            bus: self.clone(),
            local: InProcess::new(),
            serves: Mutex::default(),
            link: watch::Sender::new(Link::Up { since: Timestamp::now() }),
            up: Lane::new(delay, way.subscribe()),
            down: Lane::new(delay, way.subscribe()),
            way,
            cuts: AtomicUsize::new(0),
            reaches: AtomicBool::new(true),
        });
        self.0.ports.lock().expect("no panic while held").push(Arc::clone(&port));
        port
    }

    fn ports(&self) -> Vec<Arc<Port>> {
        self.0.ports.lock().expect("no panic while held").clone()
    }

    /// Descriptions of servers that have come to it so far.
    pub fn updates(&self) -> usize {
        self.0.updates.load(Ordering::Relaxed)
    }

    fn publish(&self, subject: &Subject, payload: &Bytes) {
        if subject.as_str().contains(UPDATE) {
            self.0.updates.fetch_add(1, Ordering::Relaxed);
        }
        for port in self.ports() {
            let (local, subject, payload) = (port.local.clone(), subject.clone(), payload.clone());
            port.down.send(move || {
                local
                    .publish(&subject, payload)
                    .now_or_never()
                    .expect("it does not wait")
                    .expect("it is short");
            });
        }
    }

    /// Asks the next of those who serve `subject`, as far as the broker knows.
    fn ask(&self, asked: Asked) {
        let serves = |port: &Arc<Port>| {
            *port.way.borrow() != Way::Broken
                && port.serves.lock().expect("no panic while held").contains(asked.subject.as_str())
        };
        let serving: Vec<_> = self.ports().into_iter().filter(serves).collect();
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        match turn.checked_rem(serving.len()) {
            Some(picked) => asked.put_to(&serving[picked]),
            None => asked.answer(Err(RequestError::NoResponders)),
        }
    }
}

impl Port {
    /// Nothing passes any more.
    pub fn cut(self: &Arc<Self>) {
        let cut = self.cuts.fetch_add(1, Ordering::Relaxed) + 1;
        self.way
            .send_if_modified(|way| *way == Way::Open && std::mem::replace(way, Way::Stalled) == Way::Open);
        let port = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(NOTICE).await;
            if port.cuts.load(Ordering::Relaxed) == cut {
                port.way.send_replace(Way::Broken);
                let why = "the broker does not answer".into();
                port.link.send_replace(Link::Down { since: Timestamp::now(), why });
            }
        });
    }

    pub fn mend(self: &Arc<Self>) {
        let cut = self.cuts.fetch_add(1, Ordering::Relaxed) + 1;
        if *self.way.borrow() == Way::Stalled {
            self.way.send_replace(Way::Open);
        } else if *self.way.borrow() == Way::Broken {
            let port = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(RECONNECT).await;
                if port.cuts.load(Ordering::Relaxed) == cut {
                    port.way.send_replace(Way::Open);
                    port.link.send_replace(Link::Up { since: Timestamp::now() });
                    port.local.tell(Gap::Reconnected);
                }
            });
        }
    }

    /// Cuts or mends it, unless it is so already.
    pub fn reach(self: &Arc<Self>, reaches: bool) {
        if self.reaches.swap(reaches, Ordering::Relaxed) != reaches {
            if reaches { self.mend() } else { self.cut() }
        }
    }

    /// Its process ended.
    pub fn close(self: &Arc<Self>) {
        self.bus.0.ports.lock().expect("no panic while held").retain(|port| !Arc::ptr_eq(port, self));
    }

    fn is_up(&self) -> bool {
        self.link.borrow().is_up()
    }
}

impl Transporter for Port {
    fn publish(&self, subject: &Subject, payload: Bytes) -> BoxFuture<'_, Result<(), PublishError>> {
        let (bus, subject) = (self.bus.clone(), subject.clone());
        let sent = if self.is_up() {
            self.up.send(move || bus.publish(&subject, &payload));
            Ok(())
        } else {
            Err(PublishError::Disconnected)
        };
        std::future::ready(sent).boxed()
    }

    fn subscribe(&self, pattern: &Pattern) -> BoxFuture<'_, Subscription> {
        self.local.subscribe(pattern)
    }

    fn serve(&self, subject: &Subject) -> BoxFuture<'_, Requests> {
        self.serves.lock().expect("no panic while held").insert(subject.as_str().to_owned());
        self.local.serve(subject)
    }

    fn request(
        &self,
        subject: &Subject,
        payload: Bytes,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Bytes, RequestError>> {
        let (bus, subject) = (self.bus.clone(), subject.clone());
        let asker = self.bus.ports().into_iter().find(|port| std::ptr::eq(&raw const **port, self));
        async move {
            let Some(asker) = asker.filter(|port| port.is_up()) else {
                return Err(RequestError::Disconnected);
            };
            let (answer, answered) = oneshot::channel();
            let mut link = self.link.subscribe();
            let asked = Asked { subject, payload, patience, asker, answer };
            self.up.send(move || bus.ask(asked));
            tokio::select! {
                biased;
                answer = answered => answer.unwrap_or(Err(RequestError::Deadline)),
                _ = link.wait_for(|link| !link.is_up()) => Err(RequestError::Disconnected),
                () = tokio::time::sleep(patience) => Err(RequestError::Deadline),
            }
        }
        .boxed()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }
}
