//! `fastx server static-data`.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use config::{Document, Secrecy};
use http::Method;
use serde_json::{Map, Value, json};

use crate::ask::{self, NoAnswer};
use crate::cli::StaticDataOptions;
use crate::exit;

type Object = Map<String, Value>;
/// More than the service takes; it says so.
const LONGEST: u64 = 1024 * 1024;

pub(super) fn run(options: &StaticDataOptions) -> ExitCode {
    let socket = ask::socket(&options.folders.dirs());
    let changed = match current(&socket).map(|there| change(there, options)) {
        Ok(Ok(changed)) => changed,
        Ok(Err(error)) => return exit::code(Err(error)),
        Err(error) => return error.tell(),
    };
    if let Some(object) = changed {
        let body = Value::Object(object).to_string();
        if let Err(error) = ask::ask::<()>(&socket, Method::PUT, "/static-data", body.into()) {
            return error.tell();
        }
    }
    match current(&socket) {
        Ok(object) if options.json => println!("{:#}", json!({ "staticData": object })),
        Ok(object) => println!("{:#}", Value::Object(object)),
        Err(error) => return error.tell(),
    }
    ExitCode::SUCCESS
}

fn current(socket: &Path) -> Result<Object, NoAnswer> {
    let mut answer: Value = ask::get(socket, "/static-data")?;
    if let Some(error) = answer["error"].as_str() {
        eprintln!("fastx: the file as it is now is not taken:\n{error}");
    }
    serde_json::from_value(answer["staticData"].take()).map_err(NoAnswer::Content)
}

/// `None` when nothing is to change.
fn change(there: Object, options: &StaticDataOptions) -> anyhow::Result<Option<Object>> {
    if let Some(file) = &options.file {
        return whole(file).map(Some);
    }
    if options.changes.is_empty() {
        return Ok(None);
    }
    options.changes.iter().try_fold(there, |object, change| one(object, change)).map(Some)
}

fn one(mut object: Object, change: &str) -> anyhow::Result<Object> {
    let Some((key, value)) = change.split_once('=') else {
        bail!("`{change}` is no change: write KEY=VALUE, or KEY= to remove it");
    };
    match value {
        "" => drop(object.remove(key)),
        // `group=chips` is a text without the quotes that a shell would take away.
        _ => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            object.insert(key.to_owned(), value);
        }
    }
    Ok(object)
}

fn whole(file: &Path) -> anyhow::Result<Object> {
    if file != Path::new("-") {
        return Ok(Document::read(file, Secrecy::Public)?.parse()?);
    }
    let mut text = Vec::new();
    std::io::stdin().take(LONGEST).read_to_end(&mut text).context("cannot read standard input")?;
    let document =
        Document::from_bytes(Path::new("standard input"), text).map_err(config::ConfigError::from)?;
    Ok(document.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_set_and_removed() {
        let changes = ["gpu=true", "group=chips", "users=[\"alice\"]", "note=a=b", "group="];
        let object = changes.into_iter().try_fold(Object::new(), one).unwrap();
        assert_eq!(Value::Object(object), json!({ "gpu": true, "users": ["alice"], "note": "a=b" }));
        assert!(one(Object::new(), "gpu").unwrap_err().to_string().contains("KEY=VALUE"));
    }
}
