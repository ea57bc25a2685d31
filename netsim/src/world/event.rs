//! What will happen, and when.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::packet::Packet;
use super::port::PortId;
use crate::plan::Hop;

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: Duration,
    pub(crate) count: u64,
    pub(crate) stage: Stage,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// A packet comes to a hop, or behind the last one to its host.
    Enter { packet: Packet, hops: Arc<[Hop]>, hop: usize },
    /// It has gone up a link and comes to the boxes at its end.
    Leave { packet: Packet, hops: Arc<[Hop]>, hop: usize },
    /// A TCP connection wanted to be woken; `count` tells whether it still does.
    Timer { port: PortId, count: u64 },
}

/// The greatest of a heap is the earliest.
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.count).cmp(&(self.at, self.count))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
    }
}

impl Eq for Event {}
