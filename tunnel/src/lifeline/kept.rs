//! What a surviving stream sent and the other side has not read: references to the chunks, not copies.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::budget::{Budget, PROCESS};

/// What was sent and may have to be sent again.
#[derive(Default)]
pub(super) struct Kept {
    chunks: VecDeque<Bytes>,
    from: u64,
    to: u64,
    /// What it takes out of the budgets.
    cost: u64,
    /// Of the tunnel that carries the stream.
    tunnel: Option<Arc<Budget>>,
}

/// The list's entry and the chunk's own header, so that a peer gains nothing by tiny chunks.
const CHUNK: u64 = 64;

fn cost(chunk: &Bytes) -> u64 {
    chunk.len() as u64 + CHUNK
}

impl Kept {
    /// Keeps `chunk`, and `most` bytes in all.
    pub(super) fn push(&mut self, chunk: Bytes, most: u64) {
        self.to += chunk.len() as u64;
        self.take(cost(&chunk));
        self.chunks.push_back(chunk);
        // Over QUIC the other side's window bounds what it has not read, so nothing is forgotten that it may need. Over
        // budget something may be: then the stream ends with its tunnel, if the other side has not read it by then.
        while self.cost > most.min(self.left()) {
            self.forget_front();
        }
    }

    pub(super) fn forget_before(&mut self, offset: u64) {
        while let Some(front) = self.chunks.front()
            && self.from + front.len() as u64 <= offset
        {
            self.forget_front();
        }
    }

    /// From here on it counts for the tunnel of `budget`.
    pub(super) fn charge(&mut self, budget: &Arc<Budget>) {
        if let Some(before) = self.tunnel.replace(budget.clone()) {
            before.give_back(self.cost);
        }
        budget.take(self.cost);
    }

    pub(super) fn is_charged_to(&self, budget: &Arc<Budget>) -> bool {
        self.tunnel.as_ref().is_some_and(|tunnel| Arc::ptr_eq(tunnel, budget))
    }

    /// Everything from `offset` on; `None` if that is not kept, or was never sent.
    pub(super) fn since(&self, offset: u64) -> Option<Vec<Bytes>> {
        let mut skip = offset.checked_sub(self.from)?;
        if offset > self.to {
            return None;
        }
        let mut rest = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            let length = chunk.len() as u64;
            if skip < length {
                rest.push(chunk.slice(usize::try_from(skip).expect("within a chunk")..));
            }
            skip = skip.saturating_sub(length);
        }
        Some(rest)
    }

    /// In the budgets.
    fn left(&self) -> u64 {
        self.tunnel.as_ref().map_or(u64::MAX, |tunnel| tunnel.left()).min(PROCESS.left())
    }

    fn forget_front(&mut self) {
        let Some(front) = self.chunks.pop_front() else { return };
        self.from += front.len() as u64;
        self.give_back(cost(&front));
    }

    fn take(&mut self, cost: u64) {
        self.cost += cost;
        PROCESS.take(cost);
        if let Some(tunnel) = &self.tunnel {
            tunnel.take(cost);
        }
    }

    fn give_back(&mut self, cost: u64) {
        self.cost -= cost;
        PROCESS.give_back(cost);
        if let Some(tunnel) = &self.tunnel {
            tunnel.give_back(cost);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.give_back(self.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use proptest::prelude::*;

    #[test]
    fn what_is_kept_can_be_sent_again_from_any_byte() {
        let mut kept = Kept::default();
        for chunk in ["abc", "", "defg", "h"] {
            kept.push(Bytes::from_static(chunk.as_bytes()), limits::KEPT);
        }
        for offset in 0..=8_u64 {
            let rest = kept.since(offset).expect("kept").concat();
            assert_eq!(rest, b"abcdefgh"[usize::try_from(offset).expect("small")..]);
        }
        assert!(kept.since(9).is_none(), "never sent");
        kept.forget_before(5);
        assert!(kept.since(2).is_none(), "forgotten");
        assert_eq!(kept.since(5).expect("kept").concat(), b"fgh");
    }

    const PIECE: usize = 64 * 1024;

    fn piece() -> Bytes {
        Bytes::from_static(&[0; PIECE])
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let mut kept = Kept::default();
        for _ in 0..1000 {
            kept.push(piece(), limits::KEPT);
        }
        assert!(kept.cost <= limits::KEPT);
        assert!(kept.to - kept.from > limits::KEPT - 3 * PIECE as u64, "nearly all of it is used");
        assert!(kept.since(kept.from).is_some());
    }

    #[test]
    fn a_thousand_streams_that_are_never_read_keep_no_more_than_their_tunnels_budget() {
        let budget = Arc::new(Budget::new(limits::KEPT_TUNNEL));
        let mut greedy: Vec<_> = std::iter::repeat_with(Kept::default).take(1000).collect();
        let mut modest = Kept::default();
        modest.charge(&budget);
        for round in 0..200 {
            for kept in &mut greedy {
                kept.charge(&budget);
                kept.push(piece(), limits::KEPT);
            }
            if round == 100 {
                modest.push(Bytes::from_static(b"a keystroke"), limits::KEPT);
            }
            let together: u64 = greedy.iter().map(|kept| kept.cost).sum();
            assert!(together <= limits::KEPT_TUNNEL, "{together}");
        }
        assert_eq!(modest.since(0).expect("kept").concat(), b"a keystroke");
        drop((greedy, modest));
        assert_eq!(budget.left(), limits::KEPT_TUNNEL, "all is given back");
    }

    #[test]
    fn tiny_chunks_are_no_way_around_the_budget() {
        let budget = Arc::new(Budget::new(64 * 1024));
        let mut kept = Kept::default();
        kept.charge(&budget);
        for _ in 0..100_000 {
            kept.push(Bytes::from_static(b"x"), limits::KEPT);
        }
        assert!(kept.chunks.len() < 1024, "{}", kept.chunks.len());
    }

    #[test]
    fn what_is_kept_counts_for_the_tunnel_that_carries_it() {
        let [first, second] = [1000, 1000].map(|most| Arc::new(Budget::new(most)));
        let mut kept = Kept::default();
        kept.push(Bytes::from_static(&[0; 36]), limits::KEPT);
        for budget in [&first, &first, &second] {
            kept.charge(budget);
        }
        assert_eq!((first.left(), second.left()), (1000, 900));
        kept.forget_before(36);
        assert_eq!(second.left(), 1000);
    }

    proptest! {
        #[test]
        fn any_offset_that_a_peer_names_yields_what_was_sent_or_nothing(
            lengths in proptest::collection::vec(0_usize..50, 0..20),
            forget in prop_oneof![0..1000_u64, any::<u64>()],
            offset in prop_oneof![0..1000_u64, any::<u64>()],
        ) {
            let mut kept = Kept::default();
            let all: Vec<u8> = (0..lengths.iter().sum()).map(|n: usize| n.to_le_bytes()[0]).collect();
            let mut rest = Bytes::from(all.clone());
            for length in lengths {
                kept.push(rest.split_to(length), limits::KEPT);
            }
            kept.forget_before(forget);
            if let Some(again) = kept.since(offset) {
                let from = usize::try_from(offset).expect("it was sent");
                prop_assert_eq!(&again.concat()[..], &all[from..]);
            } else {
                prop_assert!(forget > offset || offset > all.len() as u64);
            }
        }
    }
}
