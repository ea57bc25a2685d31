//! What a person types, or a program writes: lines of standard input.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::process::Command;

use tunnel::identity::Secret;

/// A line that is longer is no password.
const LONGEST_LINE: u64 = 1024;

/// The next line of standard input. At a terminal it is asked for, and shown only if `echo`.
pub(crate) fn line(question: &str, echo: bool) -> std::io::Result<Secret> {
    let mut input = std::io::stdin().lock();
    let is_asked = input.is_terminal();
    let _shown_again = (is_asked && !echo).then(Unseen::new);
    if is_asked {
        print!("{question}");
        std::io::stdout().flush()?;
    }
    let mut line = String::new();
    // By reference: what was read ahead is for the next line.
    input.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

/// What is typed at this terminal is not shown, as long as this lives.
struct Unseen;

impl Unseen {
    fn new() -> Self {
        // A terminal that cannot do it shows the password, as it would anywhere.
        let _done = Command::new("stty").arg("-echo").status();
        Self
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _done = Command::new("stty").arg("echo").status();
        println!();
    }
}
