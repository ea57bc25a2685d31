//! A gateway that lives: certificates change under load, tunnels are lost, it is drained.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::raw::{rest, until};
use crate::stage::{Stage, certificate, handshake};

/// Runs h2load with `args`; what it prints.
async fn h2load(stage: &Stage, args: &[&str]) -> String {
    let url = format!("https://127.0.0.1:{}/", stage.address.port());
    let mut command = Command::new("h2load");
    let output = command.args(args).arg(url).stdin(Stdio::null()).output().await.expect("h2load runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_without_one_failure() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    for protocol in [&["--h1", "-n20000"][..], &["-n20000", "-m10"]] {
        let args = [protocol, &["-c20", "-t2"]].concat();
        let load = h2load(&stage, &args);
        tokio::pin!(load);
        let mut changes = 0;
        let printed = loop {
            tokio::select! {
                biased;
                printed = &mut load => break printed,
                () = tokio::time::sleep(Duration::from_millis(20)) => {
                    let (_, path, key) = certificate(stage.folder.path(), &format!("n{changes}"));
                    stage.certificates.load(&path, &key).unwrap();
                    changes += 1;
                }
            }
        };
        assert!(printed.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "{printed}");
        assert!(printed.contains("20000 2xx"), "{printed}");
        assert!(changes > 2, "{changes}");
    }
}

#[tokio::test]
async fn a_bad_certificate_changes_nothing_and_says_why() {
    let stage = Stage::new().await;
    let folder = stage.folder.path();
    let (other, path, _) = certificate(folder, "other");
    let (_, _, wrong_key) = certificate(folder, "third");
    let garbage = folder.join("garbage.pem");
    std::fs::write(&garbage, "no PEM").unwrap();
    let table = [
        (&path, &wrong_key, "does not fit"),
        (&garbage, &wrong_key, "garbage.pem"),
        (&path, &garbage, "garbage.pem"),
    ];
    for (certificate, key, words) in table {
        let error = stage.certificates.load(certificate, key).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(stage.certificates.status().problem.unwrap().reason, error);
        stage.connect(&[]).await;
    }
    let key = folder.join("other.key");
    stage.certificates.load(&path, &key).unwrap();
    assert!(stage.certificates.status().problem.is_none());
    assert_eq!(stage.certificates.status().facts.names, ["localhost", "other"]);
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    handshake(socket, &other, &[]).await.expect("the other one is shown");
}

#[tokio::test]
async fn a_tunnel_lost_in_mid_answer_is_seen_as_such() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut stream = stage.connect(&["http/1.1"]).await;
    stream.write_all(b"GET /@a/forever HTTP/1.1\r\nHost: gw\r\n\r\n").await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    stage.lose("a").await;
    let mut body = Vec::new();
    let ended =
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut body)).await.expect("in time");
    // Chunked, and without its last chunk; or without TLS's close_notify.
    assert!(ended.is_err() || !body.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_stream_along() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut stream = stage.connect(&["http/1.1"]).await;
    stream.write_all(b"GET /forever HTTP/1.1\r\nHost: gw\r\n\r\n").await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    assert_eq!(stage.open_streams(), 1);
    drop(stream);
    for _ in 0..50 {
        if stage.open_streams() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} streams", stage.open_streams());
}

#[tokio::test]
async fn draining_finishes_what_is_open_and_no_more() {
    let mut stage = Stage::new().await;
    stage.node("a").await;
    let mut busy = stage.connect(&["http/1.1"]).await;
    busy.write_all(b"GET /sleep HTTP/1.1\r\nHost: gw\r\n\r\n").await.unwrap();
    let mut idle = stage.connect(&["http/1.1"]).await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n").await.unwrap();
    until(&mut idle, "\r\n\r\na").await;
    let mut ws = stage.connect(&["http/1.1"]).await;
    ws.write_all(b"GET /ws HTTP/1.1\r\nHost: gw\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").await.unwrap();
    until(&mut ws, "hello").await;
    stage.settle().await;
    let began = Instant::now();
    stage.front.drain(Duration::from_secs(2)).await;
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(1900) && took < Duration::from_secs(8),
        "the WebSocket is cut: {took:?}"
    );
    let answer = rest(&mut busy).await;
    assert!(answer.contains("connection: close") && answer.ends_with("slept"), "{answer}");
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut ws).await, "");
    assert!(tokio::net::TcpStream::connect(stage.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_node_comes_in_on_the_port_of_the_clients() {
    let mut stage = Stage::new().await;
    stage.node_over_tls("a").await;
    stage.connect(&[]).await;
    let printed = h2load(&stage, &["--h1", "-n500", "-c5"]).await;
    assert!(printed.contains("500 succeeded, 0 failed, 0 errored, 0 timeout"), "{printed}");
    assert_eq!(stage.seen().len(), 500);
    assert_eq!(stage.open_streams(), 0);
}

#[tokio::test]
async fn silent_connections_of_one_address_keep_nobody_else_out() {
    let limits = relay::settings::Limits { handshakes: 40, ..relay::settings::Limits::default() };
    let stage = Stage::with(limits, &[]).await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(tokio::net::TcpStream::connect(stage.address).await.unwrap());
    }
    stage.settle().await;
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    handshake(other.connect(stage.address).await.unwrap(), &stage.pem, &[])
        .await
        .expect("another address is served");
}
