//! Streams over TLS data connections, on real sockets.

mod support;

use std::time::Duration;

use bytes::Bytes;
use support::{Gateway, echo, eventually, hello, preamble};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tunnel::shard::Shards;
use tunnel::wire::control::RefusalCode;
use tunnel::{
    Answer, CloseCode, DialError, NodeKey, OpenError, Refusal, Status, Stream, StreamError, Transport,
    Tunnel, pump, tls,
};

async fn open(tunnel: &Tunnel) -> Stream {
    let mut stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    stream.answered().await.expect("accepted");
    stream
}

#[tokio::test]
async fn bytes_go_both_ways_and_both_ends_are_seen() {
    let mut gateway = Gateway::start(2).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    assert_eq!((node.transport(), node.id()), (Transport::Tls, tunnel.id()));
    echo(&node);
    let mut stream = tunnel.open(&preamble("echo"), Bytes::from_static(b"first ")).await.expect("opens");
    stream.answered().await.expect("accepted");
    let body: Vec<u8> = (0..5_u32 << 20).map(|i| (i % 251) as u8).collect();
    let (mut send, mut recv) = (stream.send, stream.recv);
    let body_sent = body.clone();
    let sender = tokio::spawn(async move {
        send.write_all(&body_sent).await.expect("writes");
        send.shutdown().await.expect("finishes");
    });
    let mut back = Vec::new();
    recv.read_to_end(&mut back).await.expect("reads");
    sender.await.expect("sends");
    assert_eq!(&back[..6], b"first ");
    assert!(back[6..] == body[..]);
    let stats = tunnel.stats();
    assert!(stats.sent_bytes > 5 << 20 && stats.received_bytes > 5 << 20, "{stats:?}");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    for _ in 0..20 {
        let mut stream = tunnel.open(&preamble("nothing"), Bytes::new()).await.expect("opens");
        match stream.answered().await {
            Err(StreamError::Refused { status: Status::NoSuchService, reason }) => {
                assert_eq!(reason, "only echo here");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_node_learns_the_reason() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (trust, key, hello) = (gateway.trust(), NodeKey::generate().expect("makes one"), hello());
    let dial = tls::dial(gateway.address, "localhost", &trust, &key, &hello, node_shards.get(0));
    let refuse = async {
        let pending = gateway.nodes.recv().await.expect("a node");
        assert_eq!(pending.key, key.fingerprint());
        pending.refuse(Refusal { code: RefusalCode::BadToken, reason: "no such token".into() }).await;
    };
    let (dialled, ()) = tokio::join!(dial, refuse);
    assert!(matches!(dialled, Err(DialError::Refused(Refusal { code: RefusalCode::BadToken, .. }))));
}

#[tokio::test]
async fn a_gateway_with_another_certificate_is_not_believed() {
    let gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (trust, key, hello) =
        (tunnel::Trust::Ca(support::identity().1), NodeKey::generate().expect("makes one"), hello());
    let dialled = tls::dial(gateway.address, "localhost", &trust, &key, &hello, node_shards.get(0)).await;
    assert!(matches!(dialled, Err(DialError::Tls(..))), "{dialled:?}");
}

#[tokio::test]
async fn a_close_carries_its_reason_and_breaks_open_streams() {
    let mut gateway = Gateway::start(2).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    let mut stream = open(&tunnel).await;
    tunnel.close(CloseCode::Revoked, "revoked by the administrator");
    let close = tokio::time::timeout(Duration::from_secs(2), node.closed()).await.expect("in time");
    assert_eq!(
        (close.code, close.remote, close.reason.as_str()),
        (CloseCode::Revoked, true, "revoked by the administrator")
    );
    let read = tokio::time::timeout(Duration::from_secs(2), stream.recv.read()).await.expect("in time");
    assert!(matches!(read, Err(StreamError::Lost(_))), "{read:?}");
    let opened = tunnel.open(&preamble("echo"), Bytes::new()).await;
    assert!(matches!(opened, Err(OpenError::Closed(_))), "{opened:?}");
}

#[tokio::test]
async fn a_reset_and_a_stop_carry_their_codes() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    let resets = async {
        let (_, mut stream) = node
            .accept()
            .await
            .expect("a stream")
            .preamble()
            .await
            .expect("a preamble")
            .expect("a new stream");
        stream.send.write(Bytes::from_static(b"before")).await.expect("writes");
        stream.send.reset(99);
        let stopped = node
            .accept()
            .await
            .expect("a stream")
            .preamble()
            .await
            .expect("a preamble")
            .expect("a new stream")
            .1;
        let mut stopped = stopped;
        stopped.recv.stop(77);
        // Held, so that only the stop can be the cause.
        (stream, stopped)
    };
    let opens = async {
        let mut stream = tunnel.open(&preamble("x"), Bytes::new()).await.expect("opens");
        assert_eq!(stream.recv.read().await.expect("data").as_deref(), Some(&b"before"[..]));
        assert!(matches!(stream.recv.read().await, Err(StreamError::Reset(99))));
        let mut stream = tunnel.open(&preamble("x"), Bytes::new()).await.expect("opens");
        let writing = async {
            loop {
                if let Err(error) = stream.send.write(Bytes::from_static(&[1; 50_000])).await {
                    return error;
                }
            }
        };
        let reading = async {
            let _never = stream.recv.read().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            error = writing => assert!(matches!(error, StreamError::Reset(77)), "{error:?}"),
            () = reading => {}
        }
    };
    let both = async { tokio::join!(resets, opens) };
    let _held = tokio::time::timeout(Duration::from_secs(5), both).await.expect("in time");
}

#[tokio::test]
async fn a_stop_reaches_also_who_only_writes() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    node.home().clone().spawn(async move {
        let incoming = node.accept().await.expect("a stream");
        let (_, mut stream) = incoming.preamble().await.expect("a preamble").expect("new");
        stream.recv.stop(77);
        drop(stream);
        node.closed().await;
    });
    let mut stream = tunnel.open(&preamble("x"), Bytes::new()).await.expect("opens");
    let writing = async {
        loop {
            if let Err(error) = stream.send.write(Bytes::from_static(&[1; 50_000])).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(5), writing).await.expect("in time");
    assert!(matches!(error, StreamError::Reset(77)), "{error:?}");
}

#[tokio::test]
async fn what_was_taken_before_the_drop_arrives() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    let (tell, taken) = tokio::sync::oneshot::channel();
    node.home().clone().spawn(async move {
        let incoming = node.accept().await.expect("a stream");
        let (_, mut stream) = incoming.preamble().await.expect("a preamble").expect("new");
        let mut taken = 0;
        let filling = async {
            loop {
                taken += AsyncWriteExt::write(&mut stream.send, &[5; 60_000]).await.expect("writes");
            }
        };
        // Ends when neither the kernel nor the stream takes more.
        assert!(tokio::time::timeout(Duration::from_millis(500), filling).await.is_err());
        tell.send(taken).expect("heard");
        drop(stream);
        node.closed().await;
    });
    let mut stream = tunnel.open(&preamble("x"), Bytes::new()).await.expect("opens");
    let taken = taken.await.expect("told");
    // Longer than the other side waits for our end.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut length = 0;
    while let Some(chunk) = stream.recv.read().await.expect("reads to the end") {
        length += chunk.len();
    }
    assert_eq!(length, taken);
}

#[tokio::test]
async fn a_pump_keeps_half_close_exact() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
    let (socket, _) = listener.accept().await.expect("accepts");
    let stream = open(&tunnel).await;
    let pumping = tokio::spawn(pump::tcp(socket, stream, pump::Patience::default()));
    client.write_all(b"before the end").await.expect("writes");
    client.shutdown().await.expect("half-closes");
    let mut back = Vec::new();
    client.read_to_end(&mut back).await.expect("reads to the end");
    assert_eq!(back, b"before the end");
    let outcome = pumping.await.expect("ends");
    assert_eq!((outcome.end, outcome.to_stream, outcome.to_socket), (pump::End::Finished, 14, 14));
}

