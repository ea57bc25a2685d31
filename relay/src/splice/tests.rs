use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

/// A relay between two ends.
async fn relayed(patience: Patience) -> (TcpStream, TcpStream, tokio::task::JoinHandle<Moved>) {
    let (client, near) = pair().await;
    let (far, server) = pair().await;
    let relaying = tokio::spawn(async move {
        let moved = relay(&near, &far, patience).await;
        if !moved.is_orderly {
            crate::listen::reset_on_close(&near);
            crate::listen::reset_on_close(&far);
        }
        moved
    });
    (client, server, relaying)
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect()
}

#[tokio::test]
async fn every_byte_arrives_and_half_close_is_exact() {
    // Below, at and far beyond the point where splicing begins.
    for size in [0, 1, SPLICE_AFTER, 20 << 20] {
        let (mut client, mut server, relaying) = relayed(Patience::default()).await;
        let sent = body(size);
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            answer
        });
        let mut seen = Vec::new();
        server.read_to_end(&mut seen).await.unwrap();
        assert!(seen == expected, "{size}");
        // The other direction is still open.
        server.write_all(b"answer").await.unwrap();
        drop(server);
        assert_eq!(sending.await.unwrap(), b"answer");
        let moved = relaying.await.unwrap();
        assert_eq!(moved, Moved { to_far: size as u64, to_near: 6, is_orderly: true });
    }
}

#[tokio::test]
async fn bytes_survive_a_sink_that_reads_late_and_slowly() {
    let (mut client, mut server, _relaying) = relayed(Patience::default()).await;
    let sent = body(8 << 20);
    let expected = sent.clone();
    tokio::spawn(async move {
        for chunk in sent.chunks(300_000) {
            client.write_all(chunk).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut seen = Vec::new();
    let mut buffer = vec![0; 10_007];
    loop {
        match server.read(&mut buffer).await.unwrap() {
            0 => break,
            count => seen.extend_from_slice(&buffer[..count]),
        }
    }
    assert!(seen == expected);
}

#[tokio::test]
async fn a_reset_is_carried_to_the_other_side() {
    let (client, mut server, relaying) = relayed(Patience::default()).await;
    crate::listen::reset_on_close(&client);
    drop(client);
    let error = server.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(!relaying.await.unwrap().is_orderly);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let patience = Patience { write: Duration::from_millis(200), ..Patience::default() };
    let (mut client, _server, relaying) = relayed(patience).await;
    let sending = tokio::spawn(async move { client.write_all(&body(64 << 20)).await });
    let moved = tokio::time::timeout(Duration::from_secs(5), relaying).await.unwrap().unwrap();
    assert!(!moved.is_orderly);
    assert!(sending.await.unwrap().is_err());
}

#[tokio::test]
async fn an_idle_direction_holds_no_pipe() {
    let mut direction = Direction { burst: SPLICE_AFTER, ..Direction::default() };
    let (mut client, near) = pair().await;
    let (far, mut server) = pair().await;
    client.write_all(&body(1000)).await.unwrap();
    let mut seen = vec![0; 1000];
    tokio::select! {
        _ = poll_fn(|cx| direction.poll(cx, &near, &far)) => panic!("nothing ended"),
        read = server.read_exact(&mut seen) => { read.unwrap(); }
    }
    assert!(seen == body(1000));
    let rested = poll_fn(|cx| Poll::Ready(direction.poll(cx, &near, &far).is_pending())).await;
    assert!(rested && matches!(direction.held, Held::Nothing) && direction.burst == 0);
}

#[test]
fn a_held_connection_is_small() {
    // Two directions and a watch; the sockets come on top.
    assert!(size_of::<Direction>() <= 64, "{}", size_of::<Direction>());
}
