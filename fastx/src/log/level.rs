//! `fastx log level`: what the service on this machine logs, shown and changed.

use std::process::ExitCode;

use http::Method;

use super::wire::{Shown, Wish};
use crate::ask;
use crate::cli::{LevelOptions, Wanted};

pub(crate) fn level(options: &LevelOptions) -> ExitCode {
    let socket = ask::socket(&options.folders.dirs());
    let asked = match options.level {
        None => ask::get::<Shown>(&socket, "/log/levels"),
        Some(Wanted::Reset) => ask::ask(&socket, Method::DELETE, "/log/levels", Default::default()),
        Some(Wanted::Level(level)) => {
            let wish = Wish {
                level: level.name().to_owned(),
                target: options.target.clone(),
                for_seconds: options.lasts.map(|lasts| lasts.as_secs().max(1)),
            };
            let body = serde_json::to_vec(&wish).expect("a wish is text and a number");
            ask::ask(&socket, Method::POST, "/log/levels", body.into())
        }
    };
    match asked {
        Ok(shown) if options.json => {
            println!("{}", serde_json::to_string_pretty(&shown).expect("levels have names"));
            ExitCode::SUCCESS
        }
        Ok(shown) => {
            print!("{}", text(&shown));
            ExitCode::SUCCESS
        }
        Err(error) => error.tell(),
    }
}

fn text(shown: &Shown) -> String {
    let mut text = String::new();
    for (target, level) in &shown.levels {
        let target = if target.is_empty() { "(everything else)" } else { target };
        text += &format!("{target:<20} {level}\n");
    }
    for change in &shown.changes {
        let target = change.target.as_deref().unwrap_or("all of ours");
        let until = match change.seconds_left {
            Some(left) => format!("for {} more", humantime(left)),
            None => "until the next start, or `fastx log level reset`".to_owned(),
        };
        text += &format!("changed: {target} {}, {until}\n", change.level);
    }
    text
}

fn humantime(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::wire::ShownChange;

    #[test]
    fn levels_and_their_end_are_shown() {
        let change = |target: Option<&str>, seconds_left| ShownChange {
            target: target.map(str::to_owned),
            level: "debug".into(),
            seconds_left,
        };
        let shown = Shown {
            levels: [("".to_owned(), "info".to_owned()), ("node".to_owned(), "debug".to_owned())].into(),
            changes: vec![change(None, Some(599)), change(Some("h2"), None)],
        };
        let text = text(&shown);
        assert!(text.starts_with("(everything else)    info\nnode                 debug\n"), "{text}");
        assert!(text.contains("changed: all of ours debug, for 9 min 59 s more\n"), "{text}");
        assert!(text.contains("changed: h2 debug, until the next start"), "{text}");
    }
}
