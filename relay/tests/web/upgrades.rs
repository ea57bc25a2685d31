//! WebSocket over HTTP/1.1 and HTTP/2: opaque bytes after the 101, and not one before.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::raw::{ask, until};
use crate::stage::Stage;

const WS: &str = "GET /@a/ws HTTP/1.1\r\nHost: gw\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn over_http1_each_direction_ends_on_its_own() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut stream = stage.connect(&["http/1.1"]).await;
    // `early` is sent before the 101 is there; the gateway keeps it until then.
    stream.write_all(format!("{WS}\r\nearly").as_bytes()).await.unwrap();
    let head = until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            && head.contains("upgrade: websocket")
    );
    assert_eq!(until(&mut stream, "early").await, "helloearly");
    let big = vec![7; 3 << 20];
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = big.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut back = Vec::new();
    reader.read_to_end(&mut back).await.unwrap();
    writing.await.unwrap();
    assert!(back[..big.len()] == big[..] && back[big.len()..] == *b"bye", "{} bytes", back.len());
}

#[tokio::test]
async fn without_a_101_nothing_is_opaque() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let smuggled =
        format!("{}\r\nGET /@a/secret HTTP/1.1\r\nHost: gw\r\n\r\n", WS.replace("/ws", "/stubborn"));
    let answer = ask(&stage, smuggled.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("no upgrade here"), "{answer}");
    stage.settle().await;
    // The second request, if it is read at all, is a request of its own to the gateway.
    let seen = stage.seen();
    assert_eq!(seen[0], "a GET /stubborn");
    assert!(
        seen.len() == 1
            || (seen.len() == 2 && seen[1] == "a GET /secret" && answer.matches("HTTP/1.1").count() == 2)
    );
}

#[tokio::test]
async fn a_101_that_nobody_asked_for_is_an_error() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let answer = ask(&stage, b"GET /@a/switch HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("FX-1209"), "{answer}");
}

#[tokio::test]
async fn other_versions_of_http_are_no_upgrade() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for token in ["h2c", "HTTP/2.0", "TLS/1.2"] {
        let request = format!(
            "GET /headers HTTP/1.1\r\nHost: gw\r\nConnection: upgrade, close\r\nUpgrade: {token}\r\n\r\n"
        );
        let answer = ask(&stage, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains(token), "{answer}");
    }
}

#[tokio::test]
async fn over_http2_too() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let stream = stage.connect(&["h2"]).await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    stage.settle().await;
    let ask = |path: &str, protocol: &'static str| {
        Request::builder()
            .method(Method::CONNECT)
            .version(Version::HTTP_2)
            .uri(format!("https://gw{path}"))
            .header("sec-websocket-version", "13")
            .extension(hyper::ext::Protocol::from_static(protocol))
            .body(Empty::<Bytes>::new())
            .unwrap()
    };
    let mut response = sender.send_request(ask("/@a/ws", "websocket")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get("sec-websocket-accept").is_none());
    let mut io = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    io.write_all(b"over two").await.unwrap();
    assert_eq!(until(&mut io, "over two").await, "helloover two");
    io.shutdown().await.unwrap();
    let mut rest = String::new();
    io.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "bye");
    assert_eq!(stage.seen(), ["a GET /ws"]);
    let refused = sender.send_request(ask("/@a/stubborn", "websocket")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_GATEWAY, "a 200 would open the tunnel");
    let other = sender.send_request(ask("/@a/ws", "connect-udp")).await.unwrap();
    assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
}
