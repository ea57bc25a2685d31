//! A gateway's two ports and a node that dials them, on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::task::AbortOnDropHandle;
use tunnel::shard::Shards;
use tunnel::tls::{self, AcceptError, Acceptor};
use tunnel::wire::control::{Hello, PROTOCOL};
use tunnel::{
    Answer, DialError, Life, NodeKey, Pending, Preamble, Process, Secret, ServerId, ServerIdentity, Status,
    Stream, TraceId, Transport, Trust, Tunnel, quic,
};

pub(crate) fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new("node-a").expect("valid"),
        token: Secret::new("token"),
        namespace: "test".into(),
        generation: 1,
        version: "0".into(),
        services: vec!["echo".into()],
        reach: vec![],
    }
}

pub(crate) fn preamble(service: &str) -> Preamble {
    Preamble {
        destination: ServerId::new("node-a").expect("valid"),
        service: service.into(),
        client: "192.0.2.1:4711".parse().ok(),
        deadline: Duration::from_secs(5),
        trace: TraceId::random(),
        hops: 0,
        life: Life::Once,
    }
}

/// A self-signed identity for `localhost`, and its certificate as PEM.
pub(crate) fn identity() -> (ServerIdentity, String) {
    let (certificate, key) = ServerIdentity::self_signed(vec!["localhost".into()]).expect("makes one");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("c"), &certificate).expect("writes");
    std::fs::write(folder.path().join("k"), &key).expect("writes");
    let identity =
        ServerIdentity::from_files(&folder.path().join("c"), &folder.path().join("k")).expect("reads");
    (identity, certificate)
}

/// A gateway's ports. TCP: connections of nodes go to the [`Acceptor`], others are dropped.
pub(crate) struct Gateway {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    pub(crate) acceptor: Arc<Acceptor>,
    pub(crate) nodes: mpsc::Receiver<Pending>,
    /// What became of each connection.
    pub(crate) outcomes: mpsc::UnboundedReceiver<Result<(), AcceptError>>,
    pub(crate) ca: String,
    pub(crate) shards: Shards,
    process: Process,
    _accepting: AbortOnDropHandle<()>,
    _listener: quic::Listener,
}

impl Gateway {
    pub(crate) async fn start(shards: usize) -> Self {
        let (identity, ca) = identity();
        let shards = Shards::start("gateway", shards).expect("threads");
        let (sender, nodes) = mpsc::channel(16);
        let acceptor = Arc::new(Acceptor::new(&identity, &shards, &sender).expect("an acceptor"));
        let any = "127.0.0.1:0".parse().expect("an address");
        let over_udp = quic::Listener::bind(any, &identity, &[7; 64], &shards, &sender).expect("binds");
        let listener = TcpListener::bind(any).await.expect("binds");
        let (tcp, udp) = (listener.local_addr().expect("bound"), over_udp.address());
        let (told, outcomes) = mpsc::unbounded_channel();
        let accepting = AbortOnDropHandle::new(tokio::spawn(serve(listener, acceptor.clone(), told)));
        let process = Process::start(&[7; 64]);
        Self {
            tcp,
            udp,
            acceptor,
            nodes,
            outcomes,
            ca,
            shards,
            process,
            _accepting: accepting,
            _listener: over_udp,
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::Ca(self.ca.clone())
    }

    pub(crate) async fn admit(&mut self) -> Tunnel {
        self.nodes.recv().await.expect("a node").admit("gw", self.process).await.expect("admitted")
    }

    /// Dials as `key`, believing `trust`.
    pub(crate) fn dial(
        &self,
        carrier: Transport,
        trust: &Trust,
        key: &NodeKey,
        node: &Shards,
    ) -> impl Future<Output = Result<Tunnel, DialError>> + use<> {
        let (tcp, udp, home) = (self.tcp, self.udp, node.get(0).clone());
        let (trust, key, hello) =
            (trust.clone(), NodeKey::from_pem(&key.to_pem()).expect("its own"), hello());
        async move {
            match carrier {
                Transport::Quic => quic::dial(udp, "localhost", &trust, &key, &hello, 0, &home).await,
                Transport::Tls => tls::dial(tcp, "localhost", &trust, &key, &hello, &home).await,
            }
        }
    }

    /// The node's end and the gateway's.
    pub(crate) async fn pair(&mut self, carrier: Transport, node: &Shards) -> (Tunnel, Tunnel) {
        let dial = self.dial(carrier, &self.trust(), &NodeKey::generate().expect("makes one"), node);
        let (node, gateway) = tokio::join!(dial, self.admit());
        (node.expect("dialled"), gateway)
    }
}

/// The next stream that the gateway opens.
pub(crate) async fn accept(node: &Tunnel) -> Stream {
    let incoming = node.accept().await.expect("a stream");
    incoming.preamble().await.expect("a preamble").expect("a new stream").1
}

/// A stream that the other side's [`echo`] has accepted.
pub(crate) async fn open(tunnel: &Tunnel) -> Stream {
    let mut stream = tunnel.open(&preamble("echo"), Bytes::new()).await.expect("opens");
    stream.answered().await.expect("accepted");
    stream
}

/// Both ends of a TCP connection: the client's, and the accepted socket.
pub(crate) async fn client() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let connecting = TcpStream::connect(listener.local_addr().expect("bound"));
    let (client, accepted) = tokio::join!(connecting, listener.accept());
    (client.expect("connects"), accepted.expect("accepts").0)
}

async fn serve(
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    told: mpsc::UnboundedSender<Result<(), AcceptError>>,
) {
    loop {
        let (socket, _) = listener.accept().await.expect("accepts");
        let (acceptor, told) = (acceptor.clone(), told.clone());
        tokio::spawn(async move {
            let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await;
            let Ok(start) = start else { return };
            if tls::is_tunnel(&start.client_hello()) {
                let _test_over = told.send(acceptor.accept(start).await);
            }
        });
    }
}

/// The node answers each stream and sends its bytes back.
pub(crate) fn echo(node: &Tunnel) {
    let node = node.clone();
    node.home().clone().spawn(async move {
        while let Ok(incoming) = node.accept().await {
            tokio::spawn(async move {
                let Some((preamble, mut stream)) = incoming.preamble().await.expect("a preamble") else {
                    return;
                };
                if preamble.service != "echo" {
                    let refused = Answer::refused(Status::NoSuchService, "only echo here");
                    return stream.answer(&refused).await.expect("answers");
                }
                stream.answer(&Answer::ok()).await.expect("answers");
                while let Ok(Some(chunk)) = stream.recv.read().await {
                    if stream.send.write(chunk).await.is_err() {
                        return;
                    }
                }
                // The other side may have gone without waiting.
                let _gone = stream.send.finish().await;
            });
        }
    });
}

/// Waits until `done`, for at most 20 s.
pub(crate) async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come true");
}
