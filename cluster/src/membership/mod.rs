//! Who is in the cluster, by what members say of themselves: a beat every 10 s, and at once when something changed or
//! somebody asks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::Name;

mod announce;
mod follow;

pub use announce::Announcer;
pub use follow::Follower;

/// How often a member says that it is there.
pub const BEAT_EVERY: Duration = Duration::from_secs(10);
/// One beat is missing, and half of the time until the next.
pub const LATE_AFTER: Duration = Duration::from_secs(15);
/// Two are missing, and the third is due.
pub const LOST_AFTER: Duration = Duration::from_secs(30);
/// Twice the largest cluster that is aimed at; further ids are not taken, for anybody with broker.json can invent some.
const MAX_MEMBERS: usize = 20_000;

/// What a member says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Word {
    Active,
    /// Takes no new sessions.
    Draining,
    /// Its last word.
    Leaving,
}

/// One beat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beat {
    pub server_id: Name,
    /// When this process started, in microseconds since 1970: of two processes with one id that are heard the newer is
    /// believed.
    pub generation: i64,
    pub word: Word,
}

/// How a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    Alive,
    /// Alive, and takes no new sessions.
    Draining,
    /// Not heard of for 15 s.
    Late,
    /// Not heard of for 30 s, without a last word.
    Lost,
    /// Went away in order.
    Left,
    /// An administrator shut it out, whatever it says: a manager knows.
    Revoked,
}

/// Everybody who was ever heard of; lost ones stay, so that they can be shown.
#[derive(Clone, Debug, Default)]
pub struct Members(BTreeMap<Name, Member>);

#[derive(Clone, Debug)]
struct Member {
    generation: i64,
    word: Word,
    heard: Instant,
}

impl Members {
    /// Takes a beat. Says whether it was believed: one of an older process is not while the newer one is heard, nor one more
    /// member than there may be. A machine whose clock was set back makes a newer process look older.
    pub fn hear(&mut self, beat: &Beat, now: Instant) -> bool {
        let full = self.0.len() >= MAX_MEMBERS;
        match self.0.get_mut(&beat.server_id) {
            Some(member) if member.generation > beat.generation && !member.yields_to(beat, now) => false,
            Some(member) => {
                (member.generation, member.word, member.heard) = (beat.generation, beat.word, now);
                true
            }
            None if full => false,
            None => {
                let (generation, word) = (beat.generation, beat.word);
                self.0.insert(beat.server_id.clone(), Member { generation, word, heard: now });
                true
            }
        }
    }

    /// As if it had never been heard of.
    pub fn forget(&mut self, server_id: &Name) {
        self.0.remove(server_id);
    }

    pub fn standing(&self, server_id: &Name, now: Instant) -> Option<Standing> {
        self.0.get(server_id).map(|member| member.standing(now))
    }

    /// How long ago it was heard.
    pub fn silent(&self, server_id: &Name, now: Instant) -> Option<Duration> {
        self.0.get(server_id).map(|member| now.saturating_duration_since(member.heard))
    }

    /// Everybody: how they stand, and how long ago they were heard.
    pub fn all(&self, now: Instant) -> impl Iterator<Item = (&Name, Standing, Duration)> {
        self.0
            .iter()
            .map(move |(id, member)| (id, member.standing(now), now.saturating_duration_since(member.heard)))
    }
}

impl Member {
    /// To a process that started earlier, or says so: only when this one is silent, and not to a last word.
    fn yields_to(&self, beat: &Beat, now: Instant) -> bool {
        beat.word != Word::Leaving && now.saturating_duration_since(self.heard) >= LATE_AFTER
    }

    fn standing(&self, now: Instant) -> Standing {
        let silent = now.saturating_duration_since(self.heard);
        match self.word {
            Word::Leaving => Standing::Left,
            _ if silent >= LOST_AFTER => Standing::Lost,
            _ if silent >= LATE_AFTER => Standing::Late,
            Word::Draining => Standing::Draining,
            Word::Active => Standing::Alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(generation: i64, word: Word) -> Beat {
        Beat { server_id: Name::new("node").unwrap(), generation, word }
    }

    #[test]
    fn a_silent_member_is_late_then_lost_and_comes_back() {
        let (mut members, began) = (Members::default(), Instant::now());
        let (node, at) = (Name::new("node").unwrap(), |seconds| began + Duration::from_secs(seconds));
        assert_eq!(members.standing(&node, began), None);
        assert!(members.hear(&beat(1, Word::Active), began));
        for (seconds, standing) in [
            (0, Standing::Alive),
            (14, Standing::Alive),
            (15, Standing::Late),
            (29, Standing::Late),
            (30, Standing::Lost),
            (9999, Standing::Lost),
        ] {
            assert_eq!(members.standing(&node, at(seconds)), Some(standing), "after {seconds} s");
        }
        assert!(members.hear(&beat(1, Word::Draining), at(40)));
        assert_eq!(members.standing(&node, at(41)), Some(Standing::Draining));
        assert_eq!(members.standing(&node, at(56)), Some(Standing::Late));
        let all: Vec<_> =
            members.all(at(56)).map(|(_, standing, silent)| (standing, silent.as_secs())).collect();
        assert_eq!(all, [(Standing::Late, 16)]);
    }

    #[test]
    fn the_newer_process_is_believed_and_a_last_word_of_the_older_is_not() {
        let (mut members, now) = (Members::default(), Instant::now());
        let node = Name::new("node").unwrap();
        assert!(members.hear(&beat(1, Word::Active), now));
        assert!(members.hear(&beat(2, Word::Active), now));
        assert!(!members.hear(&beat(1, Word::Leaving), now));
        assert_eq!(members.standing(&node, now), Some(Standing::Alive));
        assert!(members.hear(&beat(2, Word::Leaving), now));
        assert_eq!(members.standing(&node, now + LOST_AFTER), Some(Standing::Left));
    }

    #[test]
    fn a_process_that_started_before_a_clock_was_set_back_is_replaced_when_it_is_silent() {
        let (mut members, began) = (Members::default(), Instant::now());
        let node = Name::new("node").unwrap();
        assert!(members.hear(&beat(7, Word::Active), began));
        assert!(!members.hear(&beat(3, Word::Active), began + LATE_AFTER / 2));
        assert!(!members.hear(&beat(3, Word::Leaving), began + LATE_AFTER));
        assert!(members.hear(&beat(3, Word::Active), began + LATE_AFTER));
        assert_eq!(members.standing(&node, began + LATE_AFTER), Some(Standing::Alive));
        assert!(members.hear(&beat(3, Word::Leaving), began + LATE_AFTER));
    }

    #[test]
    fn invented_members_are_bounded() {
        let (mut members, now) = (Members::default(), Instant::now());
        let invented =
            |id: usize| Beat { server_id: Name::new(&id.to_string()).unwrap(), ..beat(1, Word::Active) };
        assert_eq!((0..MAX_MEMBERS + 5).filter(|id| members.hear(&invented(*id), now)).count(), MAX_MEMBERS);
        assert!(members.hear(&invented(3), now), "who is known is still heard");
    }
}
