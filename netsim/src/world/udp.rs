//! A simulated UDP socket, for quinn.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::packet::{Body, Packet};
use super::port::Inbox;
use super::wire::Wire;
use crate::plan::HostId;

/// Segments of one transmission, as the kernel's offload has them at the largest MTU.
const SEGMENTS: usize = 10;

pub(crate) struct UdpSocket {
    wire: Arc<Wire>,
    host: HostId,
    local: SocketAddr,
    inbox: Arc<Inbox>,
}

impl UdpSocket {
    /// Fails when the port is taken.
    pub(crate) fn bind(wire: &Arc<Wire>, host: HostId, port: Option<u16>) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let mut state = wire.state();
        let port = port.unwrap_or_else(|| state.ports.unused(host));
        if state.ports.udp.contains_key(&(host, port)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.ports.udp.insert((host, port), inbox.clone());
        let local = SocketAddr::new(state.addresses.of(host), port);
        drop(state);
        Ok(Self { wire: wire.clone(), host, local, inbox })
    }

    /// Whether the process that bound it still runs.
    fn is_bound(&self) -> bool {
        let key = (self.host, self.local.port());
        self.wire.state().ports.udp.get(&key).is_some_and(|bound| Arc::ptr_eq(bound, &self.inbox))
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        if self.is_bound() {
            self.wire.state().ports.udp.remove(&(self.host, self.local.port()));
        }
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UdpSocket({})", self.local)
    }
}

impl AsyncUdpSocket for UdpSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Always)
    }

    /// Never full: the queue is at the link.
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !self.is_bound() {
            return Ok(());
        }
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        for part in transmit.contents.chunks(segment) {
            let body = Body::Datagram(Bytes::copy_from_slice(part));
            self.wire.send(self.host, Packet { from: self.local, to: transmit.destination, body });
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut waiting = self.inbox.waiting();
        let mut count = 0;
        for (buffer, meta) in buffers.iter_mut().zip(meta) {
            let Some((from, data)) = waiting.take() else { break };
            buffer[..data.len()].copy_from_slice(&data);
            *meta = RecvMeta {
                addr: from,
                len: data.len(),
                stride: data.len(),
                ecn: None,
                dst_ip: Some(self.local.ip()),
            };
            count += 1;
        }
        if count == 0 {
            waiting.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn max_transmit_segments(&self) -> usize {
        SEGMENTS
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Always;

impl UdpPoller for Always {
    fn poll_writable(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
