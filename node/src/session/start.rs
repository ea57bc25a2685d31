//! Starting one session.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::session::{EndReason, Ended, Event, Kind, Session, SessionId, State, WindowMode};
use jiff::Timestamp;

use super::account::Account;
use super::applications;
use super::display::{self, Shown, Stage};
use super::job::{self, Submitted};
use super::launch::Launcher;
use super::process::{Leader, Role, own_uid};
use super::programs::{self, Offered};
use super::record::Record;
use super::{Entry, Inner, LONGEST_SOCKET_PATH, MOST_SESSIONS, SessionError, Wanted, end};

/// For a place among the starts that run at a time; 300 in one go take their turns.
const TURN_WITHIN: Duration = Duration::from_secs(180);
/// Some programs come in packages of other names.
const PACKAGES: [(&str, &str); 2] = [("Xtigervnc", "tigervnc-standalone-server"), ("vglrun", "virtualgl")];

pub(super) async fn start(inner: Arc<Inner>, wanted: Wanted) -> Result<Session, SessionError> {
    wanted.check()?;
    if !inner.open.load(Ordering::Relaxed) {
        return Err(SessionError::NotTaken);
    }
    let own = Account::own().await;
    let account = match &wanted.user {
        Some(name) if *name != own.name => Account::find(name).await?,
        _ => own,
    };
    if wanted.is_confined && account.uid == own_uid() {
        let why = "the service itself runs as it, so that its programs could read the server's keys; \
                   only an admin may use it";
        return Err(SessionError::Account { name: account.name, why: why.into() });
    }
    let (jobs, offered) = (inner.jobs()?, runs(&wanted));
    let id = SessionId::random();
    let place = inner.place(&id);
    if place.socket().as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(SessionError::PathTooLong(place.socket()));
    }
    reachable(&inner.root, &account)?;
    let session = describe(&inner, &wanted, &account, offered.as_ref().ok(), id);
    if let Some(jobs) = jobs
        && let Some(submitted) = job::submit(&inner, &wanted, &account, (&jobs, session.clone())).await?
    {
        return match submitted {
            Submitted::Session(session) => Ok(*session),
            Submitted::Here(id) => here(inner, wanted, account, id).await,
        };
    }
    offered?;
    let id = session.id.clone();
    register(&inner, session)?;
    here(inner, wanted, account, id).await
}

/// On this server, at once; it is in the table.
async fn here(
    inner: Arc<Inner>,
    wanted: Wanted,
    account: Account,
    id: SessionId,
) -> Result<Session, SessionError> {
    tracing::info!(session = %id, user = account.name, "a session starts");
    let uid = account.uid;
    match begin(&inner, &wanted, account, &id).await {
        Ok(()) => inner.all().get(&id).map(Entry::shown).ok_or(SessionError::Unknown(id)),
        Err(error) => {
            let ended = Ended { reason: EndReason::Failed, detail: error.to_string() };
            end::because(&inner, &id, ended).await;
            // It may have been ended while this went on to start programs.
            end::leftovers(&inner, &id, uid).await;
            Err(error)
        }
    }
}

/// What is to run.
fn runs(wanted: &Wanted) -> Result<Offered, SessionError> {
    if !wanted.command.trim().is_empty() {
        let is_desktop = wanted.kind == Kind::Xvnc && applications::is_desktop(&wanted.command);
        return Ok(Offered { command: wanted.command.clone(), is_desktop });
    }
    programs::offered().ok_or_else(no_desktop)
}

pub(super) fn no_desktop() -> SessionError {
    SessionError::NotInstalled { program: "a desktop".into(), package: "xfce4".into() }
}

fn describe(
    inner: &Inner,
    wanted: &Wanted,
    account: &Account,
    offered: Option<&Offered>,
    id: SessionId,
) -> Session {
    let now = Timestamp::now();
    let command = offered.map_or(&wanted.command, |offered| &offered.command);
    let name = match wanted.name.trim() {
        "" => programs::named(command).unwrap_or("session").rsplit('/').next().unwrap_or_default().into(),
        name => name.to_owned(),
    };
    Session {
        id,
        server_id: inner.server_id.clone(),
        hostname: inner.hostname.clone(),
        name,
        login: wanted.login.clone().unwrap_or_else(|| account.name.clone()),
        user: account.name.clone(),
        uid: account.uid,
        command: command.clone(),
        profile: wanted.profile.clone(),
        kind: wanted.kind,
        geometry: wanted.geometry,
        window_mode: WindowMode::Desktop,
        params: wanted.params.clone(),
        started: now,
        changed: now,
        policy: wanted.policy,
        clipboard: inner.clipboard(),
        ..Session::default()
    }
}

