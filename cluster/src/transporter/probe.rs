//! What a doctor sees of a broker, step by step: the way there, its certificate, the login.

use std::time::Duration;

use config::HostPort;
use jiff::Timestamp;
use rustls_pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Link, tls};
use crate::broker::{Broker, Kind, Trust};

/// For each step; a broker near by needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// The login is tried on every server in turn.
const LOGIN_PATIENCE: Duration = Duration::from_secs(8);
/// NATS introduces itself with one line of 1 KB or less.
const LONGEST_GREETING: u64 = 64 * 1024;

/// One server of broker.json.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    pub server: String,
    /// How long TCP took, or why it does not come to be.
    pub reached: Result<Duration, String>,
    /// `None`: it was not reached.
    pub certificate: Option<Result<Certificate, String>>,
}

/// What a broker showed; it was believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    pub ends: Timestamp,
    /// `"rejectUnauthorized": false`: anybody would have been believed.
    pub unchecked: bool,
}

/// Every server, without logging in.
pub async fn look(broker: &Broker) -> Vec<Seen> {
    let all = broker.servers.iter().map(|server| look_at(broker, server));
    futures_util::future::join_all(all).await
}

/// Logs in and out again; says how long it took, or why it is not let in.
pub async fn log_in(broker: &Broker) -> Result<Duration, String> {
    let began = Instant::now();
    let transporter = super::connect(broker).await.map_err(|error| error.to_string())?;
    let mut link = transporter.link();
    match timeout(LOGIN_PATIENCE, link.wait_for(Link::is_up)).await {
        Ok(Ok(_)) => Ok(began.elapsed()),
        _ => Err(match &*transporter.link().borrow() {
            Link::Up { .. } => return Ok(began.elapsed()),
            Link::Down { why, .. } => why.clone(),
        }),
    }
}

async fn look_at(broker: &Broker, server: &HostPort) -> Seen {
    let began = Instant::now();
    let connected = timeout(PATIENCE, TcpStream::connect((server.host.as_str(), server.port))).await;
    let connected = connected.map_err(|_| "no answer".to_owned());
    let socket = match connected.and_then(|connected| connected.map_err(|error| error.to_string())) {
        Ok(socket) => socket,
        Err(why) => return Seen { server: server.to_string(), reached: Err(why), certificate: None },
    };
    let reached = Ok(began.elapsed());
    let shown = timeout(PATIENCE, certificate(broker, &server.host, socket)).await;
    let shown = shown.unwrap_or_else(|_| Err("it takes connections and does not speak".into()));
    Seen { server: server.to_string(), reached, certificate: Some(shown) }
}

async fn certificate(broker: &Broker, host: &str, socket: TcpStream) -> Result<Certificate, String> {
    let mut socket = BufReader::new(socket);
    if broker.kind == Kind::Nats {
        let mut greeting = Vec::new();
        let read = (&mut socket).take(LONGEST_GREETING).read_until(b'\n', &mut greeting).await;
        read.map_err(|error| error.to_string())?;
        if !greeting.starts_with(b"INFO ") {
            return Err("it does not speak NATS".into());
        }
    }
    let config = tls::client_config(&broker.trust).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    let stream = connector.connect(name, socket).await.map_err(|error| error.to_string())?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let shown = shown.ok_or("it shows no certificate")?;
    let (_, certificate) = X509Certificate::from_der(shown).map_err(|error| error.to_string())?;
    let ends = certificate.validity().not_after.timestamp();
    let ends = Timestamp::from_second(ends).map_err(|error| error.to_string())?;
    Ok(Certificate { ends, unchecked: matches!(broker.trust, Trust::Anybody) })
}
