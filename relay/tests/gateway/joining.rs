//! Who gets in, who stays, and who is sent away.

use std::time::Duration;

use relay::admission::Verdict;
use relay::report::State;
use tunnel::wire::control::RefusalCode;
use tunnel::{CloseCode, DialError, NodeKey};

use crate::stage::{Node, SOON, Stage, exchange, id};

fn refusal(dialled: Result<tunnel::Tunnel, DialError>) -> RefusalCode {
    match dialled {
        Err(DialError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_newer_start_takes_over_at_once_and_the_older_one_stays_out() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    let old = stage.connect(&node).await;
    let new = stage.connect(&node.clone().at(2)).await;
    let close = tokio::time::timeout(Duration::from_secs(10), old.closed()).await.expect("in time");
    assert_eq!((close.code, close.remote), (CloseCode::Displaced, true));
    assert_eq!(refusal(stage.dial(&node).await), RefusalCode::StaleGeneration);
    assert_eq!(exchange(stage.client().await, b"still here").await.unwrap(), b"still here");
    assert!(!new.is_closed());
}

#[tokio::test]
async fn several_tunnels_of_one_start_live_side_by_side() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    let first = stage.connect(&node).await;
    let _second = stage.connect(&node).await;
    assert_eq!(stage.gateway.nodes().nodes[0].tunnels.len(), 2);
    first.close(CloseCode::Done, "one of two");
    stage.until(|| stage.gateway.nodes().nodes[0].tunnels.len() == 1).await;
    assert_eq!(stage.gateway.nodes().nodes[0].state, State::Connected);
    assert_eq!(exchange(stage.client().await, b"x").await.unwrap(), b"x");
}

#[tokio::test]
async fn a_second_key_for_the_same_id_is_refused_and_shown() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    stage.connect(&node).await;
    let thief = Node { key: NodeKey::generate().unwrap().into(), generation: 99, ..node.clone() };
    assert_eq!(refusal(stage.dial(&thief).await), RefusalCode::KeyMismatch);
    let known = &stage.gateway.nodes().nodes[0];
    assert_eq!((known.state, known.key.clone()), (State::Connected, node.key.fingerprint()));
    assert_eq!(known.conflicts.len(), 1);
    assert_eq!(known.conflicts[0].key, thief.key.fingerprint());
    assert!((stage.metric("fastx_gateway_key_conflicts_total") - 1.0).abs() < 0.1);
    // When the machine was really set up anew, the administrator says so.
    stage.gateway.change(&id("a"), Verdict::Forget).await.unwrap();
    stage.connect(&thief).await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_the_reason() {
    let stage = Stage::echoing().await;
    let node = Node { token: "wrong".into(), ..Node::new("a") };
    assert_eq!(refusal(stage.dial(&node).await), RefusalCode::BadToken);
    assert!(stage.gateway.nodes().nodes.is_empty());
}

#[tokio::test]
async fn a_revoked_node_is_cut_within_two_seconds_and_stays_out() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    let tunnel = stage.connect(&node).await;
    stage.gateway.change(&id("a"), Verdict::Revoke).await.unwrap();
    let close = tokio::time::timeout(Duration::from_secs(2), tunnel.closed()).await.expect("in time");
    assert_eq!(close.code, CloseCode::Revoked);
    assert_eq!(refusal(stage.dial(&node).await), RefusalCode::Revoked);
    assert_eq!(stage.gateway.nodes().nodes[0].state, State::Revoked);
    let served = async { exchange(tokio::net::TcpStream::connect(stage.port()).await?, b"x").await };
    assert!(served.await.is_err());
    stage.gateway.change(&id("a"), Verdict::Restore).await.unwrap();
    stage.connect(&node).await;
    assert!(stage.gateway.change(&id("nobody"), Verdict::Revoke).await.is_err());
}

#[tokio::test]
async fn a_node_that_leaves_is_remembered_as_unreachable() {
    let stage = Stage::echoing().await;
    let tunnel = stage.connect(&Node::new("a")).await;
    tunnel.close(CloseCode::Done, "bye");
    stage.until(|| stage.gateway.nodes().nodes[0].state == State::Unreachable).await;
    // Also by the next start of the gateway.
    stage.gateway.drain(Duration::ZERO).await;
    let settings = relay::Settings::read(&stage.dirs).unwrap();
    let again = relay::Gateway::start(settings, &stage.dirs).await.unwrap();
    let want = relay::Want {
        server: Some(id("a")),
        sticky: None,
        service: "echo".into(),
        client: None,
        trace: tunnel::TraceId::random(),
    };
    let error = again.router().open(&want, bytes::Bytes::new()).await.unwrap_err();
    assert_eq!(error.code(), "unreachable", "{error}");
}

#[tokio::test]
async fn a_flood_of_new_nodes_is_stored_together() {
    let stage = Stage::echoing().await;
    let nodes: Vec<Node> = (0..50).map(|n| Node::new(&format!("n{n}"))).collect();
    let dialled = futures_util::future::join_all(nodes.iter().map(|node| stage.dial(node)));
    let dialled = tokio::time::timeout(SOON, dialled).await.expect("in time");
    assert!(dialled.iter().all(Result::is_ok));
    stage.until(|| stage.gateway.status().nodes_connected == 50).await;
}
