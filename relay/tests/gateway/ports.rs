//! Named TCP ports: from a client's socket to a node's service, or to a plaintext address.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tunnel::Status;

use crate::stage::{Manner, Node, Stage, exchange, id, write_settings};

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from(i * 7 % 251).expect("below 251")).collect()
}

/// Whether a new client is reset; it may see that as early as in its connect.
async fn is_reset(stage: &Stage) -> bool {
    let talk = async { exchange(TcpStream::connect(stage.port()).await?, b"hello").await };
    talk.await.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn bytes_go_through_and_the_node_learns_who_came() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    stage.connect(&node).await;
    for size in [0, 5, 4096, 100_000, 5 << 20] {
        let client = stage.client().await;
        let from = client.local_addr().unwrap();
        let sent = body(size);
        assert!(exchange(client, &sent).await.unwrap() == sent, "{size}");
        let preamble = node.seen().pop().unwrap();
        assert_eq!((preamble.client, preamble.service.as_str()), (Some(from), "echo"));
        assert_eq!((preamble.destination, preamble.hops), (id("a"), 0));
    }
    stage.until(|| stage.gateway.status().connections == 0 && stage.gateway.status().open_streams == 0).await;
    assert!((stage.metric("fastx_gateway_streams_opened_total") - 5.0).abs() < 0.1);
    let moved = stage.metric("fastx_gateway_payload_to_clients_bytes_total");
    assert!((moved - (5.0 + 4096.0 + 100_000.0 + f64::from(5 << 20))).abs() < 0.1);
}

#[tokio::test]
async fn a_service_that_speaks_first_is_not_waited_for() {
    let stage = Stage::echoing().await;
    stage.connect(&Node::new("a")).await;
    let mut client = stage.client().await;
    // Long enough for the answer to come while nothing was sent.
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.write_all(b"late").await.unwrap();
    let mut back = [0; 4];
    client.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"late");
}

#[tokio::test]
async fn a_node_that_says_no_is_replaced_by_another_which_gets_every_byte() {
    for status in [Status::Draining, Status::Busy, Status::NoSuchService, Status::Unreachable] {
        let stage = Stage::echoing().await;
        let (no, yes) = (Node::new("a").doing(Manner::Refuse(status)), Node::new("b"));
        stage.connect(&no).await;
        stage.connect(&yes).await;
        for _ in 0..4 {
            assert_eq!(exchange(stage.client().await, b"all of it").await.unwrap(), b"all of it");
        }
        assert!(!no.seen().is_empty() && yes.seen().len() == 4, "{status:?}");
        assert!(stage.metric("fastx_gateway_stream_retries_total") > 0.0);
    }
}

#[tokio::test]
async fn without_any_node_the_client_is_reset_and_the_reason_counted() {
    let stage = Stage::echoing().await;
    assert!(is_reset(&stage).await);
    stage.connect(&Node::new("a").doing(Manner::Refuse(Status::Unreachable))).await;
    assert!(is_reset(&stage).await);
    let text = stage.gateway.metrics();
    for reason in ["nobody-offers", "service-unreachable"] {
        assert!(text.contains(&format!("streams_refused_total{{reason=\"{reason}\"}} 1")), "{text}");
    }
}

