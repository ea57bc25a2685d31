//! One machine of the simulated fleet, and what the others know of it: its last report, ten seconds old at most, and the choices
//! made since.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::scenario::{Machines, Scenario, ScenarioError};
use super::starts::Start;
use crate::offer::{Offered, Server};

/// Between two reports, and without one until it counts as lost; as in the cluster.
const REPORTS_EVERY: u64 = 10_000;
const LOST_AFTER: u64 = 30_000;
/// Of the three load averages, in milliseconds.
const AVERAGED: [f64; 3] = [60e3, 300e3, 900e3];
const GIB: f64 = 1_073_741_824.0;

#[derive(Debug)]
pub(super) struct Machine {
    /// What its server object says beside the numbers that change.
    base: Value,
    pub(super) id: String,
    cpus: f64,
    memory: f64,
    most: Option<u32>,
    running: BTreeMap<usize, Running>,
    load: f64,
    used: f64,
    loadavg: [f64; 3],
    /// Of the averages.
    at: u64,
    /// So that not all report in one moment.
    phase: u64,
    reports: u64,
    /// Milliseconds of the day: from, until.
    pub(super) away: Option<(u64, u64)>,
    pub(super) seen: Arc<Server>,
}

#[derive(Debug)]
struct Running {
    login: String,
    load: f64,
    memory: f64,
}

/// Why a session does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Away,
    Sessions,
    Memory,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Away => "the machine had crashed",
            Self::Sessions => "the machine had all the sessions that it takes",
            Self::Memory => "the machine had not enough memory left",
        })
    }
}

/// The machines of a scenario.
pub(super) fn fleet(scenario: &Scenario) -> Result<Vec<Machine>, ScenarioError> {
    let mut fleet = Vec::new();
    for machines in &scenario.fleet {
        for number in 1..=machines.count {
            let base = machines.object(number);
            let mut machine = Machine::new(base, fleet.len()).expect("it has a serverId");
            machine.most = machines.most_sessions;
            let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            machine.away =
                machines.away.filter(|_| number == 1).map(|away| (millis(away.from), millis(away.until)));
            fleet.push(machine);
        }
    }
    unique(fleet)
}

/// The machines of server objects, as `fastx servers --json` prints them: without the sessions that they have.
pub(super) fn saved(bodies: Vec<Value>) -> Result<Vec<Machine>, ScenarioError> {
    let machines = bodies.into_iter().enumerate().filter_map(|(place, body)| Machine::new(body, place));
    unique(machines.collect())
}

fn unique(fleet: Vec<Machine>) -> Result<Vec<Machine>, ScenarioError> {
    let mut known = std::collections::HashSet::new();
    match fleet.iter().find(|machine| !known.insert(&machine.id)) {
        Some(machine) => Err(ScenarioError::Twice(machine.id.clone())),
        None => Ok(fleet),
    }
}

impl Machines {
    fn object(&self, number: u32) -> Value {
        let id = format!("{}-{number}", self.name);
        let gpus = vec![json!({ "name": "GPU" }); self.gpus as usize];
        json!({
            "serverId": id, "hostname": id, "standing": "alive", "cpus": self.cpus,
            "totalmem": (self.memory_gib * GIB) as u64, "gpus": gpus, "staticData": self.static_data,
            "allows": { "sessions": true, "logins": true }, "draining": false,
        })
    }
}

impl Machine {
    fn new(base: Value, place: usize) -> Option<Self> {
        let seen = Arc::new(Server::new(base)?);
        let number = |name: &str| seen.body.get(name).and_then(Value::as_f64).filter(|value| *value > 0.0);
        let (cpus, memory) = (number("cpus").unwrap_or(1.0), number("totalmem").unwrap_or(GIB));
        let mut machine = Self {
            base: seen.body.clone(),
            id: seen.id.clone(),
            cpus,
            memory,
            most: None,
            running: BTreeMap::new(),
            load: 0.0,
            used: 0.0,
            loadavg: [0.0; 3],
            at: 0,
            phase: (place as u64 * 7919) % REPORTS_EVERY,
            reports: 0,
            away: None,
            seen,
        };
        machine.report();
        Some(machine)
    }

    pub(super) fn sessions(&self) -> usize {
        self.running.len()
    }

    /// For each of its processors.
    pub(super) fn load(&self) -> f64 {
        self.load / self.cpus
    }

    pub(super) fn is_away(&self, now: u64) -> bool {
        self.away.is_some_and(|(from, until)| (from..until).contains(&now))
    }

    /// Makes the reports that are due. To be called before anything changes.
    pub(super) fn catch_up(&mut self, now: u64) {
        if let Some((from, _)) = self.away.filter(|_| self.is_away(now)) {
            if now - from >= LOST_AFTER && self.base["standing"] != "lost" {
                self.base["standing"] = "lost".into();
                self.report();
            }
            return;
        }
        let due = (now + self.phase) / REPORTS_EVERY;
        if due > self.reports {
            self.reports = due;
            self.average((due * REPORTS_EVERY).saturating_sub(self.phase));
            if self.away.is_some() {
                self.base["standing"] = "alive".into();
            }
            self.report();
        }
    }

