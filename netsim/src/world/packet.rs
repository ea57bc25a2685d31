//! What travels.

use std::net::SocketAddr;

use bytes::Bytes;

use super::tcp::Segment;
use crate::boxes::Protocol;

/// IPv4 and UDP headers.
const UDP_HEADERS: usize = 28;
/// IPv4 and TCP headers, with time stamps.
const TCP_HEADERS: usize = 52;

/// An IP packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Datagram(Bytes),
    Segment(Segment),
}

impl Packet {
    pub(crate) fn protocol(&self) -> Protocol {
        match self.body {
            Body::Datagram(_) => Protocol::Udp,
            Body::Segment(_) => Protocol::Tcp,
        }
    }

    /// Of the whole IP packet.
    pub(crate) fn bytes(&self) -> usize {
        match &self.body {
            Body::Datagram(data) => UDP_HEADERS + data.len(),
            Body::Segment(segment) => TCP_HEADERS + segment.data.len(),
        }
    }
}
