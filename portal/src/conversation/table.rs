//! Conversations that wait for answers: few, short, and never the same one twice at a time.

use std::time::{Duration, Instant};

use tunnel::identity::Secret;

use crate::attempts::Origin;

/// From the first question to the last answer. A code comes by mail or telephone within that.
const LASTS: Duration = Duration::from_secs(150);
/// Each may hold a process. One more ends the oldest of the address that has most.
const MOST: usize = 64;
/// Of one address.
const MOST_OF_ONE: usize = 8;
/// Questions and answers of one.
const MOST_ROUNDS: u32 = 16;

/// Those that wait, by their ids; `D` is what goes on with the answer.
pub(crate) struct Conversations<D> {
    waiting: Vec<(Secret, Open<D>)>,
}

impl<D> Default for Conversations<D> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

/// One that waits.
pub(crate) struct Open<D> {
    pub(crate) dialogue: D,
    /// Who signs in, as they said; and from where.
    pub(crate) name: String,
    address: Origin,
    began: Instant,
    rounds: u32,
}

impl<D> Open<D> {
    pub(crate) fn new(dialogue: D, name: String, address: Origin, now: Instant) -> Self {
        Self { dialogue, name, address, began: now, rounds: 0 }
    }
}

impl<D> Conversations<D> {
    /// Waits for an answer; `None` if it has gone on for too long. The id is another one each time.
    pub(crate) fn put(&mut self, mut open: Open<D>, now: Instant) -> Option<Secret> {
        self.forget(now);
        open.rounds += 1;
        if open.rounds > MOST_ROUNDS || now >= open.began + LASTS {
            return None;
        }
        let of = |address: &Origin, waiting: &[(Secret, Open<D>)]| {
            waiting.iter().filter(|(_, other)| other.address == *address).count()
        };
        let crowded = if of(&open.address, &self.waiting) >= MOST_OF_ONE {
            Some(open.address.clone())
        } else if self.waiting.len() >= MOST {
            let most = self.waiting.iter().max_by_key(|(_, one)| of(&one.address, &self.waiting));
            most.map(|(_, one)| one.address.clone())
        } else {
            None
        };
        // Put in order of time: the first is the oldest.
        if let Some(address) = crowded
            && let Some(oldest) = self.waiting.iter().position(|(_, one)| one.address == address)
        {
            self.waiting.remove(oldest);
        }
        let id = Secret::random();
        self.waiting.push((id.clone(), open));
        Some(id)
    }

    /// Takes one out, to go on with it. Compares with every id, each in constant time.
    pub(crate) fn take(&mut self, id: &Secret, now: Instant) -> Option<Open<D>> {
        self.forget(now);
        let found = self.waiting.iter().enumerate().filter(|(_, (known, _))| known.matches(id));
        let at = found.fold(None, |_, (at, _)| Some(at))?;
        Some(self.waiting.remove(at).1)
    }

    fn forget(&mut self, now: Instant) {
        self.waiting.retain(|(_, open)| now < open.began + LASTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Origin {
        Origin::of(Some([192, 0, 2, number].into()))
    }

    #[test]
    fn one_goes_on_once_with_each_id_and_ends_in_time() {
        let (mut all, now) = (Conversations::default(), Instant::now());
        let mut open = Open::new("d", "alice".into(), address(1), now);
        for _ in 0..MOST_ROUNDS {
            let id = all.put(open, now).unwrap();
            assert!(all.take(&Secret::random(), now).is_none());
            open = all.take(&id, now).unwrap();
            assert!(all.take(&id, now).is_none(), "not twice");
        }
        assert!(all.put(open, now).is_none(), "too many questions");
        let open = Open::new("d", "alice".into(), address(1), now);
        let id = all.put(open, now).unwrap();
        let late = now + LASTS;
        assert!(all.take(&id, late).is_none() && all.waiting.is_empty());
        let open = Open::new("d", "alice".into(), address(1), now);
        assert!(all.put(open, late).is_none(), "too late");
    }

    #[test]
    fn who_opens_many_ends_their_own() {
        let (mut all, now) = (Conversations::default(), Instant::now());
        let first = all.put(Open::new(0, "alice".into(), address(255), now), now).unwrap();
        let mut ids = Vec::new();
        for number in 0..u8::try_from(MOST).unwrap() {
            for _ in 0..2 {
                ids.push(all.put(Open::new(1, "eve".into(), address(number), now), now).unwrap());
            }
        }
        assert_eq!(all.waiting.len(), MOST);
        assert!(all.take(&first, now).is_some(), "the one with one goes on");
        let mut all = Conversations::default();
        for _ in 0..=MOST_OF_ONE {
            all.put(Open::new(2, "eve".into(), address(200), now), now).unwrap();
        }
        assert_eq!(all.waiting.len(), MOST_OF_ONE);
    }
}
