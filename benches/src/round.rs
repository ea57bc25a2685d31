//! The measuring itself: every system once per round and client, so that a disturbance of the machine meets all of them.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::child::{Guarded, JOURNAL};
use crate::clients::{Client, Load, Sample, Service};
use crate::place::{Place, free_port};
use crate::programs::Programs;
use crate::results::{Failure, Results};
use crate::selection::{LOOPBACK, Selection};
use crate::systems::{self, Bench, Kind, System};

/// A system that carries nothing after this long has failed.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Runs round number `round` in `place` and adds its values, or the failures, to `results`.
pub(crate) fn run(
    place: &Place,
    round: u32,
    selection: &Selection,
    programs: &Programs,
    results: &mut Results,
) {
    for client in selection.clients.iter().filter(|client| place.name == LOOPBACK || client.on_veth()) {
        for system in selection.systems.iter().filter(|system| place.name == LOOPBACK || system.on_veth()) {
            if results.absent.contains_key(system.name()) {
                continue;
            }
            let job = Job { place, programs, client: client.as_ref(), system: system.as_ref() };
            let outcome = job.run(results);
            report(&job, round, outcome, results);
        }
    }
}

fn report(job: &Job<'_>, round: u32, outcome: Result<Vec<Sample>>, results: &mut Results) {
    let (place, system, client) = (job.place.name, job.system.name(), job.client.name());
    match outcome {
        Ok(samples) => {
            let shown: Vec<String> =
                samples.iter().map(|(figure, value)| format!("{figure} {value:.2}")).collect();
            eprintln!("{place:8} round {round} {client:8} {system:13} {}", shown.join("  "));
            for (figure, value) in samples {
                results.add(place, system, figure, value);
            }
        }
        Err(error) => {
            let reason = format!("{error:#}");
            eprintln!("{place:8} round {round} {client:8} {system:13} FAILED: {reason}");
            let (place, system, client) = (place.to_owned(), system.to_owned(), client.to_owned());
            results.failures.push(Failure { place, system, client, round, reason });
        }
    }
}

/// One system measured by one client: everything is started for it and ends with it.
#[derive(Debug)]
struct Job<'a> {
    place: &'a Place,
    programs: &'a Programs,
    client: &'a dyn Client,
    system: &'a dyn System,
}

impl Job<'_> {
    fn run(&self, results: &mut Results) -> Result<Vec<Sample>> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let service = SocketAddr::new(self.place.inside.address.into(), free_port()?);
        let entry = if self.system.kind() == Kind::Direct { service } else { systems::entry()? };
        let mut load = Load {
            place: self.place,
            programs: self.programs,
            entry,
            service,
            tunnel: Vec::new(),
            seconds: results.seconds,
            dir: folder.path(),
        };
        let mut backend = self.client.serve(&load)?;
        let bench = Bench { place: self.place, programs: self.programs, entry, service, dir: folder.path() };
        let mut tunnel = self.system.start(&bench)?;
        load.tunnel = tunnel.iter().map(Guarded::pid).collect();
        self.await_ready(&load, backend.as_mut(), &mut tunnel)?;
        let samples = self.client.measure(&load)?;
        self.keep_commands(&load, results);
        Ok(samples)
    }

    fn await_ready(&self, load: &Load<'_>, backend: &mut dyn Service, tunnel: &mut [Guarded]) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while let Err(error) = self.client.probe(load) {
            backend.check()?;
            tunnel.iter_mut().try_for_each(Guarded::check)?;
            if Instant::now() > deadline {
                let logs: Vec<String> = tunnel.iter().map(Guarded::log_tail).collect();
                bail!("never carried anything: {error:#}; logs: {}", logs.join(" || "));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Keeps what was typed, once per system (the bulk job) and once per client (the direct job).
    fn keep_commands(&self, load: &Load<'_>, results: &mut Results) {
        let journal = fs::read_to_string(load.dir.join(JOURNAL)).unwrap_or_default();
        let shorten = |line: &str| {
            let line = line.replace(&load.dir.display().to_string(), "DIR");
            let line = line.replace("setpriv --pdeathsig KILL -- ", "");
            // The folders of programs are this machine's affair.
            let program = line.split(' ').next().unwrap_or_default();
            let folder = program.rfind('/').map_or(0, |slash| slash + 1);
            line[folder..].to_owned()
        };
        let lines: Vec<String> = journal.lines().map(shorten).collect();
        let clients = ["iperf3", "sockperf", "wrk", "nginx -e stderr -p DIR -c DIR/nginx-page"];
        let is_client = |line: &String| clients.iter().any(|name| line.contains(name));
        let (of_client, of_system): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_client);
        results.commands.entry(self.system.name().to_owned()).or_insert(of_system);
        if self.system.kind() == Kind::Direct {
            results.commands.entry(self.client.name().to_owned()).or_insert(of_client);
        }
    }
}

/// Notes every system's version, and why one cannot run here.
pub(crate) fn take_stock(selection: &Selection, programs: &Programs, results: &mut Results) -> Result<()> {
    for system in &selection.systems {
        let name = system.name().to_owned();
        match system.version(programs) {
            Ok(version) => results.versions.insert(name, version),
            Err(error) => {
                eprintln!("bench: {name} left out: {error:#}");
                results.absent.insert(name, format!("{error:#}"))
            }
        };
    }
    results.versions.first_key_value().map(drop).context("none of the systems can run here")
}
