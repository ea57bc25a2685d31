//! A day, from one event to the next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde_json::{Value, json};

use super::figures::{Outcome, Watch};
use super::machine::{Machine, roster};
use super::starts::{DAY_MS, Start};
use crate::chain::Chain;
use crate::engine::Engine;
use crate::request::{Action, Moment, Request};

/// Servers that are tried for one start.
pub const TRIES: usize = 3;
/// Between two looks at all machines.
const LOOKS_EVERY: u64 = 5 * 60_000;
/// Midnight of Monday, 5 January 2026, in UTC.
const MIDNIGHT: i64 = 1_767_571_200_000;

/// In the order in which events of one moment happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Crash(usize),
    End(usize),
    Look,
    Start(usize),
}

pub(super) struct Day<'a> {
    pub(super) chain: &'a Chain,
    pub(super) engine: &'a dyn Engine,
    pub(super) starts: &'a [Start],
    pub(super) seed: u64,
    pub(super) fleet: Vec<Machine>,
}

struct State {
    coming: BinaryHeap<Reverse<(u64, Event)>>,
    /// The machine of each session that runs, by the number of its start.
    places: HashMap<usize, usize>,
    /// The sessions of each person, by the number of their start.
    theirs: HashMap<String, Vec<usize>>,
    watch: Watch,
}

impl Day<'_> {
    /// `progress` is called at each look, with the part of the day that is over, from 0 to 1.
    pub(super) async fn pass(mut self, name: &str, mut progress: impl FnMut(f64)) -> Outcome {
        let mut state = self.morning();
        while let Some(Reverse((now, event))) = state.coming.pop() {
            if now > DAY_MS {
                break;
            }
            match event {
                Event::Crash(place) => {
                    self.fleet[place].catch_up(now);
                    for number in self.fleet[place].crash(now) {
                        state.forget(number, &self.starts[number].login);
                        state.watch.lost();
                    }
                }
                Event::End(number) => self.end(&mut state, number, now),
                Event::Look => {
                    state.watch.look(&self.fleet, now);
                    progress(now as f64 / DAY_MS as f64);
                }
                Event::Start(number) => self.start(&mut state, number, now).await,
            }
        }
        state.watch.outcome(name, &self.fleet, self.starts.len())
    }

    fn morning(&self) -> State {
        let looks = (0..=DAY_MS / LOOKS_EVERY).map(|number| Reverse((number * LOOKS_EVERY, Event::Look)));
        let starts =
            self.starts.iter().enumerate().map(|(number, start)| Reverse((start.at, Event::Start(number))));
        let away =
            |(place, machine): (usize, &Machine)| Some(Reverse((machine.away?.0, Event::Crash(place))));
        let crashes = self.fleet.iter().enumerate().filter_map(away);
        State {
            coming: looks.chain(starts).chain(crashes).collect(),
            places: HashMap::new(),
            theirs: HashMap::new(),
            watch: Watch::default(),
        }
    }

    fn end(&mut self, state: &mut State, number: usize, now: u64) {
        let Some(place) = state.forget(number, &self.starts[number].login) else { return };
        self.fleet[place].catch_up(now);
        self.fleet[place].end(number, now);
    }

    /// Asks the chain, up to [`TRIES`] times: where a start failed it is not offered again.
    async fn start(&mut self, state: &mut State, number: usize, now: u64) {
        let start = &self.starts[number];
        let mut request = self.request(state, start);
        let mut except: Vec<String> = Vec::new();
        let mut why = String::new();
        for attempt in 0..TRIES {
            let mut servers = roster(&mut self.fleet, now);
            servers.retain(|server| !except.contains(&server.id));
            request.local.server_id = servers.first().map(|server| server.id.clone()).unwrap_or_default();
            let seed = self.seed ^ (number as u64) << 8 ^ attempt as u64;
            let moment = Moment { now: MIDNIGHT + now as i64, utc_offset: 0, seed };
            let decision = self.chain.choose(self.engine, &request, &servers, moment).await;
            let id = match decision.result {
                Ok(id) => id,
                Err(refused) if attempt == 0 => return state.watch.failed(refused.to_string()),
                Err(_) => break,
            };
            let place =
                self.fleet.iter().position(|machine| machine.id == id).expect("only these were offered");
            self.fleet[place].chosen();
            match self.fleet[place].start(number, start, now) {
                Ok(()) => {
                    state.remember(number, place, start, now);
                    return state.watch.started(attempt);
                }
                Err(full) => {
                    why = full.to_string();
                    except.push(id);
                }
            }
        }
        state.watch.failed(why);
    }

    fn request(&self, state: &State, start: &Start) -> Request {
        let theirs = state.theirs.get(&start.login).map(Vec::as_slice).unwrap_or_default();
        let sessions = theirs.iter().filter_map(|number| {
            let place = state.places.get(number)?;
            Some(json!({ "id": number.to_string(), "serverId": self.fleet[*place].id }))
        });
        let mut request = Request::of(Action::Start, &start.login, "");
        request.user.insert("sessions".into(), sessions.collect());
        request.user_groups.clone_from(&start.groups);
        request.data = Value::Object(start.data.clone());
        request
    }
}

impl State {
    fn remember(&mut self, number: usize, place: usize, start: &Start, now: u64) {
        self.places.insert(number, place);
        self.theirs.entry(start.login.clone()).or_default().push(number);
        self.coming.push(Reverse((now.saturating_add(start.lasts), Event::End(number))));
    }

    /// Where it ran; none if it has crashed.
    fn forget(&mut self, number: usize, login: &str) -> Option<usize> {
        let place = self.places.remove(&number)?;
        if let Some(theirs) = self.theirs.get_mut(login) {
            theirs.retain(|known| *known != number);
        }
        Some(place)
    }
}
