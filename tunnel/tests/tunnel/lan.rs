//! Streams between two nodes on a LAN.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tunnel::shard::Shards;
use tunnel::tls::lan::{LanDialer, LanListener, LanOpenError};
use tunnel::{Answer, Fingerprint, NodeKey, Stream, StreamError};

use crate::stage::preamble;

type Allowed = Arc<Mutex<HashSet<Fingerprint>>>;

async fn listen(key: &NodeKey, shards: &Shards, allowed: &Allowed) -> Arc<LanListener> {
    let (address, allowed) = ("127.0.0.1:0".parse().expect("an address"), allowed.clone());
    let may = move |key: &Fingerprint| allowed.lock().expect("not poisoned").contains(key);
    let listener = Arc::new(LanListener::bind(address, key, shards, may).await.expect("binds"));
    let accepting = listener.clone();
    tokio::spawn(async move {
        loop {
            let incoming = accepting.accept().await;
            tokio::spawn(async move {
                let (_, mut stream) = incoming.preamble().await.expect("a preamble").expect("a new stream");
                stream.answer(&Answer::ok()).await.expect("answers");
                while let Ok(Some(chunk)) = stream.recv.read().await {
                    stream.send.write(chunk).await.expect("writes");
                }
                let _gone = stream.send.finish().await;
            });
        }
    });
    listener
}

async fn there_and_back(mut stream: Stream, text: &'static [u8]) {
    stream.answered().await.expect("accepted");
    stream.send.write(Bytes::from_static(text)).await.expect("writes");
    stream.send.finish().await.expect("finishes");
    let mut back = Vec::new();
    while let Some(chunk) = stream.recv.read().await.expect("reads") {
        back.extend_from_slice(&chunk);
    }
    assert_eq!(back, text);
}

struct Lan {
    listener: Arc<LanListener>,
    allowed: Allowed,
    server: NodeKey,
    client: NodeKey,
    shards: Shards,
}

async fn lan() -> Lan {
    let (server, client) = (NodeKey::generate().expect("makes one"), NodeKey::generate().expect("makes one"));
    let shards = Shards::start("lan", 2).expect("threads");
    let allowed: Allowed = Arc::new(Mutex::new(HashSet::from([client.fingerprint()])));
    let listener = listen(&server, &shards, &allowed).await;
    Lan { listener, allowed, server, client, shards }
}

#[tokio::test]
async fn a_peer_with_the_right_key_opens_streams() {
    let lan = lan().await;
    let address = lan.listener.address();
    let dialer =
        LanDialer::new(address, &lan.server.fingerprint(), &lan.client, &lan.shards).expect("a dialer");
    let mut together = tokio::task::JoinSet::new();
    let dialer = Arc::new(dialer);
    for _ in 0..100 {
        let dialer = dialer.clone();
        together.spawn(async move {
            let stream = dialer.open(&preamble("x"), Bytes::new()).await.expect("opens");
            there_and_back(stream, b"hello from the LAN").await;
        });
    }
    while let Some(done) = together.join_next().await {
        done.expect("no panic");
    }
}

#[tokio::test]
async fn a_key_that_is_not_allowed_stays_out_and_is_told() {
    let lan = lan().await;
    let stranger = NodeKey::generate().expect("makes one");
    let address = lan.listener.address();
    let dialer =
        LanDialer::new(address, &lan.server.fingerprint(), &stranger, &lan.shards).expect("a dialer");
    let opened = dialer.open(&preamble("x"), Bytes::new()).await;
    let Err(LanOpenError::Unreachable(reason)) = opened else { panic!("{opened:?}") };
    assert!(reason.contains(stranger.fingerprint().as_str()), "{reason}");
}

#[tokio::test]
async fn a_listener_with_another_key_is_not_believed() {
    let lan = lan().await;
    let other = NodeKey::generate().expect("makes one").fingerprint();
    let dialer = LanDialer::new(lan.listener.address(), &other, &lan.client, &lan.shards).expect("a dialer");
    let opened = dialer.open(&preamble("x"), Bytes::new()).await;
    assert!(matches!(opened, Err(LanOpenError::Unreachable(_))), "{opened:?}");
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_reported_at_once_and_found_when_it_comes() {
    let lan = lan().await;
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = reserved.local_addr().expect("bound");
    drop(reserved);
    let dialer =
        LanDialer::new(address, &lan.server.fingerprint(), &lan.client, &lan.shards).expect("a dialer");
    let opened =
        tokio::time::timeout(Duration::from_secs(2), dialer.open(&preamble("x"), Bytes::new())).await;
    assert!(matches!(opened, Ok(Err(LanOpenError::Unreachable(_)))), "{opened:?}");
    let client = lan.client.fingerprint();
    let listener =
        LanListener::bind(address, &lan.server, &lan.shards, move |key| *key == client).await.expect("binds");
    let accept = async {
        let (_, mut stream) =
            listener.accept().await.preamble().await.expect("a preamble").expect("a new stream");
        stream.answer(&Answer::ok()).await.expect("answers");
        stream
    };
    let open = async {
        loop {
            if let Ok(mut stream) = dialer.open(&preamble("x"), Bytes::new()).await {
                return stream.answered().await.expect("accepted");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let both = async { tokio::join!(accept, open) };
    tokio::time::timeout(Duration::from_secs(5), both).await.expect("in time");
}

#[tokio::test]
async fn a_peer_that_is_not_allowed_any_more_is_cut_off() {
    let lan = lan().await;
    let address = lan.listener.address();
    let dialer =
        LanDialer::new(address, &lan.server.fingerprint(), &lan.client, &lan.shards).expect("a dialer");
    let mut stream = dialer.open(&preamble("x"), Bytes::new()).await.expect("opens");
    stream.answered().await.expect("accepted");
    lan.allowed.lock().expect("not poisoned").clear();
    lan.listener.recheck();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.recv.read()).await.expect("in time");
    assert!(matches!(read, Err(StreamError::Lost(_))), "{read:?}");
    let opened = async {
        // Connections that broke are noticed one by one.
        while dialer.open(&preamble("x"), Bytes::new()).await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_secs(20), opened).await.expect("refused in the end");
}
