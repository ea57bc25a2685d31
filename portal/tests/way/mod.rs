//! A portal with real displays behind a TLS listener: what the gateway, the tunnel and the node are to it. Can be cut
//! and come back on the same port.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use node::display::{Displays, NewDisplay};
use portal::Portal;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tunnel::identity::{ServerId, ServerIdentity, provider};

pub struct Server {
    pub folder: tempfile::TempDir,
    pub displays: Displays,
    pub portal: Portal,
}

impl Server {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let displays = Displays::open(folder.path()).unwrap();
        let portal = Portal::new(ServerId::new("n1").unwrap(), folder.path(), displays.clone()).unwrap();
        Self { folder, displays, portal }
    }

    pub async fn with_terminal() -> Self {
        let server = Self::new();
        server.displays.start(NewDisplay::terminal("Terminal")).await.unwrap();
        server
    }

    pub fn key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("portal-key")).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let displays = self.displays.clone();
        let stop = async move {
            for display in displays.list().await.unwrap_or_default() {
                let _gone = displays.stop(&display.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

/// The listener and all its connections; dropped, they are cut off.
pub struct Way {
    pub address: SocketAddr,
    _listener: JoinSet<()>,
}

impl Way {
    /// On `address`, with port 0 on any free one.
    pub async fn open(portal: Portal, address: SocketAddr) -> Self {
        let (certificate, key) = ServerIdentity::self_signed(vec!["localhost".into()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (certificate_file, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let identity = ServerIdentity::from_files(&certificate_file, &key_file).unwrap();
        let tls = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        let listener = StdListener::bind(address).unwrap(); // sets SO_REUSEADDR
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), portal));
        Self { address, _listener: tasks }
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, portal: Portal) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, client)) = listener.accept().await {
        let (tls, portal) = (tls.clone(), portal.clone());
        connections.spawn(async move {
            if let Ok(io) = tls.accept(tcp).await {
                portal.serve(io, Some(client)).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
