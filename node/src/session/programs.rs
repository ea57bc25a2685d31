//! Programs of this machine, and the desktops among them.

use std::path::PathBuf;

/// Best first. With D-Bus: each session needs a bus of its own, or the desktops of one person get into each other's way.
const DESKTOPS: [&str; 8] = [
    "startxfce4",
    "mate-session",
    "cinnamon-session",
    "startlxqt",
    "startlxde",
    "startplasma-x11",
    "gnome-session",
    "icewm-session",
];
/// What there is at least: one terminal.
const TERMINALS: [&str; 3] = ["xterm", "x-terminal-emulator", "xfce4-terminal"];
const TERMINAL: &str = "xterm -T Terminal -geometry 96x28+48+48 -fa Monospace -fs 11 -bg #10161c -fg #e6eaee";

/// Where `program` is, looked up in the service's PATH.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|place| place.is_file())
}

/// What a session runs that names no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) command: String,
    pub(super) is_desktop: bool,
}

/// The desktop of this machine, or a terminal in a window; `None` if there is neither.
pub(super) fn offered() -> Option<Offered> {
    choose(|program| find(program).is_some())
}

fn choose(has: impl Fn(&str) -> bool) -> Option<Offered> {
    let bus = bus(&has);
    let desktop = DESKTOPS.into_iter().find(|name| has(name));
    if let Some(name) = desktop {
        return Some(Offered { command: format!("exec {bus}{name}"), is_desktop: true });
    }
    let terminal = TERMINALS.into_iter().find(|name| has(name))?;
    let command = if terminal == "xterm" { quoted(TERMINAL) } else { terminal.to_owned() };
    Some(Offered { command: format!("exec {command}"), is_desktop: false })
}

/// What stands before a desktop.
pub(super) fn bus(has: impl Fn(&str) -> bool) -> &'static str {
    if has("dbus-run-session") { "dbus-run-session -- " } else { "" }
}

/// Colours begin with what a shell takes for a comment.
fn quoted(command: &str) -> String {
    let word = |word: &str| if word.contains('#') { format!("'{word}'") } else { word.to_owned() };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The word of a command that names its program, if it can only be that.
pub(super) fn named(command: &str) -> Option<&str> {
    let word = command.strip_prefix("exec ").unwrap_or(command).split_whitespace().next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+/-".contains(&byte);
    (word.bytes().all(plain) && !word.starts_with('-')).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_desktop_there_is_else_a_terminal() {
        let of = |there: &[&str]| choose(|name| there.contains(&name)).map(|offered| offered.command);
        assert_eq!(of(&["xterm", "mate-session"]).unwrap(), "exec mate-session");
        let both = ["mate-session", "startxfce4", "dbus-run-session"];
        assert_eq!(of(&both).unwrap(), "exec dbus-run-session -- startxfce4");
        assert!(of(&["xterm"]).unwrap().ends_with("-bg '#10161c' -fg '#e6eaee'"));
        assert_eq!(of(&["openbox"]), None);
    }

    #[test]
    fn the_program_of_a_command_is_known_where_it_is_sure() {
        assert_eq!(named("xterm -e top"), Some("xterm"));
        assert_eq!(named("exec /opt/x/run"), Some("/opt/x/run"));
        for unsure in ["", "A=b xterm", "$HOME/run", "(xterm)", "'my program'", "~/run"] {
            assert_eq!(named(unsure), None, "{unsure}");
        }
    }
}
