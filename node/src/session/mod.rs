//! The sessions of this server: displays with programs in them, each as one account of the machine.
//!
//! A session lives in `$FX_LOCAL_DIR/sessions/ID/` and in processes that no process of ours owns: it outlives the service
//! that started it, and the next one finds it again (`adopt`). What happens to it is a table (`cluster::session::State`),
//! when it ends by itself a pure function (`cluster::session::Policy`).
//!
//! ```text
//! wanted   what is to start          start    makes it            launch   programs as somebody
//! display  Xvnc, or a plain command  process  who it was          account  accounts of the machine
//! keeper   looks after all of them   end      ends one            tree, locks, log   what is left of it
//! view     somebody looks            rfb      reads its picture   warn     words on its screen
//! place    on which server it starts
//! who      what is whose             record   on disk             routes   what the command line asks
//! applications  what there is to start
//! elsewhere  what the other servers have        share    links for guests  job    starts through a batch system
//! ticket   for people who are signed in at another server
//! ```

mod account;
mod adopt;
mod applications;
mod change;
mod display;
mod elsewhere;
mod end;
mod error;
mod form;
pub mod job;
mod keeper;
mod launch;
mod locks;
mod log;
mod place;
mod process;
mod programs;
mod record;
mod rfb;
pub mod routes;
mod share;
mod socket;
mod start;
mod ticket;
mod tree;
mod view;
mod wanted;
mod warn;
mod who;
mod xauth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cluster::ControlPlane;
use cluster::session::{Clipboard, Event, Session, SessionId, State};
use cluster::settings::Settings;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::process::own_uid;
use self::record::{Place, Record};

pub use account::person_groups;
pub use applications::{Application, ApplicationKind, applications};
pub use change::Change;
pub use elsewhere::{Candidate, Elsewhere};
pub use error::SessionError;
pub use form::Forms;
pub use place::{Asking, Chooser};
pub use share::{Invited, Made, Mode, Offer, Share};
pub use ticket::{Holder, TICKET_LASTS, Ticket};
pub use view::{Viewing, Watch};
pub use wanted::Wanted;
pub use who::Who;

/// Sessions on one server that have not ended. Each has an X server of some 60 MB; a start beyond it is refused.
pub const MOST_SESSIONS: usize = 512;
/// Longest path of a unix socket that Linux takes, in bytes (`sun_path` less its end mark).
const LONGEST_SOCKET_PATH: usize = 107;

/// The sessions below one local folder. Cheap to clone; the last clone ends what looks after them, never they themselves.
#[derive(Clone, Debug)]
pub struct Sessions {
    inner: Arc<Inner>,
    _keepers: Arc<[AbortOnDropHandle<()>; 2]>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    server_id: String,
    hostname: String,
    all: Mutex<BTreeMap<SessionId, Entry>>,
    /// What other servers told of theirs.
    elsewhere: Mutex<elsewhere::Table>,
    tickets: Mutex<ticket::Tickets>,
    /// Counts changes, for who shows them.
    changes: watch::Sender<u64>,
    /// Something is to be looked at now.
    wake: Notify,
    starts: Semaphore,
    open: AtomicBool,
    /// Where jobs.json is; until it is said all sessions start at once.
    jobs: OnceLock<PathBuf>,
    /// Chooses servers for starts that name none; until it is said they are here.
    chooser: OnceLock<Arc<dyn Chooser>>,
    /// What starts with a profile must say; until it is said, nothing.
    forms: OnceLock<Arc<dyn Forms>>,
    /// The way to other servers.
    plane: OnceLock<ControlPlane>,
    settings: OnceLock<Settings>,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    /// Its record on disk is old.
    dirty: bool,
    /// Its viewers are sent away with this.
    viewers: CancellationToken,
    /// Seconds since 1970.
    last_input: Arc<AtomicI64>,
    /// By which others may look.
    links: Vec<share::Link>,
}

impl Entry {
    fn new(record: Record) -> Self {
        let last_input = record.session.last_input.map_or(0, Timestamp::as_second);
        let last_input = Arc::new(AtomicI64::new(last_input));
        Self { record, dirty: true, viewers: CancellationToken::new(), last_input, links: Vec::new() }
    }

    /// As people see it.
    fn shown(&self) -> Session {
        let mut session = self.record.session.clone();
        let input = self.last_input.load(Ordering::Relaxed);
        session.last_input = Timestamp::from_second(input).ok().filter(|_| input > 0);
        session.video_ram = Session::video_ram(session.geometry, session.clients);
        session
    }
}

