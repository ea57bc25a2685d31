//! `fastx person`: who may sign in on this server by name and password. Changes the file; the service sees it by itself.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::process::Command;

use anyhow::Context;
use portal::people::People;
use tunnel::identity::Secret;

use crate::cli::{PeopleOptions, PersonAddOptions, PersonCommand};

/// A line that is longer is no password.
const LONGEST_LINE: u64 = 1024;

pub(crate) fn person(command: PersonCommand) -> anyhow::Result<()> {
    match command {
        PersonCommand::Add(options) => add(&options),
        PersonCommand::Role(options) => {
            let local = options.folders.dirs().local_dir;
            let mut people = People::read(&local)?;
            people.set_role(&options.name, options.role.into())?;
            people.write(&local)?;
            Ok(())
        }
        PersonCommand::Remove(options) => {
            let local = options.folders.dirs().local_dir;
            let mut people = People::read(&local)?;
            people.remove(&options.name)?;
            people.write(&local)?;
            Ok(())
        }
        PersonCommand::List(options) => list(&options),
    }
}

fn add(options: &PersonAddOptions) -> anyhow::Result<()> {
    let local = options.folders.dirs().local_dir;
    let mut people = People::read(&local)?;
    let password = password().context("cannot read the password")?;
    let account = options.account.as_deref().unwrap_or(&options.name);
    people.put(&options.name, &password, options.role.into(), account)?;
    people.write(&local)?;
    Ok(())
}

fn list(options: &PeopleOptions) -> anyhow::Result<()> {
    let people = People::read(&options.folders.dirs().local_dir)?;
    let shown = people.iter().map(|(name, person)| (name, person.role, &person.account));
    if options.json {
        let shown = shown.map(
            |(name, role, account)| serde_json::json!({ "name": name, "role": role, "account": account }),
        );
        println!("{:#}", serde_json::Value::from_iter(shown));
        return Ok(());
    }
    for (name, role, account) in shown {
        println!("{name:24} {role:10} {account}");
    }
    Ok(())
}

/// The first line of standard input; asked for, and not shown, at a terminal.
fn password() -> std::io::Result<Secret> {
    let input = std::io::stdin();
    let is_asked = input.is_terminal();
    let _shown_again = is_asked.then(Unseen::new);
    if is_asked {
        print!("Password: ");
        std::io::stdout().flush()?;
    }
    let mut line = String::new();
    std::io::BufReader::new(input.lock().take(LONGEST_LINE)).read_line(&mut line)?;
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
