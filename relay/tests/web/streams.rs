//! Streams of HTTP/2: malformed requests are reset before a node sees them, a stalled reader loses its stream alone, and
//! a drain lets them finish.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;

use crate::frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, begin, frame, next};
use crate::stage::Stage;

/// `GET https://gw/sleep`, then `more` headers that are in no table.
fn get(more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = b"\x82\x87\x04\x06/sleep\x41\x02gw".to_vec();
    for (name, value) in more {
        for text in [name, value] {
            block.extend(if text == name { &[0][..] } else { &[] });
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// Sends frames of stream 1; the first kind of frame that ends it or answers it.
async fn outcome(stage: &Stage, frames: &[u8]) -> Option<u8> {
    let mut stream = begin(stage).await;
    stream.write_all(frames).await.unwrap();
    let decided = async {
        loop {
            let (kind, _) = next(&mut stream).await?;
            if [HEADERS, RST_STREAM, GOAWAY].contains(&kind) {
                return Some(kind);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), decided).await.expect("decided")
}

#[tokio::test]
async fn malformed_requests_are_reset_and_no_node_sees_them() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let table = [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("X-Upper", "1"),
        ("x-line", "a\r\nb: c"),
        ("x-nul", "a\0b"),
        ("x y", "1"),
        (":path", "/other"),
        (":unknown", "1"),
        ("content-length", "5"),
        ("content-length", "x"),
        ("content-length", "+0"),
    ];
    for header in table {
        let head = frame(HEADERS, END_STREAM | END_HEADERS, 1, &get(&[header]));
        let kind = outcome(&stage, &head).await;
        assert!(kind != Some(HEADERS), "{header:?} is answered");
        assert_eq!(stage.seen(), [""; 0], "{header:?}");
    }
    let host = frame(HEADERS, END_STREAM | END_HEADERS, 1, &get(&[("host", "other")]));
    assert_eq!(outcome(&stage, &host).await, Some(HEADERS), "400, by the gateway itself");
    assert_eq!(stage.seen(), [""; 0]);
    // These are seen to be wrong when the body comes; the node never gets it whole.
    for (length, body) in [("5", "abc"), ("3", "abcde")] {
        let head = frame(HEADERS, END_HEADERS, 1, &get(&[("content-length", length)]));
        let frames = [head, frame(DATA, END_STREAM, 1, body.as_bytes())].concat();
        assert_eq!(outcome(&stage, &frames).await, Some(RST_STREAM), "{length} for {body}");
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_reset_and_the_others_go_on() {
    let mut stage = Stage::configured(serde_json::json!({ "limits": { "write": "2s" } })).await;
    stage.node("a").await;
    let stream = stage.connect(&["h2"]).await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let ask = |path: &str| Request::get(format!("https://gw{path}")).body(Empty::<Bytes>::new()).unwrap();
    let stalled = sender.send_request(ask("/forever")).await.unwrap();
    assert_eq!(stage.open_streams(), 1);
    let others = async {
        let began = Instant::now();
        loop {
            let other = sender.send_request(ask("/")).await.unwrap();
            assert_eq!(other.into_body().collect().await.unwrap().to_bytes(), "a");
            tokio::time::sleep(Duration::from_millis(100)).await;
            if stage.open_streams() == 0 {
                return began.elapsed();
            }
        }
    };
    let after = tokio::time::timeout(Duration::from_secs(60), others).await.expect("it is cut");
    assert!(after > Duration::from_secs(1), "not before its time: {after:?}");
    assert!(stalled.into_body().collect().await.is_err(), "a reset, and no end");
}

#[tokio::test]
async fn a_drain_says_goaway_and_lets_streams_finish() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut stream = begin(&stage).await;
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &get(&[]))).await.unwrap();
    while stage.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let reading = async {
        let (mut codes, mut body) = (Vec::new(), Vec::new());
        while let Some((kind, payload)) = next(&mut stream).await {
            match kind {
                GOAWAY => codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                DATA => body.extend(payload),
                // The last GOAWAY waits for it.
                PING => stream.write_all(&frame(PING, 1, 0, &payload)).await.unwrap(),
                _ => {}
            }
        }
        (codes, body)
    };
    let drained = stage.front.drain(Duration::from_secs(120));
    let both = async { tokio::join!(reading, drained) };
    let ((codes, body), ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("ends early");
    assert!(!codes.is_empty() && codes.iter().all(|code| *code == 0), "{codes:?}");
    assert_eq!(body, b"slept");
}
