//! A portal over real displays, which end with it.

use node::display::{Displays, NewDisplay};
use portal::Portal;
use tunnel::identity::ServerId;

pub(super) struct Server {
    pub(super) folder: tempfile::TempDir,
    pub(super) displays: Displays,
    pub(super) portal: Portal,
}

impl Server {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let displays = Displays::open(folder.path()).unwrap();
        let portal = Portal::new(ServerId::new("n1").unwrap(), folder.path(), displays.clone()).unwrap();
        Self { folder, displays, portal }
    }

    pub(super) async fn with_terminal() -> Self {
        let server = Self::new();
        server.displays.start(NewDisplay::terminal("Terminal")).await.unwrap();
        server
    }

    pub(super) fn key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("portal-key")).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let displays = self.displays.clone();
        let stop = async move {
            for display in displays.list().await.unwrap_or_default() {
                let _gone = displays.stop(&display.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}
