//! Streams that go on over another tunnel when theirs is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::shard::Shards;
use tunnel::{CloseCode, Onward, Stream, StreamError, Transport, Tunnel, Ways};

use crate::stage::{Gateway, accept, echo, preamble};

/// The tunnel that streams are opened on, and go on over.
#[derive(Clone, Default)]
struct Current(Arc<Mutex<Option<Tunnel>>>);

impl Current {
    fn set(&self, tunnel: &Tunnel) -> Option<Tunnel> {
        self.0.lock().expect("unpoisoned").replace(tunnel.clone())
    }

    fn ways(&self) -> Ways {
        let current = self.0.clone();
        Arc::new(move || match current.lock().expect("unpoisoned").clone() {
            Some(tunnel) if !tunnel.is_closed() => Onward::Over(tunnel),
            _ => Onward::NotYet,
        })
    }

    async fn open(&self) -> Stream {
        let Onward::Over(tunnel) = (self.ways())() else { panic!("no tunnel") };
        let slot = tunnel.reserve(Duration::from_secs(5)).await.expect("a place");
        let first = Bytes::from_static(b"first ");
        let mut stream = slot.open_surviving(&preamble("echo"), first, self.ways()).await.expect("opens");
        stream.answered().await.expect("accepted");
        stream
    }
}

/// Bytes that differ at every place, so that a lost, doubled or swapped one shows.
struct Pattern(u64);

impl Pattern {
    fn block(&mut self, length: usize) -> Vec<u8> {
        let next = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 56) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }
}

const LOSSES: usize = 8;

/// Sends bytes through the echo and back for as long as tunnels are lost, one after the other.
async fn echo_through(stream: Stream, mut lose: impl AsyncFnMut(usize)) {
    let (mut send, mut recv) = (stream.send, stream.recv);
    let lost_all = Arc::new(AtomicBool::new(false));
    let until = lost_all.clone();
    let sending = tokio::spawn(async move {
        let (mut pattern, mut sent) = (Pattern(7), 0);
        while !until.load(Ordering::Relaxed) {
            let block = pattern.block(100_000);
            sent += block.len();
            send.write_all(&block).await.expect("writes");
        }
        send.shutdown().await.expect("finishes");
        (send, sent)
    });
    let receiving = tokio::spawn(async move {
        let mut first = [0; 6];
        recv.read_exact(&mut first).await.expect("reads");
        assert_eq!(&first, b"first ");
        let (mut pattern, mut received) = (Pattern(7), 0);
        while let Some(chunk) = recv.read().await.expect("reads to the end") {
            assert!(
                chunk == pattern.block(chunk.len()),
                "wrong within {} bytes after {received}",
                chunk.len()
            );
            received += chunk.len();
        }
        received
    });
    for loss in 0..LOSSES {
        tokio::time::sleep(Duration::from_millis(20)).await;
        lose(loss).await;
    }
    lost_all.store(true, Ordering::Relaxed);
    let (_send, sent) = sending.await.expect("sends");
    assert_eq!(receiving.await.expect("receives"), sent);
}

#[tokio::test]
async fn no_byte_is_lost_or_doubled_over_many_lost_tunnels() {
    let mut gateway = Gateway::start(2).await;
    let shards = Shards::start("node", 2).expect("threads");
    let current = Current::default();
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&node);
    current.set(&tunnel);
    let stream = current.open().await;
    let lose = async |_| {
        let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
        echo(&node);
        current.set(&tunnel).expect("one before").close(CloseCode::Lost, "the network failed");
    };
    echo_through(stream, lose).await;
}

#[tokio::test]
async fn a_stream_moves_from_quic_to_tls_and_back() {
    let mut gateway = Gateway::start(2).await;
    let shards = Shards::start("node", 1).expect("threads");
    let current = Current::default();
    let (node, tunnel) = gateway.pair(Transport::Quic, &shards).await;
    echo(&node);
    current.set(&tunnel);
    let stream = current.open().await;
    let alternate = async |losses: usize| {
        let carrier = if losses.is_multiple_of(2) { Transport::Tls } else { Transport::Quic };
        let (node, tunnel) = gateway.pair(carrier, &shards).await;
        echo(&node);
        let lost = current.set(&tunnel).expect("one before");
        assert_ne!(lost.transport(), tunnel.transport());
        lost.close(CloseCode::Lost, "UDP is blocked, and open again");
    };
    echo_through(stream, alternate).await;
}

