//! The admin socket.

use std::os::unix::fs::PermissionsExt;

use relay::gateway::StartError;
use relay::report::{NodesReport, StatusReport};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stage::{Node, Stage, start_on_any_port};

#[tokio::test]
async fn it_says_what_is_there_to_its_owner_only() {
    let stage = Stage::echoing().await;
    stage.connect(&Node::new("a")).await;
    let mode = std::fs::metadata(stage.dirs.local("gateway.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(stage.ask("GET", "/livez").await, (200, "live\n".into()));
    let nodes: NodesReport = serde_json::from_str(&stage.ask("GET", "/nodes").await.1).unwrap();
    assert_eq!((nodes.nodes.len(), nodes.nodes[0].services.as_slice()), (1, &["echo".to_owned()][..]));
    let status: StatusReport = serde_json::from_str(&stage.ask("GET", "/status").await.1).unwrap();
    assert_eq!((status.nodes_connected, status.tunnels, status.draining), (1, 1, false));
    assert_eq!(stage.ask("POST", "/nodes/nobody/revoke").await.0, 404);
    assert_eq!(stage.ask("POST", "/nodes/a/revoke").await.0, 200);
    assert_eq!(stage.ask("GET", "/nothing").await.0, 404);
    assert_eq!(stage.ask("POST", "/reload").await.0, 200);
    std::fs::write(stage.dirs.config("gateway-server.json"), "{ \"lisen\": 1 }").unwrap();
    let (status, said) = stage.ask("POST", "/reload").await;
    assert!(status == 422 && said.contains("did you mean"), "{said}");
    assert!(stage.gateway.metrics().contains("reloads_total{result=\"failed\"} 1"));
}

#[tokio::test]
async fn loopback_shows_metrics_and_changes_nothing() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stage = Stage::with(json!({ "metrics": free.to_string() })).await;
    let ask = async |request: &str| {
        let mut stream = tokio::net::TcpStream::connect(free).await.unwrap();
        stream.write_all(format!("{request} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("GET /readyz").await.ends_with("ready\n"));
    assert!(ask("GET /metrics").await.ends_with("# EOF\n"));
    for secret in ["GET /nodes", "GET /status", "POST /drain", "POST /nodes/a/revoke"] {
        assert!(ask(secret).await.starts_with("HTTP/1.0 404"), "{secret}");
    }
    assert!(stage.gateway.readiness().is_ok());
}

#[tokio::test]
async fn a_second_gateway_with_the_same_folder_is_refused() {
    let stage = Stage::echoing().await;
    let error = start_on_any_port(&stage.dirs).await.unwrap_err();
    assert!(matches!(error, StartError::Admin(_)), "{error}");
    // The first one still answers.
    assert_eq!(stage.ask("GET", "/livez").await.0, 200);
}
