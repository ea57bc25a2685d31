//! What a hostile or unlucky peer can do to TLS data connections, and what streams leave behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::identity::{self, ALPN_DATA};
use tunnel::shard::Shards;
use tunnel::tls::AcceptError;
use tunnel::wire::control::ControlError;
use tunnel::{CloseCode, NodeKey, Transport, Trust, Tunnel};

use crate::stage::{Gateway, echo, eventually, preamble};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a folder").count()
}

async fn round(tunnel: &Tunnel) {
    let mut stream = tunnel.open(&preamble("echo"), Bytes::from_static(b"x")).await.expect("opens");
    stream.answered().await.expect("accepted");
    stream.send.finish().await.expect("finishes");
    assert_eq!(stream.recv.read().await.expect("reads").as_deref(), Some(&b"x"[..]));
    assert_eq!(stream.recv.read().await.expect("the end"), None);
}

/// One test, so that nothing else in this process opens files.
#[tokio::test]
async fn streams_and_tunnels_leave_nothing_behind() {
    let mut gateway = Gateway::start(2).await;
    let node_shards = Shards::start("node", 1).expect("threads");
    let before_tunnel = open_files();
    let tasks_before: usize = tasks(&gateway.shards, &node_shards);
    let (node, tunnel) = gateway.pair(Transport::Tls, &node_shards).await;
    echo(&node);
    for _ in 0..4 {
        round(&tunnel).await;
    }
    let (before, tasks_idle) = (open_files(), tasks(&gateway.shards, &node_shards));
    for _ in 0..10 {
        let mut together = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let tunnel = tunnel.clone();
            together.spawn(async move { round(&tunnel).await });
        }
        while let Some(done) = together.join_next().await {
            done.expect("no panic");
        }
    }
    // The node drops its halves a moment after the gateway read the end.
    eventually("all streams ended", || (tunnel.open_streams(), node.open_streams()) == (0, 0)).await;
    // The idle ones stay: two descriptors and one waiting task each, at most as many as ran together.
    let grown = open_files().saturating_sub(before) / 2;
    assert!(grown <= 200, "{grown} more data connections");
    // Files are counted for the process, in which other tests close theirs meanwhile: so the bound, not the count.
    eventually("the tasks ended", || tasks(&gateway.shards, &node_shards) <= tasks_idle + 200 + 20).await;
    tunnel.close(CloseCode::Done, "over");
    node.closed().await;
    drop((node, tunnel));
    eventually("all files are closed", || open_files() <= before_tunnel).await;
    eventually("all tasks ended", || tasks(&gateway.shards, &node_shards) <= tasks_before).await;

    revocation_closes_everything(&mut gateway, &node_shards).await;
    strangers_get_nothing(&mut gateway, &node_shards).await;
    garbage_ends_one_connection_only(&mut gateway, &node_shards).await;
}

fn tasks(gateway: &Shards, node: &Shards) -> usize {
    gateway.iter().chain(node.iter()).map(|shard| shard.handle().metrics().num_alive_tasks()).sum()
}

async fn revocation_closes_everything(gateway: &mut Gateway, node_shards: &Shards) {
    let before = open_files();
    let (node, tunnel) = gateway.pair(Transport::Tls, node_shards).await;
    echo(&node);
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
        stream.answered().await.expect("accepted");
        streams.push(stream);
    }
    let began = Instant::now();
    tunnel.close(CloseCode::Revoked, "revoked");
    for stream in &mut streams {
        stream.recv.read().await.expect_err("cut");
    }
    node.closed().await;
    assert!(began.elapsed() < Duration::from_secs(2));
    drop((streams, node, tunnel));
    eventually("all files are closed", || open_files() <= before).await;
}

/// A data connection by hand, with `first` in place of a hello.
async fn data_connection(address: SocketAddr, ca: &str, key: &NodeKey, first: &[u8]) -> TlsStream<TcpStream> {
    let config = identity::client_config(key, &Trust::Ca(ca.to_owned()), ALPN_DATA).expect("a configuration");
    let socket = TcpStream::connect(address).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut tls = TlsConnector::from(Arc::new(config)).connect(name, socket).await.expect("a handshake");
    tls.write_all(first).await.expect("writes");
    tls
}

fn framed(hello: &[u8]) -> Vec<u8> {
    let length = u32::try_from(hello.len()).expect("short");
    [&length.to_be_bytes(), hello].concat()
}

/// Waits for one outcome; refills of the tunnels come between, and those of closed ones fail.
async fn outcome(gateway: &mut Gateway, what: &str, wanted: impl Fn(&AcceptError) -> bool) {
    let waiting = async {
        while !matches!(gateway.outcomes.recv().await.expect("an outcome"), Err(error) if wanted(&error)) {}
    };
    tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap_or_else(|_| panic!("not told: {what}"));
}

async fn strangers_get_nothing(gateway: &mut Gateway, node_shards: &Shards) {
    let (_node, tunnel) = gateway.pair(Transport::Tls, node_shards).await;
    let stranger = NodeKey::generate().expect("makes one");
    let own_id = format!(r#"{{"tunnelId":"{}"}}"#, tunnel.id());
    for hello in [&br#"{"tunnelId":"00"}"#[..], own_id.as_bytes()] {
        let mut tls = data_connection(gateway.tcp, &gateway.ca, &stranger, &framed(hello)).await;
        let mut answer = Vec::new();
        let began = Instant::now();
        let _unclean = tls.read_to_end(&mut answer).await;
        assert!(began.elapsed() < Duration::from_secs(1), "refused without delay");
        assert!(String::from_utf8_lossy(&answer).contains("refused"), "{answer:?}");
        outcome(gateway, "unknown tunnel", |error| matches!(error, AcceptError::UnknownTunnel)).await;
    }
    tunnel.close(CloseCode::Done, "over");
}

async fn garbage_ends_one_connection_only(gateway: &mut Gateway, node_shards: &Shards) {
    let (node, tunnel) = gateway.pair(Transport::Tls, node_shards).await;
    echo(&node);
    round(&tunnel).await;
    let key = NodeKey::generate().expect("makes one");
    for (what, garbage) in [("too long", vec![0xff; 300]), ("not JSON", framed(&[0xff; 300]))] {
        let mut tls = data_connection(gateway.tcp, &gateway.ca, &key, &garbage).await;
        let _unclean = tls.read_to_end(&mut Vec::new()).await;
        outcome(gateway, what, |error| {
            use ControlError::{Malformed, TooLong};
            matches!(error, AcceptError::Hello(TooLong(_) | Malformed(_)))
        })
        .await;
    }
    round(&tunnel).await;
    tunnel.close(CloseCode::Done, "over");
}
