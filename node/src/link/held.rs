//! One tunnel in the hands of its link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tunnel::wire::control::Control;
use tunnel::{CloseCode, Transport, Tunnel};

use super::board::Shown;

/// Long enough for streams that the gateway opened before it read that it should not.
const UNDER_WAY: Duration = Duration::from_millis(500);
/// A released tunnel lives as long as its streams do; a gateway that wants a deadline is told a day.
const NO_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// One tunnel; closed when dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// Numbers the tunnels of one link.
    pub(super) stripe: usize,
    pub(super) tunnel: Tunnel,
    pub(super) phase: Phase,
    pub(super) since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Takes new streams.
    Live,
    /// Its gateway said that it goes away.
    GatewayDrains,
    /// Not needed any more, since then; closed after its last stream.
    Released(Instant),
}

impl Held {
    pub(super) fn new(stripe: usize, tunnel: Tunnel) -> Self {
        Self { stripe, tunnel, phase: Phase::Live, since: Instant::now() }
    }

    /// Whether the gateway opens new streams on it.
    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live && !self.tunnel.is_doubtful()
    }

    pub(super) fn is_live_over(&self, carrier: Transport) -> bool {
        self.is_live() && self.tunnel.transport() == carrier
    }

    pub(super) fn is_doubtful_over(&self, carrier: Transport) -> bool {
        self.phase == Phase::Live && self.tunnel.is_doubtful() && self.tunnel.transport() == carrier
    }

    pub(super) fn is_released(&self) -> bool {
        matches!(self.phase, Phase::Released(_))
    }

    /// Takes it out of service; its streams go on.
    pub(super) fn release(&mut self) {
        self.phase = Phase::Released(Instant::now());
        self.drain(NO_DEADLINE, "this tunnel is not needed any more");
    }

    pub(super) fn drain(&self, deadline: Duration, reason: &str) {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.tunnel.send(Control::Drain { deadline_ms, reason: reason.to_owned() });
    }

    /// Closes a released tunnel that has no stream left.
    pub(super) fn close_if_empty(&self, now: Instant) {
        if let Phase::Released(since) = self.phase
            && self.tunnel.open_streams() == 0
            && now.saturating_duration_since(since) >= UNDER_WAY
        {
            self.tunnel.close(CloseCode::Released, "not needed any more");
        }
    }

    pub(super) fn shown(&self) -> Shown {
        Shown { tunnel: self.tunnel.clone(), leaving: self.phase != Phase::Live }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closed already, unless the link itself was dropped.
        self.tunnel.close(CloseCode::Shutdown, "this node goes away");
    }
}

/// Tells a link that a stream was opened, without costing the streams anything.
#[derive(Debug, Default)]
pub(super) struct Activity {
    seen: AtomicBool,
    wake: Notify,
}

impl Activity {
    /// One relaxed load for all but the first stream after [`Self::take`].
    pub(super) fn note(&self) {
        if !self.seen.load(Ordering::Relaxed) && !self.seen.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    /// Whether a stream was opened since the last call.
    pub(super) fn take(&self) -> bool {
        self.seen.swap(false, Ordering::Relaxed)
    }

    pub(super) async fn first(&self) {
        self.wake.notified().await;
    }
}
