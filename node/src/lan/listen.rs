//! Streams that peers hand on to this node.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use tunnel::tls::lan::{LanError, LanListener};

use crate::me::Me;
use crate::serve::Desk;

/// The LAN listener and its task; dropped, it closes the peers' connections.
#[derive(Debug)]
pub(crate) struct Listening {
    wanted: SocketAddr,
    listener: Arc<LanListener>,
    _accepting: AbortOnDropHandle<()>,
}

impl Listening {
    /// Lets in the peers of the table that `desk` has when they come.
    pub(crate) async fn start(address: SocketAddr, me: &Me, desk: &Arc<Desk>) -> Result<Self, LanError> {
        let asked = desk.clone();
        let allowed = move |key: &_| asked.table().is_peer(key);
        let listener = LanListener::bind(address, &me.start.identity.key, &me.shards, allowed).await?;
        tracing::info!(address = %listener.address(), "listening for peers");
        let listener = Arc::new(listener);
        let (accepting, desk, shards) = (listener.clone(), desk.clone(), me.shards.clone());
        let task = tokio::spawn(async move {
            loop {
                let incoming = accepting.accept().await;
                desk.clone().take(incoming, shards.next());
            }
        });
        Ok(Self { wanted: address, listener, _accepting: AbortOnDropHandle::new(task) })
    }

    /// Whether this is what lan.json says now.
    pub(crate) fn is_at(&self, address: SocketAddr) -> bool {
        self.wanted == address
    }

    /// Where it listens; with port 0 in lan.json, the port that the kernel chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The table has other peers now.
    pub(crate) fn recheck(&self) {
        self.listener.recheck();
    }
}
