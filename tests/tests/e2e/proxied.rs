//! The client's address, carried to a service by the PROXY protocol, and believed only from those who may say it.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::curl::curl;
use e2e::services::Nginx;
use e2e::{Gateway, Host, Node, World};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A service that answers with the address it was told.
fn site(world: &World, balancer: &Host, version: &str) -> (Gateway, Node, Nginx) {
    let believed = json!([balancer.ip().to_string()]);
    let services = json!([
        { "listen": "0.0.0.0:8080", "service": "web", "server": "n1" },
        { "listen": "0.0.0.0:8081", "service": "web", "server": "n1", "proxyProtocol": true },
    ]);
    let gateway = world.gateway("g1").with("proxyProtocolFrom", believed).with("services", services).start();
    let entry = json!({ "connect": "127.0.0.1:8001", "proxyProtocol": version });
    let node = world.node("n1").behind_firewall().offers("web", entry).dials(&gateway).connected();
    let nginx =
        Nginx::start(node.host(), 8001, "proxy_protocol", "location / { return 200 $proxy_protocol_addr; }");
    (gateway, node, nginx)
}

/// Says a PROXY header of version 1 and asks; gives what came back.
fn tell(from: &Host, to: SocketAddr, header: &str) -> String {
    let request = format!("{header}GET / HTTP/1.0\r\n\r\n");
    from.namespace().block_on(async move {
        let mut answer = Vec::new();
        let exchange = async {
            let mut socket = TcpStream::connect(to).await?;
            socket.write_all(request.as_bytes()).await?;
            socket.read_to_end(&mut answer).await
        };
        let _cut_off_is_an_answer = tokio::time::timeout(Duration::from_secs(15), exchange).await;
        String::from_utf8_lossy(&answer).into_owned()
    })
}

#[test]
fn a_service_is_told_the_client_in_both_versions() {
    for version in ["v1", "v2"] {
        let world = World::new(&format!("proxy-{version}"));
        let client = world.host("client");
        let (gateway, _node, _nginx) = site(&world, &client, version);
        let answer = curl(&client, &gateway.ca(), &[&format!("http://{}:8080/", gateway.host().ip())]);
        assert_eq!(answer.text(), client.ip().to_string(), "{answer:?}");
    }
}

#[test]
fn a_balancer_may_name_the_client_and_a_stranger_may_not() {
    let world = World::new("proxy-in");
    let (balancer, stranger) = (world.host("balancer"), world.host("stranger"));
    let (gateway, _node, _nginx) = site(&world, &balancer, "v2");
    let header = "PROXY TCP4 192.0.2.77 192.0.2.1 4711 80\r\n";
    let told = tell(&balancer, gateway.at(8081), header);
    assert!(told.ends_with("192.0.2.77"), "{told}");
    let told = tell(&stranger, gateway.at(8081), header);
    assert!(!told.contains("192.0.2.77"), "a stranger is believed: {told}");
    let told = tell(&balancer, gateway.at(8081), "PROXY NONSENSE\r\n");
    assert!(!told.contains("200"), "a broken header is taken: {told}");
}
