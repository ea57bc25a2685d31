//! Connections as the network knows them: an end that both its socket and arriving packets work on.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::end::{End, State};
use super::segment::Segment;
use crate::plan::HostId;
use crate::world::event::Stage;
use crate::world::packet::{Body, Packet};
use crate::world::port::PortId;
use crate::world::wire;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) id: PortId,
    pub(super) local: SocketAddr,
    end: Mutex<End>,
}

impl Connection {
    pub(super) fn new(id: PortId, local: SocketAddr, state: State, now: Duration) -> Arc<Self> {
        Arc::new(Self { id, local, end: Mutex::new(End::new(state, now)) })
    }

    pub(super) fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().expect("no panic while held")
    }

    /// The process is gone: its own tasks see a broken connection, the network hears nothing.
    pub(crate) fn lose(&self) {
        self.end().fail(io::ErrorKind::ConnectionAborted);
    }

    fn packet(&self, segment: Segment) -> Packet {
        Packet { from: self.local, to: self.id.2, body: Body::Segment(segment) }
    }

    /// Sends what may leave, and sets the timer.
    pub(super) fn push(self: &Arc<Self>, state: &mut wire::State, now: Duration) {
        loop {
            let segment = self.end().next(now);
            let Some(segment) = segment else { break };
            state.send(self.id.0, self.packet(segment));
        }
        let mut end = self.end();
        if end.is_over() && end.left {
            drop(end);
            state.ports.connections.remove(&self.id);
            return;
        }
        if let Some(at) = end.timer() {
            end.timers += 1;
            let count = end.timers;
            drop(end);
            state.plan_event(at.max(now), Stage::Timer { port: self.id, count });
        }
    }

    /// Breaks it for both ends.
    pub(super) fn reset(self: &Arc<Self>, state: &mut wire::State) {
        let mut end = self.end();
        if !matches!(end.state, State::Broken(_)) {
            end.fail(io::ErrorKind::ConnectionReset);
            drop(end);
            state.send(self.id.0, self.packet(Segment { rst: true, ..Segment::default() }));
        }
        state.ports.connections.remove(&self.id);
    }
}

/// A segment has come to its host.
pub(crate) fn receive(state: &mut wire::State, now: Duration, host: HostId, packet: Packet) {
    let Body::Segment(segment) = packet.body else { return };
    let (id, local) = ((host, packet.to.port(), packet.from), packet.to);
    if let Some(connection) = state.ports.connections.get(&id).cloned() {
        connection.end().take(now, &segment);
        return connection.push(state, now);
    }
    let listening = state.ports.listening.get(&(host, packet.to.port())).cloned();
    match listening {
        Some(listening) if segment.syn && segment.ack.is_none() => {
            let connection = Connection::new(id, local, State::Answering, now);
            state.ports.connections.insert(id, connection.clone());
            connection.push(state, now);
            listening.offer(connection);
        }
        _ if segment.rst => {}
        _ => {
            let refusal = Segment { rst: true, ..Segment::default() };
            state.send(host, Packet { from: local, to: packet.from, body: Body::Segment(refusal) });
        }
    }
}

impl wire::State {
    /// A connection's timer has come.
    pub(crate) fn timer(&mut self, now: Duration, port: PortId, count: u64) {
        let Some(connection) = self.ports.connections.get(&port).cloned() else { return };
        let mut end = connection.end();
        if end.timers == count {
            end.timed_out(now);
            drop(end);
            connection.push(self, now);
        }
    }
}
