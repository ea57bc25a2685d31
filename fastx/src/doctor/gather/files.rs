//! The two folders.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cluster::Broker;
use config::{ConfigError, Dirs, Document, Secrecy};
use node::gateways::Gateway;
use node::nearby::{self, Nearby};
use tunnel::{NodeKey, ServerId};

use crate::doctor::facts::{Mode, Tried};

/// What the configuration says.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) bad: Vec<(PathBuf, String)>,
    pub(super) good: usize,
    pub(super) broker: Option<Broker>,
    pub(super) gateways: Vec<Gateway>,
    pub(super) nearby: Vec<Nearby>,
}

impl Files {
    fn take<T>(&mut self, path: PathBuf, read: Result<Option<T>, ConfigError>) -> Option<T> {
        match read {
            Ok(found) => {
                self.good += usize::from(path.exists());
                found
            }
            Err(error) => {
                self.bad.push((path, error.to_string()));
                None
            }
        }
    }
}

pub(super) fn read(dirs: &Dirs) -> Files {
    let mut files = Files::default();
    let [broker, manager, gateway, services, lan] =
        ["broker.json", "manager.json", "gateway.json", "services.json", "lan.json"]
            .map(|name| dirs.config(name));
    files.broker = files.take(broker.clone(), cluster::broker::read(&broker));
    files.take(manager.clone(), manager::settings::read(&manager));
    files.gateways = files.take(gateway.clone(), gateways(&gateway)).unwrap_or_default();
    let near = files.take(services, nearby::services(dirs).map(Some)).unwrap_or_default();
    files.nearby.extend(near);
    let near = files.take(lan, nearby::lan(dirs, &me(dirs)).map(Some)).unwrap_or_default();
    files.nearby.extend(near);
    files
}

fn gateways(path: &Path) -> Result<Option<Vec<Gateway>>, ConfigError> {
    // Only what is written is looked at: any key does.
    let Ok(key) = NodeKey::generate() else { return Ok(None) };
    match Document::read(path, Secrecy::OwnerOnly) {
        Ok(document) => node::gateways::from_document(&document, &key).map(Some),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// This server's id; a doctor makes none.
fn me(dirs: &Dirs) -> ServerId {
    let written = std::fs::read_to_string(dirs.local("server-id")).unwrap_or_default();
    ServerId::new(written.trim())
        .unwrap_or_else(|_| ServerId::new("not-started-yet").expect("letters and dashes"))
}

/// Files that only their owner may read, as far as they are there.
pub(super) fn secrets(dirs: &Dirs) -> Vec<Mode> {
    let config = ["broker.json", "gateway.json", "manager.json"].map(|name| dirs.config(name));
    let local = ["node.key", "portal-key", "people.json", "store"].map(|name| dirs.local(name));
    let credentials =
        std::fs::read_dir(&dirs.config_dir).into_iter().flatten().flatten().map(|file| file.path());
    let credentials = credentials.filter(|path| path.extension().is_some_and(|end| end == "creds"));
    let all = config.into_iter().chain(local).chain(credentials);
    let mode = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some(Mode { mode: metadata.permissions().mode(), is_folder: metadata.is_dir(), path })
    };
    all.filter_map(mode).collect()
}

/// Writes a file where the store is, as the store would: down to the disk.
pub(super) fn try_folder(dirs: &Dirs) -> Result<Tried, String> {
    let store = dirs.local("store");
    let folder = if store.exists() { &store } else { &dirs.local_dir };
    let began = Instant::now();
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&[b' '; 4096])?;
        file.as_file().sync_all()?;
        file.close()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error: std::io::Error| format!("{}: {error}", folder.display()))?;
    Ok(Tried { took: began.elapsed(), ahead: None })
}

/// What the store put aside.
pub(super) fn damaged(dirs: &Dirs) -> Vec<PathBuf> {
    let collections = std::fs::read_dir(dirs.local("store")).into_iter().flatten().flatten();
    let files =
        collections.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let paths = files.map(|file| file.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "damaged")).collect()
}