#[tokio::test]
async fn a_revoked_tunnel_takes_its_streams_along() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let current = Current::default();
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&node);
    current.set(&tunnel);
    let mut stream = current.open().await;
    assert_eq!(stream.recv.read().await.expect("alive").as_deref(), Some(&b"first "[..]));
    tunnel.close(CloseCode::Revoked, "revoked");
    let end = tokio::time::timeout(Duration::from_secs(10), stream.recv.read()).await.expect("at once");
    assert!(matches!(end, Err(StreamError::Lost(close)) if close.code == CloseCode::Revoked));
}

#[tokio::test]
async fn a_lost_stream_ends_at_once_when_the_process_at_its_other_end_is_known_to_be_gone() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&node);
    let slot = tunnel.reserve(Duration::from_secs(5)).await.expect("a place");
    let gone: Ways = Arc::new(|| Onward::Never);
    let mut stream = slot.open_surviving(&preamble("echo"), Bytes::new(), gone).await.expect("opens");
    stream.answered().await.expect("accepted");
    tunnel.close(CloseCode::Lost, "the network failed");
    let end = tokio::time::timeout(Duration::from_secs(8), stream.recv.read());
    let end = end.await.expect("well before the time for resuming is over");
    assert!(matches!(end, Err(StreamError::NotResumed(_))), "{end:?}");
}

#[tokio::test]
async fn who_knows_that_the_other_side_never_comes_back_ends_what_waits_for_it_and_nothing_else() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    let never: Ways = Arc::new(|| Onward::NotYet);
    let current = Current::default();
    let (mut ends, mut openers) = (Vec::new(), Vec::new());
    for ways in [never, current.ways()] {
        let slot = tunnel.reserve(Duration::from_secs(5)).await.expect("a place");
        openers.push(slot.open_surviving(&preamble("echo"), Bytes::new(), ways).await.expect("opens"));
        ends.push(accept(&node).await);
    }
    let (other, next) = gateway.pair(Transport::Tls, &shards).await;
    echo(&other);
    current.set(&next);
    let survivors = node.survivors().clone();
    tunnel.close(CloseCode::Lost, "the network failed");
    let [mut waits, mut goes_on]: [Stream; 2] = ends.try_into().expect("two");
    goes_on.send.write(Bytes::from_static(b"on")).await.expect("goes on");
    assert_eq!(openers[1].recv.read().await.expect("goes on").as_deref(), Some(&b"on"[..]));
    survivors.end("the test says so");
    let end = tokio::time::timeout(Duration::from_secs(8), waits.recv.read()).await.expect("at once");
    assert!(matches!(end, Err(StreamError::NotResumed("the test says so"))), "{end:?}");
    openers[1].send.write(Bytes::from_static(b"and on")).await.expect("goes on");
    assert_eq!(goes_on.recv.read().await.expect("goes on").as_deref(), Some(&b"and on"[..]));
}

#[tokio::test]
async fn a_stream_that_the_other_side_does_not_know_ends_at_once() {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let current = Current::default();
    let (node, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    let serving = node.clone();
    // The node takes the stream and forgets it, as a restarted process would have.
    node.home().spawn(async move {
        let mut stream = accept(&serving).await;
        stream.answer(&tunnel::Answer::ok()).await.expect("answers");
    });
    current.set(&tunnel);
    let mut stream = current.open().await;
    let (other, tunnel) = gateway.pair(Transport::Tls, &shards).await;
    echo(&other);
    current.set(&tunnel).expect("the first").close(CloseCode::Lost, "the network failed");
    let end = tokio::time::timeout(Duration::from_secs(8), async {
        loop {
            match stream.recv.read().await {
                Ok(Some(_)) => {}
                end => return end,
            }
        }
    });
    let end = end.await.expect("well before the time for resuming is over");
    assert!(!matches!(end, Ok(Some(_))));
}