#[tokio::test]
async fn what_is_typed_ahead_does_not_wait_for_the_answer() {
    let stage = Stage::echoing().await;
    let parts: Vec<Vec<u8>> = [5, 4096, 1, 20_000, 7].map(body).into();
    let all = parts.concat();
    stage.connect(&Node::new("a").answering_after(all.len())).await;
    let mut client = stage.client().await;
    for part in parts {
        client.write_all(&part).await.unwrap();
        // Each is read on its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(exchange(client, b"").await.unwrap() == all);
}

#[tokio::test]
async fn what_was_sent_ahead_to_a_node_that_says_no_reaches_the_next_one() {
    for more in [1, 100_000] {
        let stage = Stage::echoing().await;
        let no = Node::new("a").doing(Manner::Refuse(Status::Busy)).answering_after(6);
        let yes = Node::new("b");
        for node in [&no, &yes] {
            stage.connect(node).await;
        }
        for _ in 0..4 {
            let mut client = stage.client().await;
            client.write_all(b"first").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let rest = body(more);
            assert_eq!(exchange(client, &rest).await.unwrap(), [b"first".to_vec(), rest].concat());
        }
        assert!(!no.seen().is_empty() && yes.seen().len() == 4);
    }
}

#[tokio::test]
async fn what_may_have_reached_a_service_is_not_sent_twice() {
    let stage = Stage::echoing().await;
    let nodes = ["a", "b"].map(|name| Node::new(name).doing(Manner::Vanish));
    for node in &nodes {
        stage.connect(node).await;
    }
    let mut client = stage.client().await;
    client.write_all(b"pay 100").await.unwrap();
    assert!(client.read(&mut [0; 8]).await.is_err());
    assert_eq!(nodes[0].seen().len() + nodes[1].seen().len(), 1);
}

#[tokio::test]
async fn a_connection_outlives_the_tunnel_that_it_began_on() {
    let stage = Stage::echoing().await;
    let node = Node::new("a");
    let tunnels = [stage.connect(&node).await, stage.connect(&node).await];
    let mut client = stage.client().await;
    let mut back = [0; 7];
    for part in [b"part 1\n", b"part 2\n", b"part 3\n"] {
        client.write_all(part).await.unwrap();
        client.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, part);
        // Whichever carries it now is lost, as long as there is another.
        let carrying = tunnels.iter().find(|tunnel| !tunnel.is_closed() && tunnel.open_streams() > 0);
        if let Some(tunnel) = carrying.filter(|_| tunnels.iter().all(|tunnel| !tunnel.is_closed())) {
            tunnel.close(tunnel::CloseCode::Silent, "as if the network lost it");
        }
    }
    assert_eq!(tunnels.iter().filter(|tunnel| tunnel.is_closed()).count(), 1);
    assert_eq!(node.seen().len(), 1);
}

#[tokio::test]
async fn a_node_hands_on_to_a_server_that_has_no_tunnel() {
    let more = json!({ "services": [{ "listen": "127.0.0.1:0", "service": "echo", "server": "far" }] });
    let stage = Stage::with(more).await;
    let relay = Node { reach: vec![id("far")], ..Node::new("near") };
    stage.connect(&relay).await;
    assert_eq!(exchange(stage.client().await, b"over there").await.unwrap(), b"over there");
    assert_eq!(relay.seen()[0].destination, id("far"));
    let far = Node::new("far");
    let tunnel = stage.connect(&far).await;
    exchange(stage.client().await, b"directly").await.unwrap();
    assert_eq!((far.seen().len(), relay.seen().len()), (1, 1));
    tunnel.close(tunnel::CloseCode::Done, "bye");
    stage.until(|| stage.gateway.status().tunnels == 1).await;
    exchange(stage.client().await, b"over there again").await.unwrap();
    assert_eq!(relay.seen().len(), 2);
}

/// `believed`: the network of the load balancers.
fn proxied(believed: &str) -> serde_json::Value {
    json!({
        "services": [{ "listen": "127.0.0.1:0", "service": "echo", "proxyProtocol": true }],
        "proxyProtocolFrom": [believed],
    })
}

