//! The ways to each gateway: TCP with TLS, UDP with QUIC, and its clock. No node is displaced: nobody says hello.

use std::sync::Arc;
use std::time::{Duration, Instant};

use config::HostPort;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use node::gateways::{Choice, Gateway};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tunnel::identity::{self, ALPN_TUNNEL};
use tunnel::shard::Shards;
use tunnel::{NodeKey, Trust};

use crate::doctor::facts::{GatewayFacts, UdpPath};

/// For name, connection and handshake together.
const PATIENCE: Duration = Duration::from_secs(6);
/// The head of an answer.
const LONGEST_HEAD: usize = 8 * 1024;

pub(super) async fn look(gateways: &[Gateway]) -> Vec<GatewayFacts> {
    if gateways.is_empty() {
        return Vec::new();
    }
    // A key of its own: nobody sees this node in it.
    let (Ok(key), Ok(shards)) = (NodeKey::generate(), Shards::start("doctor", 1)) else { return Vec::new() };
    futures_util::future::join_all(gateways.iter().map(|gateway| look_at(gateway, &key, &shards))).await
}

async fn look_at(gateway: &Gateway, key: &NodeKey, shards: &Shards) -> GatewayFacts {
    let trust = gateway.trust();
    let (tls, udp, ahead) = tokio::join!(
        bounded(tls(gateway, key, &trust)),
        bounded(udp(gateway, key, &trust, shards)),
        bounded(clock(gateway)),
    );
    let address = HostPort { host: gateway.host.clone(), port: gateway.port }.to_string();
    GatewayFacts {
        address,
        udp_wanted: gateway.transport != Choice::Tls,
        tcp_wanted: gateway.transport != Choice::Quic,
        tls,
        udp,
        ahead: ahead.ok(),
    }
}

async fn bounded<T>(look: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(PATIENCE, look).await.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
}

async fn tls(gateway: &Gateway, key: &NodeKey, trust: &Trust) -> Result<Duration, String> {
    let began = Instant::now();
    let config = identity::client_config(key, trust, ALPN_TUNNEL).map_err(|error| error.to_string())?;
    shake(gateway, config).await?;
    Ok(began.elapsed())
}

/// Shows no key, as a browser does not: the gateway's web side takes none.
fn browser(ca: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let builder =
        ClientConfig::builder_with_provider(identity::provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn shake(gateway: &Gateway, config: ClientConfig) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(gateway.host.clone()).map_err(|error| error.to_string())?;
    let socket = TcpStream::connect((gateway.host.as_str(), gateway.port)).await;
    let socket = socket.map_err(|error| format!("TCP does not get there: {error}"))?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
    shaken.map_err(|error| format!("the TLS handshake failed: {error}"))
}

async fn udp(gateway: &Gateway, key: &NodeKey, trust: &Trust, shards: &Shards) -> Result<UdpPath, String> {
    let found = tokio::net::lookup_host((gateway.host.as_str(), gateway.port)).await;
    let mut failed = "the name has no address".to_owned();
    for peer in found.map_err(|error| error.to_string())? {
        match tunnel::quic::probe(peer, &gateway.host, trust, key, shards.next()).await {
            Ok(path) => return Ok(UdpPath { rtt: path.rtt, buffers: path.buffers }),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(failed)
}

/// The `Date` of any answer to a browser. One with another certificate than `ca` (by ACME) tells its clock to nobody.
async fn clock(gateway: &Gateway) -> Result<f64, String> {
    let config = browser(gateway.ca.as_deref().ok_or("nothing to check it with")?)?;
    let mut stream = shake(gateway, config).await?;
    let before = Timestamp::now();
    let question = format!("HEAD / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", gateway.host);
    stream.write_all(question.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    while head.len() < LONGEST_HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.map_err(|error| error.to_string())? == 0 {
            break;
        }
    }
    let after = Timestamp::now();
    let said = date(&head).ok_or("it tells no time")?;
    // It tells the second that has begun: half of one is missing on average.
    let ours = (before.as_millisecond() + after.as_millisecond()) as f64 / 2e3;
    Ok(said.as_second() as f64 + 0.5 - ours)
}

fn date(head: &[u8]) -> Option<Timestamp> {
    let head = String::from_utf8_lossy(head);
    let mut named = head.lines().filter_map(|line| line.split_once(':'));
    let (_, date) = named.find(|(name, _)| name.eq_ignore_ascii_case("date"))?;
    DateTimeParser::new().parse_timestamp(date.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_from_any_answer() {
        let head = b"HTTP/1.1 421 Misdirected Request\r\nDate: Sun, 22 Nov 2026 17:00:00 GMT\r\n\r\n";
        assert_eq!(date(head), Some("2026-11-22T17:00:00Z".parse().unwrap()));
        assert_eq!(date(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
