//! `fastx balance test`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use balance::{
    Chain, Decision, Function, Moment, Options, Prefilter, Request, Workers, function, offer, shipped,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::render;
use crate::ask::{self, NoAnswer};
use crate::cli::TestOptions;
use crate::settings::print_json;

/// The longest file of servers: 10,000 of them, as JSON with indents.
const MAX_SERVERS: u64 = 256 << 20;

/// Why there was no trial.
enum Failed {
    Ask(NoAnswer),
    Input(anyhow::Error),
}

pub(super) fn run(options: &TestOptions) -> ExitCode {
    let decision = match decide(options) {
        Ok(decision) => decision,
        Err(Failed::Ask(error)) => return error.tell(),
        Err(Failed::Input(error)) => {
            eprintln!("fastx: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if options.json {
        print_json(&render::json(&decision));
    } else {
        print!("{}", render::text(&decision));
    }
    if decision.result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn decide(options: &TestOptions) -> Result<Decision, Failed> {
    let (bodies, local) = servers(options)?;
    let request = Request {
        user_groups: options.groups.clone(),
        data: json("--data", &options.data).map_err(Failed::Input)?,
        ..Request::of(options.action.into(), &options.user, &local)
    };
    let prefilter = options.prefilter.as_deref().map(|text| json("--prefilter", text)).transpose();
    let prefilter: Prefilter = prefilter.map_err(Failed::Input)?.unwrap_or_default();
    let functions = options.functions.iter().map(|name| function(name).map(Arc::new));
    let chain = Chain { prefilter, functions: functions.collect::<Result<_, _>>().map_err(Failed::Input)? };
    let mut moment = Moment::now();
    moment.now = options.at.map_or(moment.now, jiff::Timestamp::as_millisecond);
    moment.seed = options.seed.unwrap_or(moment.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failed::Input(error.into()))?.block_on(async {
        let deadline = Duration::from_millis(options.deadline);
        let workers = Workers::start(Options { deadline, workers: 1, ..Options::this_program() });
        let fleet = offer::renew(&[], bodies);
        workers.warm(&fleet).await;
        Ok(chain.choose(&workers, &request, &fleet, moment).await)
    })
}

/// The servers, and the id of the one that would execute the functions.
fn servers(options: &TestOptions) -> Result<(Vec<Value>, String), Failed> {
    let id = |server: &Value| server.get("serverId").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(path) = &options.servers {
        let text = read(path, MAX_SERVERS).map_err(Failed::Input)?;
        let bodies: Vec<Value> = json(&path.display().to_string(), &text).map_err(Failed::Input)?;
        let local = options.local.clone().or_else(|| bodies.first().map(id)).unwrap_or_default();
        return Ok((bodies, local));
    }
    let socket = ask::socket(&options.folders.dirs());
    let bodies = ask::get(&socket, "/servers").map_err(Failed::Ask)?;
    let local = match &options.local {
        Some(local) => local.clone(),
        None => id(&ask::get(&socket, "/server").map_err(Failed::Ask)?),
    };
    Ok((bodies, local))
}

/// A file, or one that is shipped. A file that has the name of one that is shipped is written `./NAME`.
fn function(name: &str) -> anyhow::Result<Function> {
    if let Some(shipped) = shipped::named(name) {
        return Ok(Arc::unwrap_or_clone(shipped));
    }
    let most = u64::try_from(function::MAX_SOURCE).unwrap_or(u64::MAX);
    let source = read(Path::new(name), most).with_context(|| {
        format!("{name} is neither a function of `fastx balance templates` nor a file that is read")
    })?;
    Ok(Function::new(name, &source))
}

fn read(path: &Path, most: u64) -> anyhow::Result<String> {
    use std::io::Read;
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = String::new();
    file.take(most + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(text.len() as u64 <= most, "{} is longer than {most} bytes", path.display());
    Ok(text)
}

fn json<T: DeserializeOwned>(what: &str, text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).with_context(|| format!("{what} is not the JSON that is wanted"))
}
