//! Chains, decisions and differences, as text.

use balance::journal::{Different, Entry, Replayed};
use balance::plan::{Record, Saved};
use balance::simulate::Outcome as Day;
use balance::text::shown;
use balance::{Outcome, Step, Trace};

use crate::balancer::Overview;

pub(super) fn trace(trace: &Trace) -> String {
    let mut text = String::new();
    for (why, count) in &trace.not_offered {
        text += &format!("not offered: {count} {why}\n");
    }
    text += &trace.steps.iter().map(step).collect::<String>();
    if trace.substitute {
        text += "a function is paused after kills: the fewest sessions decide\n";
    }
    match &trace.outcome {
        Outcome::ServerId(id) => text + &format!("chosen: {id}\n"),
        error => text + &format!("{error}\n"),
    }
}

fn step(step: &Step) -> String {
    let Step { function, offered, left, took, console, said } = step;
    let ms = took.as_secs_f64() * 1e3;
    let lines: String = console.iter().map(|line| format!("    {}: {}\n", line.level, line.text)).collect();
    format!("{function}: {offered} in, {left} out, {ms:.1} ms: {said}\n{lines}")
}

pub(super) fn overview(overview: &Overview) -> String {
    let mut text = String::new();
    for action in &overview.actions {
        let chain = chain(&action.functions);
        text += &format!(
            "{}  version {}: {chain}; {} cases\n",
            action.action.path(),
            action.version,
            action.cases
        );
        if let Some(shadow) = &action.shadow {
            text += &format!("  shadow: {}\n", self::chain(shadow));
        }
    }
    for alarm in &overview.alarms {
        let (name, left) = (&alarm.function, alarm.seconds_left);
        text += &format!(
            "ALARM: {name} was killed again and again; for {left} s more the fewest sessions decide\n"
        );
    }
    text
}

fn chain(names: &[String]) -> String {
    if names.is_empty() { "fewest sessions (built in)".to_owned() } else { names.join(", ") }
}

pub(super) fn plan(record: &Record) -> String {
    let plan = record.plan();
    let mut text = format!("version {}\n", record.version());
    if plan.prefilter != balance::Prefilter::Everything {
        text += &format!("prefilter {}\n", serde_json::to_string(&plan.prefilter).unwrap_or_default());
    }
    for function in &plan.functions {
        let state = if function.enabled { "" } else { " (disabled)" };
        text += &format!("\n# {}{state}\n{}\n", function.name, function.source.trim_end());
    }
    text
}

pub(super) fn history(record: &Record) -> String {
    let mut text = String::new();
    for Saved { version, by, at, rollback, overridden, plan } in record.versions.iter().rev() {
        let names: Vec<String> = plan.functions.iter().map(|planned| planned.name.clone()).collect();
        text += &format!("version {version}, by {by}, {at}: {}\n", chain(&names));
        if let Some(to) = rollback {
            text += &format!("  back to version {to}\n");
        }
        if !overridden.is_empty() {
            text += &format!("  although cases failed: {}\n", overridden.join(", "));
        }
    }
    if text.is_empty() { "this chain was never changed\n".to_owned() } else { text }
}

pub(super) fn entry(entry: &Entry, with_trace: bool) -> String {
    let Entry { number, at, version, request, shadow, .. } = entry;
    let (login, outcome) = (shown(request.login()), &entry.trace.outcome);
    let mut text = format!("{number}  {at}  {} by {login}, version {version}: {outcome}", request.action);
    if let Some(last) = entry.trace.steps.last() {
        text += &format!(" ({})", last.function);
    }
    match shadow {
        Some(shadow) if shadow != outcome => text += &format!("; shadow: {shadow}"),
        _ => {}
    }
    text.push('\n');
    if with_trace {
        let trace = trace(&entry.trace);
        trace.lines().for_each(|line| text += &format!("    {line}\n"));
    }
    text
}

pub(super) fn replayed(replayed: &Replayed) -> String {
    let Replayed { same, different, without_servers } = replayed;
    let mut text = String::new();
    for Different { number, at, login, before, after } in different {
        text += &format!("{number}  {at}  {}: {before} -> {after}\n", shown(login));
    }
    text += &format!("{same} the same, {} different\n", different.len());
    if *without_servers > 0 {
        text += &format!("{without_servers} are too old: their servers are not kept any more\n");
    }
    text
}

/// Days of several chains, a line each, and why starts failed.
pub(super) fn simulated(title: &str, days: &[Day]) -> String {
    let longest = days.iter().map(|day| day.chain.chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!(
        "{title}\n\n{:longest$}  started  retried  failed  lost  peak load  peak sessions  unfairness  overloaded\n",
        "chain"
    );
    for day in days {
        let overloaded = day.overloaded * 100.0;
        let Day { chain, started, retried, failed, lost, peak_load, peak_sessions, unfairness, .. } = day;
        text += &format!(
            "{:longest$}  {started:7}  {retried:7}  {failed:6}  {lost:4}  {peak_load:9.2}  {peak_sessions:13}  {unfairness:10.2}  {overloaded:8.1} %\n",
            shown(chain)
        );
    }
    for day in days {
        for (why, count) in &day.reasons {
            text += &format!("\n{}: {count} failed: {}", shown(&day.chain), shown(why));
        }
    }
    text + "\n"
}
