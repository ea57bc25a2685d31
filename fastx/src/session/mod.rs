//! The verbs about sessions. All of them ask the service on this machine.

mod connect;
mod share;
mod table;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cluster::session::{Kind, Policy, Session, SessionId};
use http::Method;
use jiff::Timestamp;
use node::session::{Change, Wanted};
use serde::Serialize;
use serde_json::json;

use crate::ask::{self, NoAnswer};
use crate::cli::{
    RenameOptions, ResizeOptions, SessionCommand, SessionOptions, SessionsOptions, StartOptions,
    ThumbnailOptions,
};

pub(crate) use self::connect::connect;
pub(crate) use self::share::share;

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Its turn may come late when many start, and a desktop may take long to end.
const PATIENCE: Duration = Duration::from_secs(240);

type Done = Result<(), NoAnswer>;

pub(crate) fn start(options: StartOptions) -> ExitCode {
    code(try_start(options))
}

fn try_start(options: StartOptions) -> Done {
    let socket = ask::socket(&options.folders.dirs());
    let policy = Policy {
        end_after_disconnect: options.end_after_disconnect,
        end_when_idle: options.end_when_idle,
        longest: options.longest,
    };
    let wanted = Wanted {
        name: options.name,
        command: command(&options.command),
        geometry: options.geometry,
        kind: if options.plain { Kind::Plain } else { Kind::Xvnc },
        params: options.params.into_iter().map(|(name, value)| (name, value.into())).collect(),
        policy,
        user: options.user,
        server_id: options.server,
        ..Wanted::default()
    };
    let session: Session = ask::ask_within(PATIENCE, &socket, Method::POST, "/sessions", json(&wanted))?;
    if options.json {
        println!("{}", pretty(&session));
    } else {
        println!("{}", session.id);
        eprintln!(
            "{} runs on {}; fastx connect {} shows it",
            table::plain(&session.name),
            session.server_id,
            session.id
        );
    }
    Ok(())
}

/// One word is a shell command as it stands; several are a program and its arguments, each as it stands.
pub(crate) fn command(words: &[String]) -> String {
    match words {
        [one] => one.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+/-=:,@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(crate) fn list(options: &SessionsOptions) -> ExitCode {
    let socket = ask::socket(&options.folders.dirs());
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    loop {
        let answer = ask::get::<Vec<Session>>(&socket, "/sessions");
        if options.watch {
            // To the upper left corner, and nothing below.
            print!("\x1b[H\x1b[2J");
        }
        match answer {
            Ok(sessions) if options.json => println!("{}", pretty(&sessions)),
            Ok(sessions) => print!("{}", table::render(&sessions, Timestamp::now(), colours)),
            // Who watches wants to see it come back.
            Err(error) if options.watch => drop(error.tell()),
            Err(error) => return error.tell(),
        }
        if !options.watch || std::io::stdout().flush().is_err() {
            return ExitCode::SUCCESS;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

pub(crate) fn one(command: &SessionCommand) -> ExitCode {
    code(match command {
        SessionCommand::Run(options) => return crate::job::run(options),
        SessionCommand::Show(options) => show(options),
        SessionCommand::Log(options) => log(options),
        SessionCommand::Resize(options) => resize(options),
        SessionCommand::Disconnect(options) => disconnect(options),
        SessionCommand::Thumbnail(options) => thumbnail(options),
    })
}

fn show(options: &SessionOptions) -> Done {
    let session: Session = ask::get(&socket(options), &path(&options.session, ""))?;
    println!("{}", pretty(&session));
    Ok(())
}

fn log(options: &SessionOptions) -> Done {
    let text: String = ask::get(&socket(options), &path(&options.session, "/log"))?;
    if options.json {
        println!("{}", pretty(&text));
    } else {
        text.lines().for_each(|line| println!("{}", table::plain(line)));
    }
    Ok(())
}

fn resize(options: &ResizeOptions) -> Done {
    let change = Change { geometry: Some(options.geometry), ..Change::default() };
    changed(&options.one, &change, |session| format!("its screen is {} now", session.geometry))
}

pub(crate) fn rename(options: &RenameOptions) -> ExitCode {
    let change = Change { name: Some(options.name.clone()), ..Change::default() };
    code(changed(&options.one, &change, |session| {
        format!("it is called {} now", table::plain(&session.name))
    }))
}

fn changed(options: &SessionOptions, change: &Change, say: impl Fn(&Session) -> String) -> Done {
    let path = path(&options.session, "");
    let session: Session = ask::ask_within(PATIENCE, &socket(options), Method::PATCH, &path, json(change))?;
    println!("{}", if options.json { pretty(&session) } else { say(&session) });
    Ok(())
}

fn disconnect(options: &SessionOptions) -> Done {
    let path = path(&options.session, "/disconnect");
    let () = ask::ask(&socket(options), Method::POST, &path, "".into())?;
    said(options, "disconnected", "nobody looks at it now; it runs on");
    Ok(())
}

pub(crate) fn terminate(options: &SessionOptions) -> ExitCode {
    code(try_terminate(options))
}

fn try_terminate(options: &SessionOptions) -> Done {
    let path = path(&options.session, "");
    let () = ask::ask_within(PATIENCE, &socket(options), Method::DELETE, &path, "".into())?;
    said(options, "terminated", "it has ended");
    Ok(())
}

fn thumbnail(options: &ThumbnailOptions) -> Done {
    let one = &options.one;
    let png = ask::bytes(&socket(one), &path(&one.session, "/thumbnail"))?;
    std::fs::write(&options.file, png)
        .map_err(|source| NoAnswer::Write { path: options.file.clone(), source })?;
    said(one, "written", &format!("its picture is in {}", options.file.display()));
    Ok(())
}

fn said(options: &SessionOptions, what: &str, words: &str) {
    if options.json {
        println!("{}", pretty(&json!({ "id": options.session, what: true })));
    } else {
        println!("{words}");
    }
}

fn socket(options: &SessionOptions) -> PathBuf {
    ask::socket(&options.folders.dirs())
}

fn path(id: &SessionId, rest: &str) -> String {
    format!("/sessions/{id}{rest}")
}

fn json(value: &impl Serialize) -> bytes::Bytes {
    serde_json::to_vec(value).expect("texts, numbers and maps of them").into()
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("texts, numbers and maps of them")
}

fn code(done: Done) -> ExitCode {
    done.map_or_else(|error| error.tell(), |()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_what_they_are_and_one_word_is_a_command() {
        let of = |words: &[&str]| command(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["cd x && ./run"]), "cd x && ./run");
        assert_eq!(of(&["xterm", "-e", "echo it's $HOME"]), r"xterm -e 'echo it'\''s $HOME'");
    }
}
