//! Flows over one bottleneck, and the clock they share.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Maker;
use super::flow::Flow;
use super::link::Link;

/// What the bottleneck is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) mbit: f64,
    /// Seconds there and back, without a queue.
    pub(super) rtt: f64,
    /// Bytes that may wait, in multiples of those that are under way on a full path.
    pub(super) queue: f64,
    /// Of packets, at random, both ways.
    pub(super) loss: f64,
    /// Seconds; on the way there.
    pub(super) jitter: f64,
    /// Bytes of credit for one stream.
    pub(super) window: u32,
}

/// Between the starts of two flows.
const APART: Duration = Duration::from_secs(2);

/// When, in this order, of which flow, to its server, which datagram.
type Arrival = (Duration, u64, usize, bool, Bytes);

pub(super) struct World {
    base: Instant,
    now: Duration,
    pub(super) flows: Vec<Flow>,
    pub(super) there: Link,
    pub(super) back: Link,
    under_way: BinaryHeap<Reverse<Arrival>>,
    sent: u64,
}

impl World {
    /// One bulk sender for each of `makers`.
    pub(super) fn new(shape: Shape, seed: u64, makers: &[Maker]) -> Self {
        let base = Instant::now();
        let delay = Duration::from_secs_f64(shape.rtt / 2.0);
        let queue = shape.queue * shape.mbit * 125_000.0 * shape.rtt;
        let mut there = Link::new(shape.mbit, delay, queue, shape.loss, seed);
        there.jitter = Duration::from_secs_f64(shape.jitter);
        let flow = |(index, maker): (usize, &Maker)| {
            let starts = APART * u32::try_from(index).unwrap();
            Flow::new(base, starts, u8::try_from(index + 1).unwrap(), maker.clone(), shape.window)
        };
        Self {
            base,
            now: Duration::ZERO,
            flows: makers.iter().enumerate().map(flow).collect(),
            there,
            back: Link::new(10_000.0, delay, 1e9, shape.loss, seed + 77),
            under_way: BinaryHeap::new(),
            sent: 0,
        }
    }

    pub(super) fn run(&mut self, until: Duration) {
        while self.now < until {
            self.send();
            self.now = self.next().clamp(self.now, until);
            self.arrive();
        }
    }

    fn send(&mut self) {
        let (now, base) = (self.now, self.base);
        for (index, flow) in self.flows.iter_mut().enumerate().filter(|(_, flow)| flow.starts <= now) {
            let (there, back) = (&mut self.there, &mut self.back);
            flow.drive(base, now, &mut |to_server, packet| {
                let link = if to_server { &mut *there } else { &mut *back };
                if let Some(at) = link.offer(now, packet.len()) {
                    self.sent += 1;
                    self.under_way.push(Reverse((at, self.sent, index, to_server, packet)));
                }
            });
        }
    }

    /// When something happens next.
    fn next(&self) -> Duration {
        let packet = self.under_way.peek().map(|Reverse(first)| first.0);
        let flows = self.flows.iter().filter_map(|flow| flow.next(self.now));
        flows.chain(packet).min().unwrap_or(Duration::MAX)
    }

    fn arrive(&mut self) {
        while self.under_way.peek().is_some_and(|Reverse(first)| first.0 <= self.now) {
            let Some(Reverse((_, _, index, to_server, packet))) = self.under_way.pop() else { break };
            self.flows[index].deliver(self.base, self.now, to_server, &packet);
        }
        for flow in self.flows.iter_mut().filter(|flow| flow.starts <= self.now) {
            flow.timers(self.base, self.now);
        }
    }

    /// Mbit/s of each flow, from now on for `time`.
    pub(super) fn goodput(&mut self, time: Duration) -> Vec<f64> {
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.arrived).collect();
        self.run(self.now + time);
        let mbit = |bytes: u64| bytes as f64 * 8e-6 / time.as_secs_f64();
        self.flows.iter().zip(before).map(|(flow, before)| mbit(flow.arrived - before)).collect()
    }
}
