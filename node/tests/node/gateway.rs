//! A gateway reduced to its tunnels.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio_util::task::AbortOnDropHandle;
use tunnel::quic::Listener;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, RefusalCode};
use tunnel::{Pending, Process, Refusal, ServerIdentity, Tunnel};

use crate::stage::PATIENCE;

/// Who has dialled in.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) ca: String,
    listener: Option<Listener>,
    admitted: Mutex<mpsc::Receiver<(Hello, Tunnel)>>,
    /// It holds a clone of the shards, which run until the last one is gone.
    accepting: AbortOnDropHandle<()>,
    shards: Shards,
}

/// What passes between node and gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    UdpAndTcp,
    OnlyTcp,
}

impl Gateway {
    /// Lets every node in whose token is `let-me-in`.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_in(dir, Network::UdpAndTcp)
    }

    pub(crate) fn start_in(dir: &Path, network: Network) -> Self {
        let (ca, key) = ServerIdentity::self_signed(vec!["127.0.0.1".into()]).unwrap();
        std::fs::write(dir.join("gw.pem"), &ca).unwrap();
        std::fs::write(dir.join("gw.key"), key).unwrap();
        Self::start_at("127.0.0.1:0".parse().unwrap(), dir, ca, network)
    }

    /// As at a restart: the same address and certificate.
    pub(crate) fn start_at(address: SocketAddr, dir: &Path, ca: String, network: Network) -> Self {
        let identity = ServerIdentity::from_files(&dir.join("gw.pem"), &dir.join("gw.key")).unwrap();
        let shards = Shards::start("gw", 2).unwrap();
        let (pending_tx, pending) = mpsc::channel(8);
        let (admitted_tx, admitted) = mpsc::channel(64);
        shards.get(0).spawn(admit(pending, admitted_tx));
        let tcp = bind(address);
        let address = tcp.local_addr().unwrap();
        let acceptor = tunnel::tls::Acceptor::new(&identity, &shards, &pending_tx).unwrap();
        let accepting = AbortOnDropHandle::new(shards.get(0).spawn(accept_tcp(tcp, Arc::new(acceptor))));
        let listener = (network == Network::UdpAndTcp)
            .then(|| Listener::bind(address, &identity, &[7; 64], &shards, &pending_tx).unwrap());
        Self { address, ca, listener, admitted: Mutex::new(admitted), accepting, shards }
    }

    /// The next tunnel that a node opened.
    pub(crate) async fn tunnel(&self) -> (Hello, Tunnel) {
        let next = async { self.admitted.lock().await.recv().await.unwrap() };
        tokio::time::timeout(PATIENCE, next).await.expect("no node came")
    }

    /// Whether a node comes within `wait`.
    pub(crate) async fn is_dialled_within(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, async { self.admitted.lock().await.recv().await }).await.is_ok()
    }

    /// Stops as a killed process does: no word to the nodes.
    pub(crate) fn stop(self) {
        self.listener.iter().for_each(Listener::close);
        drop((self.accepting, self.shards));
    }
}

/// The threads of a gateway that was stopped let go of its port a moment later.
fn bind(address: SocketAddr) -> std::net::TcpListener {
    let ends = std::time::Instant::now() + PATIENCE;
    loop {
        match std::net::TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(std::time::Instant::now() < ends, "{address}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn admit(mut pending: mpsc::Receiver<Pending>, admitted: mpsc::Sender<(Hello, Tunnel)>) {
    let process = Process::start(&[7; 64]);
    while let Some(node) = pending.recv().await {
        if node.hello.token.expose() != "let-me-in" {
            let refusal = Refusal { code: RefusalCode::BadToken, reason: "the token is wrong".into() };
            node.refuse(refusal).await;
            continue;
        }
        let hello = node.hello.clone();
        if let Ok(tunnel) = node.admit("gw", process).await
            && admitted.send((hello, tunnel)).await.is_err()
        {
            return;
        }
    }
}

async fn accept_tcp(listener: std::net::TcpListener, acceptor: Arc<tunnel::tls::Acceptor>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let hello = tokio_rustls::LazyConfigAcceptor::new(Default::default(), socket).await;
            // A node that lost interest.
            let _ended = acceptor.accept(hello.unwrap()).await;
        });
    }
}
