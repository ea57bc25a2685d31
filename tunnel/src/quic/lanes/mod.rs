//! One direction of a stream over several streams of QUIC, so that it fills a long and fast path.
//!
//! quinn fixes the window of its streams at the handshake, and a large one for all would break connections: quinn-proto
//! closes one whose reassembly has more than 1,024 gaps (RUSTSEC-2026-0185), and 2 MiB cannot have as many. So a reader that
//! keeps up with its sender, and is held back by the window alone, asks for more streams: *lanes*. Whoever does not read
//! gets none, so nobody's memory grows by more than what is read.
//!
//! ```text
//! reader                                                  sender
//!   ── ask: stream, from ────────────────────────────────▶
//!   ◀────────────────────── lane 1: stream … lane 7: stream   or none: stream, which has ended before
//!   before `from` all is in the stream itself; behind it piece after piece goes round: stream, lane 1, … lane 7, stream …
//! ```
//! The sender must not pass `from` before it knows of it. So the reader reads no more than one window until it is answered:
//! then QUIC's own flow control lets the sender send two, and `from` is three ahead. These words are the first bytes of
//! unidirectional streams. The direction ends where the stream ends whose turn it is.

mod pace;
mod recv;
mod send;
mod word;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use quinn::{Connection, RecvStream, StreamId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::limits;
pub(super) use pace::Pace;
pub(super) use recv::WideRecv;
use send::Asked;
pub(super) use send::WideSend;
use word::Word;

/// The stream itself and seven more: 16 MiB may be under way, which is 1.6 Gbit/s at 80 ms.
pub(super) const LANES: usize = 8;
/// What goes into one before it is the next one's turn: a read of the pump.
const PIECE: u64 = 64 * 1024;

/// The turn that byte `at` behind the beginning belongs to, and how many bytes are left of it.
fn turn(at: u64) -> (usize, usize) {
    let lane = usize::try_from(at / PIECE % LANES as u64).expect("below eight");
    (lane, usize::try_from(PIECE - at % PIECE).expect("64 KiB"))
}

/// Wide directions that are read in this process.
static PROCESS: AtomicUsize = AtomicUsize::new(0);

/// What a reader that asked for lanes is told.
#[derive(Debug)]
enum Answer {
    Lane(usize, RecvStream),
    None,
}

/// The lanes of one connection: who may be asked, and who waits for them.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) connection: Connection,
    asked: Mutex<HashMap<StreamId, Arc<Asked>>>,
    waiting: Mutex<HashMap<StreamId, mpsc::Sender<Answer>>>,
    wide: AtomicUsize,
}

/// One of the wide directions that a tunnel, and the process, may have.
#[derive(Debug)]
struct Wide(Arc<Lanes>);

impl Lanes {
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            connection,
            asked: Mutex::default(),
            waiting: Mutex::default(),
            wide: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<Asked>>> {
        self.asked.lock().expect("no panic while held")
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<StreamId, mpsc::Sender<Answer>>> {
        self.waiting.lock().expect("no panic while held")
    }

    /// `None` when there are as many as memory is set aside for.
    fn widen(self: &Arc<Self>) -> Option<Wide> {
        let (own, all) = (&self.wide, &PROCESS);
        let below = |most: usize| move |count: usize| (count < most).then_some(count + 1);
        own.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below(limits::WIDE_TUNNEL)).ok()?;
        if all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below(limits::WIDE_PROCESS)).is_err() {
            own.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Wide(self.clone()))
    }

    /// Hears what the other side asks for and brings, until the connection is lost.
    pub(super) async fn serve(&self) {
        let mut opening = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = opening.join_next() => {}
                stream = self.connection.accept_uni() => match stream {
                    Ok(stream) => self.hear(stream, &mut opening).await,
                    Err(_) => return,
                },
            }
        }
    }

    async fn hear(&self, mut stream: RecvStream, opening: &mut JoinSet<()>) {
        let word = tokio::time::timeout(limits::PREAMBLE, Word::read(&mut stream)).await;
        match word {
            Ok(Some(Word::Ask { stream: id, from })) => {
                let asked = self.asked().get(&id).cloned();
                match asked.and_then(|asked| asked.ask(from)) {
                    Some(promise) => opening.spawn(promise.keep(self.connection.clone(), id)),
                    None => opening.spawn(say(self.connection.clone(), Word::None { stream: id })),
                };
            }
            Ok(Some(Word::Lane { stream: id, index })) => self.answer(id, Answer::Lane(index, stream)),
            Ok(Some(Word::None { stream: id })) => self.answer(id, Answer::None),
            // It was reset before it said anything, or is not ours; dropped it is stopped.
            Ok(None) | Err(_) => {}
        }
    }
}

impl Lanes {
    fn answer(&self, stream: StreamId, answer: Answer) {
        let reader = self.waiting().get(&stream).cloned();
        // A reader that is gone reads no lanes.
        let _stopped = reader.map(|reader| reader.try_send(answer));
    }
}

/// Opens a stream for one word.
async fn say(connection: Connection, word: Word) {
    let Ok(mut stream) = connection.open_uni().await else { return };
    // Of a connection that is lost, the stream itself tells.
    let _lost = stream.write_all(&word.encode()).await.is_err();
}

impl Drop for Wide {
    fn drop(&mut self) {
        self.0.wide.fetch_sub(1, Ordering::Relaxed);
        PROCESS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_go_round() {
        assert_eq!(turn(0), (0, 65_536));
        assert_eq!(turn(65_535), (0, 1));
        assert_eq!(turn(65_536), (1, 65_536));
        assert_eq!(turn(8 * 65_536 + 1), (0, 65_535));
    }
}
