//! What a folder has: documents as a server that stands alone keeps them, and files of the original product.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use cluster::Name;
use cluster::store::{Key, MAX_BODY};
use config::Secrecy;
use serde_json::Value;

use super::origin::{self, Provenance};
use super::{TransferError, known, original};
use crate::folder::{Lock, Written};

/// A document in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) provenance: Provenance,
    /// `None`: the file says that it was deleted.
    pub(super) body: Option<Value>,
}

/// What is not moved, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// A file, or a document in it.
    pub what: String,
    pub why: String,
}

#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) documents: BTreeMap<Key, Found>,
    pub(super) skipped: Vec<Skipped>,
}

/// Reads a folder, and changes nothing in it.
pub(super) fn read(folder: &Path) -> Result<Source, TransferError> {
    let mut source = Source::default();
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            source.collection(folder, &name, &path)?;
        } else if name.ends_with(".db") {
            original::read(&path, &name, &mut source);
        } else {
            source.skip(&name, "this is neither a collection nor a file of the original product");
        }
    }
    Ok(source)
}

/// What is in a folder and not hidden, in order. The documents of a folder in `.NAME` are a store's own affair.
fn entries(folder: &Path) -> Result<BTreeMap<String, PathBuf>, TransferError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|source| TransferError::Folder { path: folder.to_owned(), source })?;
    let named = entries.iter().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    Ok(named.filter(|(name, _)| !name.starts_with('.')).collect())
}

impl Source {
    pub(super) fn skip(&mut self, what: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { what: what.to_owned(), why: why.into() });
    }

    fn collection(&mut self, folder: &Path, name: &str, path: &Path) -> Result<(), TransferError> {
        let Some(collection) = known::collections().find(|known| known.as_str() == name) else {
            // Origins are about what an earlier upload brought, and nothing by themselves.
            if origin::about(name).is_none() {
                self.skip(&format!("{name}/"), "it is no configuration that this version knows");
            }
            return Ok(());
        };
        for (name, path) in entries(path)? {
            let shown = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            match document(&collection, &name, &path) {
                Ok((id, found)) => {
                    drop(self.documents.insert(Key { collection: collection.clone(), id }, found))
                }
                Err(why) => self.skip(&shown, why),
            }
        }
        Ok(())
    }
}

/// The document in one file of a store.
fn document(collection: &Name, name: &str, path: &Path) -> Result<(Name, Found), String> {
    let id = name.strip_suffix(".json").ok_or("its name does not end in .json")?;
    let id = Name::new(id).map_err(|error| error.to_string())?;
    let Written { id: inside, revision, by, at, data } =
        config::read(path, Secrecy::Public).map_err(|error| error.to_string())?;
    if inside != id {
        return Err(format!("it says that it is `{inside}`"));
    }
    check(collection, &id, &data)?;
    Ok((id, Found { provenance: Provenance { revision, by, at }, body: Some(data) }))
}

pub(super) fn check(collection: &Name, id: &Name, body: &Value) -> Result<(), String> {
    let bytes = body.to_string().len();
    if bytes > MAX_BODY {
        return Err(format!("it has {bytes} bytes, and a document may have {MAX_BODY}"));
    }
    known::check(collection, id, body)
}

/// Keeps every other process from opening the folder as its store, if it is one.
pub(super) fn hold(folder: &Path) -> Result<Option<Lock>, TransferError> {
    match File::open(folder.join(".lock")) {
        Ok(file) => match Lock::take(file) {
            Some(lock) => Ok(Some(lock)),
            None => Err(TransferError::InUse(folder.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TransferError::Folder { path: folder.to_owned(), source }),
    }
}
