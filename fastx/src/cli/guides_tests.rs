//! Every `fastx …` in the guides is a command that the program takes.

use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;

use super::Cli;

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

/// What is said behind a command is cut off, and of what can be chosen the first is taken.
fn words(command: &str) -> Vec<String> {
    let ends = ["  ", " | ", " && ", " # ", " > ", " < ", "; "];
    let end = ends.iter().filter_map(|end| command.find(end)).min().unwrap_or(command.len());
    let plain: String = command[..end].chars().filter(|c| !"[]'\"".contains(*c)).collect();
    let words = plain.split_whitespace().filter(|word| !word.contains(['…', '{', '}']) && *word != "...");
    words
        .map(|word| word.split('|').next().unwrap_or_default())
        .map(|word| if ["NUMBER", "N"].contains(&word) { "1" } else { word }.to_owned())
        .collect()
}

#[test]
fn commands_in_the_guides_are_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guides = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let guides = guides.filter(|path| path.extension().is_some_and(|is| is == "md"));
    let (mut seen, mut wrong) = (0, Vec::new());
    for shown in guides.chain([root.join("README.md")]).flat_map(|guide| shown_in(&guide)) {
        seen += 1;
        let Err(error) = Cli::try_parse_from(words(&shown.command)) else { continue };
        let only_named = [
            ErrorKind::MissingRequiredArgument,
            ErrorKind::MissingSubcommand,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ];
        let fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if !fine && (shown.whole || !only_named.contains(&error.kind())) {
            wrong.push(format!("{}: {}\n{error}", shown.at, shown.command));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} commands were found");
}
