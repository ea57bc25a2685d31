//! `fastx sim`: a plan of a network, read, described and run.

mod allocator;
mod describe;
mod source;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use netsim::plan::{Plan, SHIPPED, parse};
use netsim::report::{Report, summary};

use self::source::Source;
use self::watch::Watch;
use crate::cli::SimOptions;
use crate::exit;

/// Exit code 1 when something that the plan expects does not hold, 78 for a bad plan.
pub(crate) fn run(options: &SimOptions) -> ExitCode {
    match act(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => exit::code(Err(error)),
    }
}

fn act(options: &SimOptions) -> anyhow::Result<bool> {
    let Some(wanted) = &options.plan else {
        list();
        return Ok(true);
    };
    let source = Source::find(wanted)?;
    if options.print {
        print!("{}", source.text()?);
        return Ok(true);
    }
    let plan = source.plan()?;
    if options.check {
        print!("{}", describe::plan(&plan));
        return Ok(true);
    }
    simulate(options, wanted, &plan)
}

fn list() {
    for shipped in SHIPPED {
        let plan = parse(shipped.name.as_ref(), shipped.text).expect("a test reads every shipped plan");
        println!("{:14} {}", shipped.name, plan.title);
    }
}

fn simulate(options: &SimOptions, wanted: &str, plan: &Plan) -> anyhow::Result<bool> {
    allocator::settle(plan).context("cannot start again with another allocator setting")?;
    let seed = options.seed.unwrap_or(plan.seed);
    let mut watch = Watch::begin(plan, seed);
    let run = netsim::run_logged(plan, seed, options.packets, |simulated| watch.progress(simulated))?;
    watch.end();
    let replay = format!("fastx sim {wanted} --seed {seed}");
    let report = Report::new(plan, &run.outcome, replay).with_cost(&run.cost);
    let folder = options.out.clone().unwrap_or_else(|| PathBuf::from(format!("sim-{}-{seed}", stem(wanted))));
    report.write(&folder)?;
    if let Some(packets) = &run.packets {
        let path = folder.join("packets.log");
        std::fs::write(&path, packets).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if options.json {
        println!("{:#}", report.json());
    } else {
        print!("{}", summary(&report));
        println!("see {}", folder.join("report.html").display());
    }
    Ok(report.holds())
}

/// `plans/my-campus.toml` is `my-campus`.
fn stem(wanted: &str) -> String {
    std::path::Path::new(wanted)
        .file_stem()
        .map_or_else(|| "plan".into(), |stem| stem.to_string_lossy().into_owned())
}
