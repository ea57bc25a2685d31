//! The receiving half of a connection's end: bytes put in order.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, Bytes, BytesMut};

use super::segment::Segment;

/// What is kept for the reader and out of order, at most; the kernel's `tcp_rmem` has 6 MiB.
const BUFFER: u64 = 4 << 20;
/// Ranges that an acknowledgement names; the kernel's option has room for as many.
const RANGES: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Receiving {
    /// Everything before it has arrived in order.
    next: u64,
    ready: VecDeque<Bytes>,
    waiting: u64,
    early: BTreeMap<u64, Bytes>,
    /// Where the last segment began that came too early.
    latest: u64,
    fin: Option<u64>,
}

impl Receiving {
    /// Takes what is new of a segment.
    pub(super) fn take(&mut self, segment: &Segment) {
        let (mut from, mut data) = (segment.number, segment.data.clone());
        if segment.fin {
            self.fin = Some(from + data.len() as u64);
        }
        if data.is_empty() {
            return;
        }
        if from < self.next {
            let known = usize::try_from(self.next - from).unwrap_or(usize::MAX).min(data.len());
            data.advance(known);
            from = self.next;
        }
        if !data.is_empty() && from + data.len() as u64 <= self.next + self.window() {
            let longer = self.early.get(&from).is_none_or(|known| known.len() < data.len());
            if longer {
                self.early.insert(from, data);
            }
            self.latest = from;
        }
        self.put_in_order();
    }

    fn put_in_order(&mut self) {
        while let Some(entry) = self.early.first_entry().filter(|entry| *entry.key() <= self.next) {
            let (from, mut data) = entry.remove_entry();
            let known = usize::try_from(self.next - from).unwrap_or(usize::MAX).min(data.len());
            data.advance(known);
            if !data.is_empty() {
                self.next += data.len() as u64;
                self.waiting += data.len() as u64;
                self.ready.push_back(data);
            }
        }
    }

    /// With the end of the direction, once it is reached.
    pub(super) fn ack(&self) -> u64 {
        self.next + u64::from(self.fin == Some(self.next))
    }

    /// The range with the newest segment first, so that the sender hears of every range once (RFC 2018 §4).
    pub(super) fn sacks(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (from, data) in &self.early {
            let to = from + data.len() as u64;
            match ranges.last_mut() {
                Some(last) if last.1 >= *from => last.1 = last.1.max(to),
                _ => ranges.push((*from, to)),
            }
        }
        ranges.sort_by_key(|(from, to)| !(*from..*to).contains(&self.latest));
        ranges.truncate(RANGES);
        ranges
    }

    pub(super) fn window(&self) -> u64 {
        BUFFER.saturating_sub(self.waiting)
    }

    /// All of the direction was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.waiting == 0 && self.fin == Some(self.next)
    }

    pub(super) fn is_readable(&self) -> bool {
        self.waiting > 0 || self.fin == Some(self.next)
    }

    /// Into the spare room of `buffer`; 0 at the end, `None` when there is nothing.
    pub(super) fn read(&mut self, buffer: &mut BytesMut) -> Option<usize> {
        if self.waiting == 0 {
            return self.is_at_end().then_some(0);
        }
        let mut room = buffer.capacity() - buffer.len();
        let before = room;
        while let Some(first) = self.ready.front_mut().filter(|_| room > 0) {
            let part = first.split_to(room.min(first.len()));
            buffer.extend_from_slice(&part);
            room -= part.len();
            if first.is_empty() {
                self.ready.pop_front();
            }
        }
        self.waiting -= (before - room) as u64;
        Some(before - room)
    }
}
