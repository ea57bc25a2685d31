//! A whole node in this process, dialling a gateway over loopback: streams, reloads, drains, refusals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod gateway;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gateway::{Gateway, Host, Network, eventually, open, preamble, read_all};
use node::Handler;
use node::status::LinkState;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tunnel::wire::control::{Control, RefusalCode};
use tunnel::{Event, Preamble, Status, Stream, StreamError};

/// Reads to the end, then says what it read, in capitals.
async fn echo_after_end(listener: TcpListener) {
    while let Ok((mut socket, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut said = String::new();
            socket.read_to_string(&mut said).await.unwrap();
            socket.write_all(said.to_uppercase().as_bytes()).await.unwrap();
        });
    }
}

async fn with_echo(host: &Host, proxy: Option<&str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = listener.local_addr().unwrap().to_string();
    tokio::spawn(echo_after_end(listener));
    let mut entry = json!({ "connect": connect });
    if let Some(version) = proxy {
        entry["proxyProtocol"] = version.into();
    }
    host.write("services.json", &json!({ "echo": entry }));
}

fn refusal(opened: Result<Stream, StreamError>) -> Status {
    match opened {
        Err(StreamError::Refused { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_reaches_its_service_and_each_direction_ends_on_its_own() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    with_echo(&host, None).await;
    let node = host.start().await;
    let (hello, tunnel) = gateway.tunnel().await;
    assert_eq!((hello.server_id.as_str(), hello.generation), ("node-a", 1));
    assert_eq!(hello.services, ["echo"]);
    let mut stream = open(&tunnel, "echo", b"hello ").await.unwrap();
    stream.send.write("world".into()).await.unwrap();
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"HELLO WORLD");
    assert_eq!(refusal(open(&tunnel, "vnc", b"").await), Status::NoSuchService);
    eventually("connected", || node.status().is_reachable()).await;
}

#[tokio::test]
async fn where_udp_does_not_pass_tls_carries_streams() {
    let host = Host::new();
    let gateway = Gateway::start_in(host.dir.path(), Network::OnlyTcp);
    host.joins(&gateway, "let-me-in");
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    assert_eq!(tunnel.transport(), tunnel::Transport::Tls);
    let mut stream = open(&tunnel, "echo", b"over tcp").await.unwrap();
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"OVER TCP");
    eventually("connected", || node.status().is_reachable()).await;
    let link = node.status().gateways[0].clone();
    assert_eq!(link.transport, Some(tunnel::Transport::Tls));
    assert!(link.quic_retry.is_some(), "QUIC is not forgotten");
}

#[tokio::test]
async fn where_udp_passes_quic_wins_and_no_second_tunnel_is_left_over() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    assert_eq!(tunnel.transport(), tunnel::Transport::Quic);
    assert!(!gateway.is_dialled_within(Duration::from_secs(1)).await);
    assert_eq!(node.status().gateways[0].quic_retry, None);
}

#[tokio::test]
async fn a_service_learns_the_client_from_a_proxy_header() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    with_echo(&host, Some("v1")).await;
    let _node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut stream = open(&tunnel, "echo", b"hello").await.unwrap();
    stream.send.finish().await.unwrap();
    let said = String::from_utf8(read_all(&mut stream).await.unwrap()).unwrap();
    assert!(said.starts_with("PROXY TCP4 192.0.2.1 127.0.0.1 5000 "), "{said}");
    assert!(said.ends_with("\r\nHELLO"), "{said}");
}

#[tokio::test]
async fn a_service_that_is_down_is_answered_for() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    host.write(
        "services.json",
        &json!({ "down": { "connect": "127.0.0.1:1" }, "gone": { "connect": "unix:/nonexistent/x" } }),
    );
    let _node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    assert_eq!(refusal(open(&tunnel, "down", b"").await), Status::Unreachable);
    assert_eq!(refusal(open(&tunnel, "gone", b"").await), Status::Unreachable);
}

#[tokio::test]
async fn a_unix_service_and_a_reset_by_the_client() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let path = host.dir.path().join("x.sock");
    let listener = UnixListener::bind(&path).unwrap();
    host.write("services.json", &json!({ "x": { "connect": format!("unix:{}", path.display()) } }));
    let _node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut stream = open(&tunnel, "x", b"first").await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut first = [0; 5];
    socket.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"first");
    stream.reset(9);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(gateway::PATIENCE, socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the service hears that its client is gone");
}

struct Greeter;

impl Handler for Greeter {
    fn serve(&self, mut stream: Stream, preamble: Preamble) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let greeting = format!("hello {}", preamble.client.unwrap());
            stream.send.write(greeting.into()).await.unwrap();
            stream.send.finish().await.unwrap();
            while let Ok(Some(_)) = stream.recv.read().await {}
        })
    }
}

#[tokio::test]
async fn a_built_in_service_is_served_and_a_full_node_says_so() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let greeter: Arc<dyn Handler> = Arc::new(Greeter);
    let node = host.start_with(BTreeMap::from([("portal".to_owned(), greeter)]), 1).await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut stream = open(&tunnel, "portal", b"").await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"hello 192.0.2.1:5000");
    assert_eq!(refusal(open(&tunnel, "portal", b"").await), Status::Busy);
    stream.send.finish().await.unwrap();
    drop(stream);
    eventually("the place is free again", || node.status().streams == 0).await;
    assert!(open(&tunnel, "portal", b"").await.is_ok());
}

#[tokio::test]
async fn a_loop_and_a_stranger_are_refused() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let _node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    for (hops, expected) in [(0, Status::NoSuchServer), (4, Status::Loop)] {
        let preamble =
            Preamble { destination: tunnel::ServerId::new("node-b").unwrap(), hops, ..preamble("portal") };
        let mut stream = tunnel.open(&preamble, bytes::Bytes::new()).await.unwrap();
        let answered = stream.answered().await.map(|()| stream);
        assert_eq!(refusal(answered), expected);
    }
}

