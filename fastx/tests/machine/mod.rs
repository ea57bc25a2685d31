//! A user of this machine and rules for its PAM, which go with the test.

pub(crate) mod server;
pub(crate) mod tls;
pub(crate) mod work;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// For another test that writes /etc/passwd, and for waits after a wrong password; only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Only root makes accounts.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Runs it until it works: useradd(8) and its kin have one lock for the machine.
fn run(command: &str, arguments: &[&str], input: &str) {
    use std::io::Write;
    let began = std::time::Instant::now();
    loop {
        let mut child = Command::new(command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        let _its_stderr_says_why = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{command} {arguments:?}: {output:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Asks until there is an answer.
pub(crate) async fn patiently<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("an answer in time")
}

/// An account with a password.
pub(crate) struct User(String);

impl User {
    /// In a group of that name too, which is made and goes with the rules.
    pub(crate) fn new(password: &str, group: Option<&str>) -> Self {
        let user = Self(format!("fxt{}", unique()));
        let groups = group.map_or(vec![], |group| vec!["--groups", group]);
        if let Some(group) = group {
            run("groupadd", &["--force", group], "");
        }
        run(
            "useradd",
            &[&["--no-create-home", "--shell", "/bin/sh"][..], &groups, &[user.name()]].concat(),
            "",
        );
        run("chpasswd", &[], &format!("{}:{password}\n", user.0));
        user
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Its password has to be changed.
    pub(crate) fn expire(&self) {
        run("chage", &["--lastday", "0", self.name()], "");
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return run("userdel", &[self.name()], "");
        }
        let _the_test_has_failed = Command::new("userdel").arg(&self.0).status();
    }
}

/// A file in /etc/pam.d.
pub(crate) struct Rules(String);

impl Rules {
    pub(crate) fn new(text: &str) -> Self {
        let rules = Self(format!("fastx-test-{}", unique()));
        std::fs::write(rules.path(), text).unwrap();
        rules
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    fn path(&self) -> String {
        format!("/etc/pam.d/{}", self.0)
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(self.path());
        let _there_may_be_none =
            Command::new("groupdel").arg(&self.0).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
