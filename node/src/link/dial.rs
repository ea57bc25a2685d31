//! One dial: the gateway's addresses, looked up anew, and the carriers, raced.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tunnel::race::{self, Known, Lost, Start};
use tunnel::shard::Shard;
use tunnel::wire::control::Hello;
use tunnel::{CloseCode, DialError, Transport, Trust, Tunnel};

use super::plan::How;
use crate::me::Me;

/// A name server that is slower than this is as good as none.
const LOOKUP: Duration = Duration::from_secs(5);
/// Addresses that are tried at most; a name with more is a mistake.
const ADDRESSES: usize = 8;

/// Why no tunnel came of a dial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTunnel {
    #[error("cannot look up {host}: {source}; is the name right, and does DNS work here?")]
    Lookup { host: String, source: std::io::Error },
    #[error(transparent)]
    Refused(tunnel::Refusal),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Failed(Vec<DialError>),
}

/// What every attempt of one dial needs.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) me: Arc<Me>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) trust: Trust,
    pub(crate) hello: Hello,
    /// Numbers the tunnels of one node to one gateway.
    pub(crate) stripe: usize,
    pub(crate) home: Shard,
}

/// Dials, and returns the first tunnel that a gateway lets in.
pub(crate) async fn dial(call: Call, how: How, known: Known) -> Result<Tunnel, NoTunnel> {
    let addresses = look_up(&call.host, call.port).await?;
    let starts = race::schedule(carriers(how), &addresses, known);
    let late = |tunnel: Tunnel| tunnel.close(CloseCode::Done, "another attempt was faster");
    race::run(starts, |start| attempt(call.clone(), start), late).await.map_err(|lost| match lost {
        Lost::Refused(refusal) => NoTunnel::Refused(refusal),
        Lost::Failed(errors) => NoTunnel::Failed(errors),
    })
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, NoTunnel> {
    let failed = |source| NoTunnel::Lookup { host: host.to_owned(), source };
    let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| failed(std::io::ErrorKind::TimedOut.into()))?
        .map_err(failed)?;
    let addresses = families_in_turn(found);
    if addresses.is_empty() {
        return Err(failed(std::io::Error::other("the name has no address")));
    }
    Ok(addresses)
}

/// IPv6 and IPv4 in turn, each in the order given, so that a dead family costs one step only.
fn families_in_turn(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let (v6, v4): (Vec<_>, Vec<_>) = found.partition(SocketAddr::is_ipv6);
    let mut turns: Vec<_> = v6.into_iter().enumerate().chain(v4.into_iter().enumerate()).collect();
    turns.sort_by_key(|(place, _)| *place);
    turns.into_iter().map(|(_, address)| address).take(ADDRESSES).collect()
}

fn carriers(how: How) -> &'static [Transport] {
    match how {
        How::Race => &[Transport::Quic, Transport::Tls],
        How::Probe | How::Only(Transport::Quic) => &[Transport::Quic],
        How::Only(Transport::Tls) => &[Transport::Tls],
    }
}

async fn attempt(call: Call, Start { carrier, peer, .. }: Start) -> Result<Tunnel, DialError> {
    let Call { me, host, trust, hello, stripe, home, .. } = &call;
    let key = &me.start.identity.key;
    match carrier {
        Transport::Quic => tunnel::quic::dial(peer, host, trust, key, hello, *stripe, home).await,
        Transport::Tls => tunnel::tls::dial(peer, host, trust, key, hello, home).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "[::1]:1"]);
        let expected = addresses(&["[::1]:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
        assert_eq!(families_in_turn(found.into_iter()), expected);
        let many = (0..200u16).map(|port| SocketAddr::new([10, 0, 0, 1].into(), port));
        assert_eq!(families_in_turn(many).len(), ADDRESSES);
    }
}
