//! A node finds its way to a gateway although QUIC does not pass, for whatever reason.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicServerConfig;
use tunnel::race::{self, Known, Lost, Start};
use tunnel::shard::Shards;
use tunnel::wire::control::RefusalCode;
use tunnel::{CloseCode, DialError, NodeKey, Process, Refusal, Transport, Tunnel, quic, tls};

use crate::stage::{Gateway, hello};

/// Races to the gateway's TCP port and to `udp`; tells how long it took.
async fn auto(gateway: &Gateway, udp: SocketAddr, node: &Shards) -> (Result<Tunnel, Lost>, Duration) {
    let key = Arc::new(NodeKey::generate().expect("makes one"));
    let starts = race::schedule(&[Transport::Quic, Transport::Tls], &[gateway.tcp], Known::default());
    let attempt = |start: Start| {
        let (trust, key, home) = (gateway.trust(), key.clone(), node.get(0).clone());
        async move {
            match start.carrier {
                Transport::Quic => quic::dial(udp, "localhost", &trust, &key, &hello(), 0, &home).await,
                Transport::Tls => tls::dial(start.peer, "localhost", &trust, &key, &hello(), &home).await,
            }
        }
    };
    let began = Instant::now();
    let late = |tunnel: Tunnel| tunnel.close(CloseCode::Done, "another attempt was faster");
    (race::run(starts, attempt, late).await, began.elapsed())
}

/// TLS wins although something is wrong with `udp`, and no later than `at_most`.
async fn tls_wins(udp: SocketAddr, at_most: Duration) {
    let mut gateway = Gateway::start(1).await;
    let node = Shards::start("node", 1).expect("threads");
    let mut nodes = std::mem::replace(&mut gateway.nodes, tokio::sync::mpsc::channel(1).1);
    let admit = async {
        nodes.recv().await.expect("a node").admit("gw", Process::start(&[7; 64])).await.expect("admitted")
    };
    let ((won, took), admitted) = tokio::join!(auto(&gateway, udp, &node), admit);
    let tunnel = won.expect("TLS passes");
    assert_eq!((tunnel.transport(), tunnel.id()), (Transport::Tls, admitted.id()));
    assert!(took < at_most, "{took:?}");
}

/// Less than QUIC's handshake may last, so that nobody waited for it.
const BEFORE_QUIC_GIVES_UP: Duration = Duration::from_millis(4500);

#[tokio::test]
async fn the_udp_port_is_closed() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("binds");
    let closed = socket.local_addr().expect("bound");
    drop(socket);
    tls_wins(closed, BEFORE_QUIC_GIVES_UP).await;
}

#[tokio::test]
async fn udp_is_swallowed() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("binds");
    tls_wins(silent.local_addr().expect("bound"), BEFORE_QUIC_GIVES_UP).await;
}

#[tokio::test]
async fn udp_may_not_be_sent() {
    // The kernel refuses a broadcast with EACCES, as a firewall would refuse the datagram with EPERM.
    tls_wins("255.255.255.255:443".parse().expect("an address"), BEFORE_QUIC_GIVES_UP).await;
}

#[tokio::test]
async fn the_quic_handshake_is_rejected_by_an_alert() {
    let (identity, _) = crate::stage::identity();
    let config = tunnel::identity::gateway_config(&identity, &[b"something-else"]).expect("usable");
    let crypto = QuicServerConfig::try_from(config).expect("fits");
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint =
        quinn::Endpoint::server(config, "127.0.0.1:0".parse().expect("an address")).expect("binds");
    let address = endpoint.local_addr().expect("bound");
    let rejecting = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            let _rejected = incoming.await;
        }
    });
    tls_wins(address, BEFORE_QUIC_GIVES_UP).await;
    rejecting.abort();
}

#[tokio::test]
async fn a_refusal_over_tls_ends_the_race_while_quic_still_tries() {
    let mut gateway = Gateway::start(1).await;
    let node = Shards::start("node", 1).expect("threads");
    let silent = UdpSocket::bind("127.0.0.1:0").expect("binds");
    let mut nodes = std::mem::replace(&mut gateway.nodes, tokio::sync::mpsc::channel(1).1);
    let refuse = async {
        let pending = nodes.recv().await.expect("a node");
        pending.refuse(Refusal { code: RefusalCode::Revoked, reason: "revoked".into() }).await;
    };
    let udp = silent.local_addr().expect("bound");
    let ((lost, took), ()) = tokio::join!(auto(&gateway, udp, &node), refuse);
    assert!(matches!(lost, Err(Lost::Refused(Refusal { code: RefusalCode::Revoked, .. }))), "{lost:?}");
    assert!(took < BEFORE_QUIC_GIVES_UP, "{took:?}");
}

#[tokio::test]
async fn when_nothing_passes_every_reason_is_told() {
    let gateway = Gateway::start(1).await;
    let node = Shards::start("node", 1).expect("threads");
    let closed = UdpSocket::bind("127.0.0.1:0").expect("binds").local_addr().expect("bound");
    let starts = race::schedule(&[Transport::Tls, Transport::Quic], &[closed], Known::default());
    let key = Arc::new(NodeKey::generate().expect("makes one"));
    let attempt = |start: Start| {
        let (trust, key, home) = (gateway.trust(), key.clone(), node.get(0).clone());
        async move {
            match start.carrier {
                Transport::Quic => quic::dial(start.peer, "a b", &trust, &key, &hello(), 0, &home).await,
                Transport::Tls => tls::dial(start.peer, "localhost", &trust, &key, &hello(), &home).await,
            }
        }
    };
    let Err(Lost::Failed(errors)) = race::run(starts, attempt, drop).await else {
        panic!("nothing can pass")
    };
    assert!(matches!(errors[..], [DialError::Connect(..), DialError::Quic(..)]), "{errors:?}");
}
