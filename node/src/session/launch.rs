//! Starts programs as somebody: the only place where this service gives up rights for another process.
//!
//! Its contract: the program runs as the account and nobody else (user, group, and its groups; no capability is left), in
//! a process session of its own, with an environment made here and nothing of the service's, with nothing of ours
//! open but `/dev/null` and the session's log. None of our code runs between fork and exec: setpriv(1) and setsid(1) do it, and
//! each becomes the next, so that the pid stays. Where systemd runs and we are root, systemd-run(1) stands before them and
//! puts the program into a scope of its own, below a slice for the session: no stop of our unit ends it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cluster::session::SessionId;
use serde_json::{Map, Value};
use tokio::process::{Child, Command};

use super::SessionError;
use super::account::Account;
use super::process::{Leader, Role, own_uid};

/// What of the service's environment says how the machine is set up, and nothing of the service.
const PASSED_ON: [&str; 5] = ["PATH", "LANG", "LANGUAGE", "TZ", "LC_ALL"];
/// Where nothing else says where programs are.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// How the programs of one session are started.
#[derive(Clone, Debug)]
pub(super) struct Launcher {
    pub(super) account: Account,
    pub(super) id: SessionId,
    environment: Vec<(OsString, OsString)>,
    log: PathBuf,
}

impl Launcher {
    /// `log` belongs to the service: its user cannot make something else of it.
    pub(super) fn new(account: Account, id: SessionId, params: &Map<String, Value>, log: PathBuf) -> Self {
        let mut environment = environment(&account, &id);
        environment.extend(parameters(params));
        Self { account, id, environment, log }
    }

    /// The programs started from now on see this, too.
    pub(super) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.into(), value.into()));
    }

    /// Starts it; `arguments` begin with the program.
    pub(super) fn start(&self, role: Role, arguments: &[OsString]) -> Result<Leader, SessionError> {
        let child = self.command(role, arguments, Stdio::null())?.spawn();
        self.leader(role, arguments, &child.map_err(|error| failed(arguments, &error))?)
    }

    /// The same, and what it writes to its standard output.
    pub(super) fn start_heard(
        &self,
        role: Role,
        arguments: &[OsString],
    ) -> Result<(Leader, tokio::process::ChildStdout), SessionError> {
        let child = self.command(role, arguments, Stdio::piped())?.spawn();
        let mut child = child.map_err(|error| failed(arguments, &error))?;
        let output = child.stdout.take().expect("its standard output is a pipe");
        Ok((self.leader(role, arguments, &child)?, output))
    }

    /// Runs a shell command to its end, and says whether all went well.
    pub(super) async fn succeeds(&self, script: &str, argument: &str) -> bool {
        let words = ["/bin/sh", "-l", "-c", script, argument].map(OsString::from);
        let Ok(mut command) = self.command(Role::Aid, &words, Stdio::null()) else { return false };
        command.stderr(Stdio::null()).kill_on_drop(true).status().await.is_ok_and(|status| status.success())
    }

    /// What is spoken to on its standard input and heard on its standard output; its standard error is `error`.
    pub(super) fn conversation(&self, arguments: &[OsString], error: Stdio) -> Result<Command, SessionError> {
        let mut command = self.command(Role::Aid, arguments, Stdio::piped())?;
        command.stdin(Stdio::piped()).stderr(error).kill_on_drop(true);
        Ok(command)
    }

    fn leader(&self, role: Role, arguments: &[OsString], child: &Child) -> Result<Leader, SessionError> {
        let leader = child.id().and_then(|pid| Leader::of(pid, role, self.account.uid));
        leader.ok_or_else(|| failed(arguments, &std::io::Error::other("it ended at once")))
    }

    fn command(&self, role: Role, arguments: &[OsString], output: Stdio) -> Result<Command, SessionError> {
        let log = File::options().append(true).open(&self.log);
        let log = log.map_err(SessionError::file("write", &self.log))?;
        let words: Vec<OsString> =
            scope(&self.id, role).into_iter().chain(rights(&self.account)).chain(["setsid".into()]).collect();
        let (first, rest) = words.split_first().expect("setsid is there");
        let mut command = Command::new(first);
        command.args(rest).args(arguments).env_clear().envs(self.environment.iter().cloned());
        command.current_dir("/").stdin(Stdio::null()).stdout(output).stderr(log);
        Ok(command)
    }
}

fn failed(arguments: &[OsString], error: &std::io::Error) -> SessionError {
    SessionError::Start(format!("{}: {error}", arguments[0].display()))
}

/// Nothing to give up if it is our own account.
fn rights(account: &Account) -> Vec<OsString> {
    if account.uid == own_uid() {
        return Vec::new();
    }
    ["setpriv", "--reuid", &account.uid.to_string(), "--regid", &account.gid.to_string()]
        .into_iter()
        .chain(["--init-groups", "--inh-caps=-all", "--"])
        .map(OsString::from)
        .collect()
}

