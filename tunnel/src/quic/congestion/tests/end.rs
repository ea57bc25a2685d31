//! One end of a connection of quinn-proto.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Endpoint, EndpointConfig, Event, ServerConfig,
    TransportConfig,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Maker;
use crate::limits;
use crate::quic::settings;
use crate::tunnel::Role;

pub(super) struct End {
    endpoint: Endpoint,
    pub(super) connection: Option<(ConnectionHandle, Connection)>,
    peer: SocketAddr,
}

/// Datagrams in one batch, as quinn makes them.
const BATCH: usize = 10;

/// The shipped settings but for these.
fn transport(maker: Maker, window: u32) -> Arc<TransportConfig> {
    let mut config = settings::config(Role::Dialler, limits::MTU_INTERNET);
    config.congestion_controller_factory(maker);
    config.receive_window(limits::WINDOW_TUNNEL.into());
    config.stream_receive_window(window.into()).send_window(limits::WINDOW_SEND.max(2 * u64::from(window)));
    Arc::new(config)
}

/// A client that has dialled, and the server that will answer.
pub(super) fn pair(base: Instant, seed: u8, maker: Maker, window: u32) -> (End, End) {
    let client_at = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 1000));
    let server_at = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 2), 2000));
    let (client_tls, server_tls) = tls();
    let mut dials = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client_tls).unwrap()));
    dials.transport_config(transport(maker.clone(), window));
    let mut serves = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server_tls).unwrap()));
    serves.transport_config(transport(maker, window));
    let mut settings = EndpointConfig::default();
    settings.rng_seed(Some([seed; 32]));
    let settings = Arc::new(settings);
    let mut endpoint = Endpoint::new(settings.clone(), None, true, None);
    let connection = endpoint.connect(base, dials, server_at, "gateway").unwrap();
    let client = End { endpoint, connection: Some(connection), peer: server_at };
    let endpoint = Endpoint::new(settings, Some(Arc::new(serves)), true, None);
    (client, End { endpoint, connection: None, peer: client_at })
}

fn tls() -> (rustls::ClientConfig, rustls::ServerConfig) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let own = rcgen::generate_simple_self_signed(vec!["gateway".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (client, server)
}

impl End {
    /// What the connection has to say to its endpoint, and to the application.
    pub(super) fn events(&mut self, mut tell: impl FnMut(&Event)) {
        let Some((handle, connection)) = &mut self.connection else { return };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        while let Some(event) = connection.poll() {
            tell(&event);
        }
    }

    pub(super) fn transmit(&mut self, at: Instant, send: &mut dyn FnMut(Bytes)) {
        let Some((_, connection)) = &mut self.connection else { return };
        let mut buffer = Vec::new();
        while let Some(transmit) = connection.poll_transmit(at, BATCH, &mut buffer) {
            let step = transmit.segment_size.unwrap_or(transmit.size);
            buffer[..transmit.size].chunks(step).for_each(|datagram| send(Bytes::copy_from_slice(datagram)));
            buffer.clear();
        }
    }

    pub(super) fn timeout(&mut self) -> Option<Instant> {
        self.connection.as_mut().and_then(|(_, connection)| connection.poll_timeout())
    }

    pub(super) fn handle_timeout(&mut self, at: Instant) {
        if let Some((_, connection)) = &mut self.connection {
            connection.handle_timeout(at);
        }
    }

    pub(super) fn receive(&mut self, at: Instant, datagram: &Bytes) {
        let mut out = Vec::new();
        let event = self.endpoint.handle(at, self.peer, None, None, BytesMut::from(&datagram[..]), &mut out);
        match event {
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut self.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.connection = self.endpoint.accept(incoming, at, &mut out, None).ok();
            }
            _ => {}
        }
    }
}
