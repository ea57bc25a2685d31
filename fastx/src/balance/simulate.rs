//! `fastx balance simulate`: a day over a fleet that does not exist, once for each chain.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use balance::simulate::{MAX_STARTS, Outcome, Scenario, Stage, drawings, read_csv};
use balance::{Chain, Options, Plan, Workers};
use serde::Serialize;

use super::{Failed, render, source};
use crate::ask;
use crate::balancer::{ActionName, Known};
use crate::cli::SimulateOptions;
use crate::settings::print_json;

/// What is compared unless somebody says otherwise.
const USUAL: [&str; 4] = [
    "fewest sessions=fewest-sessions",
    "least load=least-load",
    "two choices=two-choices",
    "round robin=round-robin",
];
/// A day must not depend on how busy this machine is; only functions that hang are ended.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of one start in a table.
const LONGEST_LINE: u64 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    title: String,
    seed: u64,
    starts: usize,
    chains: Vec<Outcome>,
}

pub(super) fn run(options: &SimulateOptions) -> Result<ExitCode, Failed> {
    if options.print {
        print!("{}", Scenario::shipped());
        return Ok(ExitCode::SUCCESS);
    }
    let stage = stage(options)?;
    let chains = chains(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let chains = runtime.map_err(anyhow::Error::from)?.block_on(compare(&stage, &chains))?;
    let report =
        Report { title: stage.scenario.title, seed: options.seed, starts: stage.starts.len(), chains };
    let folder = options.out.clone();
    let folder = folder.unwrap_or_else(|| PathBuf::from(format!("balance-simulation-{}", options.seed)));
    write(&folder, &report)?;
    if options.json {
        print_json(&report);
    } else {
        print!("{}", render::simulated(&report.title, &report.chains));
        println!("see {}", folder.join("sessions.svg").display());
    }
    Ok(ExitCode::SUCCESS)
}

fn stage(options: &SimulateOptions) -> anyhow::Result<Stage> {
    let scenario: Scenario = match &options.scenario {
        Some(path) => config::read(path, config::Secrecy::Public)?,
        None => serde_json::from_str(Scenario::shipped())?,
    };
    scenario.check().context("the scenario cannot be run")?;
    let servers = options.servers.as_deref().map(source::saved).transpose()?;
    let starts = match &options.starts {
        Some(path) => {
            let text = source::read(path, MAX_STARTS as u64 * LONGEST_LINE)?;
            read_csv(&text).with_context(|| format!("{} is not the table that is wanted", path.display()))?
        }
        None => scenario.draw(options.seed),
    };
    Ok(Stage { scenario, servers, starts, seed: options.seed })
}

fn chains(options: &SimulateOptions) -> Result<Vec<(String, Chain)>, Failed> {
    let words: Vec<&str> = match options.chains.as_slice() {
        [] => USUAL.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    words.into_iter().map(|word| chain(options, word)).collect()
}

fn chain(options: &SimulateOptions, word: &str) -> Result<(String, Chain), Failed> {
    if word == "current" {
        let path = format!("/balance/{}", ActionName::SessionStart.path());
        let known: Known = ask::get(&ask::socket(&options.folders.dirs()), &path)?;
        return Ok((word.to_owned(), known.record.plan().chain()));
    }
    let (name, functions) = word.split_once('=').unwrap_or((word, word));
    let words: Vec<String> = functions.split(',').map(str::to_owned).collect();
    let functions = source::functions(&words, &Plan::default())?;
    let plan = Plan { functions, ..Plan::default() };
    plan.check().map_err(anyhow::Error::from)?;
    Ok((name.to_owned(), plan.chain()))
}

async fn compare(stage: &Stage, chains: &[(String, Chain)]) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(chains.len());
    let shows = std::io::stderr().is_terminal();
    for (name, chain) in chains {
        // Workers of its own: what one chain did to them is nothing to the next.
        let workers = Workers::start(Options { deadline: DEADLINE, workers: 1, ..Options::this_program() });
        let progress = |part: f64| {
            if shows {
                eprint!("\r{name}: {:3.0} %\x1b[K", part * 100.0);
                drop(std::io::stderr().flush());
            }
        };
        outcomes.push(stage.pass((name, chain), &workers, progress).await?);
    }
    if shows {
        eprint!("\r\x1b[K");
    }
    Ok(outcomes)
}

fn write(folder: &Path, report: &Report) -> anyhow::Result<()> {
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    put("report.json", &serde_json::to_vec(report).context("a report is JSON")?)?;
    drawings(&report.chains).iter().try_for_each(|drawing| put(drawing.name, drawing.svg.as_bytes()))
}
