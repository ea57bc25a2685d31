//! What services.json and lan.json name, for who looks whether it is there.

use std::path::PathBuf;

use config::{ConfigError, Dirs, HostPort};
use tunnel::ServerId;

use crate::{lan, services};

/// One thing near this node.
#[derive(Clone, Debug)]
pub struct Nearby {
    /// As the file calls it.
    pub name: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp(HostPort),
    Unix(PathBuf),
    /// This node itself listens here.
    Listen(std::net::SocketAddr),
}

/// What services.json names; no file is nothing.
pub fn services(dirs: &Dirs) -> Result<Vec<Nearby>, ConfigError> {
    let read = services::read(&dirs.config("services.json"))?;
    let nearby = |(name, service): (String, services::Service)| {
        let place = match service.connect {
            services::Target::Tcp(address) => Place::Tcp(address),
            services::Target::Unix(path) => Place::Unix(path),
        };
        Nearby { name: format!("service {name}"), place }
    };
    Ok(read.into_iter().map(nearby).collect())
}

/// What lan.json names; no file is nothing. `me` must not be among the peers.
pub fn lan(dirs: &Dirs, me: &ServerId) -> Result<Vec<Nearby>, ConfigError> {
    let read = lan::file::read(&dirs.config("lan.json"), me)?;
    let listen =
        read.listen.map(|listen| Nearby { name: "LAN listener".into(), place: Place::Listen(listen.0) });
    let peer = |(id, peer): (ServerId, lan::file::Peer)| {
        Some(Nearby { name: format!("peer {id}"), place: Place::Tcp(peer.connect?) })
    };
    Ok(listen.into_iter().chain(read.peers.into_iter().filter_map(peer)).collect())
}
