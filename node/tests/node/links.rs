//! A node and its gateways: carriers, reloads, drains, refusals.

use std::time::Duration;

use node::status::LinkState;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::wire::control::{Control, RefusalCode};
use tunnel::{Event, Status};

use crate::gateway::{Gateway, Network};
use crate::stage::{Host, PATIENCE, eventually, joined, open, read_all, refusal, with_echo};

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
    let (host, gateway) = joined();
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    assert_eq!(tunnel.transport(), tunnel::Transport::Quic);
    assert!(!gateway.is_dialled_within(Duration::from_secs(1)).await);
    assert_eq!(node.status().gateways[0].quic_retry, None);
}

#[tokio::test]
async fn a_stream_brings_more_tunnels() {
    let (host, gateway) = joined();
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
    let (host, gateway) = joined();
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
    let (host, gateway) = joined();
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut stream = open(&tunnel, "echo", b"still").await.unwrap();
    std::fs::write(host.dirs.config("services.json"), "{ “ssh”: 1 }").unwrap();
    let error = node.reload().await.unwrap_err().to_string();
    assert!(error.contains("services.json:1:3: typographic quote"), "{error}");
    assert_eq!(node.status().reload_error, Some(error));
    assert_eq!(node.status().services.len(), 1);
    host.write("services.json", &json!({ "ssh": { "connect": "127.0.0.1:22" } }));
    node.reload().await.unwrap();
    let event = tokio::time::timeout(PATIENCE, tunnel.event()).await.unwrap();
    assert_eq!(event, Event::Update { services: vec!["ssh".into()], reach: Vec::new(), resting: false });
    assert_eq!(node.status().reload_error, None);
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"STILL", "a stream of a service that is gone goes on");
}

#[tokio::test]
async fn a_gateway_that_is_removed_keeps_its_streams() {
    let (host, gateway) = joined();
    with_echo(&host, None).await;
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let mut stream = open(&tunnel, "echo", b"on").await.unwrap();
    std::fs::remove_file(host.dirs.config("gateway.json")).unwrap();
    node.reload().await.unwrap();
    assert!(node.status().gateways.is_empty());
    let event = tokio::time::timeout(PATIENCE, tunnel.event()).await.unwrap();
    assert!(matches!(event, Event::Drain { .. }), "{event:?}");
    stream.send.finish().await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"ON");
    drop(stream);
    tokio::time::timeout(PATIENCE, tunnel.closed()).await.expect("closed after its last stream");
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
        let (host, gateway) = joined();
        with_echo(&host, None).await;
        let node = host.start().await;
        let (_, tunnel) = gateway.tunnel().await;
        let mut stream = open(&tunnel, "echo", b"bye").await.unwrap();
        let socket = host.dirs.local("node.sock");
        let drain = tokio::spawn(node.drain(Duration::from_secs(2)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let shown = ask(&socket).await;
        assert!(shown.contains("\"draining\":true") && shown.contains("\"connected\""), "{shown}");
        assert_eq!(refusal(open(&tunnel, "echo", b"").await), Status::Draining);
        if finishes {
            stream.send.finish().await.unwrap();
            assert_eq!(read_all(&mut stream).await.unwrap(), b"BYE");
        }
        let drained = tokio::time::timeout(Duration::from_secs(5), drain).await.expect("within its deadline");
        assert_eq!(drained.unwrap(), cut);
        assert!(tokio::time::timeout(PATIENCE, tunnel.closed()).await.is_ok());
    }
}

#[tokio::test]
async fn a_draining_gateway_is_left_alone_until_it_is_gone() {
    let (host, gateway) = joined();
    let node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    tunnel.send(Control::Drain { deadline_ms: 30_000, reason: "restart".into() });
    eventually("seen", || node.status().gateways[0].state == LinkState::Draining).await;
    assert!(!gateway.is_dialled_within(Duration::from_millis(700)).await);
    tunnel.close(tunnel::CloseCode::Shutdown, "restart");
    gateway.tunnel().await;
}
