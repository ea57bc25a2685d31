//! What only QUIC does: the path's MTU, stripes over shards, silence and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tunnel::shard::Shards;
use tunnel::{NodeKey, Transport, Way, quic};

use crate::stage::{Gateway, echo, hello, open};

#[tokio::test]
async fn the_path_mtu_of_loopback_is_found() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, _tunnel) = gateway.pair(Transport::Quic, &shards).await;
    for _ in 0..100 {
        if node.stats().mtu.is_some_and(|mtu| mtu > 6000) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("MTU {:?}", node.stats().mtu);
}

#[tokio::test]
async fn stripes_land_on_different_shards() {
    let mut gateway = Gateway::start(3).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (udp, trust, key) = (gateway.udp, gateway.trust(), NodeKey::generate().expect("makes one"));
    for stripe in 0..6 {
        let hello = hello();
        let dial = quic::dial(udp, "localhost", &trust, &key, &hello, stripe, shards.get(0));
        let (node, gateway_end) = tokio::join!(dial, gateway.admit());
        node.expect("dialled");
        assert_eq!(gateway_end.home().index(), stripe % 3);
    }
    assert_eq!(gateway.shards.len(), 3);
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
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let swallow;
    (gateway.udp, swallow) = firewall(gateway.udp).await;
    let (node, tunnel) = gateway.pair(Transport::Quic, &shards).await;
    echo(&node);
    let mut stream = open(&tunnel).await;
    swallow.store(true, Ordering::Relaxed);
    stream.send.write(Bytes::from_static(b"through the silence")).await.expect("is queued");
    for end in [&node, &tunnel] {
        let way = end.way();
        tokio::time::timeout(Duration::from_secs(15), way.leaves(Way::Good)).await.expect("in time");
    }
    swallow.store(false, Ordering::Relaxed);
    let way = node.way();
    tokio::time::timeout(Duration::from_secs(15), way.leaves(Way::Doubtful)).await.expect("in time");
    assert_eq!(stream.recv.read().await.expect("alive").as_deref(), Some(&b"through the silence"[..]));
}
