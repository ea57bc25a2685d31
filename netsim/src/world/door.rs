//! Where people come in: a port of a gateway for each node, with the shipped router and pump behind it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use relay::{Router, Want};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::network::ByteStream;
use tunnel::pump::{self, Patience};
use tunnel::{ServerId, Stream, TraceId};

use super::tcp::{Listener, Socket};
use super::watch::Watch;
use crate::plan::HostId;

/// People come in at this port and the number of the node's host on top.
pub(crate) const SERVICES: u16 = 10_000;
/// The name of the service that nodes offer.
pub(crate) const SERVICE: &str = "work";

/// A port that leads to a service of one node.
pub(super) struct Door {
    pub(super) router: Router,
    pub(super) gateway: HostId,
    pub(super) server: ServerId,
    /// Streams through this door.
    pub(super) open: Arc<AtomicUsize>,
    pub(super) streams: TaskTracker,
    pub(super) watch: Arc<Watch>,
}

impl Door {
    pub(super) async fn serve(self, listener: Listener) {
        let door = Arc::new(self);
        let open = Mutex::new(Vec::new());
        loop {
            let (socket, client) = listener.accept().await;
            let task = door.streams.spawn(door.clone().lead(socket, client));
            let mut open = open.lock().expect("no panic while held");
            open.retain(|task: &AbortOnDropHandle<()>| !task.is_finished());
            open.push(AbortOnDropHandle::new(task));
        }
    }

    /// One client. As in the gateway, what opens the stream is freed before the first byte flows.
    fn lead(self: Arc<Self>, mut socket: Socket, client: SocketAddr) -> impl Future<Output = ()> + Send {
        let opening = Box::pin(self.clone().open(client));
        async move {
            let Some(stream) = opening.await else { return };
            let _open = Open::count(&self.open);
            let moved = pump::join(&mut socket, stream, Patience::default()).await;
            if moved.end != pump::End::Finished {
                // As the gateway does: an end that is none must not look like one.
                socket.break_off();
            }
        }
    }

    /// Nothing when the router turns the client away: it sees its connection end.
    async fn open(self: Arc<Self>, client: SocketAddr) -> Option<Stream> {
        let want = Want {
            server: Some(self.server.clone()),
            sticky: None,
            service: SERVICE.into(),
            client: Some(client),
            trace: TraceId::random(),
        };
        // Asked before the router is, so that a drain meanwhile is nobody's fault.
        let drained = self.watch.is_drained(self.gateway);
        let opened = self.router.open(&want, Bytes::new()).await;
        let opened = opened.inspect_err(|error| tracing::debug!(%error, "a client was turned away")).ok()?;
        if drained {
            self.watch.violated("a drained gateway gets no new streams", &format!("{client}"));
        }
        Some(opened.stream)
    }
}

/// One stream, until this is dropped.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
