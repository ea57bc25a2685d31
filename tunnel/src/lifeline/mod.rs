//! Streams that outlive their tunnel.
//!
//! A network that begins to block UDP, or a firewall that forgets a connection, takes a tunnel away while both processes
//! live. A stream with a lifeline goes on over another tunnel between them: each side keeps what it sent and the other
//! has not read, and both tell how much they have.
//!
//! ```text
//!            tunnel lost                 resumed, the rest sent again
//! Carried ───────────────▶ Lost ───────────────────────────▶ Carried
//!                            │ no other tunnel, other side gone, not kept any more
//!                            └───────────────▶ Dead
//! ```
//!
//! The opener finds the other tunnel and opens a stream on it whose preamble names the one to go on with
//! ([`Life::Resumed`](crate::wire::Life::Resumed)); the acceptor answers with what it has.

mod budget;
mod direction;
mod halves;
mod kept;
mod resume;
mod state;
mod survivors;
mod unreported;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, Weak};

use bytes::Bytes;

use budget::Budget;
use kept::Kept;
pub(crate) use resume::accept_resumed;
use state::State;
pub use survivors::Survivors;
use unreported::Unreported;

use crate::error::StreamError;
use crate::limits;
use crate::tunnel::Tunnel;
use crate::wire::{Preamble, StreamId};

/// Where the opener finds another tunnel to the same process of the same peer; asked again while it is not there yet.
pub type Ways = Arc<dyn Fn() -> Onward<Tunnel> + Send + Sync>;

/// Where a lost stream goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Onward<T> {
    Over(T),
    NotYet,
    /// The process at the other end is known to be gone, and its streams with it.
    Never,
}

/// Both directions of one surviving stream, shared by its halves.
pub(crate) struct Lifeline {
    id: StreamId,
    side: Side,
    state: Mutex<State>,
}

enum Side {
    Opener { preamble: Preamble, ways: Ways },
    Acceptor,
}

/// Why a resumption did not succeed.
enum Attempt {
    /// Another tunnel may do.
    Again,
    Never(&'static str),
}

/// The acceptor's side of every surviving stream of this process, by its random id.
static ACCEPTED: LazyLock<Mutex<HashMap<StreamId, Weak<Lifeline>>>> = LazyLock::new(Mutex::default);

impl Lifeline {
    /// `sent` left with the preamble.
    pub(crate) fn opener(id: StreamId, preamble: Preamble, ways: Ways, sent: Bytes) -> Arc<Self> {
        let mut kept = Kept::default();
        if !sent.is_empty() {
            kept.push(sent, limits::KEPT);
        }
        Arc::new(Self { id, side: Side::Opener { preamble, ways }, state: Mutex::new(State::new(kept, 0)) })
    }

    /// `received` bytes came with the preamble. `None` for an id that is in use: a peer that repeats it gets no stream.
    pub(crate) fn acceptor(id: StreamId, received: u64) -> Option<Arc<Self>> {
        let line = Arc::new(Self {
            id,
            side: Side::Acceptor,
            state: Mutex::new(State::new(Kept::default(), received)),
        });
        let mut accepted = ACCEPTED.lock().expect("no panic while held");
        if accepted.get(&id).is_some_and(|line| line.strong_count() > 0) {
            return None;
        }
        accepted.insert(id, Arc::downgrade(&line));
        Some(line)
    }

    fn id(&self) -> StreamId {
        self.id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// The tunnel of `budget` was closed for a reason that no other tunnel mends. A stream that has left it lives on.
    fn end_with(&self, budget: &Arc<Budget>, error: &StreamError) {
        let mut state = self.lock();
        if state.kept.is_charged_to(budget) {
            state.die(error.clone());
        }
    }

    fn die(&self, error: StreamError) {
        self.lock().die(error);
    }

    /// The other side has read so much.
    fn acknowledged(&self, offset: u64) {
        self.lock().kept.forget_before(offset);
    }

    /// From here on what is kept, and what is read, counts for one tunnel.
    fn count_for(&self, budget: &Arc<Budget>, unreported: &Arc<Unreported>) {
        let mut state = self.lock();
        state.kept.charge(budget);
        state.unreported = Some(unreported.clone());
    }

    /// How much was read here, if the other side does not know yet.
    fn report(&self) -> Option<u64> {
        let mut state = self.lock();
        let news = state.received > state.reported;
        state.reported = state.received;
        news.then_some(state.received)
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if matches!(self.side, Side::Acceptor) {
            let mut accepted = ACCEPTED.lock().expect("no panic while held");
            // One that was turned away for its id takes nothing from the stream that has it.
            if accepted.get(&self.id).is_some_and(|line| std::ptr::eq(line.as_ptr(), self)) {
                accepted.remove(&self.id);
            }
        }
    }
}

impl fmt::Debug for Lifeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lifeline({:?})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_id_takes_nothing_from_the_stream_that_has_it() {
        let known =
            |id| ACCEPTED.lock().expect("unpoisoned").get(&id).is_some_and(|line| line.strong_count() > 0);
        let id = StreamId::random();
        let line = Lifeline::acceptor(id, 0).expect("a new id");
        assert!(Lifeline::acceptor(id, 0).is_none());
        assert!(known(id), "it can still be resumed");
        drop(line);
        assert!(!ACCEPTED.lock().expect("unpoisoned").contains_key(&id));
    }
}
