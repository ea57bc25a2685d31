//! How a gateway ends: everybody is told, what is open may finish, then everything is cut.

use std::time::Duration;

use tunnel::quic::Listener;

use super::Gateway;

/// After the deadline of a drain: for nodes to hear why, and for tasks to see their ends.
const FAREWELL: Duration = Duration::from_secs(2);

impl Gateway {
    /// Takes the gateway out of service: nodes are told, ports close, new streams are refused, open ones may finish
    /// within `limit`; then everything ends.
    pub async fn drain(&self, limit: Duration) {
        let inner = &self.0;
        inner.router.drain();
        inner.ports.close();
        inner.front.close().await;
        inner.quic.iter().for_each(Listener::close);
        inner.nodes.announce_drain(limit, "the gateway is being taken out of service");
        inner.streams.close();
        let (finished, ()) =
            tokio::join!(tokio::time::timeout(limit, inner.streams.wait()), inner.front.drain(limit));
        let finished = finished.is_ok();
        tracing::info!(
            left = inner.streams.len(),
            "{}",
            if finished { "drained" } else { "drain deadline reached" }
        );
        self.end().await;
    }

    /// Asks whoever runs the gateway to drain it.
    pub fn ask_to_drain(&self) {
        self.0.leave.cancel();
    }

    /// Waits until somebody asked for a drain.
    pub async fn asked_to_drain(&self) {
        self.0.leave.cancelled().await;
    }

    async fn end(&self) {
        let inner = &self.0;
        inner.cut.cancel();
        inner.nodes.close_all("the gateway ends");
        let _impatient = tokio::time::timeout(FAREWELL, inner.streams.wait()).await.is_err();
        inner.stop.cancel();
        inner.tasks.close();
        let _impatient = tokio::time::timeout(FAREWELL, inner.tasks.wait()).await.is_err();
        inner.admission.finish().await;
    }
}