impl Sessions {
    /// Opens `local_dir/sessions`, takes over the sessions that still run and writes off those that do not. Needs a tokio
    /// runtime, on which it looks after them.
    pub fn open(local_dir: &Path, server_id: &str) -> Result<Self, SessionError> {
        let root = local_dir.join("sessions");
        // The sessions of other accounts are below it, each in a folder that only its account can enter.
        record::make_folder(&root, if own_uid() == 0 { 0o711 } else { 0o700 })?;
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let all =
            adopt::adopt(&root)?.into_iter().map(|record| (record.session.id.clone(), Entry::new(record)));
        let starts = std::thread::available_parallelism().map_or(4, |n| n.get() * 2).clamp(4, 32);
        let inner = Arc::new(Inner {
            root,
            server_id: server_id.to_owned(),
            hostname,
            all: Mutex::new(all.collect()),
            elsewhere: Mutex::default(),
            tickets: Mutex::default(),
            changes: watch::Sender::new(0),
            wake: Notify::new(),
            starts: Semaphore::new(starts),
            open: AtomicBool::new(true),
            jobs: OnceLock::new(),
            chooser: OnceLock::new(),
            forms: OnceLock::new(),
            plane: OnceLock::new(),
            settings: OnceLock::new(),
        });
        let keeps = tokio::spawn(keeper::keep(Arc::clone(&inner)));
        let follows = tokio::spawn(job::follow(Arc::clone(&inner)));
        Ok(Self { inner, _keepers: Arc::new([keeps, follows].map(AbortOnDropHandle::new)) })
    }

    /// All of the cluster that `who` may see, the oldest first.
    pub fn everywhere(&self, who: &Who) -> Vec<Session> {
        let mut sessions = self.list(who);
        sessions.extend(self.inner.elsewhere().all().filter(|session| who.sees(session)).cloned());
        sessions.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        sessions
    }

    /// All of this server that `who` may see, the oldest first; those that ended lately are among them.
    pub fn list(&self, who: &Who) -> Vec<Session> {
        let all = self.inner.all();
        let mut sessions: Vec<Session> =
            all.values().filter(|entry| who.sees(&entry.record.session)).map(Entry::shown).collect();
        sessions.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        sessions
    }

    pub fn find(&self, who: &Who, id: &SessionId) -> Result<Session, SessionError> {
        self.inner.seen(who, id, |entry| entry.shown())
    }

    /// Sessions that have not ended.
    pub fn count(&self) -> usize {
        self.inner.all().values().filter(|entry| entry.record.session.state != State::Ended).count()
    }

    /// Accounts with a session, each once, by name.
    pub fn people(&self) -> std::collections::BTreeSet<String> {
        let all = self.inner.all();
        let live = all.values().filter(|entry| entry.record.session.state != State::Ended);
        live.map(|entry| entry.record.session.user.clone()).collect()
    }

    /// Whether new sessions may start, from now on.
    pub fn admit(&self, new: bool) {
        self.inner.open.store(new, Ordering::Relaxed);
    }

    /// From now on sessions start as `jobs.json`, at this place, says; it is read at each start.
    pub fn schedule_by(&self, jobs: &Path) {
        let _said_before = self.inner.jobs.set(jobs.to_owned());
    }

    /// From now on this one chooses the server of sessions that name none.
    pub fn choose_by(&self, chooser: Arc<dyn Chooser>) {
        let _said_before = self.inner.chooser.set(chooser);
    }

    /// From now on starts with a profile are held to its form.
    pub fn hold_to(&self, forms: Arc<dyn Forms>) {
        let _said_before = self.inner.forms.set(forms);
    }

    /// What jobs reach on [`job::SOCKET`].
    pub fn job_routes(&self) -> axum::Router {
        job::routes(Arc::clone(&self.inner))
    }

    /// Changes whenever a session does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Starts a session on the server that it names, or on one that is chosen, and returns when it takes viewers. It starts to
    /// the end also when nobody waits for it any more.
    pub async fn start(&self, wanted: Wanted) -> Result<Session, SessionError> {
        let inner = Arc::clone(&self.inner);
        tokio::spawn(place::place(inner, wanted)).await.map_err(|_| SessionError::Stopping)?
    }

    /// Somebody looks at it: the way to its display.
    pub async fn view(&self, who: &Who, id: &SessionId) -> Result<Viewing, SessionError> {
        view::view(&self.inner, who, id).await
    }

    /// Sends everybody away who looks at it.
    pub fn disconnect(&self, who: &Who, id: &SessionId) -> Result<(), SessionError> {
        self.inner.with(who, id, |entry| std::mem::take(&mut entry.viewers).cancel())
    }

