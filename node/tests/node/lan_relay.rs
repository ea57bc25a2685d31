//! Two whole nodes in this process: a stream for one of them comes in through the other.

use std::time::Duration;

use bytes::Bytes;
use node::{Identity, Node};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tunnel::{Preamble, ServerId, Status, Stream, StreamError, Tunnel};

use crate::gateway::Gateway;
use crate::stage::{Host, PATIENCE, preamble, read_all};

/// Node A dials the gateway and knows B on the LAN; B dials nobody.
struct Pair {
    a: Host,
    b: Host,
    gateway: Gateway,
}

fn key(host: &Host) -> String {
    Identity::load_or_make(&host.dirs).unwrap().key.fingerprint().to_string()
}

impl Pair {
    fn new() -> Self {
        let (a, b) = (Host::new(), Host::named("node-b"));
        let gateway = Gateway::start(a.dir.path());
        a.joins(&gateway, "let-me-in");
        Self { a, b, gateway }
    }

    /// B lets the holder of `peer` in.
    async fn start_b(&self, peer: &str) -> Node {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.b.write(
            "services.json",
            &json!({ "echo": { "connect": echo.local_addr().unwrap().to_string() } }),
        );
        self.b.write("lan.json", &json!({ "listen": "127.0.0.1:0", "peers": { "node-a": { "key": peer } } }));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let mut said = Vec::new();
                    if socket.read_to_end(&mut said).await.is_ok() {
                        said.reverse();
                        socket.write_all(&said).await.unwrap();
                    }
                });
            }
        });
        self.b.start().await
    }

    /// A reaches B at `connect`, and believes the holder of `peer` to be B.
    async fn start_a(&self, connect: &str, peer: &str) -> (Node, Tunnel) {
        self.a.write("lan.json", &json!({ "peers": { "node-b": { "connect": connect, "key": peer } } }));
        let node = self.a.start().await;
        let (hello, tunnel) = self.gateway.tunnel().await;
        assert_eq!(hello.reach, [ServerId::new("node-b").unwrap()]);
        (node, tunnel)
    }
}

async fn open_to_b(
    tunnel: &Tunnel,
    service: &str,
    hops: u8,
    first: &'static [u8],
) -> Result<Stream, StreamError> {
    let to_b = Preamble { destination: ServerId::new("node-b").unwrap(), hops, ..preamble(service) };
    let mut stream = tunnel.open(&to_b, Bytes::from_static(first)).await.unwrap();
    tokio::time::timeout(PATIENCE, stream.answered()).await.expect("no answer").map(|()| stream)
}

fn refusal(opened: Result<Stream, StreamError>) -> (Status, String) {
    match opened {
        Err(StreamError::Refused { status, reason }) => (status, reason),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_node_hands_streams_on_and_each_direction_ends_on_its_own() {
    let pair = Pair::new();
    let b = pair.start_b(&key(&pair.a)).await;
    let (_a, tunnel) = pair.start_a(&b.status().lan.listen.unwrap(), &key(&pair.b)).await;
    for _ in 0..20 {
        let mut stream = open_to_b(&tunnel, "echo", 0, b"abc").await.unwrap();
        let bulk: Vec<u8> = (0..200_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        stream.send.write(bulk.clone().into()).await.unwrap();
        stream.send.finish().await.unwrap();
        let mut said = read_all(&mut stream).await.unwrap();
        said.reverse();
        assert_eq!(said[..3], *b"abc");
        assert!(said[3..] == bulk, "every byte came back");
    }
    let (status, reason) = refusal(open_to_b(&tunnel, "vnc", 0, b"").await);
    assert_eq!(status, Status::NoSuchService, "{reason}");
    assert!(reason.contains("node-b"), "the answer is B's own: {reason}");
    assert_eq!(refusal(open_to_b(&tunnel, "echo", 4, b"").await).0, Status::Loop);
}

#[tokio::test]
async fn a_peer_that_is_not_there_or_not_the_right_one_is_answered_for() {
    let pair = Pair::new();
    let b = pair.start_b(&key(&pair.a)).await;
    let (stranger, listen) = (Host::named("stranger"), b.status().lan.listen.unwrap());
    let (a, tunnel) = pair.start_a(&listen, &key(&stranger)).await;
    let (status, reason) = refusal(open_to_b(&tunnel, "echo", 0, b"").await);
    assert_eq!(status, Status::Unreachable, "{reason}");
    assert!(a.status().lan.peers[0].last_error.is_some());
    // Mended while it runs: then its listener is gone.
    pair.a.write("lan.json", &json!({ "peers": { "node-b": { "connect": listen, "key": key(&pair.b) } } }));
    a.reload().await.unwrap();
    let mut stream = open_to_b(&tunnel, "echo", 0, b"abc").await.unwrap();
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"cba");
    b.drain(Duration::from_secs(1)).await;
    assert_eq!(refusal(open_to_b(&tunnel, "echo", 0, b"").await).0, Status::Unreachable);
}

#[tokio::test]
async fn a_node_that_is_no_peer_is_not_let_in() {
    let pair = Pair::new();
    let stranger = Host::named("stranger");
    let b = pair.start_b(&key(&stranger)).await;
    let (_a, tunnel) = pair.start_a(&b.status().lan.listen.unwrap(), &key(&pair.b)).await;
    assert_eq!(refusal(open_to_b(&tunnel, "echo", 0, b"").await).0, Status::Unreachable);
}
