//! A gateway with its public port, and nodes that dial it over QUIC, in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relay::nodes::{Nodes, Registered};
use relay::registry::Registration;
use relay::settings::Limits;
use relay::web::certificates::Certificates;
use relay::web::front::{Front, Parts};
use relay::{Guard, Metrics, Router, Settings};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tunnel::quic::Listener;
use tunnel::shard::Shards;
use tunnel::tls::Acceptor;
use tunnel::wire::control::{Hello, PROTOCOL};
use tunnel::{NodeKey, Process, Secret, ServerId, ServerIdentity, Transport, Trust, Tunnel};

use crate::origin::{Manner, Origin, Seen};

pub(crate) struct Stage {
    pub address: SocketAddr,
    pub certificates: Arc<Certificates>,
    pub router: Router,
    pub front: Front,
    pub seen: Seen,
    pub folder: tempfile::TempDir,
    /// PEM of the certificate that clients are shown.
    pub pem: String,
    nodes: Vec<(String, Registered, Tunnel, Tunnel)>,
    node_shards: Shards,
    quic: Listener,
    pending: tokio::sync::mpsc::Receiver<tunnel::Pending>,
}

pub(crate) fn id(name: &str) -> ServerId {
    ServerId::new(name).expect("valid")
}

/// A fresh certificate in `folder`; its PEM, and the paths of certificate and key.
pub(crate) fn certificate(folder: &std::path::Path, name: &str) -> (String, PathBuf, PathBuf) {
    let (pem, key) = ServerIdentity::self_signed(vec!["localhost".into(), name.into()]).expect("makes one");
    let paths = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&paths.0, &pem).expect("writes");
    std::fs::write(&paths.1, key).expect("writes");
    (pem, paths.0, paths.1)
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), &[]).await
    }

    /// `balancers`: the networks whose PROXY header is believed.
    pub(crate) async fn with(limits: Limits, balancers: &[&str]) -> Self {
        Self::configured(serde_json::json!({ "limits": limits, "proxyProtocolFrom": balancers })).await
    }

    /// `more`: what gateway-server.json says besides where it listens.
    pub(crate) async fn configured(more: serde_json::Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (pem, certificate, key) = certificate(folder.path(), "first");
        let identity = ServerIdentity::from_files(&certificate, &key).expect("reads");
        let shards = Shards::start("gateway", 2).expect("threads");
        let (sender, pending) = tokio::sync::mpsc::channel(16);
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let quic = Listener::bind(any, &identity, &[7; 64], &shards, &sender).expect("binds");
        let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
        let mut settings = serde_json::json!({
            "listen": any, "host": "localhost", "token": "0123456789abcdef"
        });
        settings.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let settings: Settings = serde_json::from_value(settings).expect("settings");
        let limits = &settings.limits;
        let router = Router::new(Arc::new(Nodes::default()), shards.clone(), metrics, limits.open);
        let nodes = Arc::new(Acceptor::new(&identity, &shards, &sender).expect("an acceptor"));
        let guard = Guard::new(limits);
        let parts = Parts { address: any, own: identity, router: router.clone(), guard, nodes };
        let front = Front::open(&settings, folder.path(), parts).expect("opens");
        let (address, certificates) = (front.address(), front.certificates().clone());
        let node_shards = Shards::start("node", 1).expect("threads");
        let seen = Arc::new(Mutex::new(Vec::new()));
        Self {
            address,
            certificates,
            router,
            front,
            seen,
            folder,
            pem,
            nodes: vec![],
            node_shards,
            quic,
            pending,
        }
    }

    /// A node of this name that serves an [`Origin`].
    pub(crate) async fn node(&mut self, name: &str) {
        self.join(name, Transport::Quic, Manner::Answers).await;
    }

    pub(crate) async fn node_that(&mut self, manner: Manner, name: &str) {
        self.join(name, Transport::Quic, manner).await;
    }

    /// The same over TCP, by the port of the clients.
    pub(crate) async fn node_over_tls(&mut self, name: &str) {
        self.join(name, Transport::Tls, Manner::Answers).await;
    }

    async fn join(&mut self, name: &str, over: Transport, manner: Manner) {
        let hello = Hello {
            protocol: PROTOCOL,
            server_id: id(name),
            token: Secret::new("token"),
            namespace: String::new(),
            generation: 1,
            version: "0".into(),
            services: vec!["portal".into()],
            reach: vec![],
        };
        let identity = std::fs::read_to_string(self.folder.path().join("first.pem")).expect("reads");
        let (trust, key) = (Trust::Ca(identity), NodeKey::generate().expect("makes one"));
        let shard = self.node_shards.get(0);
        let quic = self.quic.address();
        let dial = async {
            match over {
                Transport::Quic => {
                    tunnel::quic::dial(quic, "localhost", &trust, &key, &hello, 0, shard).await
                }
                Transport::Tls => {
                    tunnel::tls::dial(self.address, "localhost", &trust, &key, &hello, shard).await
                }
            }
        };
        let admit = async {
            self.pending
                .recv()
                .await
                .expect("a node")
                .admit("gw", Process::start(&[7; 64]))
                .await
                .expect("admitted")
        };
        let dial = async { dial.await.expect("dialled") };
        let both = async { tokio::join!(dial, admit) };
        let (node, tunnel) = tokio::time::timeout(Duration::from_secs(20), both).await.expect("in time");
        let registration = Registration {
            id: id(name),
            key: key.fingerprint(),
            version: "0".into(),
            generation: 1,
            services: hello.services.clone(),
            reach: vec![],
        };
        let registered = self.router.nodes().register(registration, tunnel.clone()).expect("registers");
        let origin = Origin { name: name.to_owned(), seen: self.seen.clone(), manner };
        node.home().clone().spawn(origin.serve(node.clone()));
        self.nodes.push((name.to_owned(), registered, tunnel, node));
    }

    /// The node goes away.
    pub(crate) async fn lose(&mut self, name: &str) {
        let at = self.nodes.iter().position(|node| node.0 == name).expect("known");
        let (_, registered, tunnel, _) = self.nodes.remove(at);
        tunnel.close(tunnel::CloseCode::Done, "bye");
        drop(registered);
    }

    /// A TLS connection to the public port.
    pub(crate) async fn connect(&self, alpn: &[&str]) -> TlsStream<TcpStream> {
        let socket = TcpStream::connect(self.address).await.expect("connects");
        handshake(socket, &self.pem, alpn).await.expect("a TLS handshake")
    }

    /// What the nodes were asked, as `NODE METHOD TARGET`.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().expect("no panic"))
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.nodes.iter().map(|node| node.2.open_streams()).sum()
    }

    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) async fn handshake(
    socket: TcpStream,
    pem: &str,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    use rustls_pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"))
        .expect("a root");
    let mut config = rustls::ClientConfig::builder_with_provider(tunnel::identity::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = "localhost".try_into().expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await
}
