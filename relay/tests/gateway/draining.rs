//! How a gateway ends: what is open may finish, nothing new begins, everybody is told.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::{CloseCode, Event};

use crate::stage::{Node, SOON, Stage, start_on_any_port};

#[tokio::test]
async fn what_is_open_finishes_and_nothing_new_begins() {
    let stage = Stage::echoing().await;
    let tunnel = stage.connect(&Node::new("a")).await;
    let mut open = stage.client().await;
    open.write_all(b"half").await.unwrap();
    let mut back = [0; 4];
    open.read_exact(&mut back).await.unwrap();
    assert_eq!(stage.ask("GET", "/readyz").await.0, 200);

    let gateway = stage.gateway.clone();
    let draining = tokio::spawn(async move { gateway.drain(SOON).await });
    let event = tokio::time::timeout(SOON, tunnel.event()).await.expect("in time");
    assert!(matches!(event, Event::Drain { .. }), "{event:?}");
    let (status, reason) = stage.ask("GET", "/readyz").await;
    assert!(status == 503 && reason.contains("draining"), "{status} {reason}");
    assert!((stage.metric("fastx_gateway_draining") - 1.0).abs() < 0.1);
    assert!(tokio::net::TcpStream::connect(stage.gateway.addresses()[0]).await.is_err());

    open.write_all(b"rest").await.unwrap();
    open.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"rest");
    assert!(!draining.is_finished() && !tunnel.is_closed());
    open.shutdown().await.unwrap();
    assert_eq!(open.read(&mut back).await.unwrap(), 0);
    tokio::time::timeout(SOON, draining).await.expect("in time").unwrap();
    let close = tokio::time::timeout(SOON, tunnel.closed()).await.expect("in time");
    assert_eq!(close.code, CloseCode::Shutdown);
}

#[tokio::test]
async fn the_deadline_cuts_what_does_not_finish() {
    let stage = Stage::echoing().await;
    stage.connect(&Node::new("a")).await;
    let mut open = stage.client().await;
    open.write_all(b"half").await.unwrap();
    let mut back = [0; 4];
    open.read_exact(&mut back).await.unwrap();
    let drained = tokio::time::timeout(SOON, stage.gateway.drain(Duration::from_millis(200))).await;
    drained.expect("ends soon after its deadline");
    assert!(open.read(&mut back).await.is_err());
}

#[tokio::test]
async fn a_drained_gateway_leaves_its_ports_to_the_next_one() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    stage.connect(&node).await;
    stage.gateway.drain(Duration::from_secs(1)).await;
    let again = start_on_any_port(&stage.dirs).await.expect("starts at once");
    assert_eq!(again.nodes().nodes[0].key, node.key.fingerprint());
}
