//! One dial: the gateway's addresses, looked up anew, and the carriers, raced.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tunnel::shard::Shard;
use tunnel::wire::control::Hello;
use tunnel::{CloseCode, DialError, Transport, Trust, Tunnel};

use super::plan::How;
use crate::me::Me;

/// A name server that is slower than this is as good as none.
const LOOKUP: Duration = Duration::from_secs(5);
/// Addresses that are tried at most; a name with more is a mistake.
const ADDRESSES: usize = 8;
/// The next address of the same carrier starts this much later (RFC 8305 §5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// QUIC's head start before TLS, unless three round trips are longer.
const HEAD_START: Duration = Duration::from_millis(300);

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

/// One attempt: when it starts, over what, where to.
type Start = (Duration, Transport, SocketAddr);

/// Dials, and returns the first tunnel that a gateway lets in. `rtt` is the last one known.
pub(crate) async fn dial(call: Call, how: How, rtt: Option<Duration>) -> Result<Tunnel, NoTunnel> {
    let addresses = look_up(&call.host, call.port).await?;
    race(call, schedule(&addresses, how, rtt)).await
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

fn schedule(addresses: &[SocketAddr], how: How, rtt: Option<Duration>) -> Vec<Start> {
    let carriers: &[Transport] = match how {
        How::Race => &[Transport::Quic, Transport::Tls],
        How::Probe => &[Transport::Quic],
        How::Only(Transport::Quic) => &[Transport::Quic],
        How::Only(Transport::Tls) => &[Transport::Tls],
    };
    let head_start = rtt.map_or(HEAD_START, |rtt| HEAD_START.max(3 * rtt));
    let mut starts = Vec::with_capacity(carriers.len() * addresses.len());
    for (carrier, after) in carriers.iter().zip([Duration::ZERO, head_start]) {
        for (place, address) in (0u32..).zip(addresses) {
            starts.push((after + NEXT_ADDRESS * place, *carrier, *address));
        }
    }
    starts.sort_by_key(|(after, _, _)| *after);
    starts
}

/// Starts each attempt at its time, or at once when the one before failed. A gateway's refusal ends the race: over
/// another carrier it would say the same.
async fn race(call: Call, starts: Vec<Start>) -> Result<Tunnel, NoTunnel> {
    let began = Instant::now();
    let mut starts = starts.into_iter().peekable();
    let mut racers = Racers(JoinSet::new());
    let mut errors = Vec::new();
    let mut hurry = true;
    loop {
        let next = starts.peek().map(|(after, _, _)| began + *after);
        if let Some((_, carrier, address)) =
            starts.next_if(|(after, _, _)| hurry || began.elapsed() >= *after)
        {
            hurry = false;
            racers.0.spawn(attempt(call.clone(), carrier, address));
            continue;
        }
        let start = async { tokio::time::sleep_until(next.unwrap_or(began)).await };
        tokio::select! {
            biased;
            Some(ended) = racers.0.join_next() => match ended {
                Ok(Ok(tunnel)) => return Ok(tunnel),
                Ok(Err(DialError::Refused(refusal))) => return Err(NoTunnel::Refused(refusal)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "an attempt failed");
                    errors.push(error);
                    hurry = true;
                }
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            () = start, if next.is_some() => {}
            else => return Err(NoTunnel::Failed(errors)),
        }
    }
}

async fn attempt(call: Call, carrier: Transport, address: SocketAddr) -> Result<Tunnel, DialError> {
    let Call { me, host, trust, hello, stripe, home, .. } = &call;
    let key = &me.start.identity.key;
    match carrier {
        Transport::Quic => tunnel::quic::dial(address, host, trust, key, hello, *stripe, home).await,
        Transport::Tls => tunnel::tls::dial(address, host, trust, key, hello, *stripe, home).await,
    }
}

/// Attempts under way. One that comes in after the winner has a tunnel that the gateway would use: it is closed.
struct Racers(JoinSet<Result<Tunnel, DialError>>);

impl Drop for Racers {
    fn drop(&mut self) {
        let mut late = std::mem::take(&mut self.0);
        if late.is_empty() {
            return;
        }
        // Ends with the longest handshake.
        tokio::spawn(async move {
            while let Some(ended) = late.join_next().await {
                if let Ok(Ok(tunnel)) = ended {
                    tunnel.close(CloseCode::Done, "another attempt was faster");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Quic, Tls};

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

    #[test]
    fn quic_has_a_head_start_of_three_round_trips() {
        let two = addresses(&["[::1]:1", "10.0.0.1:1"]);
        let order = |how, rtt: Option<u64>| {
            schedule(&two, how, rtt.map(Duration::from_millis))
                .into_iter()
                .map(|(after, carrier, address)| (after.as_millis(), carrier, address.is_ipv6()))
                .collect::<Vec<_>>()
        };
        let race = [(0, Quic, true), (250, Quic, false), (300, Tls, true), (550, Tls, false)];
        assert_eq!(order(How::Race, None), race);
        assert_eq!(order(How::Race, Some(20)), race);
        assert_eq!(order(How::Race, Some(200))[2..], [(600, Tls, true), (850, Tls, false)]);
        assert_eq!(order(How::Probe, None), [(0, Quic, true), (250, Quic, false)]);
        assert_eq!(order(How::Only(Tls), None), [(0, Tls, true), (250, Tls, false)]);
    }
}
