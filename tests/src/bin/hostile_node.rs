//! A node that breaks one rule without end, until it is killed.
//!
//!     hostile-node gateway.json SERVERID streams    opens streams towards the gateway
//!                                        mute       takes every stream, says yes, and never reads a byte of it
//!                                        flood      takes every stream and sends zeros for ever
//!                                        nonsense   answers every stream with random bytes
//!                                        giant      control messages of the greatest size, one after the other
//!                                        garbage    TLS connections, of every protocol, that carry random bytes
//!                                        lengths    hellos that say they are 4 GiB long
//!                                        half       TCP connections that never say anything
//!                                        packets    UDP packets of random bytes

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use e2e::bare::Bare;
use e2e::pattern::Pattern;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tunnel::identity::{self, ALPN_DATA, ALPN_LAN, ALPN_TUNNEL};
use tunnel::wire::control::Control;
use tunnel::{Answer, Incoming, Preamble, ServerId, TraceId, Tunnel};

/// Connections that one of these opens at a time.
const AT_ONCE: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, id, what] = &arguments[..] else { return Err(anyhow!("gateway.json SERVERID WHAT")) };
    let bare = Bare::from_file(file.as_ref(), id, &["checked", "portal"])?;
    let mut round = 0;
    loop {
        round += 1;
        let done = match what.as_str() {
            "streams" => open_without_end(&bare).await,
            "mute" | "flood" | "nonsense" => take_streams(&bare, what).await,
            "giant" => giant_messages(&bare).await,
            "garbage" | "lengths" => connections(&bare, what, round).await,
            "half" => half_open(bare.peer).await,
            "packets" => packets(bare.peer).await,
            other => return Err(anyhow!("{other}?")),
        };
        println!("round {round}: {done:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn preamble() -> Result<Preamble> {
    Ok(Preamble {
        destination: ServerId::new("n1")?,
        service: "checked".into(),
        client: None,
        deadline: Duration::from_secs(5),
        trace: TraceId::random(),
        hops: 0,
        life: tunnel::Life::Once,
    })
}

async fn open_without_end(bare: &Bare) -> Result<()> {
    let tunnel = bare.dial().await?;
    println!("connected");
    let mut opened = Vec::new();
    loop {
        // Credit may never come: the attempt itself is what counts.
        match tokio::time::timeout(Duration::from_millis(50), tunnel.open(&preamble()?, Bytes::new())).await {
            Ok(Ok(stream)) => opened.push(stream),
            Ok(Err(error)) => return Err(anyhow!("after {} streams: {error}", opened.len())),
            Err(_) if tunnel.is_closed() => return Err(anyhow!("closed after {} streams", opened.len())),
            Err(_) => {}
        }
    }
}

async fn take_streams(bare: &Bare, what: &str) -> Result<()> {
    let tunnel = bare.dial().await?;
    println!("connected");
    loop {
        let incoming = tunnel.accept().await.map_err(|close| anyhow!("{close}"))?;
        let what = what.to_owned();
        tunnel.home().spawn(async move { abuse(incoming, &what).await });
    }
}

async fn abuse(incoming: Incoming, what: &str) -> Result<()> {
    let Some((_, mut stream)) = incoming.preamble().await? else { return Ok(()) };
    match what {
        "mute" => {
            stream.answer(&Answer::ok()).await?;
            std::future::pending::<()>().await;
        }
        "flood" => {
            stream.answer(&Answer::ok()).await?;
            loop {
                stream.send.write(Bytes::from_static(&[0; 65536])).await?;
            }
        }
        _ => {
            let mut noise = vec![0; 4096];
            Pattern::new(rand()).fill(&mut noise);
            // No status has this number, so the noise begins wrong.
            noise[0] = 0xff;
            loop {
                stream.send.write(Bytes::from(noise.clone())).await?;
            }
        }
    }
    Ok(())
}

fn rand() -> u64 {
    u64::from_be_bytes(TraceId::random().0[..8].try_into().expect("eight of sixteen"))
}

async fn giant_messages(bare: &Bare) -> Result<()> {
    let tunnel: Tunnel = bare.dial().await?;
    println!("connected");
    // 60 names of 1,000 bytes: just below what one message may have.
    let services: Vec<_> = (0..60).map(|n| format!("{n:01000}")).collect();
    while !tunnel.is_closed() {
        tunnel.send(Control::Update { services: services.clone(), reach: vec![], resting: false });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(anyhow!("closed: {}", tunnel.closed().await))
}

async fn connections(bare: &Bare, what: &str, round: u64) -> Result<()> {
    let mut open = JoinSet::new();
    for n in 0..AT_ONCE {
        let alpn = [ALPN_TUNNEL, ALPN_DATA, ALPN_LAN, b"h2", b"http/1.1"][n % 5];
        let config = identity::client_config(&bare.key, &bare.trust, alpn)?;
        let (peer, host, lengths) = (bare.peer, bare.host.clone(), what == "lengths");
        open.spawn(async move {
            let socket = TcpStream::connect(peer).await?;
            let mut tls = TlsConnector::from(Arc::new(config)).connect(host.try_into()?, socket).await?;
            let mut noise = vec![0; 16 * 1024];
            Pattern::new(round << 8 | n as u64).fill(&mut noise);
            if lengths {
                noise[..4].copy_from_slice(&[0xff; 4]);
            }
            // Until the gateway has enough of it.
            while tls.write_all(&noise).await.is_ok() {}
            Ok::<(), anyhow::Error>(())
        });
    }
    let mut said = String::new();
    while let Some(result) = open.join_next().await {
        said = format!("{result:?}");
    }
    Err(anyhow!("last: {said}"))
}

async fn half_open(peer: SocketAddr) -> Result<()> {
    let mut open = Vec::new();
    for _ in 0..10 * AT_ONCE {
        open.push(TcpStream::connect(peer).await?);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

async fn packets(peer: SocketAddr) -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    let (mut pattern, mut packet) = (Pattern::new(rand()), [0; 1200]);
    for n in 0..10_000 {
        pattern.fill(&mut packet);
        // Every other one looks like a QUIC Initial of version 1.
        if n % 2 == 0 {
            packet[..6].copy_from_slice(&[0xc3, 0, 0, 0, 1, 8]);
        }
        socket.send_to(&packet, peer).await?;
    }
    Ok(())
}
