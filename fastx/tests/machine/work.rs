//! Chromium, with somebody who signs in at a portal, starts a terminal, and types into it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use node::session::{Sessions, Who};
use serde_json::{Value, json};

use super::User;
use super::server::Server;
use super::tls;

/// A portal that people reach over TLS, and whose sessions end with it.
pub(crate) struct Office {
    pub(crate) url: String,
    folder: PathBuf,
    sessions: Sessions,
}

impl Office {
    pub(crate) async fn of(server: &Server) -> Self {
        let folder = server.folder.path().to_owned();
        // Sessions of other accounts are below it.
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o711)).unwrap();
        let url = tls::listen(server.portal.clone(), &folder.join("ca.pem")).await;
        Self { url, folder, sessions: server.sessions.clone() }
    }

    /// `arguments` say how they sign in. Their shell writes who it runs as.
    pub(crate) async fn works(&self, user: &User, password: &str, arguments: &[&str]) {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
        assert!(
            scripts.join("node_modules").is_dir(),
            "first run `npm ci` in tests/browser (or `make test`)"
        );
        let desk = self.folder.join("desk");
        std::fs::create_dir(&desk).unwrap();
        std::fs::set_permissions(&desk, PermissionsExt::from_mode(0o777)).unwrap();
        let mut node = tokio::process::Command::new("node");
        node.arg(scripts.join("work.mjs")).args(["--url", &self.url, "--name", user.name()]);
        node.args(["--password", password, "--shots"])
            .arg(&self.folder)
            .arg("--typed")
            .arg(desk.join("typed"));
        let output = node.args(arguments).kill_on_drop(true).output().await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert!(output.status.success(), "{report:#}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(report["errors"], json!([]), "{report:#}");
        assert_eq!(report["person"], format!("You are {}", user.name()));
        assert_eq!(report["typed"], format!("{}\n", user.name()));
        let sessions = self.sessions.list(&Who::Administrator);
        assert_eq!((sessions.len(), &sessions[0].user[..]), (1, user.name()));
        for session in sessions {
            self.sessions.terminate(&Who::Administrator, &session.id).await.unwrap();
        }
    }
}
