//! What a person names on the command line: functions, servers, who asks and when.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use balance::plan::Planned;
use balance::{Action, Function, Moment, Plan, Prefilter, Request, function, shipped};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::{MomentOptions, PersonOptions};

/// The longest file of servers: 10,000 of them, as JSON with indents.
const MAX_SERVERS: u64 = 256 << 20;

/// A file, a function of the plan, or one that is shipped. A file that has the name of such a one is written `./NAME`.
pub(super) fn function(word: &str, plan: &Plan) -> anyhow::Result<Planned> {
    if let Some(planned) = plan.functions.iter().find(|planned| planned.name == word) {
        return Ok(planned.clone());
    }
    if let Some(shipped) = shipped::named(word) {
        return Ok(Arc::unwrap_or_clone(shipped).into());
    }
    let most = u64::try_from(function::MAX_SOURCE).unwrap_or(u64::MAX);
    let source = read(Path::new(word), most).with_context(|| {
        format!("{word} is neither in the chain, nor a function of `fastx balance templates`, nor a file that is read")
    })?;
    let name = Path::new(word).file_stem().map_or(word.into(), |stem| stem.to_string_lossy());
    Ok(Function::new(&name, &source).into())
}

pub(super) fn functions(words: &[String], plan: &Plan) -> anyhow::Result<Vec<Planned>> {
    words.iter().map(|word| function(word, plan)).collect()
}

pub(super) fn prefilter(text: &str) -> anyhow::Result<Prefilter> {
    json("--prefilter", text)
}

pub(super) fn request(action: Action, person: &PersonOptions, local: &str) -> anyhow::Result<Request> {
    Ok(Request {
        user_groups: person.groups.clone(),
        data: json("--data", &person.data)?,
        ..Request::of(action, &person.user, local)
    })
}

pub(super) fn moment(options: &MomentOptions) -> Moment {
    let mut moment = Moment::now();
    moment.now = options.at.map_or(moment.now, jiff::Timestamp::as_millisecond);
    moment.seed = options.seed.unwrap_or(moment.seed);
    moment
}

/// Server objects, and the id of the server that would execute the functions.
pub(super) fn servers(path: &Path, person: &PersonOptions) -> anyhow::Result<(Vec<Value>, String)> {
    let bodies = saved(path)?;
    let local = person.local.clone().or_else(|| bodies.first().map(id)).unwrap_or_default();
    Ok((bodies, local))
}

/// Server objects of a file.
pub(super) fn saved(path: &Path) -> anyhow::Result<Vec<Value>> {
    json(&path.display().to_string(), &read(path, MAX_SERVERS)?)
}

pub(super) fn id(server: &Value) -> String {
    server.get("serverId").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn read(path: &Path, most: u64) -> anyhow::Result<String> {
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
