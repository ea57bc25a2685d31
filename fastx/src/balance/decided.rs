//! `fastx balance choose|log|replay|shadow`.

use std::process::ExitCode;

use balance::Plan;
use balance::journal::{Entry, Replayed};
use http::Method;
use serde_json::Value;

use super::kept::{body, known};
use super::{Failed, render, source};
use crate::ask;
use crate::balancer::{Ask, Chosen, Replay, Shadow};
use crate::cli::{BalanceLogOptions, ChooseOptions, ReplayOptions, ShadowOptions};
use crate::settings::{person, print_json};

type Done = Result<ExitCode, Failed>;

pub(super) fn choose(options: &ChooseOptions) -> Done {
    let socket = ask::socket(&options.folders.dirs());
    let local = match &options.person.local {
        Some(local) => local.clone(),
        None => source::id(&ask::get::<Value>(&socket, "/server")?),
    };
    let request = source::request(options.action.into(), &options.person, &local)?;
    let question = Ask { request, except: options.except.clone() };
    let chosen: Chosen = ask::ask(&socket, Method::POST, "/balance/choose", body(&question))?;
    if options.json {
        print_json(&chosen);
    } else {
        println!("{}", chosen.server_id);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn log(options: &BalanceLogOptions) -> Done {
    let path = format!("/balance/log?last={}", options.last);
    let entries: Vec<Entry> = ask::get(&ask::socket(&options.folders.dirs()), &path)?;
    if options.json {
        print_json(&entries);
    } else {
        entries.iter().for_each(|entry| print!("{}", render::entry(entry, options.trace)));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn replay(options: &ReplayOptions) -> Done {
    let before = known(&options.plan)?.record.plan();
    let plan = Plan { functions: source::functions(&options.functions, &before)?, ..before };
    let path = format!("/balance/{}/replay", options.plan.action.path());
    let question = body(&Replay { plan, last: options.last });
    let replayed: Replayed =
        ask::ask(&ask::socket(&options.plan.folders.dirs()), Method::POST, &path, question)?;
    if options.plan.json {
        print_json(&replayed);
    } else {
        print!("{}", render::replayed(&replayed));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn shadow(options: &ShadowOptions) -> Done {
    let plan = match options.off {
        true => None,
        false => {
            let before = known(&options.plan)?.record.plan();
            let functions = source::functions(&options.functions, &before)?;
            // Cases are for what decides.
            Some(Plan { functions, cases: Vec::new(), ..before })
        }
    };
    let path = format!("/balance/{}/shadow", options.plan.action.path());
    let question = body(&Shadow { plan, by: person() });
    let () = ask::ask(&ask::socket(&options.plan.folders.dirs()), Method::PUT, &path, question)?;
    Ok(ExitCode::SUCCESS)
}
