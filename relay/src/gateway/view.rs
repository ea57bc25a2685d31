//! What a running gateway says about itself.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::SystemTime;

use tunnel::quic::Listener;

use super::Gateway;
use crate::keys;
use crate::report::{self, NodesReport, StatusReport};
use crate::web::certificates::facts;

impl Gateway {
    pub fn nodes(&self) -> NodesReport {
        report::nodes(&self.0.nodes.snapshot(), &self.0.admission.view())
    }

    pub fn status(&self) -> StatusReport {
        let inner = &self.0;
        let snapshot = inner.nodes.snapshot();
        let advice = inner.quic.first().and_then(|listener| listener.buffers().advice());
        let settings = inner.settings.load();
        StatusReport {
            version: env!("CARGO_PKG_VERSION").into(),
            host: settings.host.clone(),
            since: inner.since,
            draining: inner.router.is_draining(),
            listen: self.addresses().iter().map(SocketAddr::to_string).collect(),
            services: inner.ports.report(),
            nodes_connected: snapshot.servers().filter(|server| server.is_healthy()).count(),
            nodes_known: inner.admission.view().servers.len(),
            tunnels: snapshot.links().count(),
            open_streams: snapshot.links().map(tunnel::Tunnel::open_streams).sum(),
            connections: inner.guard.open(),
            conflicts: inner.admission.view().conflicts.len(),
            certificate_expires: self.public_expiry().and_then(|at| at.try_into().ok()),
            certificate_problem: self.0.front.certificates().status().problem,
            advice: advice.into_iter().collect(),
        }
    }

    /// Where nodes come in.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.quic.iter().map(Listener::address).collect()
    }

    /// Where the named TCP services are, in the order in which they were opened.
    pub fn ports(&self) -> Vec<report::PortReport> {
        self.0.ports.report()
    }

    /// Whether new clients are served; else why not.
    pub fn readiness(&self) -> Result<(), &'static str> {
        if self.0.router.is_draining() {
            Err("draining: the gateway is being taken out of service")
        } else {
            Ok(())
        }
    }

    /// In the text format of OpenMetrics.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        let registry = self.0.registry.read().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes every write");
        text
    }

    pub(super) fn look_at_certificates(&self) {
        let shown = keys::tunnel_identity(&self.0.dirs, &self.0.settings.load()).ok();
        let tunnel = shown.and_then(|shown| Some(facts(&shown).ok()?.not_after.into()));
        for (name, expiry) in [("tunnel", tunnel), ("public", self.public_expiry())] {
            if let Some(expiry) = expiry {
                self.0.metrics.certificate_expires(name, expiry);
            }
        }
    }

    fn public_expiry(&self) -> Option<SystemTime> {
        Some(self.0.front.certificates().status().facts.not_after.into())
    }
}