    /// Changes what its owner may change: name, parameters, policy, and the size of its screen, which it has when this
    /// returns.
    pub async fn change(&self, who: &Who, id: &SessionId, change: Change) -> Result<Session, SessionError> {
        change::change(&self.inner, who, id, change).await
    }

    /// What its programs wrote on their standard error: the last 64 KiB.
    pub async fn log(&self, who: &Who, id: &SessionId) -> Result<String, SessionError> {
        self.inner.with(who, id, |_| ())?;
        let path = self.inner.place(id).log();
        let read = tokio::task::spawn_blocking(move || {
            log::tail(&path, 64 * 1024).map_err(SessionError::file("read", &path))
        });
        read.await.map_err(|_| SessionError::Stopping)?
    }

    /// Its screen as a PNG, at most `width` pixels wide.
    pub async fn thumbnail(&self, who: &Who, id: &SessionId, width: u16) -> Result<Vec<u8>, SessionError> {
        let socket = view::unseen(&self.inner, who, id).await?;
        let read = rfb::thumbnail(socket, width).await;
        read.map_err(|source| SessionError::Unreachable { id: id.clone(), source })
    }

    /// Ends it, and returns when nothing of it runs any more. One that has ended is forgotten. People end their own on other
    /// servers, too.
    pub async fn terminate(&self, who: &Who, id: &SessionId) -> Result<(), SessionError> {
        let session = match (self.find(who, id), who.login()) {
            (Err(SessionError::Elsewhere { server, .. }), Some(login)) => {
                return elsewhere::end(&self.inner, &server, login, id).await;
            }
            (found, _) => found?,
        };
        if session.state == State::Pending {
            job::cancel(&self.inner, &session).await;
        }
        end::terminate(&self.inner, who, id).await
    }
}

impl Inner {
    /// A panic elsewhere leaves the table whole: every change is one field or entry.
    fn all(&self) -> MutexGuard<'_, BTreeMap<SessionId, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elsewhere(&self) -> MutexGuard<'_, elsewhere::Table> {
        self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of this server, in the order of ids.
    fn own(&self) -> Vec<Session> {
        self.all().values().map(Entry::shown).collect()
    }

    fn local_dir(&self) -> &Path {
        self.root.parent().unwrap_or(&self.root)
    }

    /// Of sessions that start now.
    fn clipboard(&self) -> Clipboard {
        self.settings.get().map_or(Clipboard::Both, |settings| settings.now().values.clipboard)
    }

    /// None: there is no batch system.
    fn jobs(&self) -> Result<Option<job::Jobs>, SessionError> {
        self.jobs.get().map_or(Ok(None), |path| Ok(job::Jobs::read(path)?))
    }

    fn place(&self, id: &SessionId) -> Place {
        Place::of(&self.root, id)
    }

    /// Does something with one session of `who`.
    fn with<T>(
        &self,
        who: &Who,
        id: &SessionId,
        act: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, SessionError> {
        self.reach(id, |session| who.owns(session), act)
    }

    /// The same for what a manager may do with others' sessions.
    fn seen<T>(
        &self,
        who: &Who,
        id: &SessionId,
        act: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, SessionError> {
        self.reach(id, |session| who.sees(session), act)
    }

    fn reach<T>(
        &self,
        id: &SessionId,
        may: impl Fn(&Session) -> bool,
        act: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, SessionError> {
        let mut all = self.all();
        let entry = all.get_mut(id).filter(|entry| may(&entry.record.session));
        if let Some(entry) = entry {
            return Ok(act(entry));
        }
        drop(all);
        let elsewhere = self.elsewhere();
        let other = elsewhere.all().find(|session| session.id == *id && may(session));
        Err(other.map_or_else(
            || SessionError::Unknown(id.clone()),
            |other| SessionError::Elsewhere { id: id.clone(), server: other.server_id.clone() },
        ))
    }

    /// Changes one session, if it is still there, and lets everybody know.
    fn update<T>(&self, id: &SessionId, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let mut all = self.all();
        let entry = all.get_mut(id)?;
        let result = change(&mut entry.record);
        entry.dirty = true;
        drop(all);
        self.changed();
        Some(result)
    }

    /// Lets everybody know, and the keeper write it down.
    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        self.wake.notify_one();
    }

    /// Something happened to a session; `false`: it cannot happen to it.
    fn apply(&self, id: &SessionId, event: Event) -> bool {
        let now = Timestamp::now();
        self.update(id, |record| record.session.apply(event, now)).unwrap_or(false)
    }
}
