//! The dial that a link has under way; there is one at a time.

use tokio::task::JoinHandle;
use tunnel::race::Known;
use tunnel::{Transport, Tunnel};

use super::dial::{self, Call, NoTunnel};
use super::keeper::Keeper;
use super::plan::How;

/// A dial under way.
#[derive(Debug)]
pub(super) struct Dialling {
    pub(super) how: How,
    pub(super) stripe: usize,
    pub(super) task: JoinHandle<Result<Tunnel, NoTunnel>>,
}

impl Keeper {
    pub(super) fn dial(&mut self, how: How) {
        let taken = |stripe: &usize| self.held.iter().any(|held| held.stripe == *stripe);
        let stripe = (0..).find(|stripe| !taken(stripe)).expect("numbers do not end");
        let call = Call {
            me: self.me.clone(),
            host: self.gateway.host.clone(),
            port: self.gateway.port,
            trust: self.gateway.trust(),
            hello: self.me.hello(&self.gateway, &self.desk.table()),
            stripe,
            home: self.me.shards.get(self.first_shard + stripe).clone(),
        };
        // QUIC is probed for while TLS is what passed last.
        let winner = self.probe.as_ref().map(|_| Transport::Tls);
        let task = tokio::spawn(dial::dial(call, how, Known { rtt: self.rtt, winner }));
        self.dialling = Some(Dialling { how, stripe, task });
    }
}

/// Waits for its end; for ever when there is none. Cancel safe.
pub(super) async fn finished(dialling: &mut Option<Dialling>) -> Result<Tunnel, NoTunnel> {
    let Some(Dialling { task, .. }) = dialling else { return std::future::pending().await };
    match task.await {
        Ok(dialled) => dialled,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
