//! The report, for a person at 3 am: what fails and the command that mends it stand out.

use super::checks::{Outcome, Report, Verdict};

pub(super) fn text(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    for Verdict { check, outcome, found, mend } in &report.checks {
        let (word, colour) = match outcome {
            Outcome::Pass => ("pass", 32),
            Outcome::Warn => ("warn", 33),
            Outcome::Fail => ("FAIL", 31),
            Outcome::Skip => ("skip", 2),
        };
        let word = if colours { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() };
        text += &format!("{word}  {check:<13} {}\n", found.replace('\n', "\n                     "));
        if let Some(mend) = mend {
            text += &format!("                     mend: {mend}\n");
        }
    }
    let count = |wanted| report.checks.iter().filter(|verdict| verdict.outcome == wanted).count();
    let (failed, warned) = (count(Outcome::Fail), count(Outcome::Warn));
    text += &match (failed, warned) {
        (0, 0) => "nothing is wrong\n".to_owned(),
        (0, warned) => format!("nothing fails; {warned} to look at\n"),
        (failed, warned) => format!("{failed} failed, {warned} to look at\n"),
    };
    text
}
