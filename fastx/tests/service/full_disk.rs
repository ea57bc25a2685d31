//! A disk that is full: what was there stays, the status says so, and nobody is needed when there is room again.

use std::io::Write;
use std::time::Instant;

use serde_json::Value;

use super::running::{PATIENCE, Server};

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < PATIENCE, "never so: {what}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn store(server: &Server) -> Value {
    let status = server.run(&["status", "--json"]).stdout;
    serde_json::from_slice::<Value>(&status).map_or(Value::Null, |all| all["controlPlane"]["store"].clone())
}

/// Its store is a file system of 256 KiB, which only it has mounted; who is not root does that in a user namespace.
#[test]
fn a_full_disk_is_told_and_needs_nobody_when_there_is_room() {
    let mut server = Server::new();
    let folder = server.local("store");
    std::fs::create_dir(&folder).unwrap();
    let as_user: &[&str] =
        if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let mount = format!("mount -t tmpfs -o size=256k none {} && exec \"$@\"", folder.display());
    let unshare = [&["unshare", "--mount"], as_user, &["sh", "-c", &mount, "sh"]].concat();
    server.spawn_by(&unshare, &["node", "run"]);
    until("it takes a setting", || server.run(&["config", "set", "drainTime", "41s"]).status.success());

    // As the server itself sees it.
    let filler = format!("/proc/{}/root{}/filler", server.pid(), folder.display());
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
    let refused = server.run(&["config", "set", "drainTime", "42s"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("No space left"), "{said}");
    until("the status says so", || {
        store(&server)["why"].as_str().is_some_and(|why| why.contains("No space left"))
    });
    let kept = server.run(&["config", "get", "drainTime", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&kept.stdout).unwrap()["value"], "41s");

    // It takes its room until it is closed.
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    until("the status says that it works again", || store(&server)["is"] == "up");
    assert!(server.run(&["config", "set", "drainTime", "42s"]).status.success());
}
