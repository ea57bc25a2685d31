//! What every tunnel promises, over either carrier.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::shard::Shards;
use tunnel::wire::control::RefusalCode;
use tunnel::{
    Answer, CloseCode, DialError, NodeKey, OpenError, Pending, Refusal, Status, StreamError, Transport,
    Trust, pump,
};

use crate::stage::{Gateway, accept, client, echo, eventually, identity, open, preamble};

macro_rules! over_both_carriers {
    ($($promise:ident),* $(,)?) => {
        mod quic {
            $(#[tokio::test] async fn $promise() { super::$promise(tunnel::Transport::Quic).await })*
        }
        mod tls {
            $(#[tokio::test] async fn $promise() { super::$promise(tunnel::Transport::Tls).await })*
        }
    };
}

over_both_carriers! {
    bytes_go_both_ways_and_both_ends_are_seen,
    a_refusal_says_why,
    a_refused_node_learns_the_reason,
    a_gateway_with_another_certificate_is_not_believed,
    a_close_carries_its_reason_and_breaks_open_streams,
    a_reset_and_a_stop_carry_their_codes,
    a_stop_reaches_also_who_only_writes,
    what_was_taken_before_the_drop_arrives,
    a_pump_keeps_half_close_exact,
    one_direction_ends_long_before_the_other,
    a_reset_reaches_the_client_as_a_reset,
    a_slow_reader_does_not_hold_up_others,
}

async fn bytes_go_both_ways_and_both_ends_are_seen(carrier: Transport) {
    let mut gateway = Gateway::start(2).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    assert_eq!((node.transport(), node.id()), (carrier, tunnel.id()));
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

async fn a_refusal_says_why(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
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

async fn a_refused_node_learns_the_reason(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let key = NodeKey::generate().expect("makes one");
    let dial = gateway.dial(carrier, &gateway.trust(), &key, &shards);
    let refuse = async |pending: Option<Pending>| {
        let pending = pending.expect("a node");
        assert_eq!(pending.key, key.fingerprint());
        pending.refuse(Refusal { code: RefusalCode::BadToken, reason: "no such token".into() }).await;
    };
    let (dialled, ()) = tokio::join!(dial, async { refuse(gateway.nodes.recv().await).await });
    assert!(matches!(dialled, Err(DialError::Refused(Refusal { code: RefusalCode::BadToken, .. }))));
}

async fn a_gateway_with_another_certificate_is_not_believed(carrier: Transport) {
    let gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (key, other) = (NodeKey::generate().expect("makes one"), Trust::Ca(identity().1));
    match (carrier, gateway.dial(carrier, &other, &key, &shards).await) {
        (Transport::Quic, Err(DialError::Quic(..))) | (Transport::Tls, Err(DialError::Tls(..))) => {}
        (_, dialled) => panic!("{dialled:?}"),
    }
}

async fn a_close_carries_its_reason_and_breaks_open_streams(carrier: Transport) {
    let mut gateway = Gateway::start(2).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    echo(&node);
    let mut stream = open(&tunnel).await;
    tunnel.close(CloseCode::Revoked, "revoked by the administrator");
    let close = tokio::time::timeout(Duration::from_secs(10), node.closed()).await.expect("in time");
    assert_eq!(
        (close.code, close.remote, close.reason.as_str()),
        (CloseCode::Revoked, true, "revoked by the administrator")
    );
    let read = tokio::time::timeout(Duration::from_secs(10), stream.recv.read()).await.expect("in time");
    assert!(matches!(read, Err(StreamError::Lost(_))), "{read:?}");
    let opened = tunnel.open(&preamble("echo"), Bytes::new()).await;
    assert!(matches!(opened, Err(OpenError::Closed(_))), "{opened:?}");
}

async fn a_reset_and_a_stop_carry_their_codes(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    let resets = async {
        let mut stream = accept(&node).await;
        stream.send.write(Bytes::from_static(b"before")).await.expect("writes");
        stream.send.reset(99);
        let mut stopped = accept(&node).await;
        stopped.recv.stop(77);
        // Held, so that only the stop can be the cause.
        (stream, stopped)
    };
    let opens = async {
        let mut stream = tunnel.open(&preamble("x"), Bytes::new()).await.expect("opens");
        // A reset may overtake the bytes before it (RFC 9000 §3.2).
        let end = match stream.recv.read().await {
            Ok(Some(before)) => {
                assert_eq!(before, b"before"[..]);
                stream.recv.read().await
            }
            end => end,
        };
        assert!(matches!(end, Err(StreamError::Reset(99))), "{end:?}");
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
    let _held = tokio::time::timeout(Duration::from_secs(20), both).await.expect("in time");
}

async fn a_stop_reaches_also_who_only_writes(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    node.home().clone().spawn(async move {
        let mut stream = accept(&node).await;
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
    let error = tokio::time::timeout(Duration::from_secs(20), writing).await.expect("in time");
    assert!(matches!(error, StreamError::Reset(77)), "{error:?}");
}

async fn what_was_taken_before_the_drop_arrives(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    let (tell, taken) = tokio::sync::oneshot::channel();
    node.home().clone().spawn(async move {
        let mut stream = accept(&node).await;
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

async fn a_pump_keeps_half_close_exact(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    echo(&node);
    let (mut client, socket) = client().await;
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

async fn one_direction_ends_long_before_the_other(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    let late = async {
        let mut stream = accept(&node).await;
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

async fn a_reset_reaches_the_client_as_a_reset(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
    node.home().clone().spawn(async move {
        let mut stream = accept(&node).await;
        stream.answer(&Answer::ok()).await.expect("answers");
        stream.reset(99);
        node.closed().await;
    });
    let (mut client, socket) = client().await;
    let stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    let outcome = pump::tcp(socket, stream, pump::Patience::default()).await;
    assert_eq!(outcome.end, pump::End::StreamBroke);
    let error = client.read_to_end(&mut Vec::new()).await.expect_err("reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

async fn a_slow_reader_does_not_hold_up_others(carrier: Transport) {
    let mut gateway = Gateway::start(1).await;
    let shards = Shards::start("node", 1).expect("threads");
    let (node, tunnel) = gateway.pair(carrier, &shards).await;
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
        let back = tokio::time::timeout(Duration::from_secs(10), stream.recv.read()).await;
        assert_eq!(back.expect("in time").expect("reads").as_deref(), Some(&b"ping"[..]));
        stream.send.finish().await.expect("finishes");
        assert_eq!(stream.recv.read().await.expect("the end"), None);
    }
    eventually("only the stuck one is open", || tunnel.open_streams() == 1).await;
}
