//! Which server, and which way to it: pure choices over one snapshot.
//!
//! The server's own tunnel comes first; then a node that says it can reach the server. Of several tunnels the one with
//! the fewest open streams is taken, of several servers likewise, and one that rests (it is taken out of service) only
//! where it is named, or the client was before, or nobody else is there.

use std::sync::Arc;

use tunnel::{Onward, ServerId, TraceId, Transport};

use crate::error::RouteError;
use crate::registry::{Link, Server, Snapshot};

/// What a client wants.
#[derive(Clone, Debug)]
pub struct Want {
    /// This server and no other; `None`: any healthy one that offers the service.
    pub server: Option<ServerId>,
    /// Among any, this one if it is healthy: where the client was before.
    pub sticky: Option<ServerId>,
    pub service: Arc<str>,
    /// The client's own address.
    pub client: Option<std::net::SocketAddr>,
    pub trace: TraceId,
}

/// Where a stream goes.
#[derive(Clone, Debug)]
pub struct Way<L> {
    pub link: L,
    /// The server that has the service.
    pub server: ServerId,
    /// The node that hands the stream on, if it is another one.
    pub via: Option<ServerId>,
    /// Which start of the node at the other end of the tunnel.
    pub generation: u64,
}

impl<L> Way<L> {
    /// A way to `to`, over a tunnel of `holder`, which may be another one.
    fn new(link: L, holder: &Server<L>, to: &ServerId) -> Self {
        let via = (holder.id != *to).then(|| holder.id.clone());
        Self { link, server: to.clone(), via, generation: holder.generation }
    }

    /// The node at the other end of the tunnel.
    pub fn holder(&self) -> &ServerId {
        self.via.as_ref().unwrap_or(&self.server)
    }
}

/// What was tried for this client already.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Ids of tunnels that broke.
    pub links: Vec<String>,
    /// Nodes that said no.
    pub holders: Vec<ServerId>,
}

/// Of many servers that offer a service this many are compared; the start rotates, so all get their share.
const COMPARED: usize = 16;

/// Chooses a way. `here` is the shard of the caller, `turn` any number that changes from call to call.
pub fn choose<L: Link>(
    snapshot: &Snapshot<L>,
    want: &Want,
    tried: &Tried,
    here: Option<usize>,
    turn: usize,
) -> Result<Way<L>, RouteError> {
    match &want.server {
        Some(server) => to_server(snapshot, server, tried, here),
        None => to_any(snapshot, want, tried, here, turn),
    }
}

fn to_server<L: Link>(
    snapshot: &Snapshot<L>,
    id: &ServerId,
    tried: &Tried,
    here: Option<usize>,
) -> Result<Way<L>, RouteError> {
    let known = snapshot.server(id);
    let direct = known.and_then(|server| Some(Way::new(own(server, tried, here)?, server, id)));
    let direct = match direct {
        Some(way) if !way.link.is_doubtful() => return Ok(way),
        other => other,
    };
    let relays = snapshot.relays(id).iter().filter(|relay| relay.id != *id);
    let relayed = relays
        .filter_map(|relay| own(relay, tried, here).map(|link| (relay, link)))
        .min_by_key(|(relay, link)| (link.is_doubtful(), relay.resting, relay.open_streams()))
        .map(|(relay, link)| Way::new(link, relay, id));
    direct
        .into_iter()
        .chain(relayed)
        .min_by_key(|way| (way.link.is_doubtful(), way.via.is_some()))
        .ok_or_else(|| unreachable_since(id, known))
}

/// What is known about a server without a way.
fn unreachable_since<L: Link>(id: &ServerId, known: Option<&Arc<Server<L>>>) -> RouteError {
    let server = id.clone();
    match known {
        None => RouteError::NoSuchServer { server },
        Some(known) if known.tunnels.iter().all(|entry| entry.link.is_closed()) => {
            RouteError::Unreachable { server, since: known.since }
        }
        Some(_) => RouteError::Draining { server },
    }
}

fn to_any<L: Link>(
    snapshot: &Snapshot<L>,
    want: &Want,
    tried: &Tried,
    here: Option<usize>,
    turn: usize,
) -> Result<Way<L>, RouteError> {
    let way = |server: &Server<L>, link| Way::new(link, server, &server.id);
    let before = want.sticky.as_ref().and_then(|id| snapshot.server(id));
    if let Some(server) = before.filter(|server| server.offers(&want.service))
        && let Some(link) = own(server, tried, here)
    {
        return Ok(way(server, link));
    }
    let offering = snapshot.offering(&want.service);
    let rotated = offering.iter().cycle().skip(turn % offering.len().max(1)).take(offering.len());
    let best = |resting: bool| {
        let candidates = rotated.clone().filter(move |server| server.resting == resting);
        candidates
            .filter_map(|server| own(server, tried, here).map(|link| (server, link)))
            .take(COMPARED)
            .min_by_key(|(server, link)| (link.is_doubtful(), server.open_streams()))
    };
    best(false)
        .or_else(|| best(true))
        .map(|(server, link)| way(server, link))
        .ok_or_else(|| RouteError::NobodyOffers { service: want.service.to_string() })
}

/// The server's best tunnel that was not tried: one that was heard lately before a doubtful one, QUIC before TLS, then
/// the fewest streams, and the caller's own shard when that has at most a quarter more, because a hop between shards
/// costs two wake-ups.
fn own<L: Link>(server: &Server<L>, tried: &Tried, here: Option<usize>) -> Option<L> {
    if tried.holders.contains(&server.id) {
        return None;
    }
    let usable = || {
        server
            .tunnels
            .iter()
            .filter(|entry| entry.is_usable() && !tried.links.iter().any(|id| id == entry.link.id()))
            .map(|entry| &entry.link)
    };
    let rank = |link: &&L| (link.is_doubtful(), link.transport() != Transport::Quic, link.open_streams());
    let best = usable().min_by_key(rank)?;
    let most = best.open_streams() + best.open_streams() / 4;
    let near = usable().find(|link| {
        Some(link.shard()) == here
            && link.is_doubtful() == best.is_doubtful()
            && link.transport() == best.transport()
            && link.open_streams() <= most
    });
    Some(near.unwrap_or(best).clone())
}

/// Where a stream can go on when its tunnel is lost: another tunnel to the same process, heard lately, and one that
/// stays before one that leaves. A node that is about to leave keeps the streams it has; one that was revoked, or started anew since, has lost them.
pub fn resume<L: Link>(snapshot: &Snapshot<L>, holder: &ServerId, generation: u64) -> Onward<L> {
    let server = match snapshot.server(holder) {
        Some(server) if server.generation == generation => server,
        // A lower one: the node's state came from a backup, and says nothing about the older process.
        Some(server) if server.generation < generation => return Onward::NotYet,
        _ => return Onward::Never,
    };
    let heard = server.tunnels.iter().filter(|entry| !entry.link.is_closed() && !entry.link.is_doubtful());
    heard
        .map(|entry| (entry.draining, &entry.link))
        .min_by_key(|(leaving, link)| (*leaving, link.transport() != Transport::Quic, link.open_streams()))
        .map_or(Onward::NotYet, |(_, link)| Onward::Over(link.clone()))
}

#[cfg(test)]
mod tests;
