//! How a link tells: to its gateway what changed or that the node goes, to the board what it is doing.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tunnel::wire::control::Control;
use tunnel::{CloseCode, Transport, Tunnel};

use super::held::{Held, Phase};
use super::keeper::{Keeper, Refused};
use super::refusal;
use crate::status::LinkState;

/// How often a leaving link counts its streams.
const LOOK: Duration = Duration::from_millis(100);
/// Streams that the gateway opened before it read that the node goes are still on their way for this long.
const UNDER_WAY: Duration = Duration::from_millis(300);

impl Keeper {
    pub(super) fn announce(&self) {
        self.held.iter().for_each(|held| self.tell(&held.tunnel));
    }

    /// What this node is now. A hello says all of it but whether it rests.
    pub(super) fn tell(&self, tunnel: &Tunnel) {
        let (table, resting) = (self.desk.table(), self.desk.is_resting());
        tunnel.send(Control::Update { services: table.service_names(), reach: table.reach(), resting });
    }

    /// Ends the link: no new streams; open ones may end until the deadline.
    pub(super) async fn retire(mut self, deadline: Duration, reason: &str) {
        if let Some(dialling) = self.dialling.take() {
            // What comes of it is not wanted any more; a handshake ends within seconds.
            tokio::spawn(async move {
                if let Ok(Ok(tunnel)) = dialling.task.await {
                    tunnel.close(CloseCode::Shutdown, "this node goes away");
                }
            });
        }
        self.held.iter().for_each(|held| held.drain(deadline, reason));
        let ends = Instant::now() + deadline;
        if !self.held.is_empty() {
            tokio::time::sleep(UNDER_WAY.min(deadline)).await;
        }
        while self.held.iter().any(|held| held.tunnel.open_streams() > 0) && Instant::now() < ends {
            tokio::time::sleep(LOOK).await;
        }
        self.held.iter().for_each(|held| held.tunnel.close(CloseCode::Shutdown, reason));
        while self.serving.join_next().await.is_some() {}
    }

    pub(super) fn show(&mut self) {
        if let Some(rtt) = self.live().filter_map(|held| held.tunnel.stats().rtt).min() {
            self.rtt = Some(rtt);
        }
        let quic_retry =
            self.probe.filter(|_| self.live_over(Transport::Tls) > 0).map(|probe| moment(probe.at()));
        self.board.show(self.state(), self.held.iter().map(Held::shown).collect(), quic_retry);
    }

    fn state(&self) -> LinkState {
        if self.live().next().is_some() {
            return LinkState::Connected;
        }
        if self.held.iter().any(|held| held.phase == Phase::GatewayDrains) {
            return LinkState::Draining;
        }
        if let Some(Refused { refusal, retry }) = &self.refused {
            return LinkState::Refused {
                code: refusal.code,
                reason: refusal.reason.clone(),
                next_step: refusal::next_step(refusal.code).to_owned(),
                retry: *retry,
            };
        }
        match self.retry_at {
            Some(at) if self.dialling.is_none() => LinkState::Waiting { retry: moment(at) },
            _ => LinkState::Connecting,
        }
    }
}

/// The wall clock's reading at `at`, which is not in the past.
fn moment(at: Instant) -> Timestamp {
    Timestamp::now() + at.saturating_duration_since(Instant::now())
}
