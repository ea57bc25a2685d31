//! `fastx person`: who may sign in on this server by name and password. Changes the file; the service sees it by itself.

use anyhow::Context;
use portal::people::People;

use crate::cli::{PeopleOptions, PersonAddOptions, PersonCommand};
use crate::typed;

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
    let password = typed::line("Password: ", false).context("cannot read the password")?;
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
