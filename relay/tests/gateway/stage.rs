//! A gateway with its folders, and nodes that serve what a test says.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use config::{Dirs, Secrecy};
use relay::gateway::StartError;
use relay::{Gateway, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, PROTOCOL};
use tunnel::{
    Answer, DialError, NodeKey, Preamble, Secret, ServerId, ServerIdentity, Status, Stream, Trust, Tunnel,
};

pub(crate) const TOKEN: &str = "0123456789abcdef";

/// Longer than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) struct Stage {
    pub gateway: Gateway,
    pub dirs: Dirs,
    pub ca: String,
    _folder: tempfile::TempDir,
    node_shards: Shards,
}

pub(crate) fn id(name: &str) -> ServerId {
    ServerId::new(name).expect("valid")
}

pub(crate) fn write_settings(dirs: &Dirs, more: &Value) {
    let mut settings = json!({ "listen": "127.0.0.1:0", "host": "localhost", "token": TOKEN });
    for (key, value) in more.as_object().expect("an object") {
        settings[key] = value.clone();
    }
    config::write_json(&dirs.config("gateway-server.json"), &settings, Secrecy::OwnerOnly).expect("writes");
}

/// The kernel gives a number that is free over UDP; over TCP another program may have it, and then there is another try.
pub(crate) async fn start_on_any_port(dirs: &Dirs) -> Result<Gateway, StartError> {
    let settings = Settings::read(dirs).expect("good settings");
    for _ in 0..20 {
        match Gateway::start(settings.clone(), dirs).await {
            Err(StartError::Web(_)) => {}
            started => return started,
        }
    }
    panic!("20 ports in a row are taken over TCP");
}

impl Stage {
    /// A gateway whose gateway-server.json has `more`.
    pub(crate) async fn with(more: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs { config_dir: folder.path().join("config"), local_dir: folder.path().join("local") };
        let (certificate, key) = ServerIdentity::self_signed(vec!["localhost".into()]).expect("makes one");
        let write = |file: &str, text: &str| {
            config::write_bytes(&dirs.config(file), text.as_bytes(), Secrecy::OwnerOnly).expect("writes");
        };
        write("tunnel-cert.pem", &certificate);
        write("tunnel-key.pem", &key);
        write_settings(&dirs, &more);
        let gateway = start_on_any_port(&dirs).await.expect("starts");
        let node_shards = Shards::start("node", 2).expect("threads");
        Self { gateway, dirs, ca: certificate, _folder: folder, node_shards }
    }

    /// A gateway with one port that leads to `echo` of any server.
    pub(crate) async fn echoing() -> Self {
        Self::with(json!({ "services": [{ "listen": "127.0.0.1:0", "service": "echo" }] })).await
    }

    /// Where the first named port is.
    pub(crate) fn port(&self) -> SocketAddr {
        self.gateway.ports()[0].listen.parse().expect("an address")
    }

    pub(crate) async fn client(&self) -> TcpStream {
        TcpStream::connect(self.port()).await.expect("connects")
    }

    pub(crate) async fn dial(&self, node: &Node) -> Result<Tunnel, DialError> {
        let (trust, hello) = (Trust::Ca(self.ca.clone()), node.hello());
        let address = self.gateway.addresses()[0];
        tunnel::quic::dial(address, "localhost", &trust, &node.key, &hello, 0, self.node_shards.next()).await
    }

    /// A connected node that serves.
    pub(crate) async fn connect(&self, node: &Node) -> Tunnel {
        let tunnel = self.dial(node).await.expect("let in");
        node.serve(&tunnel);
        let (name, tunnel_id) = (node.name.clone(), tunnel.id().to_owned());
        self.until(|| {
            let nodes = self.gateway.nodes().nodes;
            let server = nodes.iter().find(|known| known.server.as_str() == name);
            server.is_some_and(|server| server.tunnels.iter().any(|known| known.id == tunnel_id))
        })
        .await;
        tunnel
    }

