//! What only the TLS carrier does: its pool, its certificates, its resumed sessions.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::shard::Shards;
use tunnel::{NodeKey, Transport, Trust};

use crate::stage::{Gateway, echo, eventually, identity, open};

#[tokio::test]
async fn a_pool_that_ran_dry_fills_up_again() {
    let mut gateway = Gateway::start(2).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&node);
    // Far more at once than the four that are dialled unasked; all held open.
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let tunnel = tunnel.clone();
        opening.spawn(async move { open(&tunnel).await });
    }
    let streams = opening.join_all().await;
    assert_eq!((streams.len(), tunnel.open_streams()), (300, 300));
    let mut kinds = std::collections::HashMap::new();
    while let Ok(outcome) = gateway.outcomes.try_recv() {
        *kinds.entry(outcome.is_ok()).or_insert(0) += 1;
    }
    assert!(kinds[&true] >= 301 && !kinds.contains_key(&false), "{kinds:?}");
    drop(streams);
    eventually("all ended", || tunnel.open_streams() == 0 && node.open_streams() == 0).await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_cuts_none() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&node);
    let _held = open(&tunnel).await;
    let (other, ca) = identity();
    gateway.acceptor.set_identity(&other).expect("usable");
    gateway.ca = ca;
    let (_new_node, new_tunnel) = gateway.pair(Transport::Tls, &shards).await;
    assert!(!tunnel.is_closed() && !new_tunnel.is_closed());
    open(&tunnel).await;
}

#[tokio::test]
async fn refills_resume_the_session() {
    let (identity, ca) = identity();
    let acceptor = gateway_config_of(&identity);
    let key = NodeKey::generate().expect("makes one");
    let config = tunnel::identity::client_config(&key, &Trust::Ca(ca), tunnel::identity::ALPN_DATA);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config.expect("usable")));
    for expected in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
        let (near, far) = tokio::io::duplex(65_536);
        let name = rustls_pki_types::ServerName::try_from("localhost").expect("a name");
        let serve = async {
            let mut tls = acceptor.accept(far).await.expect("a handshake");
            tls.write_all(b"!").await.expect("writes");
            tls
        };
        let dial = async {
            let mut tls = connector.connect(name, near).await.expect("a handshake");
            // The ticket comes before the first byte.
            tls.read_u8().await.expect("reads");
            tls
        };
        let (served, dialled) = tokio::join!(serve, dial);
        assert_eq!(dialled.get_ref().1.handshake_kind(), Some(expected));
        let shown = tunnel::identity::peer_fingerprint(served.get_ref().1.peer_certificates());
        assert_eq!(shown, Some(key.fingerprint()), "the key is known in either case");
    }
}

fn gateway_config_of(identity: &tunnel::ServerIdentity) -> tokio_rustls::TlsAcceptor {
    let alpn: &[&[u8]] = &[tunnel::identity::ALPN_TUNNEL, tunnel::identity::ALPN_DATA];
    let mut config = tunnel::identity::gateway_config(identity, alpn).expect("usable");
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().expect("a ticketer");
    Arc::new(config).into()
}
