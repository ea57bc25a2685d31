//! `fastx config`: the settings of this server and of its cluster.

mod render;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use cluster::settings::{Edit, Edited, Record, Scope, Shown, What, entry};
use http::Method;
use jiff::Timestamp;

use crate::ask::{self, NoAnswer};
use crate::cli::{ChangeOptions, ConfigCommand, GetOptions, HistoryOptions};

pub(crate) fn config(command: &ConfigCommand) -> ExitCode {
    let done = match command {
        ConfigCommand::Get(options) => return get(options),
        ConfigCommand::History(options) => history(options),
        ConfigCommand::Set(options) => {
            let socket = ask::socket(&options.folders.dirs());
            let set = BTreeMap::from([(options.key.clone(), options.value.clone())]);
            change(&socket, What::Set(set), &options.change)
        }
        ConfigCommand::Rollback(options) => {
            let socket = ask::socket(&options.folders.dirs());
            change(&socket, What::Rollback(options.version), &options.change)
        }
    };
    done.map_or_else(|error| error.tell(), |()| ExitCode::SUCCESS)
}

fn get(options: &GetOptions) -> ExitCode {
    let shown: Shown = match ask::get(&ask::socket(&options.folders.dirs()), "/config") {
        Ok(shown) => shown,
        Err(error) => return error.tell(),
    };
    let setting = match &options.key {
        None => None,
        Some(key) => match shown.settings.iter().find(|setting| setting.key == *key) {
            Some(setting) => Some(setting),
            None => {
                let hint = entry(key).err().unwrap_or_default();
                eprintln!("fastx: there is no setting `{key}`\n  next: {hint}");
                return ExitCode::FAILURE;
            }
        },
    };
    match (setting, options.json) {
        (Some(setting), true) => print_json(setting),
        (None, true) => print_json(&shown),
        (Some(setting), false) => print!("{}", render::setting(setting, &shown, Timestamp::now())),
        (None, false) => print!("{}", render::all(&shown, Timestamp::now())),
    }
    ExitCode::SUCCESS
}

fn history(options: &HistoryOptions) -> Result<(), NoAnswer> {
    let scope = if options.local { "local" } else { "global" };
    let path = format!("/config/history?scope={scope}");
    let record: Record = ask::get(&ask::socket(&options.folders.dirs()), &path)?;
    if options.json {
        print_json(&record);
    } else {
        print!("{}", render::history(&record, scope, Timestamp::now(), colours()));
    }
    Ok(())
}

fn change(socket: &Path, what: What, options: &ChangeOptions) -> Result<(), NoAnswer> {
    let scope = if options.local { Scope::Local } else { Scope::Global };
    let edit = Edit { scope, by: person(), what, expect: options.if_version };
    let body = serde_json::to_vec(&edit).expect("an edit is texts and numbers");
    let edited: Edited = ask::ask(socket, Method::POST, "/config", body.into())?;
    if options.json {
        print_json(&edited);
    } else {
        print!("{}", render::edited(&edited, colours()));
    }
    Ok(())
}

/// Who sits here, for the history. It is their own word: whoever may ask the socket may change everything anyway.
pub(crate) fn person() -> String {
    let named = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let person = ["SUDO_USER", "LOGNAME", "USER"].into_iter().find_map(named);
    person.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

pub(crate) fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

pub(crate) fn print_json<T: serde::Serialize>(value: &T) {
    println!("{}", serde_json::to_string_pretty(value).expect("its keys are texts"));
}