#[tokio::test]
async fn a_stream_brings_more_tunnels() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, first) = gateway.tunnel().await;
    assert!(!gateway.is_dialled_within(Duration::from_millis(500)).await, "an idle node needs one tunnel");
    let _open = open(&first, "echo", b"").await.unwrap();
    let (hello, second) = gateway.tunnel().await;
    assert_eq!(hello.generation, 1);
    assert_ne!(first.id(), second.id());
    eventually("both are shown", || node.status().gateways[0].tunnels.len() == 2).await;
}

#[tokio::test]
async fn a_gateway_that_comes_back_finds_its_node() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let node = host.start().await;
    let (address, ca) = (gateway.address, gateway.ca.clone());
    let (_, tunnel) = gateway.tunnel().await;
    eventually("connected", || node.status().is_reachable()).await;
    tunnel.close(tunnel::CloseCode::Shutdown, "restart");
    // Its handle keeps the socket open.
    drop(tunnel);
    gateway.stop();
    eventually("the loss is seen", || !node.status().is_reachable()).await;
    assert!(node.status().gateways[0].last_error.is_some());
    let gateway = Gateway::start_at(address, host.dir.path(), ca, Network::UdpAndTcp);
    gateway.tunnel().await;
    eventually("connected again", || node.status().is_reachable()).await;
}

#[tokio::test]
async fn a_refused_node_says_why_and_what_to_do() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "wrong");
    let node = host.start().await;
    let refused = || matches!(node.status().gateways[0].state, LinkState::Refused { .. });
    eventually("refused", refused).await;
    let LinkState::Refused { code, reason, next_step, .. } = node.status().gateways[0].state.clone() else {
        panic!("refused a moment ago")
    };
    assert_eq!((code, reason.as_str()), (RefusalCode::BadToken, "the token is wrong"));
    assert!(next_step.contains("copy gateway.json"), "{next_step}");
    // Mended while it runs.
    host.joins(&gateway, "let-me-in");
    node.reload().await.unwrap();
    gateway.tunnel().await;
    eventually("connected", || node.status().is_reachable()).await;
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_a_good_one_is_announced() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut events = tunnel.take_events().unwrap();
    let mut stream = open(&tunnel, "echo", b"still").await.unwrap();
    std::fs::write(host.dirs.config("services.json"), "{ “ssh”: 1 }").unwrap();
    let error = node.reload().await.unwrap_err().to_string();
    assert!(error.contains("services.json:1:3: typographic quote"), "{error}");
    assert_eq!(node.status().reload_error, Some(error));
    assert_eq!(node.status().services.len(), 1);
    host.write("services.json", &json!({ "ssh": { "connect": "127.0.0.1:22" } }));
    node.reload().await.unwrap();
    let event = tokio::time::timeout(gateway::PATIENCE, events.recv()).await.unwrap().unwrap();
    assert_eq!(event, Event::Update { services: vec!["ssh".into()], reach: Vec::new() });
    assert_eq!(node.status().reload_error, None);
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"STILL", "a stream of a service that is gone goes on");
}

#[tokio::test]
async fn a_gateway_that_is_removed_keeps_its_streams() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut events = tunnel.take_events().unwrap();
    let mut stream = open(&tunnel, "echo", b"on").await.unwrap();
    std::fs::remove_file(host.dirs.config("gateway.json")).unwrap();
    node.reload().await.unwrap();
    assert!(node.status().gateways.is_empty());
    let event = tokio::time::timeout(gateway::PATIENCE, events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Drain { .. }), "{event:?}");
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"ON");
    drop(stream);
    tokio::time::timeout(gateway::PATIENCE, tunnel.closed()).await.expect("closed after its last stream");
}

async fn ask(socket: &std::path::Path) -> String {
    let mut socket = tokio::net::UnixStream::connect(socket).await.unwrap();
    socket.write_all(b"GET /status HTTP/1.1\r\nhost: node\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_node_that_drains_lets_streams_end_and_cuts_what_does_not() {
    for (finishes, cut) in [(true, 0), (false, 1)] {
        let host = Host::new();
        let gateway = Gateway::start(host.dir.path());
        host.joins(&gateway, "let-me-in");
        with_echo(&host, None).await;
        let node = host.start().await;
        let (_, tunnel) = gateway.tunnel().await;
        let mut stream = open(&tunnel, "echo", b"bye").await.unwrap();
        let socket = host.dirs.local("node.sock");
        let drain = tokio::spawn(node.drain(Duration::from_secs(2)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let shown = ask(&socket).await;
        assert!(shown.contains("\"draining\": true") && shown.contains("\"connected\""), "{shown}");
        assert_eq!(refusal(open(&tunnel, "echo", b"").await), Status::Draining);
        if finishes {
            stream.send.finish().await.unwrap();
            assert_eq!(read_all(&mut stream).await.unwrap(), b"BYE");
        }
        let drained = tokio::time::timeout(Duration::from_secs(5), drain).await.expect("within its deadline");
        assert_eq!(drained.unwrap(), cut);
        assert!(tokio::time::timeout(gateway::PATIENCE, tunnel.closed()).await.is_ok());
    }
}

#[tokio::test]
async fn a_draining_gateway_is_left_alone_until_it_is_gone() {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    tunnel.send(Control::Drain { deadline_ms: 30_000, reason: "restart".into() });
    eventually("seen", || node.status().gateways[0].state == LinkState::Draining).await;
    assert!(!gateway.is_dialled_within(Duration::from_millis(700)).await);
    tunnel.close(tunnel::CloseCode::Shutdown, "restart");
    gateway.tunnel().await;
}
