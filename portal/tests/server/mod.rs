//! A portal over real sessions, which end with it.

use node::session::{Sessions, Wanted, Who};
use portal::Portal;
use tunnel::identity::ServerId;

pub(super) struct Server {
    pub(super) folder: tempfile::TempDir,
    pub(super) sessions: Sessions,
    pub(super) portal: Portal,
}

impl Server {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(folder.path(), "n1").unwrap();
        let portal = Portal::new(ServerId::new("n1").unwrap(), folder.path(), sessions.clone()).unwrap();
        Self { folder, sessions, portal }
    }

    pub(super) async fn with_terminal() -> Self {
        let server = Self::new();
        // Not the user's own shell: what that reads at its start is none of the test's business.
        let command = format!("{} -e /bin/sh", Wanted::terminal("").command);
        server.sessions.start(Wanted::program("Terminal", command)).await.unwrap();
        server
    }

    pub(super) fn key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("portal-key")).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let sessions = self.sessions.clone();
        let stop = async move {
            for session in sessions.list(&Who::Administrator) {
                let _gone = sessions.terminate(&Who::Administrator, &session.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}
