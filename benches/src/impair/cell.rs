//! One contender on one line.

use std::fmt::{Display, Formatter};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::load::{Bulk, Service, probe, type_keys};
use super::outcome::{Cell, Found};
use super::stage::Stage;
use crate::child::Guarded;
use crate::programs::Programs;
use crate::systems::{self, Bench, Kind};

/// Of a bulk stream, before it is measured: ten round trips of the longest line.
pub(crate) const WARM_UP: Duration = Duration::from_secs(2);
/// Keystrokes beside nothing; 180 of them.
pub(crate) const ALONE: Duration = Duration::from_secs(3);
/// A system that carries nothing after this long has failed.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What the way between the two ends is like.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) rtt_ms: u32,
    pub(crate) loss_percent: f64,
}

impl Line {
    pub(crate) fn rtt(self) -> Duration {
        Duration::from_millis(self.rtt_ms.into())
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{} ms, {} %", self.rtt_ms, self.loss_percent))
    }
}

/// Measures; what went wrong is part of the outcome.
pub(super) fn measure(
    stage: &Stage,
    contender: Contender,
    line: Line,
    round: u32,
    seconds: u64,
    programs: &Programs,
) -> Cell {
    let found = try_measure(stage, contender, line, Duration::from_secs(seconds), programs);
    Cell {
        contender: contender.name.to_owned(),
        line,
        round,
        found: found.map_err(|error| format!("{error:#}")),
    }
}

fn try_measure(
    stage: &Stage,
    contender: Contender,
    line: Line,
    length: Duration,
    programs: &Programs,
) -> Result<Found> {
    stage.become_like(line, contender.congestion)?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let outside = &stage.place.outside;
    let serving = Service::start(&stage.place.inside)?;
    let service = serving.address;
    let system = systems::all().into_iter().find(|system| system.name() == contender.system);
    let system = system.context("no such system")?;
    let entry = if system.kind() == Kind::Direct { service } else { systems::entry()? };
    let bench = Bench { place: &stage.place, programs, entry, service, dir: folder.path() };
    let mut tunnel = system.start(&bench)?;
    await_ready(&mut tunnel, || probe(outside, entry))?;
    let idle = type_keys(outside, entry, ALONE)?;
    let bulk = Bulk::begin(outside, entry)?;
    thread::sleep(WARM_UP);
    let (before, began) = (bulk.received(), Instant::now());
    let loaded = type_keys(outside, entry, length)?;
    let (bytes, took) = (bulk.received() - before, began.elapsed());
    let late = stage.counts()?.map(|way| way.late.within(0.99));
    #[expect(clippy::cast_precision_loss, reason = "bytes of a few seconds, far below 2^52")]
    let goodput = bytes as f64 * 8.0 / 1e6 / took.as_secs_f64();
    Ok(Found {
        goodput_mbit: tenths(goodput),
        idle_p99_ms: p99(idle)?,
        loaded_p99_ms: p99(loaded)?,
        late_p99_ms: late.iter().max().map_or(0.0, |late| late.as_secs_f64() * 1e3),
    })
}

pub(super) fn await_ready(tunnel: &mut [Guarded], ready: impl Fn() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    while let Err(error) = ready() {
        tunnel.iter_mut().try_for_each(Guarded::check)?;
        if Instant::now() > deadline {
            let logs: Vec<String> = tunnel.iter().map(Guarded::log_tail).collect();
            bail!("never carried anything: {error:#}; logs: {}", logs.join(" || "));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

pub(super) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// In ms. The least that 99 % of all do not exceed.
fn p99(mut took: Vec<Duration>) -> Result<f64> {
    took.sort_unstable();
    let rank = (took.len() * 99).div_ceil(100);
    let at = rank.checked_sub(1).context("not one keystroke was typed")?;
    Ok(tenths(took[at].as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_the_second_worst_is_the_99th_percentile() {
        let all = (1..=100).map(Duration::from_millis);
        assert!((p99(all.rev().collect()).unwrap() - 99.0).abs() < 1e-9);
        assert!((p99(vec![Duration::from_millis(7)]).unwrap() - 7.0).abs() < 1e-9);
        assert!(p99(Vec::new()).is_err());
    }
}
