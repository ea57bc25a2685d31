//! The handle of one tunnel: open and accept streams, watch it, close it; the carrier stays hidden.

mod control;
mod queue;
mod shared;
mod slot;
mod stats;
mod way;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::carrier::Carrier;
use crate::error::{Close, CloseCode};
use crate::lifeline::{Lifeline, Survivors};
use crate::quic;
use crate::shard::Shard;
use crate::wire::Process;
use crate::wire::control::{Control, Welcome};

pub(crate) use control::{ControlHalves, Role};
pub(crate) use queue::Queue;
use shared::Shared;
pub(crate) use slot::begin;
pub use slot::{Incoming, Slot};
pub use stats::{Stats, Transport};
pub use way::{Way, WayWatch};

/// What the other side said beside the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It goes away: open no new streams to it; what is open may finish within `deadline`.
    Drain { deadline: Duration, reason: String },
    /// What it offers, or can reach, changed; or whether it rests.
    Update { services: Vec<String>, reach: Vec<crate::identity::ServerId>, resting: bool },
}

/// One open tunnel; cheap to clone. Dropping the last clone does not close it: [`Tunnel::close`] does.
#[derive(Clone)]
pub struct Tunnel(Arc<Shared>);

impl Tunnel {
    /// Starts the control task on `home`; the hello is already exchanged.
    pub(crate) fn start(
        Welcome { tunnel_id: id, process, .. }: Welcome,
        role: Role,
        home: Shard,
        remote: SocketAddr,
        carrier: Carrier,
        control: ControlHalves,
    ) -> Self {
        let tunnel = Self(Arc::new(Shared {
            id,
            home: home.clone(),
            remote,
            since: Instant::now(),
            carrier,
            streams: Arc::default(),
            control: Queue::default(),
            events: Queue::default(),
            closed: CancellationToken::new(),
            close: OnceLock::new(),
            ping: Mutex::new(None),
            way: WayWatch::default(),
            process,
            survivors: Survivors::default(),
        }));
        home.spawn(tunnel.clone().run(role, control));
        tunnel
    }

    pub fn id(&self) -> &str {
        &self.0.id
    }

    pub fn transport(&self) -> Transport {
        match self.0.carrier {
            Carrier::Quic(_) => Transport::Quic,
            Carrier::Tls(_) => Transport::Tls,
        }
    }

    /// The shard that the tunnel lives on.
    pub fn home(&self) -> &Shard {
        &self.0.home
    }

    pub fn remote(&self) -> SocketAddr {
        match &self.0.carrier {
            // QUIC follows a peer whose address changes.
            Carrier::Quic(quic) => quic.remote(),
            Carrier::Tls(_) => self.0.remote,
        }
    }

    /// Which start of which gateway is at its one end, if the gateway says so.
    pub fn process(&self) -> Option<Process> {
        self.0.process
    }

    /// The streams on it that outlive it.
    pub fn survivors(&self) -> &Survivors {
        &self.0.survivors
    }

    /// Whether the other side was heard lately, also in future.
    pub fn way(&self) -> WayWatch {
        self.0.way.clone()
    }

    pub fn is_doubtful(&self) -> bool {
        self.0.way.now() == Way::Doubtful
    }

    /// What the kernel granted for the UDP socket that this side dialled from.
    pub fn udp_buffers(&self) -> Option<quic::BufferSizes> {
        match &self.0.carrier {
            Carrier::Quic(quic) => quic.buffers(),
            Carrier::Tls(_) => None,
        }
    }

    pub fn open_streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

    /// From here on `line` runs over this tunnel.
    pub(crate) fn adopt(&self, line: &Arc<Lifeline>) {
        self.0.survivors.adopt(line);
        // It may have closed meanwhile; then nobody else tells the stream.
        if let Some(close) = self.0.close.get() {
            self.0.survivors.closed(close);
        }
    }

    /// Waits for what the other side says next, for ever when the tunnel has closed. There is one listener; a dropped call
    /// loses nothing.
    pub async fn event(&self) -> Event {
        self.0.events.next().await
    }

    /// Sends a control message; the tunnel is closed if the other side does not read them.
    pub fn send(&self, message: Control) {
        if self.0.control.push(message).is_err() {
            self.close(CloseCode::Silent, "control messages are not read");
        }
    }

    /// Closes the tunnel and resets its streams; the other side learns the code and the reason.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.shut(Close::local(code, reason));
    }

    /// Waits until the tunnel is closed, by either side.
    pub async fn closed(&self) -> Close {
        self.0.closed.cancelled().await;
        self.0.close.get().cloned().unwrap_or_else(|| Close::local(CloseCode::Done, "closed"))
    }

    pub fn is_closed(&self) -> bool {
        self.0.close.get().is_some()
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tunnel({} over {} with {})", self.0.id, self.transport(), self.0.remote)
    }
}
