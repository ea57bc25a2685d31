//! HTTP/2 frames without end: they slow no one, and the gateway keeps nothing of them.

use std::sync::Arc;
use std::time::Duration;

use e2e::Gateway;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::slow::alone;

/// Long enough for a gateway that kept 17 bytes of each frame to hold 20 MB more for each connection.
const FLOOD: Duration = Duration::from_secs(3);
/// One that should be ended is not waited for longer.
const HANGS: Duration = Duration::from_secs(30);
/// Each connection floods with 16 KiB every 4 ms: a thousand frames and more each time, and two cores serve others too.
const PIECE: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(4);

/// What [`Stage::stands`](crate::slow::Stage::stands) allows the gateway to grow by, KiB: twelve connections have about
/// 2 MiB each in buffers of theirs and the kernel's.
const GROWTH: usize = 32 * 1024;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET https://gw/` on a stream that does not end.
fn request(stream: u32, flags: u8) -> Vec<u8> {
    frame(1, flags, stream, b"\x82\x87\x84\x41\x02gw")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    Ping,
    Settings,
    WindowUpdate,
    RapidReset,
    Continuation,
    EmptyData,
}

impl Flood {
    const ALL: [Self; 6] = [
        Self::Ping,
        Self::Settings,
        Self::WindowUpdate,
        Self::RapidReset,
        Self::Continuation,
        Self::EmptyData,
    ];

    fn first(self) -> Vec<u8> {
        match self {
            Self::Continuation => request(1, 0),
            Self::EmptyData => request(1, 4),
            _ => Vec::new(),
        }
    }

    /// The frames number `n`.
    fn again(self, n: u32) -> Vec<u8> {
        match self {
            Self::Ping => frame(6, 0, 0, &u64::from(n).to_be_bytes()),
            Self::Settings => frame(4, 0, 0, &[&[0, 4], &(n % 65_536).to_be_bytes()[..]].concat()),
            Self::WindowUpdate => frame(8, 0, 0, &1_u32.to_be_bytes()),
            Self::RapidReset => {
                [request(2 * n + 1, 5), frame(3, 0, 2 * n + 1, &8_u32.to_be_bytes())].concat()
            }
            Self::Continuation => frame(9, 0, 1, b"\x00\x01x\x03abc"),
            Self::EmptyData => frame(0, 0, 1, &[]),
        }
    }

    /// What a client may do is only slowed down to what it can read; what none would do ends its connection.
    fn must_end(self) -> bool {
        matches!(self, Self::RapidReset | Self::Continuation | Self::EmptyData)
    }
}

/// Floods until `until`, coming back whenever the connection is ended; how often it was.
async fn flood(flood: Flood, reads: bool, to: (std::net::SocketAddr, TlsConnector), until: Instant) -> usize {
    let mut ended = 0;
    while Instant::now() < until || (flood.must_end() && ended == 0 && Instant::now() < until + HANGS) {
        let one = async {
            let socket = TcpStream::connect(to.0).await?;
            let tls = to.1.connect(ServerName::from(to.0.ip()), socket).await?;
            let (mut reader, mut writer) = tokio::io::split(tls);
            let reading = async {
                let mut buffer = vec![0; PIECE];
                while reads && reader.read(&mut buffer).await? > 0 {}
                if reads { Ok(()) } else { std::future::pending().await }
            };
            let writing = async {
                writer.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
                writer.write_all(&[frame(4, 0, 0, &[]), flood.first()].concat()).await?;
                let mut n = 0;
                loop {
                    let mut piece = Vec::with_capacity(PIECE + 64);
                    while piece.len() < PIECE {
                        piece.extend(flood.again(n));
                        n += 1;
                    }
                    writer.write_all(&piece).await?;
                    tokio::time::sleep(PAUSE).await;
                }
            };
            tokio::select! { ended = reading => ended, never = writing => never }
        };
        let over: Result<std::io::Result<()>, _> =
            tokio::time::timeout_at(until.max(Instant::now() + FLOOD), one).await;
        ended += usize::from(over.is_ok());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ended
}

fn connector(gateway: &Gateway) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(gateway.ca()).expect("PEM");
    roots.add(certificate).expect("a root");
    let mut config = ClientConfig::builder_with_provider(tunnel::identity::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[test]
fn floods_of_frames_slow_no_one_and_are_not_kept() {
    let stage = alone("floods");
    let to = (stage.gateway.at(443), connector(&stage.gateway));
    stage.stands("floods of frames", GROWTH, |bad| {
        let ended = bad.namespace().block_on(async move {
            let until = Instant::now() + FLOOD;
            let mut floods = JoinSet::new();
            for kind in Flood::ALL {
                for reads in [true, false] {
                    let flooding = flood(kind, reads, to.clone(), until);
                    floods.spawn(async move { (kind, reads, flooding.await) });
                }
            }
            floods.join_all().await
        });
        println!("{ended:?}");
        for (kind, reads, times) in ended {
            assert!(times > 0 || !kind.must_end(), "{kind:?} is never ended; it reads: {reads}");
        }
    });
}
