//! What an administrator wrote, and who may read it.

use super::Verdict;
use crate::doctor::facts::Facts;

pub(super) fn configuration(facts: &Facts) -> Vec<Verdict> {
    if facts.bad_files.is_empty() {
        let dir = facts.config_dir.display();
        return vec![Verdict::pass(format!("{} files in {dir} are understood", facts.good_files))];
    }
    let bad = |(path, what): &(_, String)| {
        let path: &std::path::PathBuf = path;
        // The error shows the place and what to write instead; one about the mode names its own command.
        let mend = match what.contains("chmod") {
            true => format!("chmod 600 {}", path.display()),
            false => format!("sudoedit {}, then systemctl reload fastx-node", path.display()),
        };
        Verdict::fail(what.clone(), mend)
    };
    facts.bad_files.iter().map(bad).collect()
}

pub(super) fn modes(facts: &Facts) -> Vec<Verdict> {
    let open = facts.secrets.iter().filter(|file| file.mode & 0o077 != 0);
    let verdict = |file: &crate::doctor::facts::Mode| {
        let (path, wanted) = (file.path.display(), if file.is_folder { "700" } else { "600" });
        let found = format!("{path} can be read or written by others (mode {:03o})", file.mode & 0o777);
        Verdict::fail(found, format!("chmod {wanted} {path}"))
    };
    let open: Vec<Verdict> = open.map(verdict).collect();
    match (open.is_empty(), facts.secrets.len()) {
        (false, _) => open,
        (true, 0) => vec![Verdict::skip("there is no file with a secret yet")],
        (true, count) => vec![Verdict::pass(format!("{count} files with secrets are their owner's only"))],
    }
}
