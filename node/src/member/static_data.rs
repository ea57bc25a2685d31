//! Static data: what the administrator wrote about this server, in `$FX_LOCAL_DIR/static-data.json`. The file may be
//! edited by hand; it is looked at before every update.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use cluster::heard;
use cluster::server::{MAX_STATIC_DATA, MAX_STATIC_DEPTH};
use config::{ConfigError, Document, Secrecy};
use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

#[derive(Debug, thiserror::Error)]
pub(super) enum StaticDataError {
    #[error("static data of {0} bytes is too long (at most {MAX_STATIC_DATA})")]
    TooLong(usize),
    #[error("static data is nested deeper than {MAX_STATIC_DEPTH} levels")]
    TooDeep,
    #[error(transparent)]
    File(#[from] ConfigError),
}

#[derive(Debug)]
pub(super) struct StaticData {
    path: PathBuf,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    stamp: Option<(SystemTime, u64)>,
    object: Object,
    /// Why the file as it is now is not taken; what was there before goes on.
    error: Option<String>,
}

impl StaticData {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), last: Mutex::default() }
    }

    /// As the file says now, and why it is not taken if it is bad.
    pub(super) fn read(&self) -> (Object, Option<String>) {
        let stamp =
            std::fs::metadata(&self.path).ok().and_then(|about| Some((about.modified().ok()?, about.len())));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.stamp != stamp {
            last.stamp = stamp;
            match read(&self.path) {
                Ok(object) => (last.object, last.error) = (object, None),
                Err(error) => {
                    tracing::warn!(%error, "static data is not taken; what was there before goes on");
                    last.error = Some(error.to_string());
                }
            }
        }
        (last.object.clone(), last.error.clone())
    }

    pub(super) fn write(&self, object: &Object) -> Result<(), StaticDataError> {
        check(object)?;
        Ok(config::write_json(&self.path, object, Secrecy::Public)?)
    }
}

fn read(path: &Path) -> Result<Object, StaticDataError> {
    match Document::read(path, Secrecy::Public) {
        Ok(document) => {
            let object = document.parse()?;
            check(&object).map(|()| object)
        }
        Err(error) if error.is_missing() => Ok(Object::new()),
        Err(error) => Err(error.into()),
    }
}

fn check(object: &Object) -> Result<(), StaticDataError> {
    let json = serde_json::to_vec(object).unwrap_or_default();
    match json.len() {
        bytes if bytes > MAX_STATIC_DATA => Err(StaticDataError::TooLong(bytes)),
        _ if heard::depth(&json) > MAX_STATIC_DEPTH => Err(StaticDataError::TooDeep),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_edit_changes_nothing_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("static-data.json");
        let data = StaticData::new(&path);
        assert_eq!(data.read(), (Object::new(), None));
        std::fs::write(&path, r#"{ "gpu": true, "group": "chips" }"#).unwrap();
        assert_eq!(data.read().0["group"], "chips");
        std::fs::write(&path, r#"{ "gpu": true, "group": "#).unwrap();
        let (object, error) = data.read();
        assert_eq!(object["group"], "chips");
        assert!(error.unwrap().contains("static-data.json:1:"));
        std::fs::write(&path, r#"["a list"]"#).unwrap();
        assert!(data.read().1.is_some());
        let long = Object::from_iter([("x".to_owned(), "y".repeat(MAX_STATIC_DATA).into())]);
        assert!(matches!(data.write(&long), Err(StaticDataError::TooLong(_))));
        let deep = (0..MAX_STATIC_DEPTH).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        let deep = Object::from_iter([("x".to_owned(), deep)]);
        assert!(matches!(data.write(&deep), Err(StaticDataError::TooDeep)));
        data.write(&Object::from_iter([("login".to_owned(), true.into())])).unwrap();
        assert_eq!(data.read(), (Object::from_iter([("login".to_owned(), true.into())]), None));
    }
}
