//! What a link makes of what happened to its dials and tunnels.

use jiff::Timestamp;
use tokio::time::Instant;
use tunnel::{Close, Event, Refusal, Transport, Tunnel};

use super::dial::NoTunnel;
use super::held::{Held, Phase};
use super::keeper::{Keeper, Note, Refused};
use super::plan::How;
use super::probe::Probe;
use super::{backoff, refusal};

static ADVICE: std::sync::Once = std::sync::Once::new();

impl Keeper {
    pub(super) fn dialled(&mut self, tunnel: Tunnel) {
        let Some(dialling) = self.dialling.take() else { return };
        let carrier = tunnel.transport();
        if self.live().next().is_none() || dialling.how == How::Probe {
            tracing::info!(gateway = %self.gateway.address(), transport = %carrier, remote = %tunnel.remote(), "connected");
        }
        if let Some(advice) = tunnel.udp_buffers().and_then(|buffers| buffers.advice()) {
            // The same for all tunnels of this machine.
            ADVICE.call_once(|| tracing::warn!("{advice}"));
        }
        self.row.connected(Instant::now());
        self.retry_at = None;
        self.refused = None;
        self.serve(&tunnel);
        if self.desk.is_resting() {
            self.tell(&tunnel);
        }
        self.held.push(Held::new(dialling.stripe, tunnel));
        self.end_orphans();
        self.probe = match (carrier, self.probe) {
            (Transport::Quic, _) => None,
            (Transport::Tls, Some(probe)) => Some(probe),
            (Transport::Tls, None) => Some(Probe::start(Instant::now(), tunnel::chance::random())),
        };
    }

    /// Streams and events of the tunnel are taken on its own thread.
    fn serve(&mut self, tunnel: &Tunnel) {
        let (desk, activity) = (self.desk.clone(), self.activity.clone());
        let (serving, heard) = (tunnel.clone(), tunnel.clone());
        let (id, notes, way) = (tunnel.id().to_owned(), self.notes.0.clone(), tunnel.way());
        let task = async move {
            let streams = desk.serve_tunnel(serving, || activity.note());
            let forward = async {
                let mut known = way.now();
                loop {
                    let note = tokio::select! {
                        biased;
                        event = heard.event() => Note::Said(event),
                        // Waits for ever when the tunnel has closed; the other half of this task ends then.
                        () = way.leaves(known) => {
                            known = way.now();
                            Note::WayChanged
                        }
                    };
                    let _link_is_gone = notes.send((id.clone(), note)).await;
                }
            };
            let close = tokio::select! { biased; close = streams => close, close = forward => close };
            (id, close)
        };
        self.serving.spawn_on(task, tunnel.home().handle());
    }

    pub(super) fn not_dialled(&mut self, error: NoTunnel) {
        let Some(dialling) = self.dialling.take() else { return };
        if dialling.how == How::Probe {
            tracing::debug!(gateway = %self.gateway.address(), %error, "QUIC does not pass yet");
            return self
                .probe
                .iter_mut()
                .for_each(|probe| probe.failed(Instant::now(), tunnel::chance::random()));
        }
        match error {
            NoTunnel::Refused(refusal) => self.sent_away(refusal),
            error => {
                self.warn(error.to_string());
                self.back_off();
            }
        }
    }

    fn sent_away(&mut self, refusal: Refusal) {
        self.warn(format!("the gateway refused: {refusal}"));
        if refusal.code.is_temporary() {
            return self.back_off();
        }
        let wait = backoff::refused(tunnel::chance::random());
        self.retry_at = Some(Instant::now() + wait);
        self.refused = Some(Refused { refusal, retry: Timestamp::now() + wait });
    }

    fn back_off(&mut self) {
        let now = Instant::now();
        self.retry_at = Some(now + self.row.failed(now, tunnel::chance::random()));
    }

    /// A warning once, however often it comes again.
    fn warn(&self, what: String) {
        let gateway = self.gateway.address();
        if self.board.failed(what.clone()) {
            tracing::warn!(%gateway, "{what}");
        } else {
            tracing::debug!(%gateway, "again: {what}");
        }
    }

    pub(super) fn ended(&mut self, id: &str, close: &Close) {
        let Some(index) = self.held.iter().position(|held| held.tunnel.id() == id) else { return };
        let held = self.held.remove(index);
        self.orphans.add(&held.tunnel);
        self.end_orphans();
        if held.is_released() {
            return;
        }
        match refusal::of_close(close.code).filter(|_| close.remote) {
            Some(code) => self.sent_away(Refusal { code, reason: close.reason.clone() }),
            None => {
                self.warn(format!("the tunnel over {} was lost: {close}", held.tunnel.transport()));
                self.lost(held.since);
            }
        }
    }

    fn end_orphans(&mut self) {
        let reached: Vec<_> = self.held.iter().filter_map(|held| held.tunnel.process()).collect();
        self.orphans.end(&reached);
    }

    /// All tunnels end when their gateway does, each when it hears of it: that is one failure. Counted and waited for
    /// once more each, four tunnels kept a node away for more than 30 s after a few restarts of its gateway.
    fn lost(&mut self, since: Instant) {
        let now = Instant::now();
        if self.dialling.is_some() || self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        if self.live().any(|live| live.since > since) {
            // The gateway is there again already.
            self.retry_at = Some(now + backoff::delay(std::time::Duration::ZERO, tunnel::chance::random()));
            return;
        }
        self.back_off();
    }

    pub(super) fn noted(&mut self, id: &str, note: Note) {
        let Some(held) = self.held.iter_mut().find(|held| held.tunnel.id() == id) else { return };
        match note {
            Note::Said(Event::Drain { deadline, reason }) => {
                held.phase = Phase::GatewayDrains;
                tracing::info!(gateway = %self.gateway.address(), ?deadline, reason, "the gateway goes away");
            }
            // A gateway offers nothing to nodes.
            Note::Said(Event::Update { .. }) => {}
            Note::WayChanged if held.tunnel.is_doubtful() => {
                let what = format!("the gateway is not heard any more over {}", held.tunnel.transport());
                self.warn(what);
            }
            Note::WayChanged => {
                tracing::info!(gateway = %self.gateway.address(), "the gateway is heard again");
            }
        }
    }
}
