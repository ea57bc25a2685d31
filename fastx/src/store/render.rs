//! A plan as text.

use manager::transfer::{Act, Plan, Step};

use crate::cli::TransferOptions;

/// What changes, what is left out, and the sum.
pub(super) fn plan(plan: &Plan, options: &TransferOptions, colours: bool) -> String {
    let steps = plan.steps.iter().filter(|step| step.act != Act::Keep);
    let mut text: String = steps.map(|step| self::step(step, colours)).collect();
    for skipped in &plan.skipped {
        text += &format!("left out: {}: {}\n", skipped.what, skipped.why);
    }
    let counts = [Act::Add, Act::Change, Act::Delete, Act::Newer, Act::Keep].map(|act| plan.count(act));
    let [add, change, delete, newer, keep] = counts;
    let sum = format!("{add} new, {change} changed, {delete} deleted, {keep} the same");
    text += &match () {
        () if plan.is_refused(options.force) => format!(
            "nothing is done: what is there is newer for {newer}\n  next: keep it, or replace it with --force\n"
        ),
        () if !plan.done => format!("nothing is done yet (--dry-run): {sum}, {newer} newer there\n"),
        () if newer > 0 => format!("done: {sum}, {newer} newer replaced\n"),
        () => format!("done: {sum}\n"),
    };
    text
}

fn step(step: &Step, colours: bool) -> String {
    let act = match step.act {
        Act::Keep => "same",
        Act::Add => "new",
        Act::Change => "changed",
        Act::Delete => "deleted",
        Act::Newer => "newer there",
    };
    let newer = step.newer.as_ref().map_or(String::new(), |newer| format!(" ({newer})"));
    let lines = step.diff.iter().map(|line| match (colours, line.starts_with('-')) {
        (false, _) => format!("  {line}\n"),
        (true, true) => format!("  \u{1b}[31m{line}\u{1b}[0m\n"),
        (true, false) => format!("  \u{1b}[32m{line}\u{1b}[0m\n"),
    });
    format!("{act}: {}{newer}\n{}", step.key, lines.collect::<String>())
}
