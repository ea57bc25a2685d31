//! A member says that it is there.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{BEAT_EVERY, Beat, Word};
use crate::name::Name;
use crate::subject::{Pattern, Subjects};
use crate::transporter::{Event, Link, PublishError, Transporter};

/// A thousand members do not answer a roll call in the same moment.
const SPREAD: Duration = Duration::from_millis(500);
const AFTER_A_FAULT: Duration = Duration::from_millis(100);

/// Announces until it is dropped; [`Announcer::leave`] says so before.
#[derive(Debug)]
pub struct Announcer {
    word: watch::Sender<Word>,
    voice: Voice,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone, Debug)]
struct Voice {
    transporter: Arc<dyn Transporter>,
    subjects: Subjects,
    server_id: Name,
    generation: i64,
}

impl Announcer {
    pub fn start(transporter: Arc<dyn Transporter>, subjects: Subjects, server_id: Name) -> Self {
        Self::started(transporter, subjects, server_id, Timestamp::now())
    }

    /// Of a process that started `at`, by its machine's clock.
    pub fn started(
        transporter: Arc<dyn Transporter>,
        subjects: Subjects,
        server_id: Name,
        at: Timestamp,
    ) -> Self {
        let generation = at.as_microsecond();
        let voice = Voice { transporter, subjects, server_id, generation };
        let (word, said) = watch::channel(Word::Active);
        let task = AbortOnDropHandle::new(tokio::spawn(announce(voice.clone(), said)));
        Self { word, voice, _task: task }
    }

    /// Told at once.
    pub fn drain(&self, draining: bool) {
        self.word.send_replace(if draining { Word::Draining } else { Word::Active });
    }

    /// The last word.
    pub async fn leave(self) -> Result<(), PublishError> {
        let Self { voice, word: _, _task: task } = self;
        // Nothing may come behind the last word.
        task.abort();
        let _aborted = task.await;
        voice.say(Word::Leaving).await
    }
}

impl Voice {
    async fn say(&self, word: Word) -> Result<(), PublishError> {
        let beat = Beat { server_id: self.server_id.clone(), generation: self.generation, word };
        let bytes = serde_json::to_vec(&beat).expect("a beat is names and numbers");
        self.transporter.publish(&self.subjects.presence(&self.server_id), bytes.into()).await
    }
}

async fn announce(voice: Voice, mut word: watch::Receiver<Word>) {
    let mut roll_calls = voice.transporter.subscribe(&Pattern::from(&voice.subjects.roll_call())).await;
    let mut link = voice.transporter.link();
    loop {
        let now = *word.borrow_and_update();
        if voice.say(now).await.is_err() {
            // Said again as soon as somebody can hear it; a link that is just being lost may still look good.
            tokio::time::sleep(AFTER_A_FAULT).await;
            if link.wait_for(Link::is_up).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            biased;
            changed = word.changed() => if changed.is_err() { return },
            event = roll_calls.next() => {
                if matches!(event, Event::Message(_)) {
                    tokio::time::sleep(SPREAD.mul_f64(rand::random_range(0.0..1.0))).await;
                }
            }
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
    }
}
