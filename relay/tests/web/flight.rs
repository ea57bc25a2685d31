//! A request travels in the flight that opens its stream, and goes to another node only if nobody can have seen it.

use tokio::io::AsyncWriteExt;

use crate::origin::Manner;
use crate::raw::{ask, rest, statuses};
use crate::stage::Stage;

const POST: &str = "POST /echo HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn the_head_is_there_before_the_node_has_answered() {
    let mut stage = Stage::new().await;
    stage.node_that(Manner::Waits, "a").await;
    let answer = ask(&stage, format!("{POST}12345").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("12345"), "{answer}");
    assert_eq!(stage.seen(), ["a first POST /echo HTTP/1.1", "a POST /echo"]);
    let ws = "GET /ws HTTP/1.1\r\nHost: gw\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let answer = ask(&stage, ws.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 101") && answer.ends_with("hello"), "{answer}");
    // More than what is caught at once, most of it body.
    let head = "POST /echo HTTP/1.1\r\nHost: gw\r\nContent-Length: 300000\r\nConnection: close\r\n";
    let request = format!("{head}X-Long: {}\r\n\r\n{}", "x".repeat(40_000), "y".repeat(300_000));
    let answer = ask(&stage, request.as_bytes()).await;
    assert!(answer.ends_with(&"y".repeat(300_000)), "{} bytes", answer.len());
}

#[tokio::test]
async fn a_request_that_one_node_refuses_is_whole_for_the_next() {
    let mut stage = Stage::new().await;
    stage.node_that(Manner::Refuses, "a").await;
    stage.node_that(Manner::Refuses, "b").await;
    stage.node("c").await;
    // The cookie makes it ask the one that refuses first; part of the body comes after the refusal.
    let mut stream = stage.connect(&["http/1.1"]).await;
    let post = POST.replace("Content-Length", "Cookie: fastx-server=a\r\nContent-Length");
    stream.write_all(format!("{post}12").as_bytes()).await.unwrap();
    stage.settle().await;
    stream.write_all(b"345").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("12345"), "{answer}");
    let seen = stage.seen();
    assert_eq!(seen[0], "a first POST /echo HTTP/1.1");
    assert_eq!(seen.last().unwrap(), "c POST /echo");
}

#[tokio::test]
async fn a_request_that_a_node_may_have_seen_goes_to_no_other() {
    let mut stage = Stage::new().await;
    stage.node_that(Manner::Breaks, "a").await;
    stage.node("b").await;
    let request = "GET / HTTP/1.1\r\nHost: gw\r\nCookie: fastx-server=a\r\nConnection: close\r\n\r\n";
    let answer = ask(&stage, request.as_bytes()).await;
    assert_eq!(statuses(&answer), ["502"], "{answer}");
    assert!(answer.contains("FX-1209"), "{answer}");
    assert_eq!(stage.seen(), ["a first GET / HTTP/1.1"]);
}
