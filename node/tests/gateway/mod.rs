//! A gateway reduced to its tunnels, and a node's folders, for tests in one process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{Dirs, Secrecy};
use node::{Handler, Node, Options};
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::AbortOnDropHandle;
use tunnel::quic::Listener;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, RefusalCode};
use tunnel::{Pending, Preamble, Refusal, ServerIdentity, Stream, StreamError, TraceId, Tunnel};

/// Nothing here takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

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
    while let Some(node) = pending.recv().await {
        if node.hello.token.expose() != "let-me-in" {
            let refusal = Refusal { code: RefusalCode::BadToken, reason: "the token is wrong".into() };
            node.refuse(refusal).await;
            continue;
        }
        let hello = node.hello.clone();
        if let Ok(tunnel) = node.admit("gw").await
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

/// A node's folders.
pub(crate) struct Host {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) dirs: Dirs,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::named("node-a")
    }

    pub(crate) fn named(server_id: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::choose(Some(dir.path().join("config")), Some(dir.path().join("local")), |_| None);
        config::write_bytes(&dirs.local("server-id"), server_id.as_bytes(), Secrecy::Public).unwrap();
        Self { dir, dirs }
    }

    pub(crate) fn write(&self, file: &str, json: &serde_json::Value) {
        config::write_json(&self.dirs.config(file), json, Secrecy::OwnerOnly).unwrap();
    }

    pub(crate) fn joins(&self, gateway: &Gateway, token: &str) {
        let entry = serde_json::json!({
            "host": gateway.address.ip().to_string(), "port": gateway.address.port(), "ca": gateway.ca,
            "token": token, "namespace": "test",
        });
        self.write("gateway.json", &entry);
    }

    pub(crate) async fn start(&self) -> Node {
        self.start_with(Default::default(), 1000).await
    }

    pub(crate) async fn start_with(
        &self,
        handlers: std::collections::BTreeMap<String, Arc<dyn Handler>>,
        streams: usize,
    ) -> Node {
        let options =
            Options { dirs: self.dirs.clone(), handlers, shards: 2, streams, version: "test".into() };
        Node::start(options).await.unwrap()
    }
}

/// A preamble for a service of `node-a`.
pub(crate) fn preamble(service: &str) -> Preamble {
    Preamble {
        destination: tunnel::ServerId::new("node-a").unwrap(),
        service: service.into(),
        client: Some("192.0.2.1:5000".parse().unwrap()),
        deadline: PATIENCE,
        trace: TraceId([1; 16]),
        hops: 0,
        life: tunnel::Life::Once,
    }
}

/// Opens a stream that is answered with `ok`.
pub(crate) async fn open(
    tunnel: &Tunnel,
    service: &str,
    first: &'static [u8],
) -> Result<Stream, StreamError> {
    let mut stream = tunnel.open(&preamble(service), Bytes::from_static(first)).await.unwrap();
    tokio::time::timeout(PATIENCE, stream.answered()).await.expect("no answer").map(|()| stream)
}

/// Reads to the end.
pub(crate) async fn read_all(stream: &mut Stream) -> Result<Vec<u8>, StreamError> {
    let mut all = Vec::new();
    while let Some(chunk) = tokio::time::timeout(PATIENCE, stream.recv.read()).await.expect("no end")? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let ends = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < ends, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
