//! Every `fastx …` in the guides to clusters is a command that the program takes.

use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;

use super::Cli;

const GUIDES: [&str; 6] =
    ["cluster.md", "cluster-setup.md", "redundancy.md", "store.md", "settings.md", "doctor.md"];

/// A command in a guide, and whether it stands in a block to be copied, or in a sentence that may only name its verb.
struct Shown {
    at: String,
    command: String,
    whole: bool,
}

fn shown_in(file: &Path) -> Vec<Shown> {
    let text = std::fs::read_to_string(file).unwrap();
    let (mut all, mut in_block) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let at = || format!("{}:{}", file.display(), number + 1);
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let line = line.trim_start().trim_start_matches("# ");
            let line = line.strip_prefix("sudo ").unwrap_or(line);
            if line.starts_with("fastx ") {
                all.push(Shown { at: at(), command: line.to_owned(), whole: true });
            }
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            let commands = spans.filter(|span| span.starts_with("fastx "));
            all.extend(commands.map(|span| Shown { at: at(), command: span.to_owned(), whole: false }));
        }
    }
    all
}

/// As a shell parts them. What is said behind a command is cut off, and of what can be chosen the first is taken.
fn words(command: &str) -> Vec<String> {
    let ends = ["  ", " | ", " && ", " # ", " >", " <", "; "];
    let end = ends.iter().filter_map(|end| command.find(end)).min().unwrap_or(command.len());
    let words = command[..end].split_whitespace().map(|word| word.trim_matches(['[', ']']));
    let words = words.filter(|word| *word != "…").map(|word| word.split('|').next().unwrap_or_default());
    words.map(|word| if ["NUMBER", "N"].contains(&word) { "1" } else { word }.to_owned()).collect()
}

#[test]
fn commands_in_the_guides_are_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guides = GUIDES.map(|guide| root.join("docs").join(guide));
    let (mut seen, mut wrong) = (0, Vec::new());
    for shown in guides.iter().flat_map(|guide| shown_in(guide)) {
        seen += 1;
        let Err(error) = Cli::try_parse_from(words(&shown.command)) else { continue };
        let only_named = [
            ErrorKind::MissingRequiredArgument,
            ErrorKind::InvalidValue,
            ErrorKind::MissingSubcommand,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ];
        let fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if !fine && (shown.whole || !only_named.contains(&error.kind())) {
            wrong.push(format!("{}: {}\n{error}", shown.at, shown.command));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "only {seen} commands were found");
}
