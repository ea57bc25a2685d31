//! What the gateway counts, for Prometheus. Each name is `fastx_gateway_…`; labels come from fixed sets, server ids
//! (bounded by `limits.servers`) and nothing that a client can choose.

use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tunnel::quic::BufferSizes;
use tunnel::wire::control::RefusalCode;

use crate::error::RouteError;
use crate::guard::Turned;

/// One label with a value from a fixed set.
pub type Label = [(&'static str, &'static str); 1];

/// Every counter of the gateway; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// By listener: `service` or `https`.
    connections: Family<Label, Counter>,
    turned_away: Family<Label, Counter>,
    accept_errors: Counter,
    streams: Counter,
    refused: Family<Label, Counter>,
    retries: Counter,
    to_service: Counter,
    to_client: Counter,
    open_time: Histogram,
    hellos: Family<Label, Counter>,
    conflicts: Counter,
    reloads: Family<Label, Counter>,
    draining: Gauge,
    udp_buffer: Family<Label, Gauge>,
    expiry: Family<Label, Gauge>,
}

/// 0.25 ms on a LAN up to the 10 s after which nobody waits.
const OPEN_SECONDS: [f64; 12] =
    [0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

impl Metrics {
    /// Makes the counters and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Family::default(),
            turned_away: Family::default(),
            accept_errors: Counter::default(),
            streams: Counter::default(),
            refused: Family::default(),
            retries: Counter::default(),
            to_service: Counter::default(),
            to_client: Counter::default(),
            open_time: Histogram::new(OPEN_SECONDS),
            hellos: Family::default(),
            conflicts: Counter::default(),
            reloads: Family::default(),
            draining: Gauge::default(),
            udp_buffer: Family::default(),
            expiry: Family::default(),
        };
        metrics.clone().enter(registry);
        metrics
    }

    fn enter(self, to: &mut Registry) {
        to.register("connections", "Client connections accepted, by listener", self.connections);
        let turned = "Connections and requests over a limit, by limit";
        to.register("connections_turned_away", turned, self.turned_away);
        let failed = "Tries to accept that failed, for want of file descriptors or memory";
        to.register("accept_errors", failed, self.accept_errors);
        to.register("streams_opened", "Streams that a node answered with yes", self.streams);
        to.register("streams_refused", "Clients that got no stream, by reason", self.refused);
        to.register("stream_retries", "Streams tried again on another way", self.retries);
        let sent = "Payload from clients to services, counted when a stream ends";
        to.register_with_unit("payload_to_services", sent, Unit::Bytes, self.to_service);
        let received = "Payload from services to clients, counted when a stream ends";
        to.register_with_unit("payload_to_clients", received, Unit::Bytes, self.to_client);
        let seconds = "Time from a client's connection to the node's answer";
        to.register_with_unit("stream_open", seconds, Unit::Seconds, self.open_time);
        to.register("hellos", "Nodes that said hello, by answer", self.hellos);
        to.register("key_conflicts", "Hellos with a second key for a server id", self.conflicts);
        to.register("reloads", "Configuration reloads, by result", self.reloads);
        to.register("draining", "1 while the gateway is being taken out of service", self.draining);
        let granted = "What the kernel granted for each UDP socket, by direction";
        to.register_with_unit("udp_buffer", granted, Unit::Bytes, self.udp_buffer);
        let expiry = "When a certificate expires, seconds since 1970, by certificate";
        to.register("certificate_expiry_timestamp_seconds", expiry, self.expiry);
    }

    /// A client came in by a listener: `service`, `relay` or `https`.
    pub fn connected(&self, listener: &'static str) {
        self.connections.get_or_create(&[("listener", listener)]).inc();
    }

    pub fn turned_away(&self, limit: Turned) {
        let limit = match limit {
            Turned::Full => "connections",
            Turned::AddressFull => "connections-per-address",
            Turned::TooFast => "new-per-second",
            Turned::Handshakes => "handshakes",
            Turned::Requests => "requests-per-second",
        };
        self.turned_away.get_or_create(&[("limit", limit)]).inc();
    }

    /// The kernel gave no connection although one waits.
    pub fn accept_failed(&self) {
        self.accept_errors.inc();
    }

    /// A node said yes, this long after the client came.
    pub fn stream_opened(&self, after: Duration) {
        self.streams.inc();
        self.open_time.observe(after.as_secs_f64());
    }

    pub fn stream_refused(&self, error: &RouteError) {
        self.refused.get_or_create(&[("reason", error.code())]).inc();
    }

    pub fn stream_retried(&self) {
        self.retries.inc();
    }

    /// Payload of a stream that ended, bytes.
    pub fn moved(&self, to_service: u64, to_client: u64) {
        self.to_service.inc_by(to_service);
        self.to_client.inc_by(to_client);
    }

    /// `refusal`: `None` for a welcome.
    pub fn hello(&self, refusal: Option<RefusalCode>) {
        let answer = match refusal {
            None => "welcome",
            Some(RefusalCode::BadToken) => "bad-token",
            Some(RefusalCode::KeyMismatch) => "key-mismatch",
            Some(RefusalCode::Revoked) => "revoked",
            Some(RefusalCode::StaleGeneration) => "stale-generation",
            Some(RefusalCode::WrongNamespace) => "wrong-namespace",
            Some(RefusalCode::Protocol) => "protocol",
            Some(RefusalCode::Draining) => "draining",
            Some(RefusalCode::Busy) => "busy",
        };
        self.hellos.get_or_create(&[("answer", answer)]).inc();
        if refusal == Some(RefusalCode::KeyMismatch) {
            self.conflicts.inc();
        }
    }

    pub fn reloaded(&self, ok: bool) {
        self.reloads.get_or_create(&[("result", if ok { "ok" } else { "failed" })]).inc();
    }

    pub fn set_draining(&self) {
        self.draining.set(1);
    }

    pub fn udp_buffers(&self, granted: &BufferSizes) {
        for (direction, size) in [("receive", granted.receive), ("send", granted.send)] {
            let gauge = self.udp_buffer.get_or_create(&[("direction", direction)]);
            gauge.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
    }

    /// `certificate`: `tunnel` (nodes) or `public` (browsers).
    pub fn certificate_expires(&self, certificate: &'static str, at: SystemTime) {
        let at = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.expiry.get_or_create(&[("certificate", certificate)]).set(i64::try_from(at).unwrap_or(i64::MAX));
    }
}
