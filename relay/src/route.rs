//! Which server, and which way to it: pure choices over one snapshot.
//!
//! The server's own tunnel comes first; then a node that says it can reach the server. Of several tunnels the one with
//! the fewest open streams is taken, of several servers likewise.

use std::sync::Arc;

use tunnel::{ServerId, TraceId, Transport};

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
        .min_by_key(|(relay, link)| (link.is_doubtful(), relay.open_streams()))
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
    rotated
        .filter_map(|server| own(server, tried, here).map(|link| (server, link)))
        .take(COMPARED)
        .min_by_key(|(server, link)| (link.is_doubtful(), server.open_streams()))
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

/// Where a stream can go on when its tunnel is lost: another tunnel to the same process, heard lately. A node that is
/// about to leave keeps the streams it has.
pub fn resume<L: Link>(snapshot: &Snapshot<L>, holder: &ServerId, generation: u64) -> Option<L> {
    let server = snapshot.server(holder).filter(|server| server.generation == generation)?;
    let heard = server.tunnels.iter().map(|entry| &entry.link);
    heard
        .filter(|link| !link.is_closed() && !link.is_doubtful())
        .min_by_key(|link| (link.transport() != Transport::Quic, link.open_streams()))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;
    use crate::registry::tests::{Fake, at, id, registration};

    fn want(server: Option<&str>, sticky: Option<&str>) -> Want {
        Want {
            server: server.map(id),
            sticky: sticky.map(id),
            service: "ssh".into(),
            client: None,
            trace: TraceId::random(),
        }
    }

    fn pick(registry: &Registry<Fake>, want: &Want, tried: &Tried, here: usize) -> Result<String, String> {
        choose(&registry.snapshot(), want, tried, Some(here), 0)
            .map(|way| match way.via {
                Some(via) => format!("{} via {via}", way.link.id),
                None => way.link.id,
            })
            .map_err(|error| error.code().to_owned())
    }

    fn with(tunnels: &[(&str, Fake)]) -> Registry<Fake> {
        let mut registry = Registry::default();
        for (server, fake) in tunnels {
            registry.register(registration(server, 1), fake.clone(), at(1)).unwrap();
        }
        registry
    }

    #[test]
    fn the_best_tunnel_of_a_server() {
        let q = |name: &str, open, shard| ("a", Fake::new(name).with(open, shard));
        let t = |name: &str, open, shard| ("a", Fake::new(name).over_tls().with(open, shard));
        let table = [
            ("fewest streams", vec![q("x", 5, 1), q("y", 2, 1)], "y"),
            ("own shard when even", vec![q("x", 0, 1), q("y", 0, 0)], "y"),
            ("own shard within a quarter", vec![q("x", 8, 1), q("y", 10, 0)], "y"),
            ("not when it is busier", vec![q("x", 8, 1), q("y", 11, 0)], "x"),
            ("one idle, own in use", vec![q("x", 0, 1), q("y", 1, 0)], "x"),
            ("QUIC before TLS", vec![t("x", 0, 0), q("y", 50, 1)], "y"),
            ("TLS when there is no QUIC", vec![t("x", 3, 0)], "x"),
            ("TLS when QUIC is doubtful", vec![t("x", 3, 1), ("a", Fake::new("y").doubtful())], "x"),
            ("doubtful when there is nothing else", vec![("a", Fake::new("x").doubtful())], "x"),
        ];
        for (what, tunnels, expected) in table {
            let picked = pick(&with(&tunnels), &want(Some("a"), None), &Tried::default(), 0);
            assert_eq!(picked.as_deref(), Ok(expected), "{what}");
        }
    }

    #[test]
    fn what_was_tried_is_not_tried_again() {
        let registry = with(&[("a", Fake::new("x")), ("a", Fake::new("y").with(3, 0))]);
        let want = want(Some("a"), None);
        let broke = Tried { links: vec!["x".into()], holders: vec![] };
        assert_eq!(pick(&registry, &want, &broke, 0).as_deref(), Ok("y"));
        let refused = Tried { links: vec![], holders: vec![id("a")] };
        assert!(pick(&registry, &want, &refused, 0).is_err());
    }

    #[test]
    fn a_relay_is_taken_when_the_server_has_no_tunnel() {
        let mut registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y").with(4, 0))]);
        for relay in [("a", "x"), ("b", "y")] {
            registry.update(&id(relay.0), relay.1, vec!["ssh".into()], vec![id("far")]);
        }
        let far = want(Some("far"), None);
        assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("x via a"));
        let refused = Tried { links: vec![], holders: vec![id("a")] };
        assert_eq!(pick(&registry, &far, &refused, 0).as_deref(), Ok("y via b"));
        registry.register(registration("far", 1), Fake::new("own"), at(2)).unwrap();
        assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("own"));
    }

    #[test]
    fn a_relay_is_better_than_a_doubtful_tunnel_of_its_own() {
        let mut registry = with(&[("far", Fake::new("own").doubtful()), ("a", Fake::new("x"))]);
        registry.update(&id("a"), "x", vec![], vec![id("far")]);
        let far = want(Some("far"), None);
        assert_eq!(pick(&registry, &far, &Tried::default(), 0).as_deref(), Ok("x via a"));
        let refused = Tried { links: vec![], holders: vec![id("a")] };
        assert_eq!(pick(&registry, &far, &refused, 0).as_deref(), Ok("own"));
    }

    #[test]
    fn a_stream_goes_on_only_with_the_same_process() {
        let mut registry = with(&[("a", Fake::new("x").doubtful()), ("a", Fake::new("y").over_tls())]);
        registry.drain(&id("a"), "y");
        let resumed = |registry: &Registry<Fake>, generation| {
            resume(&registry.snapshot(), &id("a"), generation).map(|link| link.id)
        };
        assert_eq!(resumed(&registry, 1).as_deref(), Some("y"));
        assert_eq!(resumed(&registry, 2), None);
        registry.register(registration("a", 2), Fake::new("z"), at(2)).unwrap();
        assert_eq!(resumed(&registry, 1), None);
    }

    #[test]
    fn what_is_known_about_a_server_without_a_way() {
        let mut registry =
            with(&[("gone", Fake::new("x")), ("leaving", Fake::new("y")), ("lost", Fake::new("z"))]);
        registry.remove(&id("gone"), "x", at(7));
        registry.drain(&id("leaving"), "y");
        for server in registry.snapshot().links().filter(|link| link.id == "z") {
            server.close();
        }
        let table = [
            ("nobody", "no-such-server"),
            ("gone", "unreachable"),
            ("lost", "unreachable"),
            ("leaving", "draining"),
        ];
        for (server, code) in table {
            let error = pick(&registry, &want(Some(server), None), &Tried::default(), 0).unwrap_err();
            assert_eq!(error, code, "{server}");
        }
    }

    #[test]
    fn any_is_the_least_busy_unless_the_client_was_somewhere() {
        let registry = with(&[
            ("a", Fake::new("x").with(3, 0)),
            ("b", Fake::new("y").with(1, 0)),
            ("c", Fake::new("z").with(9, 0)),
        ]);
        let table = [(None, "y"), (Some("c"), "z"), (Some("unknown"), "y")];
        for (sticky, expected) in table {
            let picked = pick(&registry, &want(None, sticky), &Tried::default(), 0);
            assert_eq!(picked.as_deref(), Ok(expected), "{sticky:?}");
        }
        let all = Tried { links: vec![], holders: vec![id("a"), id("b"), id("c")] };
        assert_eq!(pick(&registry, &want(None, None), &all, 0).unwrap_err(), "nobody-offers");
    }

    #[test]
    fn a_sticky_server_that_leaves_is_left() {
        let mut registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y").with(5, 0))]);
        registry.drain(&id("a"), "x");
        assert_eq!(pick(&registry, &want(None, Some("a")), &Tried::default(), 0).as_deref(), Ok("y"));
    }

    #[test]
    fn equal_servers_take_turns() {
        let registry = with(&[("a", Fake::new("x")), ("b", Fake::new("y")), ("c", Fake::new("z"))]);
        let snapshot = registry.snapshot();
        let picked: Vec<String> = (0..3)
            .map(|turn| choose(&snapshot, &want(None, None), &Tried::default(), None, turn).unwrap().link.id)
            .collect();
        assert_eq!(picked, ["x", "y", "z"]);
    }
}
