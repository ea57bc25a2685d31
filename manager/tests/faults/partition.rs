//! A network between two machines that can be cut: bytes stay where they are, and nobody is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Leads connections from a port on, until it is cut; what comes then waits, as in retransmissions.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) port: u16,
    open: Arc<watch::Sender<bool>>,
    _task: JoinSet<()>,
}

impl Partition {
    /// On the same address as what it leads to, so that certificates are right.
    pub(crate) async fn start(address: Ipv4Addr, to: u16) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(watch::Sender::new(true));
        let mut task = JoinSet::new();
        task.spawn(lead(listener, (address, to).into(), Arc::clone(&open)));
        Self { port, open, _task: task }
    }

    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn heal(&self) {
        self.open.send_replace(true);
    }
}

async fn lead(listener: TcpListener, to: SocketAddr, open: Arc<watch::Sender<bool>>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let open = open.subscribe();
        connections.spawn(async move {
            let mut gate = open.clone();
            if gate.wait_for(|open| *open).await.is_err() {
                return;
            }
            let Ok(far) = TcpStream::connect(to).await else { return };
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::join!(pump(from_near, to_far, open.clone()), pump(from_far, to_near, open));
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if open.wait_for(|open| *open).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