/// Takes its place in the table.
pub(super) fn register(inner: &Inner, session: Session) -> Result<(), SessionError> {
    let mut all = inner.all();
    let live = all.values().filter(|entry| entry.record.session.state != State::Ended).count();
    if live >= MOST_SESSIONS {
        return Err(SessionError::TooMany);
    }
    all.insert(session.id.clone(), Entry::new(Record::new(session)));
    drop(all);
    inner.changed();
    Ok(())
}

async fn begin(
    inner: &Arc<Inner>,
    wanted: &Wanted,
    account: Account,
    id: &SessionId,
) -> Result<(), SessionError> {
    let offered = runs(wanted)?;
    // A job script may have had it, which knows no desktop of ours.
    inner.update(id, |record| record.session.command.clone_from(&offered.command));
    let turn = tokio::time::timeout(TURN_WITHIN, inner.starts.acquire()).await;
    let _turn = turn.map_err(|_| SessionError::Busy)?.map_err(|_| SessionError::Stopping)?;
    let place = inner.place(id);
    place.make(&account)?;
    write(inner, id)?;
    let launcher = Launcher::new(account, id.clone(), &wanted.params, place.log());
    is_installed(&launcher, &offered.command).await?;
    let began = |leader: Leader| {
        inner.update(id, |record| {
            record.processes.push(leader);
            match leader.role {
                Role::Server => record.session.server_pid = Some(leader.pid),
                Role::Program => record.session.app_pid = Some(leader.pid),
                Role::Aid => {}
            }
        });
        // Before it goes on: were we killed now, the next service must find the process.
        if let Err(error) = write(inner, id) {
            tracing::warn!(%error, "a session's record is not written");
        }
    };
    let of = |entry: &Entry| (entry.record.session.name.clone(), entry.record.session.clipboard);
    let (name, clipboard) = inner.all().get(id).map(of).ok_or_else(|| SessionError::Unknown(id.clone()))?;
    let stage = Stage {
        launcher,
        folder: place.run(),
        log: place.log(),
        name: &name,
        command: &offered.command,
        is_desktop: offered.is_desktop,
        geometry: wanted.geometry,
        clipboard,
        began: &began,
    };
    let Shown { name } = display::of(wanted.kind).start(stage).await?;
    inner.update(id, |record| {
        record.session.display = name;
        if wanted.kind == Kind::Plain {
            record.session.server_pid = record.session.app_pid;
        }
    });
    if !inner.apply(id, Event::Up) {
        return Err(SessionError::Start("it was ended while it started".into()));
    }
    write(inner, id)
}

/// A command that no shell would find is refused with the package to install.
async fn is_installed(launcher: &Launcher, command: &str) -> Result<(), SessionError> {
    let Some(program) = programs::named(command) else { return Ok(()) };
    if launcher.succeeds("command -v -- \"$0\" >/dev/null", program).await {
        return Ok(());
    }
    let package = PACKAGES.iter().find(|(name, _)| *name == program).map_or(program, |(_, package)| package);
    Err(SessionError::NotInstalled { program: program.to_owned(), package: package.to_owned() })
}

/// Another account must be able to walk to its folder.
pub(super) fn reachable(root: &Path, account: &Account) -> Result<(), SessionError> {
    use std::os::unix::fs::PermissionsExt;
    if account.uid == own_uid() {
        return Ok(());
    }
    let closed = |path: &&Path| {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 == 0)
    };
    match root.ancestors().find(closed) {
        None => Ok(()),
        Some(path) => Err(SessionError::Account {
            name: account.name.clone(),
            why: format!("it cannot reach its session's folder: chmod o+x {}", path.display()),
        }),
    }
}

pub(super) fn write(inner: &Inner, id: &SessionId) -> Result<(), SessionError> {
    let record = inner.all().get_mut(id).map(|entry| {
        entry.dirty = false;
        entry.record.clone()
    });
    record.map_or(Ok(()), |record| inner.place(id).write(&record))
}
