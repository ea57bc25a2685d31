//! The goals that the results are held against, each computed from the medians of one run.

use crate::figure::{self, Better, Figure};
use crate::results::Results;
use crate::selection::{LOOPBACK, VETH};
use crate::systems::{self, Kind};

/// One goal, computed.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) goal: String,
    /// Our value.
    pub(crate) ours: f64,
    /// What it is held against, after the factor.
    pub(crate) bound: f64,
    /// Whose value the bound comes from.
    pub(crate) rival: String,
    pub(crate) digits: usize,
    pub(crate) met: bool,
}

/// `ours` in `figures` against `factor` times the best of `rivals`.
struct Goal {
    words: &'static str,
    place: &'static str,
    ours: &'static [&'static str],
    figures: &'static [&'static str],
    rivals: fn(&str, Kind) -> bool,
    factor: f64,
}

const THROUGHPUT: [&str; 4] = ["up_1", "down_1", "up_8", "down_8"];

const GOALS: [Goal; 8] = [
    Goal {
        words: "QUIC throughput at least the best plaintext peer's",
        place: LOOPBACK,
        ours: &["quic"],
        figures: &THROUGHPUT,
        rivals: |_, kind| kind == Kind::PlainPeer,
        factor: 1.0,
    },
    Goal {
        words: "QUIC at most 0.6x the CPU of the best encrypted peer",
        place: LOOPBACK,
        ours: &["quic"],
        figures: &["cpu_up_1", "cpu_down_1", "cpu_up_8", "cpu_down_8"],
        rivals: |_, kind| kind == Kind::EncryptedPeer,
        factor: 0.6,
    },
    Goal {
        words: "QUIC on veth, MTU 1500, at least the best encrypted peer's throughput",
        place: VETH,
        ours: &["quic"],
        figures: &THROUGHPUT,
        rivals: |_, kind| kind == Kind::EncryptedPeer,
        factor: 1.0,
    },
    Goal {
        words: "TLS throughput at least the best plaintext peer's",
        place: LOOPBACK,
        ours: &["tls"],
        figures: &THROUGHPUT,
        rivals: |_, kind| kind == Kind::PlainPeer,
        factor: 1.0,
    },
    Goal {
        words: "plaintext relay at least haproxy's throughput",
        place: LOOPBACK,
        ours: &["relay"],
        figures: &THROUGHPUT,
        rivals: |name, _| name == "haproxy",
        factor: 1.0,
    },
    Goal {
        words: "connections/s at least 2x the best peer's",
        place: LOOPBACK,
        ours: &["quic", "tls"],
        figures: &["connections"],
        rivals: |_, kind| kind.is_tunnel_peer(),
        factor: 2.0,
    },
    Goal {
        words: "keep-alive requests/s at least the best peer's",
        place: LOOPBACK,
        ours: &["quic", "tls"],
        figures: &["requests"],
        rivals: |_, kind| kind.is_tunnel_peer(),
        factor: 1.0,
    },
    Goal {
        words: "RTT below every encrypted peer's",
        place: LOOPBACK,
        ours: &["quic", "tls"],
        figures: &["rtt_p50", "rtt_p99"],
        rivals: |_, kind| kind == Kind::EncryptedPeer,
        factor: 1.0,
    },
];

/// Goals with a fixed bound: system, figure, bound.
const FIXED: [(&str, &str, &str, f64); 4] = [
    ("held connection in both processes together", "quic", "held_kb", 10.0),
    ("held connection in both processes together", "tls", "held_kb", 10.0),
    ("1000 idle nodes on one gateway", "quic", "nodes_mb", 60.0),
    ("1000 idle nodes on one gateway", "tls", "nodes_mb", 60.0),
];

/// Every goal that the results hold numbers for.
pub(crate) fn verdicts(results: &Results) -> Vec<Verdict> {
    let compared = GOALS.iter().flat_map(|goal| goal.verdicts(results));
    let fixed = FIXED.iter().filter_map(|&(words, system, name, bound)| {
        let (figure, ours) = (figure::by_name(name)?, results.median(LOOPBACK, system, name)?);
        let goal = format!("{words}: {}, {}", systems::label(system), figure.label);
        Some(Verdict {
            goal,
            ours,
            bound,
            rival: "fixed".to_owned(),
            digits: figure.digits,
            met: ours <= bound,
        })
    });
    compared.chain(fixed).collect()
}

impl Goal {
    fn verdicts(&self, results: &Results) -> Vec<Verdict> {
        let pairs = self.ours.iter().flat_map(|ours| self.figures.iter().map(move |name| (*ours, *name)));
        pairs.filter_map(|(ours, name)| self.verdict(results, ours, figure::by_name(name)?)).collect()
    }

    fn verdict(&self, results: &Results, ours: &str, figure: &Figure) -> Option<Verdict> {
        let value = results.median(self.place, ours, figure.name)?;
        let rivals = systems::all().into_iter().filter(|system| (self.rivals)(system.name(), system.kind()));
        let values = rivals.filter_map(|system| {
            results.median(self.place, system.name(), figure.name).map(|value| (value, system.label()))
        });
        let (best, rival) = match figure.better {
            Better::Higher => values.max_by(|a, b| a.0.total_cmp(&b.0)),
            Better::Lower => values.min_by(|a, b| a.0.total_cmp(&b.0)),
        }?;
        let bound = best * self.factor;
        let met = match figure.better {
            Better::Higher => value >= bound,
            Better::Lower => value <= bound,
        };
        let goal = format!("{}: {}, {}", self.words, systems::label(ours), figure.label);
        Some(Verdict { goal, ours: value, bound, rival: rival.to_owned(), digits: figure.digits, met })
    }
}
