//! Two ends of a tunnel on loopback, and facts about them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tunnel::quic::Listener;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, PROTOCOL, RefusalCode};
use tunnel::{
    Answer, CloseCode, DialError, Life, NodeKey, Pending, Preamble, Refusal, Secret, ServerId,
    ServerIdentity, Status, StreamError, TraceId, Transport, Trust, Tunnel, Way, pump,
};

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new("node-a").expect("valid"),
        token: Secret::new("token"),
        namespace: "test".into(),
        generation: 1,
        version: "0".into(),
        services: vec!["echo".into()],
        reach: vec![],
    }
}

fn preamble(service: &str) -> Preamble {
    Preamble {
        destination: ServerId::new("node-a").expect("valid"),
        service: service.into(),
        client: "192.0.2.1:4711".parse().ok(),
        deadline: Duration::from_secs(5),
        trace: TraceId::random(),
        hops: 0,
        life: Life::Once,
    }
}

struct Gateway {
    listener: Listener,
    nodes: mpsc::Receiver<Pending>,
    ca: String,
    shards: Shards,
}

fn gateway(shards: usize) -> Gateway {
    let (certificate, key) = ServerIdentity::self_signed(vec!["localhost".into()]).expect("makes one");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("c"), &certificate).expect("writes");
    std::fs::write(folder.path().join("k"), &key).expect("writes");
    let identity =
        ServerIdentity::from_files(&folder.path().join("c"), &folder.path().join("k")).expect("reads");
    let shards = Shards::start("gateway", shards).expect("threads");
    let (sender, nodes) = mpsc::channel(16);
    let address = "127.0.0.1:0".parse().expect("an address");
    let listener = Listener::bind(address, &identity, &[7; 64], &shards, &sender).expect("binds");
    Gateway { listener, nodes, ca: certificate, shards }
}

impl Gateway {
    fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    async fn admit(&mut self) -> Tunnel {
        self.nodes.recv().await.expect("a node").admit("gw").await.expect("admitted")
    }

    async fn pair(&mut self, node: &Shards) -> (Tunnel, Tunnel) {
        let (address, trust) = (self.address(), Trust::Ca(self.ca.clone()));
        let key = NodeKey::generate().expect("makes one");
        let hello = hello();
        let dial = tunnel::quic::dial(address, "localhost", &trust, &key, &hello, 0, node.get(0));
        let (node, gateway) = tokio::join!(dial, self.admit());
        (node.expect("dialled"), gateway)
    }
}

/// The node answers each stream and sends its bytes back.
fn echo(node: &Tunnel) {
    let node = node.clone();
    node.home().clone().spawn(async move {
        while let Ok(incoming) = node.accept().await {
            tokio::spawn(async move {
                let Some((preamble, mut stream)) = incoming.preamble().await.expect("a preamble") else {
                    return;
                };
                if preamble.service != "echo" {
                    let refused = Answer::refused(Status::NoSuchService, "only echo here");
                    return stream.answer(&refused).await.expect("answers");
                }
                stream.answer(&Answer::ok()).await.expect("answers");
                while let Some(chunk) = stream.recv.read().await.expect("reads") {
                    stream.send.write(chunk).await.expect("writes");
                }
                stream.send.finish().await.expect("finishes");
            });
        }
    });
}

#[tokio::test]
async fn bytes_go_both_ways_and_both_ends_are_seen() {
    let mut gateway = gateway(2);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    assert_eq!((node.transport(), node.id()), (Transport::Quic, tunnel.id()));
    echo(&node);
    let mut stream = tunnel.open(&preamble("echo"), Bytes::from_static(b"first ")).await.expect("opens");
    stream.answered().await.expect("accepted");
    let body = vec![42; 5 << 20];
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
}

#[tokio::test]
async fn a_refusal_says_why() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    let mut stream = tunnel.open(&preamble("nothing"), Bytes::new()).await.expect("opens");
    match stream.answered().await {
        Err(StreamError::Refused { status: Status::NoSuchService, reason }) => {
            assert_eq!(reason, "only echo here")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_path_mtu_of_loopback_is_found() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, _tunnel) = gateway.pair(&node_shards).await;
    for _ in 0..100 {
        if node.stats().mtu.is_some_and(|mtu| mtu > 6000) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("MTU {:?}", node.stats().mtu);
}

#[tokio::test]
async fn a_refused_node_learns_the_reason() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (address, trust) = (gateway.address(), Trust::Ca(gateway.ca.clone()));
    let key = NodeKey::generate().expect("makes one");
    let hello = hello();
    let dial = tunnel::quic::dial(address, "localhost", &trust, &key, &hello, 0, node_shards.get(0));
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
    let gateway = gateway(1);
    let (other, _) = ServerIdentity::self_signed(vec!["localhost".into()]).expect("makes one");
    let node_shards = Shards::start("node", 1).expect("threads");
    let key = NodeKey::generate().expect("makes one");
    let hello = hello();
    let trust = Trust::Ca(other);
    let dialled =
        tunnel::quic::dial(gateway.address(), "localhost", &trust, &key, &hello, 0, node_shards.get(0)).await;
    assert!(matches!(dialled, Err(DialError::Quic(..))), "{dialled:?}");
}

