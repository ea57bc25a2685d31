//! Streams through a node: to services, to what is built in, and refused ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use node::Handler;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::UnixListener;
use tunnel::limits::RESUME_AWAITED;
use tunnel::{Onward, Preamble, Status, Stream, Ways};

use crate::gateway::{Gateway, Network};
use crate::stage::{Host, PATIENCE, eventually, joined, open, preamble, read_all, refusal, with_echo};

#[tokio::test]
async fn a_stream_reaches_its_service_and_each_direction_ends_on_its_own() {
    let (host, gateway) = joined();
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
async fn a_service_learns_the_client_from_a_proxy_header() {
    let (host, gateway) = joined();
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
    let (host, gateway) = joined();
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
    let (host, gateway) = joined();
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
    let ended = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
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
    let (host, gateway) = joined();
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
    let (host, gateway) = joined();
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
async fn a_restarted_gateway_ends_the_streams_of_the_process_before_it() {
    let host = Host::new();
    let gateway = Gateway::start_in(host.dir.path(), Network::OnlyTcp);
    host.joins(&gateway, "let-me-in");
    let path = host.dir.path().join("x.sock");
    let listener = UnixListener::bind(&path).unwrap();
    host.write("services.json", &json!({ "x": { "connect": format!("unix:{}", path.display()) } }));
    let _node = host.start().await;
    let (_, tunnel) = gateway.tunnel().await;
    let slot = tunnel.reserve(PATIENCE).await.unwrap();
    let ways: Ways = Arc::new(|| Onward::NotYet);
    let mut stream = slot.open_surviving(&preamble("x"), "first".into(), ways).await.unwrap();
    stream.answered().await.unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    let (address, ca) = (gateway.address, gateway.ca.clone());
    gateway.stop();
    let gateway = Gateway::start_at(address, host.dir.path(), ca, Network::OnlyTcp);
    let _back = gateway.tunnel().await;
    // A node that knew no better would wait for as long as a gateway looks for its node.
    let ended = tokio::time::timeout(RESUME_AWAITED / 2, socket.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the service hears that its client is gone");
}
