//! `fastx balance show|set|enable|disable|history|rollback`: the chains that are kept.

use std::process::ExitCode;

use anyhow::Context;
use balance::Plan;
use http::Method;

use super::{Failed, render, source};
use crate::ask;
use crate::balancer::{Change, Known, Overview, Rollback, SavedAs};
use crate::cli::{BalanceRollbackOptions, BalanceSetOptions, PlanOptions, ShowOptions, ToggleOptions};
use crate::settings::{person, print_json};

type Done = Result<ExitCode, Failed>;

pub(super) fn show(options: &ShowOptions) -> Done {
    let socket = ask::socket(&options.folders.dirs());
    let Some(action) = options.action else {
        let overview: Overview = ask::get(&socket, "/balance")?;
        if options.json {
            print_json(&overview);
        } else {
            print!("{}", render::overview(&overview));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let known: Known = ask::get(&socket, &format!("/balance/{}", action.path()))?;
    if options.json {
        print_json(&known.record.plan());
    } else {
        print!("{}", render::plan(&known.record));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn history(options: &PlanOptions) -> Done {
    let known = known(options)?;
    if options.json {
        print_json(&known.record);
    } else {
        print!("{}", render::history(&known.record));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn set(options: &BalanceSetOptions) -> Done {
    let before = known(&options.plan)?.record;
    let mut plan = before.plan();
    plan.functions = source::functions(&options.functions, &plan)?;
    if let Some(text) = &options.prefilter {
        plan.prefilter = source::prefilter(text)?;
    }
    let expect = options.if_version.unwrap_or(before.version());
    save(&options.plan, plan, expect, options.cases.override_cases)
}

pub(super) fn toggle(options: &ToggleOptions, enabled: bool) -> Done {
    let before = known(&options.plan)?.record;
    let mut plan = before.plan();
    let named = plan.functions.iter_mut().find(|planned| planned.name == options.function);
    named.with_context(|| format!("there is no function {} in this chain", options.function))?.enabled =
        enabled;
    save(&options.plan, plan, before.version(), options.cases.override_cases)
}

pub(super) fn rollback(options: &BalanceRollbackOptions) -> Done {
    let rollback =
        Rollback { version: options.version, by: person(), override_cases: options.cases.override_cases };
    let path = format!("/balance/{}/rollback", options.plan.action.path());
    said(
        &options.plan,
        ask::ask(&ask::socket(&options.plan.folders.dirs()), Method::POST, &path, body(&rollback))?,
    )
}

pub(super) fn known(options: &PlanOptions) -> Result<Known, Failed> {
    let path = format!("/balance/{}", options.action.path());
    Ok(ask::get(&ask::socket(&options.folders.dirs()), &path)?)
}

/// Nothing is saved if somebody else saved something after `version`.
pub(super) fn save(options: &PlanOptions, plan: Plan, version: u64, override_cases: bool) -> Done {
    let change = Change { plan, by: person(), expect: Some(version), override_cases };
    let path = format!("/balance/{}", options.action.path());
    said(options, ask::ask(&ask::socket(&options.folders.dirs()), Method::PUT, &path, body(&change))?)
}

fn said(options: &PlanOptions, saved: SavedAs) -> Done {
    if options.json {
        print_json(&saved);
    } else {
        println!("{} is at version {} now", options.action.path(), saved.version);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn body<T: serde::Serialize>(value: &T) -> bytes::Bytes {
    serde_json::to_vec(value).expect("its keys are texts").into()
}
