//! Where a stream goes: the one snapshot of services and peers that every stream is held against.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tunnel::wire::preamble::MAX_HOPS;
use tunnel::{Answer, Fingerprint, Preamble, ServerId, Status, Stream};

use crate::lan::file::{Lan, Peer};
use crate::services::{Service, Services};

/// A service inside this process, such as the portal.
pub trait Handler: Send + Sync + 'static {
    /// Serves one stream to its end. It is answered with `ok` already; what it carries next is the service's own.
    fn serve(&self, stream: Stream, preamble: Preamble) -> BoxFuture<'static, ()>;
}

/// What a name in the table stands for.
#[derive(Clone)]
pub(crate) enum Entry {
    BuiltIn(Arc<dyn Handler>),
    Local(Arc<Service>),
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(_) => f.write_str("BuiltIn"),
            Self::Local(service) => service.fmt(f),
        }
    }
}

/// Handlers by name.
pub(crate) type Handlers = BTreeMap<String, Arc<dyn Handler>>;

/// Services and peers of this node at one moment.
#[derive(Debug)]
pub(crate) struct Table {
    me: ServerId,
    entries: BTreeMap<String, Entry>,
    peers: BTreeMap<ServerId, Peer>,
}

/// Where one stream goes.
#[derive(Debug)]
pub(crate) enum Route {
    Serve(Entry),
    HandOn(ServerId, Peer),
}

impl Table {
    /// Built-in services win over files, which cannot name one so.
    pub(crate) fn new(me: ServerId, services: &Services, handlers: &Handlers, lan: &Lan) -> Self {
        let local =
            services.iter().map(|(name, service)| (name.clone(), Entry::Local(Arc::new(service.clone()))));
        let built_in = handlers.iter().map(|(name, handler)| (name.clone(), Entry::BuiltIn(handler.clone())));
        Self { me, entries: local.chain(built_in).collect(), peers: lan.peers.clone() }
    }

    pub(crate) fn service_names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    /// The servers that streams can be handed on to.
    pub(crate) fn reach(&self) -> Vec<ServerId> {
        self.peers.iter().filter(|(_, peer)| peer.connect.is_some()).map(|(id, _)| id.clone()).collect()
    }

    /// Whether streams of the holder of this key are taken on the LAN.
    pub(crate) fn is_peer(&self, key: &Fingerprint) -> bool {
        self.peers.values().any(|peer| peer.key == *key)
    }

    pub(crate) fn has_peer(&self, server: &ServerId, peer: &Peer) -> bool {
        self.peers.get(server) == Some(peer)
    }

    /// The way of a stream, or the answer that refuses it.
    pub(crate) fn route(&self, preamble: &Preamble) -> Result<Route, Answer> {
        if preamble.destination != self.me {
            return self.hand_on(preamble);
        }
        match self.entries.get(&preamble.service) {
            Some(entry) => Ok(Route::Serve(entry.clone())),
            None => {
                let reason = format!(
                    "{} offers no service {}; it would stand in services.json there",
                    self.me, preamble.service
                );
                Err(Answer::refused(Status::NoSuchService, reason))
            }
        }
    }

    fn hand_on(&self, preamble: &Preamble) -> Result<Route, Answer> {
        let destination = &preamble.destination;
        if preamble.hops >= MAX_HOPS {
            let reason = format!("handed on {} times on the way to {destination}", preamble.hops);
            return Err(Answer::refused(Status::Loop, reason));
        }
        match self.peers.get(destination) {
            Some(peer) if peer.connect.is_some() => Ok(Route::HandOn(destination.clone(), peer.clone())),
            _ => {
                let reason =
                    format!("{} knows no way to {destination}; it would stand in lan.json there", self.me);
                Err(Answer::refused(Status::NoSuchServer, reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tunnel::TraceId;

    struct Silent;

    impl Handler for Silent {
        fn serve(&self, _stream: Stream, _preamble: Preamble) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }
    }

    fn id(name: &str) -> ServerId {
        ServerId::new(name).unwrap()
    }

    fn table() -> Table {
        let services = serde_json::from_str(r#"{ "ssh": { "connect": "127.0.0.1:22" } }"#).unwrap();
        let key = format!("sha256:{}", "00".repeat(32));
        let lan = format!(
            r#"{{ "peers": {{ "b": {{ "connect": "10.0.0.3:1", "key": "{key}" }}, "c": {{ "key": "{key}" }} }} }}"#
        );
        let handlers = Handlers::from([("portal".to_owned(), Arc::new(Silent) as Arc<dyn Handler>)]);
        Table::new(id("a"), &services, &handlers, &serde_json::from_str(&lan).unwrap())
    }

    #[test]
    fn streams_find_their_way() {
        let table = table();
        let route = |destination: &str, service: &str, hops: u8| {
            let preamble = Preamble {
                destination: id(destination),
                service: service.into(),
                client: None,
                deadline: Duration::from_secs(1),
                trace: TraceId([0; 16]),
                hops,
                life: tunnel::Life::Once,
            };
            match table.route(&preamble) {
                Ok(Route::Serve(Entry::BuiltIn(_))) => "built in".to_owned(),
                Ok(Route::Serve(Entry::Local(service))) => service.connect.to_string(),
                Ok(Route::HandOn(server, _)) => format!("to {server}"),
                Err(answer) => format!("{:?}", answer.status),
            }
        };
        let cases = [
            ("a", "portal", 0, "built in"),
            ("a", "ssh", 0, "127.0.0.1:22"),
            ("a", "ssh", MAX_HOPS, "127.0.0.1:22"),
            ("a", "vnc", 0, "NoSuchService"),
            ("b", "ssh", 0, "to b"),
            ("b", "anything", MAX_HOPS - 1, "to b"),
            ("b", "ssh", MAX_HOPS, "Loop"),
            ("c", "ssh", 0, "NoSuchServer"),
            ("d", "ssh", 0, "NoSuchServer"),
        ];
        for (destination, service, hops, expected) in cases {
            assert_eq!(route(destination, service, hops), expected, "{service} on {destination}");
        }
        assert_eq!(table.service_names(), ["portal", "ssh"]);
        assert_eq!(table.reach(), [id("b")]);
    }
}