    pub(crate) async fn until(&self, holds: impl Fn() -> bool) {
        let wait = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("in time");
    }

    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.gateway.metrics();
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
        line.rsplit_once(' ').expect("a value").1.parse().expect("a number")
    }

    /// The body of an answer of the admin socket, with its status.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        ask(&self.dirs.local("gateway.sock"), method, path).await
    }
}

pub(crate) async fn ask(socket: &Path, method: &str, path: &str) -> (u16, String) {
    let mut stream = tokio::net::UnixStream::connect(socket).await.expect("the socket");
    let request = format!("{method} {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

/// What a node does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Sends every byte back.
    Echo,
    /// Says no.
    Refuse(Status),
    /// Takes the client's first bytes and resets without an answer.
    Vanish,
}

/// A node and what it has seen.
#[derive(Clone)]
pub(crate) struct Node {
    pub name: String,
    pub key: Arc<NodeKey>,
    pub token: String,
    pub generation: u64,
    pub services: Vec<String>,
    pub reach: Vec<ServerId>,
    pub manner: Manner,
    /// So many bytes of the client.
    pub answers_after: usize,
    pub seen: Arc<Mutex<Vec<Preamble>>>,
}

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            key: Arc::new(NodeKey::generate().expect("makes one")),
            token: TOKEN.into(),
            generation: 1,
            services: vec!["echo".into()],
            reach: vec![],
            manner: Manner::Echo,
            answers_after: 0,
            seen: Arc::default(),
        }
    }

    pub(crate) fn at(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    pub(crate) fn doing(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    pub(crate) fn answering_after(self, bytes: usize) -> Self {
        Self { answers_after: bytes, ..self }
    }

    /// The preambles of the streams it got.
    pub(crate) fn seen(&self) -> Vec<Preamble> {
        self.seen.lock().expect("no panic").clone()
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            server_id: id(&self.name),
            token: Secret::new(self.token.clone()),
            namespace: String::new(),
            generation: self.generation,
            version: "test".into(),
            services: self.services.clone(),
            reach: self.reach.clone(),
        }
    }

    fn serve(&self, tunnel: &Tunnel) {
        let (node, tunnel) = (self.clone(), tunnel.clone());
        tunnel.home().clone().spawn(async move {
            while let Ok(incoming) = tunnel.accept().await {
                let node = node.clone();
                tokio::spawn(async move {
                    let opened = incoming.preamble().await.expect("a preamble");
                    // An older stream that comes back goes on where it was.
                    let Some((preamble, stream)) = opened else { return };
                    node.seen.lock().expect("no panic").push(preamble);
                    node.answer(stream).await;
                });
            }
        });
    }

    async fn answer(&self, mut stream: Stream) {
        let mut early = BytesMut::new();
        while early.len() < self.answers_after {
            let Ok(Some(chunk)) = stream.recv.read().await else { return };
            early.extend_from_slice(&chunk);
        }
        match self.manner {
            Manner::Vanish => {
                let _first = stream.recv.read().await;
                return stream.reset(77);
            }
            Manner::Refuse(status) => {
                let _gone = stream.answer(&Answer::refused(status, "as the test says")).await;
                return;
            }
            Manner::Echo => stream.answer(&Answer::ok()).await.expect("answers"),
        }
        let mut chunk = Some(early.freeze());
        while let Some(bytes) = chunk {
            if stream.send.write(bytes).await.is_err() {
                return;
            }
            let Ok(next) = stream.recv.read().await else { return };
            chunk = next;
        }
        let _gone = stream.send.finish().await;
    }
}

/// Sends `bytes`, ends, and reads all that comes back.
pub(crate) async fn exchange(mut client: TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let talk = async {
        client.write_all(bytes).await?;
        client.shutdown().await?;
        let mut back = Vec::new();
        client.read_to_end(&mut back).await?;
        Ok(back)
    };
    tokio::time::timeout(SOON, talk).await.expect("in time")
}
