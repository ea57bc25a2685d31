//! Accounts of the machine sign in by its sshd: a user that the test makes, the real sshd, the real ssh, and the program as
//! what ssh asks through. Needs root to make the account.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "another test uses all of it")]
mod machine;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use http::{StatusCode, header};
use machine::server::Server;
use machine::work::Office;
use machine::{User, is_root};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A real sshd: one for each connection, as inetd(8) starts it, so that the kernel chooses the port and nobody waits for it.
struct Sshd {
    folder: tempfile::TempDir,
    address: String,
}

impl Sshd {
    async fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        for key in ["host", "other"] {
            make_key(&folder.path().join(key));
        }
        let config = folder.path().join("sshd_config");
        let key = folder.path().join("host");
        let text = format!("HostKey {}\nUsePAM yes\nPidFile none\nStrictModes no\n{more}\n", key.display());
        std::fs::write(&config, text).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut all = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                let socket = socket.into_std().unwrap();
                socket.set_nonblocking(false).unwrap();
                let output = OwnedFd::from(socket.try_clone().unwrap());
                let mut sshd = tokio::process::Command::new("/usr/sbin/sshd");
                sshd.args(["-i", "-e", "-f"]).arg(&config).stdin(OwnedFd::from(socket)).stdout(output);
                all.push(sshd.stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap());
            }
        });
        Self { folder, address }
    }

    /// The public half of one of its keys; it shows only `host`.
    fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name).with_extension("pub")).unwrap()
    }

    fn logins(&self, key: &str) -> Value {
        json!({ "ways": [{ "type": "ssh", "connect": self.address, "hostKeys": [self.key(key)] }] })
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn sshd_says_who_an_account_is_and_only_the_known_one_is_believed() {
    if !is_root() {
        return;
    }
    let password = "correct horse battery";
    let alice = User::new(password, None);
    for (kind, asked) in [
        ("KbdInteractiveAuthentication yes\nPasswordAuthentication no", "Password: "),
        ("KbdInteractiveAuthentication no\nPasswordAuthentication yes", "Password: "),
    ] {
        let sshd = Sshd::new(kind).await;
        let server = Server::new(&sshd.logins("host"));
        assert_eq!(server.ways().await["result"]["ways"][0]["id"], "ssh");
        let (answer, said) = server.sign_in("ssh", alice.name(), password).await;
        assert_eq!(said["result"]["state"], "success", "{kind}: {said}");
        assert_eq!(said["result"]["login"], alice.name());
        assert_eq!(server.get("/api/sessions", &answer).await["result"]["login"], alice.name());

        let (_, question) = server.post("/api/login", json!({ "username": alice.name() })).await;
        let (_, said) = server.answer(&question, asked, password).await;
        assert_eq!(said["result"]["state"], "success", "{kind}: {said}");
    }
    // sshd takes some seconds for each.
    let sshd = Sshd::new("KbdInteractiveAuthentication yes").await;
    let server = Server::new(&sshd.logins("host"));
    let mut refusals = Vec::new();
    for (name, tried) in
        [(alice.name(), "wrong"), ("nobody-is-called-so", password), ("-oProxyCommand=x", "x")]
    {
        let (answer, _) = server.sign_in("ssh", name, tried).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
        refusals.push(answer.into_body());
    }
    assert!(refusals.iter().all(|text| *text == refusals[0]), "{refusals:?}");
    // Somebody else listens there: the password is not sent.
    let server = Server::new(&sshd.logins("other"));
    assert_eq!(server.sign_in("ssh", alice.name(), password).await.0.status(), StatusCode::UNAUTHORIZED);
}

/// In Chromium, from signing in to typing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_the_sshd_works_in_a_terminal() {
    if !is_root() {
        return;
    }
    let password = "correct horse battery";
    let alice = User::new(password, None);
    let sshd = Sshd::new("KbdInteractiveAuthentication yes").await;
    let server = Server::new(&sshd.logins("host"));
    Office::of(&server).await.works(&alice, password, &[]).await;
}
