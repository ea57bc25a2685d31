//! What services.json and lan.json name: is somebody there?

use std::io;
use std::time::Duration;

use node::nearby::{Nearby, Place};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::doctor::facts::NearbyFacts;

/// A service near by answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// While the service runs, it listens itself where it should; else the place must be free.
pub(super) async fn look(nearby: &[Nearby], runs: bool) -> Vec<NearbyFacts> {
    futures_util::future::join_all(nearby.iter().map(|near| look_at(near, runs))).await
}

async fn look_at(near: &Nearby, runs: bool) -> NearbyFacts {
    let place = match &near.place {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix:{}", path.display()),
        Place::Listen(address) => address.to_string(),
    };
    let found = timeout(PATIENCE, try_out(&near.place, runs)).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    NearbyFacts { name: near.name.clone(), place, found: found.map_err(|error| error.to_string()) }
}

async fn try_out(place: &Place, runs: bool) -> io::Result<()> {
    match place {
        Place::Tcp(address) => TcpStream::connect((address.host.as_str(), address.port)).await.map(drop),
        Place::Unix(path) => UnixStream::connect(path).await.map(drop),
        Place::Listen(address) if runs => TcpStream::connect(address).await.map(drop),
        Place::Listen(address) => TcpListener::bind(address).await.map(drop),
    }
}
