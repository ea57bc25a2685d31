//! What is bound on the hosts: UDP sockets, TCP listeners and connections.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::packet::{Body, Packet};
use super::tcp::{self, Connection, Listening};
use super::wire::State;
use crate::plan::HostId;

/// Bytes that a UDP socket keeps for its reader; what the tunnel asks the kernel for.
const SOCKET_BUFFER: usize = 4 << 20;
const EPHEMERAL: u16 = 32_768;

/// One end of a TCP connection: host, port, and who is at the other end.
pub(crate) type PortId = (HostId, u16, SocketAddr);

#[derive(Debug, Default)]
pub(crate) struct Ports {
    pub(super) udp: BTreeMap<(HostId, u16), Arc<Inbox>>,
    pub(super) listening: BTreeMap<(HostId, u16), Arc<Listening>>,
    pub(super) connections: BTreeMap<PortId, Arc<Connection>>,
    next: BTreeMap<HostId, u16>,
}

impl Ports {
    /// A port that was not used lately.
    pub(crate) fn unused(&mut self, host: HostId) -> u16 {
        let next = self.next.entry(host).or_insert(EPHEMERAL);
        let port = *next;
        *next = port.checked_add(1).unwrap_or(EPHEMERAL);
        port
    }

    /// Everything that is bound, on all hosts.
    pub(crate) fn count(&self) -> usize {
        self.udp.len() + self.listening.len() + self.connections.len()
    }

    /// The host's process is gone, and with it all it had bound.
    pub(crate) fn forget(&mut self, host: HostId) {
        self.udp.retain(|(owner, _), _| *owner != host);
        self.listening.retain(|(owner, _), _| *owner != host);
        let gone: Vec<_> = self.connections.keys().filter(|(owner, ..)| *owner == host).copied().collect();
        for id in gone {
            let connection = self.connections.remove(&id).expect("seen a moment ago");
            connection.lose();
        }
    }
}

/// What has arrived for a UDP socket.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) datagrams: VecDeque<(SocketAddr, Bytes)>,
    bytes: usize,
    pub(crate) reader: Option<Waker>,
}

impl Inbox {
    pub(crate) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().expect("no panic while held")
    }

    fn put(&self, from: SocketAddr, data: Bytes) -> bool {
        let mut waiting = self.waiting();
        if waiting.bytes + data.len() > SOCKET_BUFFER {
            return false;
        }
        waiting.bytes += data.len();
        waiting.datagrams.push_back((from, data));
        if let Some(reader) = waiting.reader.take() {
            reader.wake();
        }
        true
    }
}

impl Waiting {
    pub(crate) fn take(&mut self) -> Option<(SocketAddr, Bytes)> {
        let (from, data) = self.datagrams.pop_front()?;
        self.bytes -= data.len();
        Some((from, data))
    }
}

impl State {
    /// A packet has come to its host.
    pub(super) fn receive(&mut self, now: Duration, host: HostId, packet: Packet) {
        let port = packet.to.port();
        match &packet.body {
            Body::Datagram(data) => match self.ports.udp.get(&(host, port)).cloned() {
                None => self.trace.dropped(now, &packet, "port closed"),
                Some(inbox) if inbox.put(packet.from, data.clone()) => self.trace.arrived(now, &packet),
                Some(_) => self.trace.dropped(now, &packet, "socket full"),
            },
            Body::Segment(_) => {
                self.trace.arrived(now, &packet);
                tcp::receive(self, now, host, packet);
            }
        }
    }
}
