//! What people find on this machine to start, as its packages say it: desktop entries (freedesktop.org, Desktop Entry
//! Specification 1.5) below `XDG_DATA_DIRS`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::programs;

const USUAL_FOLDERS: &str = "/usr/local/share:/usr/share";
/// Of one kind. A workstation with everything has some 300.
const MOST: usize = 500;
/// Bytes of one entry; translations make them long.
const LARGEST: u64 = 256 * 1024;
const LONGEST_NAME: usize = 100;

/// Something to start by a click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Application {
    /// The name of its entry, without `.desktop`; a start form of that name is asked before it.
    pub id: String,
    pub name: String,
    /// As a session takes it.
    pub command: String,
    pub kind: ApplicationKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationKind {
    Desktop,
    Program,
}

impl ApplicationKind {
    fn folder(self) -> &'static str {
        match self {
            Self::Desktop => "xsessions",
            Self::Program => "applications",
        }
    }
}

/// All that can be started here, desktops first, each kind in the order of names. Reads files.
pub fn applications() -> Vec<Application> {
    let mut all = of_kind(&folders(), ApplicationKind::Desktop);
    all.extend(of_kind(&folders(), ApplicationKind::Program));
    all
}

/// Whether a command is that of a desktop, which brings its own window manager.
pub(super) fn is_desktop(command: &str) -> bool {
    programs::offered().is_some_and(|offered| offered.is_desktop && offered.command == command)
        || of_kind(&folders(), ApplicationKind::Desktop).iter().any(|desktop| desktop.command == command)
}

fn folders() -> Vec<PathBuf> {
    let said = std::env::var_os("XDG_DATA_DIRS").filter(|said| !said.is_empty());
    std::env::split_paths(&said.unwrap_or(OsString::from(USUAL_FOLDERS))).collect()
}

fn of_kind(folders: &[PathBuf], kind: ApplicationKind) -> Vec<Application> {
    // An entry in an earlier folder hides the one of that name in a later.
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for folder in folders {
        let Ok(files) = std::fs::read_dir(folder.join(kind.folder())) else { continue };
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            let id = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".desktop"));
            if let Some(id) = id.map(str::to_owned) {
                found.entry(id).or_insert(path);
            }
        }
    }
    let entries = found.into_iter().filter_map(|(id, path)| application(id, &read(&path)?, kind));
    let mut all: Vec<Application> = entries.take(MOST).collect();
    all.sort_by_cached_key(|application| (application.name.to_lowercase(), application.id.clone()));
    all
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// `None`: not for people, or not installed.
fn application(id: String, entry: &str, kind: ApplicationKind) -> Option<Application> {
    let group = entry.lines().map(str::trim).skip_while(|line| *line != "[Desktop Entry]").skip(1);
    let pairs = group.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    let values: BTreeMap<&str, &str> = pairs.map(|(key, value)| (key.trim(), value.trim())).collect();
    let is = |key: &str| values.get(key) == Some(&"true");
    let hidden = is("NoDisplay") || is("Hidden") || values.contains_key("OnlyShowIn");
    if hidden || values.get("Type").is_some_and(|is| !["Application", "XSession"].contains(is)) {
        return None;
    }
    let (name, exec) = (unescaped(values.get("Name")?), without_codes(&unescaped(values.get("Exec")?)));
    let printable = !name.is_empty() && !name.chars().any(char::is_control);
    if !printable || name.chars().count() > LONGEST_NAME || exec.contains(['\n', '\0']) {
        return None;
    }
    if ![exec.split_whitespace().next()?, values.get("TryExec").unwrap_or(&"sh")].into_iter().all(installed) {
        return None;
    }
    let before = match kind {
        ApplicationKind::Desktop => programs::bus(|program| programs::find(program).is_some()),
        ApplicationKind::Program if is("Terminal") => "xterm -e ",
        ApplicationKind::Program => "",
    };
    Some(Application { id, name, command: format!("exec {before}{exec}"), kind })
}

fn installed(program: &str) -> bool {
    let program = program.trim_matches('"');
    if program.starts_with('/') { Path::new(program).is_file() } else { programs::find(program).is_some() }
}

/// As strings are written in entries.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('s') => text.push(' '),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                other => text.extend(other),
            },
            (letter, false) => text.push(letter),
        }
    }
    text
}

/// Without the places for files and icons, which nothing is put into; how words are quoted is a shell's way, too.
fn without_codes(exec: &str) -> String {
    let is_code = |word: &&str| word.len() == 2 && word.starts_with('%') && *word != "%%";
    let words: Vec<&str> = exec.split(' ').filter(|word| !is_code(word) && !word.is_empty()).collect();
    words.join(" ").replace("%%", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, path: &str, lines: &str) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(
            path,
            format!("# a comment\n\n[Desktop Entry]\n{lines}\n[Desktop Action x]\nName=No\n"),
        )
        .unwrap();
    }

    fn shown(folders: &[PathBuf], kind: ApplicationKind) -> Vec<(String, String, String)> {
        let all = of_kind(folders, kind).into_iter();
        all.map(|application| (application.id, application.name, application.command)).collect()
    }

    #[test]
    fn what_is_installed_and_meant_for_people_is_offered_once() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        write(
            &second,
            "applications/sh.desktop",
            "Type=Application\nName=A shell\nName[de]=x\nExec=sh -c \"a b\" %U %%",
        );
        write(&second, "applications/top.desktop", "Name=Überblick\nExec=/bin/sh %f\nTerminal=true");
        write(&second, "applications/old.desktop", "Name=Old\nExec=sh");
        write(&first, "applications/old.desktop", "Name=Old\nExec=sh\nHidden=true");
        write(&second, "applications/gone.desktop", "Name=Gone\nExec=not-installed-here");
        write(&second, "applications/try.desktop", "Name=Try\nExec=sh\nTryExec=/not/there");
        write(&second, "applications/link.desktop", "Type=Link\nName=Link\nExec=sh");
        write(&second, "applications/part.desktop", "Name=Part\nExec=sh\nOnlyShowIn=XFCE;");
        write(&second, "applications/lines.desktop", "Name=Two\\nlines\nExec=sh");
        write(&second, "applications/text.txt", "Name=Text\nExec=sh");
        write(&first, "xsessions/desk.desktop", "Type=XSession\nName=Desk\\sTop\nExec=sh");
        let folders = [first, second, folder.path().join("missing")];
        let triple = |id: &str, name: &str, command: &str| (id.into(), name.into(), command.into());
        assert_eq!(
            shown(&folders, ApplicationKind::Program),
            [
                triple("sh", "A shell", "exec sh -c \"a b\" %"),
                triple("top", "Überblick", "exec xterm -e /bin/sh"),
            ]
        );
        let desktops = shown(&folders, ApplicationKind::Desktop);
        assert_eq!((desktops.len(), &desktops[0].1[..]), (1, "Desk Top"));
        assert!(desktops[0].2.ends_with("sh"), "{desktops:?}");
    }
}