    /// A choice counts at once, whatever comes of it.
    pub(super) fn chosen(&mut self) {
        let mut body = self.seen.body.clone();
        body["sessions"] = (self.seen.sessions() + 1).into();
        self.seen = Arc::new(Server::new(body).expect("it has a serverId"));
    }

    pub(super) fn start(&mut self, number: usize, start: &Start, now: u64) -> Result<(), Full> {
        if self.is_away(now) {
            return Err(Full::Away);
        }
        if self.most.is_some_and(|most| self.running.len() >= most as usize) {
            return Err(Full::Sessions);
        }
        if self.used + start.memory > self.memory {
            return Err(Full::Memory);
        }
        self.average(now);
        let Start { login, load, memory, .. } = start;
        self.running.insert(number, Running { login: login.clone(), load: *load, memory: *memory });
        self.sum();
        Ok(())
    }

    /// None if it has crashed meanwhile.
    pub(super) fn end(&mut self, number: usize, now: u64) -> Option<String> {
        self.average(now);
        let ended = self.running.remove(&number)?;
        self.sum();
        Some(ended.login)
    }

    /// All its sessions end.
    pub(super) fn crash(&mut self, now: u64) -> Vec<usize> {
        self.average(now);
        let ended = std::mem::take(&mut self.running).into_keys().collect();
        self.sum();
        ended
    }

    /// Anew each time, so that no error adds up over a day.
    fn sum(&mut self) {
        self.load = self.running.values().map(|session| session.load).sum();
        self.used = self.running.values().map(|session| session.memory).sum();
    }

    fn average(&mut self, now: u64) {
        let passed = now.saturating_sub(self.at) as f64;
        for (average, over) in self.loadavg.iter_mut().zip(AVERAGED) {
            *average += (self.load - *average) * (1.0 - (-passed / over).exp());
        }
        self.at = self.at.max(now);
    }

    fn report(&mut self) {
        let mut body = self.base.clone();
        let logins: std::collections::BTreeSet<&str> =
            self.running.values().map(|session| session.login.as_str()).collect();
        body["sessions"] = self.running.len().into();
        body["loggedInUsers"] = logins.into_iter().collect::<Vec<_>>().into();
        body["loadavg"] = self.loadavg.map(|average| (average * 100.0).round() / 100.0).to_vec().into();
        body["cpu"] = ((self.load() * 100.0).min(100.0).round()).into();
        body["freemem"] = ((self.memory - self.used).max(0.0) as u64).into();
        let server = Server::new(body).expect("it has a serverId");
        if *self.seen != server {
            self.seen = Arc::new(server);
        }
    }
}

pub(super) fn roster(fleet: &mut [Machine], now: u64) -> Offered {
    fleet.iter_mut().for_each(|machine| machine.catch_up(now));
    fleet.iter().map(|machine| Arc::clone(&machine.seen)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine::new(json!({ "serverId": "a", "cpus": 4, "totalmem": 4.0 * GIB, "sessions": 9 }), 0).unwrap()
    }

    fn start(load: f64, gib: f64) -> Start {
        let groups = Vec::new();
        let data = serde_json::Map::new();
        Start { at: 0, lasts: 1, login: "alice".into(), groups, load, memory: gib * GIB, data }
    }

    #[test]
    fn what_others_know_is_the_last_report_and_the_choices_since() {
        let mut machine = machine();
        assert_eq!(machine.seen.sessions(), 0);
        machine.catch_up(1_000);
        machine.start(0, &start(2.0, 1.0), 1_000).unwrap();
        machine.chosen();
        machine.chosen();
        machine.catch_up(9_999);
        assert_eq!(machine.seen.sessions(), 2, "both choices count until it reports");
        machine.catch_up(10_000);
        assert_eq!((machine.seen.sessions(), machine.sessions()), (1, 1));
        assert_eq!(machine.seen.body["loggedInUsers"], json!(["alice"]));
        machine.catch_up(1_000 + 3_600_000);
        assert_eq!(machine.seen.body["loadavg"], json!([2.0, 2.0, 1.96]));
        assert_eq!(machine.start(1, &start(1.0, 3.5), 4_000_000), Err(Full::Memory));
        assert_eq!(machine.end(0, 4_000_000).as_deref(), Some("alice"));
        machine.start(1, &start(1.0, 3.5), 4_000_000).unwrap();
    }

    #[test]
    fn a_machine_that_crashed_is_offered_until_it_counts_as_lost() {
        let mut machine = machine();
        machine.away = Some((60_000, 120_000));
        machine.start(0, &start(1.0, 1.0), 0).unwrap();
        let unfit = |machine: &Machine| machine.seen.unfit(crate::Action::Start).is_some();
        assert_eq!(machine.crash(60_000), [0]);
        machine.catch_up(89_000);
        assert_eq!((unfit(&machine), machine.start(1, &start(1.0, 1.0), 89_000)), (false, Err(Full::Away)));
        machine.catch_up(90_000);
        assert!(unfit(&machine));
        machine.catch_up(121_000);
        assert!(!unfit(&machine));
        assert_eq!((machine.end(0, 121_000), machine.seen.sessions()), (None, 0));
    }
}