/// A scope below the session's slice, where there is a systemd that obeys us.
fn scope(id: &SessionId, role: Role) -> Vec<OsString> {
    if own_uid() != 0 || !Path::new("/run/systemd/system").is_dir() {
        return Vec::new();
    }
    // Several programs of one session have the same role, such as warnings.
    let unit =
        format!("--unit=fastx-session-{id}-{role:?}-{:08x}.scope", rand::random::<u32>()).to_lowercase();
    let slice = format!("--slice=fastx-s{}.slice", id.as_str().replace('-', "_"));
    ["systemd-run", "--scope", "--quiet", "--collect", &unit, &slice, "--"].map(OsString::from).to_vec()
}

fn environment(account: &Account, id: &SessionId) -> Vec<(OsString, OsString)> {
    let own = |name: &str| std::env::var_os(name).map(|value| (name.into(), value));
    let mut variables: Vec<(OsString, OsString)> = PASSED_ON.iter().filter_map(|name| own(name)).collect();
    if std::env::var_os("PATH").is_none() {
        variables.push(("PATH".into(), USUAL_PATH.into()));
    }
    let name = OsString::from(&account.name);
    variables.push(("HOME".into(), account.home.clone().into()));
    variables.push(("USER".into(), name.clone()));
    variables.push(("LOGNAME".into(), name));
    variables.push(("SHELL".into(), account.shell.clone().into()));
    variables.push(("FX_SESSION_ID".into(), id.as_str().into()));
    let runtime = PathBuf::from(format!("/run/user/{}", account.uid));
    if runtime.is_dir() {
        variables.push(("XDG_RUNTIME_DIR".into(), runtime.into()));
    }
    variables
}

/// `FX_PARAM_NAME` for each parameter that is a text, a number, true or false, and whose name a shell can say.
fn parameters(params: &Map<String, Value>) -> Vec<(OsString, OsString)> {
    let speakable = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let text = |value: &Value| match value {
        Value::String(text) if !text.contains('\0') => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let one = |(name, value): (&String, &Value)| {
        Some((format!("FX_PARAM_{}", name.to_ascii_uppercase()).into(), text(value)?.into()))
    };
    params.iter().filter(|(name, _)| speakable(name)).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(uid: u32) -> Account {
        let home = "/nonexistent".into();
        Account { name: "x".into(), uid, gid: uid, home, shell: "/bin/sh".into() }
    }

    fn launcher(folder: &Path, uid: u32) -> Launcher {
        let log = folder.join("log");
        std::fs::write(&log, "").unwrap();
        let params = serde_json::from_str(r#"{ "a": 1, "b c": 2, "d": [3], "e": "x y" }"#).unwrap();
        Launcher::new(account(uid), SessionId::new("t1").unwrap(), &params, log)
    }

    async fn says(launcher: &Launcher, script: &str) -> String {
        use tokio::io::AsyncReadExt;
        let words = ["/bin/sh", "-c", script].map(OsString::from);
        let (_, mut output) = launcher.start_heard(Role::Program, &words).unwrap();
        let mut said = String::new();
        output.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn a_program_has_a_session_of_its_own_and_nothing_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let launcher = launcher(folder.path(), own_uid());
        let said = says(&launcher, "ps -o sid= -p $$; echo $$; env; echo over >&2").await;
        let mut lines = said.lines().map(str::trim);
        assert_eq!(lines.next(), lines.next(), "it leads its session: {said}");
        let variables: Vec<_> = lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        let known = |name: &&&str| {
            name.starts_with("LC_")
                || name.starts_with("FX_")
                || PASSED_ON.contains(name)
                || ["HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR", "PWD", "_"].contains(name)
        };
        assert!(variables.iter().all(|name| known(&name)), "{variables:?}");
        assert!(said.contains("FX_SESSION_ID=t1\n") && said.contains("FX_PARAM_A=1\n"), "{said}");
        assert!(said.contains("FX_PARAM_E=x y\n") && !said.contains("FX_PARAM_D"), "{said}");
        assert_eq!(std::fs::read_to_string(&launcher.log).unwrap(), "over\n");
    }

    #[tokio::test]
    async fn root_gives_up_everything_for_somebody_else() {
        if own_uid() != 0 {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        // No account has this number, so there are no groups to look up.
        let mut launcher = launcher(folder.path(), own_uid());
        launcher.account = account(64_077);
        let words = rights(&launcher.account);
        assert!(words.contains(&"--init-groups".into()));
        let words: Vec<OsString> = words
            .into_iter()
            .map(|word| if word == "--init-groups" { "--clear-groups".into() } else { word })
            .chain(["sh", "-c", "id -u; id -G; grep ^Cap /proc/self/status"].map(OsString::from))
            .collect();
        let output = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("64077\n64077\n"), "{said}");
        for line in
            said.lines().filter(|line| ["CapInh", "CapPrm", "CapEff"].iter().any(|cap| line.starts_with(cap)))
        {
            assert!(line.ends_with("0000000000000000"), "{said}");
        }
    }
}
