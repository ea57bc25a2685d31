//! Requests of one address come only so fast.

use crate::raw::{ask, rest, statuses};
use crate::stage::{Stage, handshake};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_again() {
    let limits = serde_json::json!({ "requestsPerSecond": 1, "requestBurst": 2 });
    let mut stage = Stage::configured(serde_json::json!({ "limits": limits })).await;
    stage.node("a").await;
    let one = "GET / HTTP/1.1\r\nHost: gw\r\n\r\n";
    let answer = ask(&stage, one.repeat(30).as_bytes()).await;
    let statuses = statuses(&answer);
    assert_eq!(statuses.len(), 30, "the connection goes on: {answer}");
    let good = statuses.iter().filter(|status| **status == "200").count();
    let over = statuses.iter().filter(|status| **status == "429").count();
    assert!(statuses[0] == "200" && over > 0 && good + over == 30, "{statuses:?}");
    assert!(answer.contains("FX-1216") && answer.contains("retry-after: 1\r\n"), "{answer}");
    assert_eq!(stage.seen().len(), good);
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = handshake(other.connect(stage.address).await.unwrap(), &stage.pem, &[]).await.unwrap();
    other.write_all(one.as_bytes()).await.unwrap();
    assert!(rest(&mut other).await.starts_with("HTTP/1.1 200"), "another address is not meant");
}
