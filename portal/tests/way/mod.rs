//! A TLS listener before a portal: what the gateway, the tunnel and the node are to it. Can be cut and come back on the
//! same port.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use portal::Portal;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tunnel::identity::{ServerIdentity, provider};

/// The listener and all its connections; dropped, they are cut off.
pub(super) struct Way {
    pub(super) address: SocketAddr,
    _listener: JoinSet<()>,
}

impl Way {
    /// On `address`, with port 0 on any free one.
    pub(super) async fn open(portal: Portal, address: SocketAddr) -> Self {
        let listener = StdListener::bind(address).unwrap(); // sets SO_REUSEADDR
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls(), portal));
        Self { address, _listener: tasks }
    }
}

/// For `localhost`, by a certificate that nobody signed.
pub(super) fn tls() -> TlsAcceptor {
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
    TlsAcceptor::from(Arc::new(tls))
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
