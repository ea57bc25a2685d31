//! Who may register, with its memory on disk: a binding is stored before the node is let in, so it survives a kill.

mod book;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use config::{ConfigError, Secrecy};
use jiff::Timestamp;
use tokio::sync::watch;
use tunnel::wire::control::{Hello, RefusalCode};
use tunnel::{Fingerprint, Refusal, ServerId};

pub use book::{Admitted, Binding, Book, Conflict, Policy};

use crate::attempts::Attempts;
use crate::settings::Settings;

/// Name of the file in the local folder.
pub const FILE: &str = "nodes.json";

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
        let book = config::read_optional(&path, Secrecy::OwnerOnly)?.unwrap_or_default();
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
mod tests {
    use super::*;
    use std::time::Duration;
    use tunnel::Secret;
    use tunnel::wire::control::PROTOCOL;

    fn settings(failed: u32) -> Settings {
        let text = format!(
            r#"{{"listen": ":1", "host": "gw", "token": "0123456789abcdef",
                "limits": {{"failedHellosPerMinute": {failed}}}}}"#
        );
        config::parse(std::path::Path::new("g.json"), &text).unwrap()
    }

    fn hello(id: &str, token: &str) -> Hello {
        Hello {
            protocol: PROTOCOL,
            server_id: ServerId::new(id).unwrap(),
            token: Secret::new(token),
            namespace: String::new(),
            generation: 1,
            version: "1".into(),
            services: vec![],
            reach: vec![],
        }
    }

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TOKEN: &str = "0123456789abcdef";

    #[tokio::test]
    async fn a_binding_is_on_disk_before_the_node_is_let_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let settings = settings(9);
        let admission = Admission::open(path.clone(), &settings).unwrap();
        let keeper = admission.clone();
        let keeping = tokio::spawn(async move { keeper.keep_stored().await });
        let key = Fingerprint::of_public_key(b"a");
        admission.decide(&hello("a", TOKEN), &key, FROM, &settings).await.unwrap();
        let read: Book = config::read(&path, Secrecy::OwnerOnly).unwrap();
        assert_eq!(read.servers[&ServerId::new("a").unwrap()].key, key);
        keeping.abort();
        let again = Admission::open(path, &settings).unwrap();
        let thief = Fingerprint::of_public_key(b"thief");
        let refused = again.decide(&hello("a", TOKEN), &thief, FROM, &settings).await.unwrap_err();
        assert_eq!(refused.code, RefusalCode::KeyMismatch);
    }

    #[tokio::test]
    async fn a_node_that_cannot_be_stored_is_not_let_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        let settings = settings(9);
        let admission = Admission::open(path.clone(), &settings).unwrap();
        std::fs::create_dir_all(path.join("inside")).unwrap();
        let keeper = admission.clone();
        let keeping = tokio::spawn(async move { keeper.keep_stored().await });
        let key = Fingerprint::of_public_key(b"a");
        let refused = admission.decide(&hello("a", TOKEN), &key, FROM, &settings).await.unwrap_err();
        assert_eq!(refused.code, RefusalCode::Busy);
        assert!(admission.view().servers.is_empty());
        keeping.abort();
    }

    #[tokio::test]
    async fn who_guesses_tokens_is_not_listened_to_but_known_nodes_beside_it_are() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(3);
        let admission = Admission::open(dir.path().join(FILE), &settings).unwrap();
        let keeper = admission.clone();
        let keeping = tokio::spawn(async move { keeper.keep_stored().await });
        let (known, other) = (Fingerprint::of_public_key(b"a"), Fingerprint::of_public_key(b"b"));
        admission.decide(&hello("a", TOKEN), &known, FROM, &settings).await.unwrap();
        for _ in 0..4 {
            admission.decide(&hello("b", "guess"), &other, FROM, &settings).await.unwrap_err();
        }
        let right = admission.decide(&hello("b", TOKEN), &other, FROM, &settings).await;
        assert_eq!(right.unwrap_err().code, RefusalCode::Busy);
        admission.decide(&hello("a", ""), &known, FROM, &settings).await.unwrap();
        let elsewhere = IpAddr::from([192, 0, 2, 2]);
        let hello = hello("b", TOKEN);
        let decided = admission.decide(&hello, &other, elsewhere, &settings);
        tokio::time::timeout(Duration::from_secs(5), decided).await.unwrap().unwrap();
        keeping.abort();
    }
}
