//! The displays of this server: X servers that show themselves on a unix socket and on nothing else.
//!
//! A display lives in `$FX_LOCAL_DIR/displays/ID/`: `rfb.sock` (RFB 3.8, mode 0600), `display.json` (what it is and
//! which processes make it up), `xauth` and `log`. The folder is all there is to know: no process owns a display, so it
//! outlives the one that started it, and the next one finds it again.

mod geometry;
mod launch;
mod process;
mod record;
mod xauth;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use geometry::{BadGeometry, Geometry};
pub use record::{BadDisplayId, Display, DisplayId, State};

/// Displays on one server, all told. A start beyond it is refused.
pub const MOST_DISPLAYS: usize = 64;
/// Longest path of a unix socket that Linux takes, in bytes (`sun_path` less its end mark).
const LONGEST_SOCKET_PATH: usize = 107;

/// What went wrong with a display.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    #[error("no display `{0}` on this server")]
    Unknown(DisplayId),
    #[error("display `{0}` has ended")]
    Ended(DisplayId),
    #[error("{MOST_DISPLAYS} displays already run on this server; stop one first")]
    TooMany,
    #[error("`{program}` is not installed: apt install {package}")]
    NotInstalled { program: String, package: String },
    #[error("a display needs a program to run")]
    NoProgram,
    #[error(
        "{0} is too long for a unix socket ({LONGEST_SOCKET_PATH} bytes at most); use a shorter local folder"
    )]
    PathTooLong(PathBuf),
    #[error("Xtigervnc did not start: {0}")]
    Server(String),
    #[error("cannot {act} {path}: {source}")]
    File { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path} is damaged ({source}); remove its folder when the display is gone")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("the search for displays was stopped")]
    Stopped,
}

impl DisplayError {
    fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }
}

/// What to start.
#[derive(Clone, Debug)]
pub struct NewDisplay {
    /// Shown to people.
    pub name: String,
    pub geometry: Geometry,
    /// Program and arguments; it runs beside the window manager openbox.
    pub program: Vec<String>,
}

impl NewDisplay {
    /// A terminal in a window, with room beside it.
    pub fn terminal(name: impl Into<String>) -> Self {
        let xterm = "xterm -T Terminal -geometry 96x28+48+48 -fa Monospace -fs 11 -bg #10161c -fg #e6eaee";
        Self {
            name: name.into(),
            geometry: Geometry::DEFAULT,
            program: xterm.split(' ').map(String::from).collect(),
        }
    }
}

/// The displays below one local folder. Cheap to clone; every answer is read from disk and `/proc`.
#[derive(Clone, Debug)]
pub struct Displays {
    root: Arc<Path>,
}

impl Displays {
    /// Opens `local_dir/displays` (made if missing, mode 0700), takes over the displays that still run and clears away
    /// what ended while nobody looked.
    pub fn open(local_dir: &Path) -> Result<Self, DisplayError> {
        let root = local_dir.join("displays");
        record::make_folder(&root)?;
        record::sweep(&root)?;
        Ok(Self { root: root.into() })
    }

    /// All displays, the oldest first; those that ended since the last [`Displays::open`] are among them.
    pub async fn list(&self) -> Result<Vec<Display>, DisplayError> {
        let root = self.root.clone();
        tokio::task::spawn_blocking(move || record::list(&root)).await.map_err(|_| DisplayError::Stopped)?
    }

    /// One display, running or ended.
    pub async fn find(&self, id: &DisplayId) -> Result<Display, DisplayError> {
        let (root, id) = (self.root.clone(), id.clone());
        let find = move || record::find(&root, &id);
        tokio::task::spawn_blocking(find).await.map_err(|_| DisplayError::Stopped)?
    }

    /// The RFB socket of a display that runs.
    pub async fn socket(&self, id: &DisplayId) -> Result<PathBuf, DisplayError> {
        match self.find(id).await?.state {
            State::Running => Ok(self.root.join(id.as_str()).join("rfb.sock")),
            State::Ended => Err(DisplayError::Ended(id.clone())),
        }
    }

    /// Starts an X server, a window manager and the program, each in a session (setsid) of its own. Returns when the
    /// socket takes connections. Dropped half-way, it leaves nothing behind.
    pub async fn start(&self, new: NewDisplay) -> Result<Display, DisplayError> {
        let running = self.list().await?.iter().filter(|display| display.state == State::Running).count();
        if running >= MOST_DISPLAYS {
            return Err(DisplayError::TooMany);
        }
        launch::start(&self.root, new).await
    }

    /// Ends a display and removes its folder: SIGTERM, after 2 s SIGKILL.
    pub async fn stop(&self, id: &DisplayId) -> Result<(), DisplayError> {
        launch::stop(&self.root, id).await
    }
}
