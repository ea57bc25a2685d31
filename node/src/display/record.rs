//! What is on disk about displays, and what that says together with `/proc`.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::process::Leader;
use super::{DisplayError, Geometry};

/// A folder without `display.json` belongs to a start that is under way, or that was killed half-way; after this long
/// it is the latter.
const HALF_STARTED: Duration = Duration::from_secs(60);

/// Name of a display on its server: 1 to 32 of `a-z 0-9 -`, so that it can be a folder's name and stand in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayId(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a display id: use 1 to 32 of a-z 0-9 -")]
pub struct BadDisplayId(String);

impl DisplayId {
    pub fn new(id: &str) -> Result<Self, BadDisplayId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > 32 || !id.bytes().all(allowed) {
            return Err(BadDisplayId(id.chars().take(40).collect()));
        }
        Ok(Self(id.into()))
    }

    pub(super) fn random() -> Self {
        Self(format!("{:08x}", rand::random::<u32>()).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DisplayId {
    type Error = BadDisplayId;
    fn try_from(id: String) -> Result<Self, BadDisplayId> {
        Self::new(&id)
    }
}

impl From<DisplayId> for String {
    fn from(id: DisplayId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl std::fmt::Display for DisplayId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    Running,
    Ended,
}

/// A display as people see it; also the shape in the HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Display {
    pub id: DisplayId,
    pub name: String,
    /// The size it was started with; a viewer may have resized it since.
    pub geometry: Geometry,
    pub command: Vec<String>,
    pub state: State,
    pub started: Timestamp,
    /// When `state` last changed, as far as anybody looked.
    pub changed: Timestamp,
}

/// `display.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) display: Display,
    /// The X server first, then the window manager and the program.
    pub(super) processes: Vec<Leader>,
}

impl Record {
    pub(super) fn runs(&self) -> bool {
        self.display.state == State::Running && self.processes.first().is_some_and(Leader::runs)
    }

    /// Written whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), DisplayError> {
        let (path, new) = (folder.join("display.json"), folder.join("display.json.new"));
        let json = serde_json::to_vec_pretty(self).expect("strings, numbers and lists only");
        fs::write(&new, json).map_err(DisplayError::file("write", &new))?;
        fs::rename(&new, &path).map_err(DisplayError::file("write", &path))
    }

    /// `None`: no such display, or one that is not ready yet.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, DisplayError> {
        let path = folder.join("display.json");
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|source| DisplayError::Damaged { path, source }),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DisplayError::file("read", &path)(source)),
        }
    }

    /// As [`Record::read`], with the state brought up to date; the end of a display is written down when first seen.
    fn refresh(folder: &Path) -> Result<Option<Self>, DisplayError> {
        let Some(mut record) = Self::read(folder)? else { return Ok(None) };
        if record.display.state == State::Running && !record.runs() {
            record.display.state = State::Ended;
            record.display.changed = Timestamp::now();
            record.write(folder)?;
        }
        Ok(Some(record))
    }
}

pub(super) fn make_folder(path: &Path) -> Result<(), DisplayError> {
    let make = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    make.map_err(DisplayError::file("make", path))
}

pub(super) fn find(root: &Path, id: &DisplayId) -> Result<Display, DisplayError> {
    let record = Record::refresh(&root.join(id.as_str()))?;
    record.map(|record| record.display).ok_or_else(|| DisplayError::Unknown(id.clone()))
}

pub(super) fn list(root: &Path) -> Result<Vec<Display>, DisplayError> {
    let mut displays = Vec::new();
    for folder in folders(root)? {
        match Record::refresh(&folder) {
            Ok(record) => displays.extend(record.map(|record| record.display)),
            // One damaged or vanishing folder must not hide the others.
            Err(error) => tracing::warn!(%error, "display left out"),
        }
    }
    displays.sort_by_key(|display| display.started);
    Ok(displays)
}

/// Removes the folders of displays that have ended, and of starts that were killed half-way.
pub(super) fn sweep(root: &Path) -> Result<(), DisplayError> {
    for folder in folders(root)? {
        let over = match Record::read(&folder) {
            Ok(Some(record)) => !record.runs(),
            Ok(None) => age(&folder).is_some_and(|age| age > HALF_STARTED),
            Err(error) => {
                tracing::warn!(%error, "display left alone");
                false
            }
        };
        if over {
            fs::remove_dir_all(&folder).map_err(DisplayError::file("remove", &folder))?;
        }
    }
    Ok(())
}

fn folders(root: &Path) -> Result<Vec<std::path::PathBuf>, DisplayError> {
    let entries = fs::read_dir(root).map_err(DisplayError::file("read", root))?;
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn age(folder: &Path) -> Option<Duration> {
    fs::metadata(folder).ok()?.modified().ok()?.elapsed().ok()
}