#[tokio::test]
async fn a_close_carries_its_reason() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    tunnel.close(CloseCode::Revoked, "revoked by the administrator");
    let close = tokio::time::timeout(Duration::from_secs(2), node.closed()).await.expect("in time");
    assert_eq!(
        (close.code, close.remote, close.reason.as_str()),
        (CloseCode::Revoked, true, "revoked by the administrator")
    );
}

#[tokio::test]
async fn stripes_land_on_different_shards() {
    let mut gateway = gateway(3);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (address, trust) = (gateway.address(), Trust::Ca(gateway.ca.clone()));
    let key = NodeKey::generate().expect("makes one");
    for stripe in 0..6 {
        let hello = hello();
        let dial = tunnel::quic::dial(address, "localhost", &trust, &key, &hello, stripe, node_shards.get(0));
        let (node, gateway_end) = tokio::join!(dial, gateway.admit());
        node.expect("dialled");
        assert_eq!(gateway_end.home().index(), stripe % 3);
    }
    assert_eq!(gateway.shards.len(), 3);
}

#[tokio::test]
async fn a_pump_keeps_half_close_exact() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(&node_shards).await;
    echo(&node);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
    let (socket, _) = listener.accept().await.expect("accepts");
    let mut stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    stream.answered().await.expect("accepted");
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
async fn a_reset_reaches_the_client_as_a_reset() {
    let mut gateway = gateway(1);
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

/// Forwards datagrams between one dialler and `to`; swallows them while told so.
async fn firewall(to: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let outside = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let inside = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let (address, swallow) = (outside.local_addr().expect("bound"), Arc::new(AtomicBool::new(false)));
    let swallows = swallow.clone();
    tokio::spawn(async move {
        let (mut a, mut b) = (vec![0; 65_536], vec![0; 65_536]);
        let mut dialler = None;
        loop {
            let (socket, packet, target) = tokio::select! {
                Ok((length, from)) = outside.recv_from(&mut a) => {
                    dialler = Some(from);
                    (&inside, &a[..length], to)
                }
                Ok((length, _)) = inside.recv_from(&mut b) => {
                    (&outside, &b[..length], dialler.expect("it spoke first"))
                }
            };
            if !swallows.load(Ordering::Relaxed) {
                socket.send_to(packet, target).await.expect("sends");
            }
        }
    });
    (address, swallow)
}

#[tokio::test]
async fn a_silence_makes_the_way_doubtful_and_streams_go_on_after_it() {
    let mut gateway = gateway(1);
    let node_shards = Shards::start("node", 1).expect("threads");
    let (address, swallow) = firewall(gateway.address()).await;
    let (trust, key, hello) =
        (Trust::Ca(gateway.ca.clone()), NodeKey::generate().expect("makes one"), hello());
    let dial = tunnel::quic::dial(address, "localhost", &trust, &key, &hello, 0, node_shards.get(0));
    let (node, tunnel) = tokio::join!(dial, gateway.admit());
    let node = node.expect("dialled");
    echo(&node);
    let mut stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    stream.answered().await.expect("accepted");
    swallow.store(true, Ordering::Relaxed);
    stream.send.write(Bytes::from_static(b"through the silence")).await.expect("is queued");
    for end in [&node, &tunnel] {
        let mut way = end.way();
        let doubtful = way.wait_for(|way| *way == Way::Doubtful);
        tokio::time::timeout(Duration::from_secs(15), doubtful).await.expect("in time").expect("open");
    }
    swallow.store(false, Ordering::Relaxed);
    let mut way = node.way();
    let good = way.wait_for(|way| *way == Way::Good);
    tokio::time::timeout(Duration::from_secs(15), good).await.expect("in time").expect("open");
    assert_eq!(stream.recv.read().await.expect("alive").as_deref(), Some(&b"through the silence"[..]));
}
