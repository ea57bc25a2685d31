//! Who may register, with its memory on disk: a binding is stored before the node is let in, so it survives a kill.

mod book;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use config::{ConfigError, Document, Secrecy};
use jiff::Timestamp;
use tokio::sync::watch;
use tunnel::wire::control::{Hello, RefusalCode};
use tunnel::{Fingerprint, Refusal, ServerId};

pub use book::{Admitted, Binding, Book, Conflict, Policy};

use crate::attempts::Attempts;
use crate::settings::Settings;

/// Name of the file in the local folder.
pub const FILE: &str = "nodes.json";

/// A server takes about 250 bytes; with the 1 MiB of a configuration file a gateway of 4,200 nodes did not start again.
const FILE_BYTES: u64 = 256 << 20;

/// The book, its file, and how often whom was refused.
#[derive(Debug)]
pub struct Admission {
    path: PathBuf,
    book: Mutex<Book>,
    failures: Attempts,
    /// Counts changes of the book.
    changed: watch::Sender<u64>,
    saved: watch::Sender<Saved>,
}

/// How far the file is.
#[derive(Clone, Debug, Default)]
struct Saved {
    upto: u64,
    error: Option<String>,
}

/// What an administrator did to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Revoke,
    Restore,
    Forget,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("no server of the name {0} ever connected to this gateway; `fastx-gateway nodes` lists them")]
    NoSuchServer(ServerId),
    #[error("the change holds until this gateway ends, because it cannot be stored: {0}")]
    NotStored(String),
}

impl Admission {
    /// Reads the book; a missing file is an empty one.
    pub fn open(path: PathBuf, settings: &Settings) -> Result<Arc<Self>, ConfigError> {
        let book = match Document::read_up_to(&path, Secrecy::OwnerOnly, FILE_BYTES) {
            Err(error) if error.is_missing() => Book::default(),
            read => read?.parse()?,
        };
        Ok(Arc::new(Self {
            path,
            book: Mutex::new(book),
            failures: Attempts::new(settings.limits.failed_hellos_per_minute),
            changed: watch::Sender::new(0),
            saved: watch::Sender::new(Saved::default()),
        }))
    }

    /// Decides on a hello; a new binding is on disk when this says yes.
    pub async fn decide(
        &self,
        hello: &Hello,
        key: &Fingerprint,
        from: IpAddr,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        match self.judge(hello, key, from, settings)? {
            Admitted::Known => Ok(()),
            Admitted::New => {
                let version = self.note_change();
                self.stored(version).await.map_err(|error| {
                    self.book().forget(&hello.server_id);
                    tracing::error!(file = %self.path.display(), error, "cannot store a new server");
                    let reason = "the gateway cannot store who you are; its log says why".into();
                    Refusal { code: RefusalCode::Busy, reason }
                })
            }
        }
    }

    fn judge(
        &self,
        hello: &Hello,
        key: &Fingerprint,
        from: IpAddr,
        settings: &Settings,
    ) -> Result<Admitted, Refusal> {
        let mut book = self.book();
        let known = book.servers.get(&hello.server_id).is_some_and(|binding| binding.key == *key);
        if !known && self.failures.is_blocked(from) {
            let reason = "too many hellos from this address failed; try again in a minute".into();
            return Err(Refusal { code: RefusalCode::Busy, reason });
        }
        let policy = Policy {
            token: &settings.token,
            namespace: &settings.namespace,
            max_servers: settings.limits.servers,
        };
        let decided = book.decide(hello, key, from, policy, Timestamp::now());
        drop(book);
        if let Err(refusal) = &decided {
            self.failures.failed(from);
            if refusal.code == RefusalCode::KeyMismatch {
                self.note_change();
            }
        }
        decided
    }

    /// What is on record now.
    pub fn view(&self) -> Book {
        self.book().clone()
    }

    pub fn is_revoked(&self, id: &ServerId) -> bool {
        self.book().is_revoked(id)
    }

    /// Changes what is on record about a server, at once; what is returned waits until it is stored.
    pub fn change(
        &self,
        id: &ServerId,
        verdict: Verdict,
    ) -> Result<impl Future<Output = Result<(), ChangeError>>, ChangeError> {
        let known = {
            let mut book = self.book();
            match verdict {
                Verdict::Revoke => book.set_revoked(id, Some(Timestamp::now())),
                Verdict::Restore => book.set_revoked(id, None),
                Verdict::Forget => book.forget(id),
            }
        };
        if !known {
            return Err(ChangeError::NoSuchServer(id.clone()));
        }
        let version = self.note_change();
        Ok(async move { self.stored(version).await.map_err(ChangeError::NotStored) })
    }

    /// Servers that may come again, with when they were seen last.
    pub fn known(&self) -> impl Iterator<Item = (ServerId, Fingerprint, SystemTime)> {
        let servers = self.view().servers.into_iter();
        servers
            .filter(|(_, binding)| binding.revoked.is_none())
            .map(|(id, binding)| (id, binding.key, binding.last_seen.into()))
    }

    /// The server was connected until now.
    pub fn seen(&self, id: &ServerId) {
        self.book().seen(id, Timestamp::now());
        self.note_change();
    }

    /// Other limits from now on.
    pub fn set(&self, settings: &Settings) {
        self.failures.set(settings.limits.failed_hellos_per_minute);
    }

    /// Forgets refusals of addresses that have been quiet.
    pub fn sweep(&self) {
        self.failures.sweep();
    }

    /// Writes the file after changes; one write serves everybody who waits. Never ends by itself.
    pub async fn keep_stored(&self) {
        let mut changes = self.changed.subscribe();
        // What changed before this task was there counts too.
        changes.mark_changed();
        while changes.changed().await.is_ok() {
            let upto = *changes.borrow_and_update();
            self.save(upto).await;
        }
    }

    /// Writes the file a last time.
    pub async fn finish(&self) {
        let upto = *self.changed.borrow();
        self.save(upto).await;
    }

    async fn save(&self, upto: u64) {
        let (book, path) = (self.view(), self.path.clone());
        let write = move || config::write_json(&path, &book, Secrecy::OwnerOnly).map_err(|e| e.to_string());
        let written = tokio::task::spawn_blocking(write).await;
        let error = written.unwrap_or_else(|panic| Err(panic.to_string())).err();
        self.saved.send_replace(Saved { upto, error });
    }

    async fn stored(&self, version: u64) -> Result<(), String> {
        let mut saved = self.saved.subscribe();
        let saved = saved.wait_for(|saved| saved.upto >= version).await;
        saved.map_err(|_| "the gateway ends".to_owned())?.error.clone().map_or(Ok(()), Err)
    }

    /// The version of the book that holds the change made just before.
    fn note_change(&self) -> u64 {
        let mut version = 0;
        self.changed.send_modify(|count| {
            *count += 1;
            version = *count;
        });
        version
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
