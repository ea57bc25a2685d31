//! The web side of a gateway as a whole: opened, reloaded, drained.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::ServerIdentity;
use tunnel::tls::Acceptor;

use super::acme::Renewal;
use super::certificates::{CertificateError, Certificates};
use super::forward::Forwarder;
use super::listen::Door;
use super::serve::Serving;
use crate::guard::Guard;
use crate::listen::{BindError, tcp};
use crate::router::Router;
use crate::settings::{Acme, Settings};

/// Folder in the local folder for what an ACME authority gave.
const ACME: &str = "acme";

/// Why the web side does not start.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot watch the port: {0}")]
    Watch(#[from] io::Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// What the web side works with.
#[derive(Debug)]
pub struct Parts {
    /// Where to listen: `listen`, with the port that QUIC got.
    pub address: SocketAddr,
    /// Shown to clients while there is nothing better; the identity that nodes know.
    pub own: ServerIdentity,
    pub router: Router,
    pub guard: Arc<Guard>,
    /// Takes the connections of nodes that come in on the same port.
    pub nodes: Arc<Acceptor>,
}

/// The public port; dropped, it is closed at once.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    door: Arc<Door>,
    accepting: TaskTracker,
    local: PathBuf,
    renewing: Mutex<Option<Renewing>>,
}

/// Ends when it is dropped.
#[derive(Debug)]
struct Renewing {
    settings: Acme,
    _task: AbortOnDropHandle<()>,
}

impl Front {
    /// Binds the port and begins to accept. `local`: the folder for local state. Needs a runtime.
    pub fn open(settings: &Settings, local: &Path, parts: Parts) -> Result<Self, FrontError> {
        let Parts { address, own, router, guard, nodes } = parts;
        let serving = Serving::default();
        let certificates = Arc::new(Certificates::new(&own)?);
        take_files(settings, &certificates)?;
        let door = Arc::new(Door {
            shards: router.shards().clone(),
            guard: guard.clone(),
            certificates: certificates.clone(),
            metrics: router.metrics().clone(),
            forwarder: Arc::new(Forwarder::new(router, guard, settings, serving.clone())),
            serving,
            balancers: ArcSwap::from_pointee(settings.proxy_protocol_from.clone()),
            nodes,
        });
        let listeners = tcp("`listen`", address, door.shards.len())?;
        let address = listeners.first().map_or(Ok(address), std::net::TcpListener::local_addr)?;
        let accepting = door.open(listeners)?;
        let front = Self { address, local: local.to_owned(), door, accepting, renewing: Mutex::default() };
        front.renew(settings.acme.as_ref());
        Ok(front)
    }

    /// Gets certificates as `acme` says from now on; goes on as before if it says nothing new.
    fn renew(&self, acme: Option<&Acme>) {
        let mut renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if renewing.as_ref().map(|renewing| &renewing.settings) == acme {
            return;
        }
        *renewing = acme.map(|acme| {
            let renewal = Renewal::new(acme.clone(), self.local.join(ACME));
            let keep = renewal.keep(self.door.certificates.clone());
            Renewing { settings: acme.clone(), _task: AbortOnDropHandle::new(tokio::spawn(keep)) }
        });
    }

    /// Where it listens; of interest when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.door.certificates
    }

    /// Takes what may change while the gateway runs. Nothing is dropped; on an error the certificate stays as it was,
    /// and [`Certificates::status`] says why.
    pub fn reload(&self, settings: &Settings, own: &ServerIdentity) -> Result<(), CertificateError> {
        if settings.certificate.is_none() && settings.acme.is_none() {
            self.door.certificates.replace(own)?;
        }
        take_files(settings, &self.door.certificates)?;
        self.renew(settings.acme.as_ref());
        self.door.balancers.store(Arc::new(settings.proxy_protocol_from.clone()));
        self.door.forwarder.set(settings);
        Ok(())
    }

    /// Closes the port; what is open goes on.
    pub async fn close(&self) {
        self.door.serving.drain.cancel();
        self.accepting.wait().await;
    }

    /// Accepts nothing new, lets open requests and connections finish for `deadline`, then cuts them.
    pub async fn drain(&self, deadline: Duration) {
        self.close().await;
        self.door.serving.drain(deadline).await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.door.serving.drain.cancel();
        self.door.serving.cut.cancel();
    }
}

fn take_files(settings: &Settings, certificates: &Certificates) -> Result<(), CertificateError> {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => certificates.load(certificate, key),
        _ => Ok(()),
    }
}
