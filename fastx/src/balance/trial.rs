//! `fastx balance test`.

use std::process::ExitCode;
use std::time::Duration;

use balance::{Chain, Options, Outcome, Plan, Trace, Workers, offer};
use serde_json::Value;

use super::{Failed, render, source};
use crate::ask;
use crate::cli::TestOptions;
use crate::settings::print_json;

pub(super) fn run(options: &TestOptions) -> Result<ExitCode, Failed> {
    let trace = decide(options)?;
    if options.json {
        print_json(&trace);
    } else {
        print!("{}", render::trace(&trace));
    }
    let is_chosen = matches!(trace.outcome, Outcome::ServerId(_));
    Ok(if is_chosen { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn decide(options: &TestOptions) -> Result<Trace, Failed> {
    let (bodies, local) = servers(options)?;
    let request = source::request(options.action.into(), &options.person, &local)?;
    let prefilter = options.prefilter.as_deref().map(source::prefilter).transpose()?.unwrap_or_default();
    let functions = source::functions(&options.functions, &Plan::default())?;
    let chain = Chain { prefilter, ..Plan { functions, ..Plan::default() }.chain() };
    let moment = source::moment(&options.moment);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(anyhow::Error::from)?.block_on(async {
        let deadline = Duration::from_millis(options.deadline);
        let workers = Workers::start(Options { deadline, workers: 1, ..Options::this_program() });
        let fleet = offer::renew(&[], bodies);
        workers.warm(&fleet).await;
        Ok(Trace::from(&chain.choose(&workers, &request, &fleet, moment).await))
    })
}

/// The servers, and the id of the one that would execute the functions.
fn servers(options: &TestOptions) -> Result<(Vec<Value>, String), Failed> {
    if let Some(path) = &options.servers {
        return Ok(source::servers(path, &options.person)?);
    }
    let socket = ask::socket(&options.folders.dirs());
    let bodies = ask::get(&socket, "/servers")?;
    let local = match &options.person.local {
        Some(local) => local.clone(),
        None => source::id(&ask::get(&socket, "/server")?),
    };
    Ok((bodies, local))
}
