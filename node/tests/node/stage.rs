//! A node's folders, a service, and what is done with streams.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{Dirs, Secrecy};
use node::{Handler, Node, Options};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tunnel::shard::Shards;
use tunnel::{Preamble, Status, Stream, StreamError, TraceId, Tunnel};

use crate::gateway::Gateway;

/// Nothing here takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A node's folders.
pub(crate) struct Host {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) dirs: Dirs,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::named("node-a")
    }

    pub(crate) fn named(server_id: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs::choose(Some(dir.path().join("config")), Some(dir.path().join("local")), |_| None);
        config::write_bytes(&dirs.local("server-id"), server_id.as_bytes(), Secrecy::Public).unwrap();
        Self { dir, dirs }
    }

    pub(crate) fn write(&self, file: &str, json: &serde_json::Value) {
        config::write_json(&self.dirs.config(file), json, Secrecy::OwnerOnly).unwrap();
    }

    pub(crate) fn joins(&self, gateway: &Gateway, token: &str) {
        let entry = serde_json::json!({
            "host": gateway.address.ip().to_string(), "port": gateway.address.port(), "ca": gateway.ca,
            "token": token, "namespace": "test",
        });
        self.write("gateway.json", &entry);
    }

    pub(crate) async fn start(&self) -> Node {
        self.start_with(Default::default(), 1000).await
    }

    pub(crate) async fn start_with(
        &self,
        handlers: std::collections::BTreeMap<String, Arc<dyn Handler>>,
        streams: usize,
    ) -> Node {
        let options = Options {
            dirs: self.dirs.clone(),
            handlers,
            shards: Shards::start("node", 2).unwrap(),
            streams,
            version: "test".into(),
            socket: true,
        };
        Node::start(options).await.unwrap()
    }
}

/// A preamble for a service of `node-a`.
pub(crate) fn preamble(service: &str) -> Preamble {
    Preamble {
        destination: tunnel::ServerId::new("node-a").unwrap(),
        service: service.into(),
        client: Some("192.0.2.1:5000".parse().unwrap()),
        deadline: PATIENCE,
        trace: TraceId([1; 16]),
        hops: 0,
        life: tunnel::Life::Once,
    }
}

/// Opens a stream that is answered with `ok`.
pub(crate) async fn open(
    tunnel: &Tunnel,
    service: &str,
    first: &'static [u8],
) -> Result<Stream, StreamError> {
    let mut stream = tunnel.open(&preamble(service), Bytes::from_static(first)).await.unwrap();
    tokio::time::timeout(PATIENCE, stream.answered()).await.expect("no answer").map(|()| stream)
}

/// Reads to the end.
pub(crate) async fn read_all(stream: &mut Stream) -> Result<Vec<u8>, StreamError> {
    let mut all = Vec::new();
    while let Some(chunk) = tokio::time::timeout(PATIENCE, stream.recv.read()).await.expect("no end")? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let ends = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < ends, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A host that may join a gateway, and the gateway.
pub(crate) fn joined() -> (Host, Gateway) {
    let host = Host::new();
    let gateway = Gateway::start(host.dir.path());
    host.joins(&gateway, "let-me-in");
    (host, gateway)
}

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

pub(crate) async fn with_echo(host: &Host, proxy: Option<&str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = listener.local_addr().unwrap().to_string();
    tokio::spawn(echo_after_end(listener));
    let mut entry = json!({ "connect": connect });
    if let Some(version) = proxy {
        entry["proxyProtocol"] = version.into();
    }
    host.write("services.json", &json!({ "echo": entry }));
}

pub(crate) fn refusal(opened: Result<Stream, StreamError>) -> Status {
    match opened {
        Err(StreamError::Refused { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    }
}