#[tokio::test]
async fn one_direction_ends_long_before_the_other() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    let late = async {
        let (_, mut stream) = node
            .accept()
            .await
            .expect("a stream")
            .preamble()
            .await
            .expect("a preamble")
            .expect("a new stream");
        stream.answer(&Answer::ok()).await.expect("answers");
        assert_eq!(stream.recv.read().await.expect("the end"), None);
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.send.write(Bytes::from_static(b"late")).await.expect("writes");
        stream.send.finish().await.expect("finishes");
    };
    let early = async {
        let mut stream = open(&tunnel).await;
        stream.send.finish().await.expect("finishes");
        assert_eq!(stream.recv.read().await.expect("data").as_deref(), Some(&b"late"[..]));
        assert_eq!(stream.recv.read().await.expect("the end"), None);
    };
    tokio::join!(late, early);
}

#[tokio::test]
async fn a_reset_reaches_the_client_as_a_reset() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    node.home().clone().spawn(async move {
        let (_, mut stream) = node
            .accept()
            .await
            .expect("a stream")
            .preamble()
            .await
            .expect("a preamble")
            .expect("a new stream");
        stream.answer(&Answer::ok()).await.expect("answers");
        stream.reset(99);
        node.closed().await;
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
    let (socket, _) = listener.accept().await.expect("accepts");
    let stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    let outcome = pump::tcp(socket, stream, pump::Patience::default()).await;
    assert_eq!(outcome.end, pump::End::StreamBroke);
    let error = client.read_to_end(&mut Vec::new()).await.expect_err("reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_slow_reader_does_not_hold_up_others() {
    let mut gateway = Gateway::start(1).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    // Nobody reads what comes back on this one, so writing stalls in the end.
    let mut stuck = open(&tunnel).await;
    let stalled = tokio::time::timeout(Duration::from_secs(2), async {
        loop {
            stuck.send.write(Bytes::from_static(&[0; 65_536])).await.expect("writes");
        }
    });
    assert!(stalled.await.is_err(), "back-pressure");
    for _ in 0..50 {
        let mut stream = open(&tunnel).await;
        stream.send.write(Bytes::from_static(b"ping")).await.expect("writes");
        let back = tokio::time::timeout(Duration::from_millis(500), stream.recv.read()).await;
        assert_eq!(back.expect("in time").expect("reads").as_deref(), Some(&b"ping"[..]));
        stream.send.finish().await.expect("finishes");
        assert_eq!(stream.recv.read().await.expect("the end"), None);
    }
    eventually("only the stuck one is open", || tunnel.open_streams() == 1).await;
}

#[tokio::test]
async fn a_pool_that_ran_dry_fills_up_again() {
    let mut gateway = Gateway::start(2).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
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
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    let _held = open(&tunnel).await;
    let (other, ca) = support::identity();
    gateway.acceptor.set_identity(&other).expect("usable");
    gateway.ca = ca;
    let (_new_node, new_tunnel) = gateway.pair(&node_shards).await;
    assert!(!tunnel.is_closed() && !new_tunnel.is_closed());
    open(&tunnel).await;
}

#[tokio::test]
async fn refills_resume_the_session() {
    let (identity, ca) = support::identity();
    let acceptor = gateway_config_of(&identity);
    let key = NodeKey::generate().expect("makes one");
    let config = tunnel::identity::client_config(&key, &tunnel::Trust::Ca(ca), tunnel::identity::ALPN_DATA);
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config.expect("usable")));
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
    std::sync::Arc::new(config).into()
}
