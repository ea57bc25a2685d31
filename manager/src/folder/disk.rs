//! The files of the store.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, DirEntry, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cluster::Name;
use cluster::store::{Document, Key, Revision};
use config::{ConfigError, Secrecy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
}

/// A document as its file has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    #[serde(rename = "_id")]
    pub(crate) id: Name,
    pub(crate) revision: Revision,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
    pub(crate) data: Value,
}

type Loaded = (BTreeMap<Key, Document>, Vec<PathBuf>);

impl Disk {
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        Ok(Self { root: root.to_owned() })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.collection.as_str()).join(format!("{}.json", key.id))
    }

    fn previous(&self, key: &Key) -> PathBuf {
        self.root.join(key.collection.as_str()).join(format!(".{}.previous", key.id))
    }

    /// Every document, and the files that were damaged, where they were put.
    pub(super) fn load(&self) -> io::Result<Loaded> {
        let (mut documents, mut damaged) = (BTreeMap::new(), Vec::new());
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            let Ok(collection) = Name::new(&folder.file_name().to_string_lossy()) else { continue };
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let Some(key) = key_of(&collection, &file?)? else { continue };
                let document = match self.read(&key) {
                    Some(document) => document,
                    None => match self.mend(&key, &mut damaged)? {
                        Some(document) => document,
                        None => continue,
                    },
                };
                documents.insert(key, document);
            }
        }
        Ok((documents, damaged))
    }

    /// `None` when there is none that can be read.
    pub(super) fn read(&self, key: &Key) -> Option<Document> {
        read(key, &self.path(key))
    }

    /// Puts the damaged file aside and the one before it in its place.
    fn mend(&self, key: &Key, damaged: &mut Vec<PathBuf>) -> io::Result<Option<Document>> {
        let (path, previous) = (self.path(key), self.previous(key));
        let aside = path.with_extension("json.damaged");
        let document = read(key, &previous);
        tracing::error!(%key, aside = %aside.display(), mended = document.is_some(), "a file of the store is damaged");
        fs::rename(&path, &aside)?;
        if document.is_some() {
            fs::rename(&previous, &path)?;
        }
        sync_folder(&path)?;
        damaged.push(aside);
        Ok(document)
    }

    /// Durable when it returns; on an error the file is the old one or the new one.
    pub(crate) fn save(&self, document: &Document) -> Result<(), ConfigError> {
        let Document { key, revision, by, at, body } = document.clone();
        let (path, previous) = (self.path(&key), self.previous(&key));
        let failed = |source| ConfigError::Write { path: path.clone(), source };
        if path.exists() {
            missing_is_well(fs::remove_file(&previous)).map_err(failed)?;
            fs::hard_link(&path, &previous).map_err(failed)?;
        } else {
            self.add_folder(&key.collection).map_err(failed)?;
        }
        config::write_json(&path, &Written { id: key.id, revision, by, at, data: body }, Secrecy::OwnerOnly)
    }

    fn add_folder(&self, collection: &Name) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.root.join(collection.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => File::open(&self.root)?.sync_all(),
        }
    }

    pub(super) fn remove(&self, key: &Key) -> io::Result<()> {
        let path = self.path(key);
        missing_is_well(fs::remove_file(&path))?;
        missing_is_well(fs::remove_file(self.previous(key)))?;
        sync_folder(&path)
    }
}

/// The document a file is of. Removes what a killed process left half written (`config::write_json` names it
/// `.FILE.PROCESS.COUNT`).
fn key_of(collection: &Name, file: &DirEntry) -> io::Result<Option<Key>> {
    let name = file.file_name();
    let name = name.to_string_lossy();
    if name.starts_with('.') && !name.ends_with(".previous") {
        fs::remove_file(file.path())?;
    }
    let id = name.strip_suffix(".json").and_then(|id| Name::new(id).ok());
    Ok(id.map(|id| Key { collection: collection.clone(), id }))
}

fn read(key: &Key, path: &Path) -> Option<Document> {
    let Written { id, revision, by, at, data } = config::read(path, Secrecy::Public).ok()?;
    (id == key.id).then(|| Document { key: key.clone(), revision, by, at, body: data })
}

fn missing_is_well(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
