//! What a surviving stream sent and the other side has not read: references to the chunks, not copies.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits;

/// What was sent and may have to be sent again.
#[derive(Default)]
pub(super) struct Kept {
    chunks: VecDeque<Bytes>,
    from: u64,
    to: u64,
}

impl Kept {
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.to += chunk.len() as u64;
        self.chunks.push_back(chunk);
        // Over QUIC the other side's window bounds what it has not read, so nothing is forgotten that it may need.
        self.forget_before(self.to.saturating_sub(limits::KEPT));
    }

    pub(super) fn forget_before(&mut self, offset: u64) {
        while let Some(front) = self.chunks.front()
            && self.from + front.len() as u64 <= offset
        {
            self.from += front.len() as u64;
            self.chunks.pop_front();
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_kept_can_be_sent_again_from_any_byte() {
        let mut kept = Kept::default();
        for chunk in ["abc", "", "defg", "h"] {
            kept.push(Bytes::from_static(chunk.as_bytes()));
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

    #[test]
    fn no_more_is_kept_than_the_limit_and_one_chunk() {
        let mut kept = Kept::default();
        let chunk = Bytes::from(vec![0; 64 * 1024]);
        for _ in 0..1000 {
            kept.push(chunk.clone());
        }
        assert!(kept.to - kept.from < limits::KEPT + chunk.len() as u64);
        assert!(kept.since(kept.to - limits::KEPT).is_some());
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
                kept.push(rest.split_to(length));
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