#[tokio::test]
async fn a_believed_load_balancer_names_the_client() {
    let stage = Stage::with(proxied("127.0.0.0/8")).await;
    let node = Node::new("a");
    stage.connect(&node).await;
    let mut client = stage.client().await;
    client.write_all(b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 22\r\n").await.unwrap();
    assert_eq!(exchange(client, b"payload").await.unwrap(), b"payload");
    assert_eq!(node.seen()[0].client, "203.0.113.9:4711".parse().ok());
    // Without the header that was agreed on there is no service.
    assert!(exchange(stage.client().await, b"GET / HTTP/1.1\r\n\r\n").await.is_err());
    assert_eq!(node.seen().len(), 1);
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let stage = Stage::with(proxied("192.0.2.0/24")).await;
    let node = Node::new("a");
    stage.connect(&node).await;
    let client = stage.client().await;
    let from = client.local_addr().unwrap();
    let lie = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 22\r\n";
    assert_eq!(exchange(client, lie).await.unwrap(), lie);
    assert_eq!(node.seen()[0].client, Some(from));
}

#[tokio::test]
async fn a_silent_load_balancer_is_not_waited_for_forever() {
    let mut more = proxied("127.0.0.0/8");
    more["limits"] = json!({ "proxyHeader": "200ms" });
    let stage = Stage::with(more).await;
    stage.connect(&Node::new("a")).await;
    let mut client = stage.client().await;
    let closed = tokio::time::timeout(Duration::from_secs(5), client.read(&mut [0; 1])).await;
    assert!(closed.expect("in time").is_err());
}

#[tokio::test]
async fn one_address_has_a_bound_and_gets_room_back() {
    let stage = Stage::with(json!({
        "services": [{ "listen": "127.0.0.1:0", "service": "echo" }],
        "limits": { "connectionsPerAddress": 2 },
    }))
    .await;
    stage.connect(&Node::new("a")).await;
    let held = [stage.client().await, stage.client().await];
    stage.until(|| stage.gateway.status().connections == 2).await;
    assert!(is_reset(&stage).await);
    assert!(stage.gateway.metrics().contains("turned_away_total{limit=\"connections-per-address\"} 1"));
    drop(held);
    stage.until(|| stage.gateway.status().connections == 0).await;
    assert_eq!(exchange(stage.client().await, b"x").await.unwrap(), b"x");
}

/// A server that sends back in capitals what it gets, once it got all of it.
async fn shouting() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut all = Vec::new();
                socket.read_to_end(&mut all).await.expect("the client ends its direction");
                all.make_ascii_uppercase();
                socket.write_all(&all).await.expect("the client reads");
            });
        }
    });
    address
}

#[tokio::test]
async fn a_plaintext_port_leads_to_its_address() {
    let address = shouting().await.to_string();
    let stage = Stage::with(json!({ "services": [{ "listen": "127.0.0.1:0", "connect": address }] })).await;
    for size in [3, 1 << 20] {
        let answer = exchange(stage.client().await, &vec![b'a'; size]).await.unwrap();
        assert!(answer == vec![b'A'; size]);
    }
    stage.until(|| stage.gateway.status().connections == 0).await;
    assert!(
        (stage.metric("fastx_gateway_payload_to_services_bytes_total") - (3.0 + f64::from(1 << 20))).abs()
            < 0.1
    );
}

#[tokio::test]
async fn a_plaintext_port_whose_address_is_dead_resets() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let stage = Stage::with(json!({ "services": [{ "listen": "127.0.0.1:0", "connect": dead }] })).await;
    assert!(is_reset(&stage).await);
}

#[tokio::test]
async fn a_reload_changes_where_a_port_leads_and_cuts_nothing() {
    let stage = Stage::echoing().await;
    stage.connect(&Node::new("a")).await;
    let mut open = stage.client().await;
    open.write_all(b"before").await.unwrap();
    let mut back = [0; 6];
    open.read_exact(&mut back).await.unwrap();
    let port = stage.port();
    let address = shouting().await.to_string();
    // Port 0 would be another port each time; this is the same entry with another target.
    write_settings(&stage.dirs, &json!({ "services": [{ "listen": "127.0.0.1:0", "connect": address }] }));
    stage.gateway.reload().unwrap();
    assert_eq!(stage.port(), port);
    assert_eq!(exchange(stage.client().await, b"x").await.unwrap(), b"X");
    open.write_all(b"after!").await.unwrap();
    open.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"after!");
    write_settings(&stage.dirs, &json!({ "services": [{ "listen": "127.0.0.1:0" }] }));
    let error = stage.gateway.reload().unwrap_err().to_string();
    assert!(error.contains("leads nowhere"), "{error}");
    assert_eq!(exchange(stage.client().await, b"x").await.unwrap(), b"X");
    write_settings(&stage.dirs, &json!({}));
    stage.gateway.reload().unwrap();
    let refused = async || TcpStream::connect(port).await.is_err();
    for _ in 0..200 {
        if refused().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the port is still open");
}
