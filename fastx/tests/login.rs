//! `fastx login`, as a person and as a script use it, over real TLS to a real portal.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "machine/tls.rs"]
mod tls;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use node::session::Sessions;
use portal::Portal;
use portal::people::{People, Role};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tunnel::identity::{Secret, ServerId};

const PASSWORD: &str = "correct horse battery";

struct Server {
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    /// A portal behind TLS on a port of this machine, with a certificate that only `ca.pem` vouches for.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut people = People::default();
        people.put("alice", &Secret::new(PASSWORD), Role::User, "alice").unwrap();
        people.write(folder.path()).unwrap();
        let sessions = Sessions::open(folder.path(), "n1").unwrap();
        let portal = Portal::new(ServerId::new("n1").unwrap(), folder.path(), sessions).unwrap();

        let url = tls::listen(portal, &folder.path().join("ca.pem")).await;
        Self { folder, url }
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("state/fastx/logins.json")
    }

    async fn fastx(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_fastx"))
            .args(arguments)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _it_may_have_ended = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        child.wait_with_output().await.unwrap()
    }

    async fn login(&self, more: &[&str], input: &str) -> Output {
        let ca = self.folder.path().join("ca.pem");
        let common = ["login", &self.url, "--user", "alice", "--ca", ca.to_str().unwrap()];
        self.fastx(&[&common[..], more].concat(), input).await
    }
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_signs_in_lists_its_tokens_and_gives_them_back() {
    let server = Server::new().await;
    let password = format!("{PASSWORD}\n");
    assert!(refused(&server.fastx(&["token", "list"], "").await).contains("fastx login URL"));
    let stranger = server.fastx(&["login", &server.url, "--user", "alice"], &password).await;
    assert!(refused(&stranger).contains("is not who it should be"));
    assert!(refused(&server.login(&["--way", "pam"], &password).await).contains("there is: password"));

    assert_eq!(said(&server.login(&["--label", "cron"], &password).await), "signed in as alice on n1\n");
    let mode = std::fs::metadata(server.kept()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(server.kept()).unwrap();
    assert!(!kept.contains(PASSWORD));

    let listed: Value =
        serde_json::from_str(&said(&server.fastx(&["token", "list", "--json"], "").await)).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["label"].as_str()), (1, Some("cron")));
    let jti = listed[0]["claims"]["jti"].as_str().unwrap();
    let table = said(&server.fastx(&["token", "list", "--url", &server.url], "").await);
    assert!(table.starts_with(jti) && table.trim_end().ends_with("cron"), "{table}");
    // The visit that made it is over: only the token is left.
    let visits = std::fs::read_to_string(server.folder.path().join("portal-sessions.json")).unwrap();
    assert_eq!(visits, "[]");

    said(&server.fastx(&["token", "revoke", jti], "").await);
    let ended = refused(&server.fastx(&["token", "list"], "").await);
    assert!(
        ended.contains("does not count any more") && ended.contains("fastx login https://localhost:"),
        "{ended}"
    );

    said(&server.login(&[], &password).await);
    said(&server.fastx(&["logout"], "").await);
    assert!(refused(&server.fastx(&["logout"], "").await).contains("not signed in"));
    let left = std::fs::read_to_string(server.folder.path().join("tokens.json")).unwrap();
    assert_eq!(left.split_whitespace().collect::<String>(), "[]");
    let wrong = server.login(&[], "wrong password\n").await;
    let why = refused(&wrong);
    assert!(why.contains("this is not the name and password") && !why.contains("wrong password"), "{why}");
}
