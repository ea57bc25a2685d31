//! Sessions by the real `fastx node run` and the command line, on the real Xtigervnc.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::running::{PATIENCE, Server};

/// A server whose sessions end with the test, also when it fails.
struct Stage(Server);

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.0.run(&["log", "level"]).status.success() {
            self.0.stop();
            self.0.start("info");
        }
        for session in list(&self.0) {
            let _gone = self.0.run(&["terminate", text(&session, "id")]);
        }
    }
}

fn json(output: &Output) -> Value {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(server: &Server) -> Vec<Value> {
    let output = server.run(&["sessions", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn text<'a>(session: &'a Value, field: &str) -> &'a str {
    session[field].as_str().unwrap_or_else(|| panic!("no {field} in {session:#}"))
}

fn number(session: &Value, field: &str) -> i32 {
    i32::try_from(session[field].as_i64().unwrap()).unwrap()
}

fn find(server: &Server, id: &str) -> Value {
    json(&server.run(&["session", "show", id]))
}

fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn folder(server: &Server, id: &str) -> PathBuf {
    server.local("sessions").join(id)
}

#[test]
fn a_session_outlives_kill_9_and_after_a_reboot_nothing_is_stale() {
    let mut stage = Stage(Server::started());
    let server = &mut stage.0;
    let name = "<script>alert(1)</script>";
    let session =
        json(&server.run(&["start", "--json", "--name", name, "--", "xterm", "-T", "a b", "-e", "cat"]));
    let id = text(&session, "id").to_owned();
    assert_eq!((text(&session, "name"), text(&session, "command")), (name, "xterm -T 'a b' -e cat"));
    let pids = ["serverPid", "appPid"].map(|field| number(&session, field));

    server.kill();
    assert!(pids.iter().all(|pid| runs(*pid)), "they live without the service");
    server.start("info");
    let found = find(server, &id);
    assert_eq!(text(&found, "state"), "running");
    assert_eq!(["serverPid", "appPid"].map(|field| number(&found, field)), pids);
    let mut pipe = server
        .fastx(&["connect", &id, "--pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut version = [0; 12];
    pipe.stdout.as_mut().unwrap().read_exact(&mut version).unwrap();
    assert_eq!(&version, b"RFB 003.008\n");
    assert_eq!(text(&find(server, &id), "state"), "connected");
    drop(pipe.stdin.take());
    assert!(pipe.wait().unwrap().success());
    until("the viewer has left", || text(&find(server, &id), "state") == "disconnected");

    // The reboot: everything dies at once, and the kernel has another name for its run.
    server.kill();
    for pid in pids {
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
        assert!(killed.success() || !runs(pid));
    }
    until("they are dead", || !pids.iter().any(|pid| runs(*pid)));
    let path = folder(server, &id).join("session.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    record["boot"] = "the-boot-before".into();
    std::fs::write(&path, record.to_string()).unwrap();
    server.start("info");
    let ended = find(server, &id);
    assert_eq!((text(&ended, "state"), text(&ended["ended"], "reason")), ("ended", "reboot"));
    assert!(!folder(server, &id).join("run").exists(), "its socket and cookie");
    let display = text(&session, "display").trim_start_matches(':');
    let lock = std::fs::read_to_string(format!("/tmp/.X{display}-lock")).unwrap_or_default();
    assert_ne!(lock.trim(), pids[0].to_string(), "its X lock");
    assert!(server.run(&["terminate", &id]).status.success());
    assert!(!folder(server, &id).exists() && list(server).is_empty());
}

#[test]
fn the_verbs_do_what_they_say_and_refusals_say_why() {
    let stage = Stage(Server::started());
    let server = &stage.0;
    let said = |arguments: &[&str]| {
        let output = server.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let cases: [(&[&str], i32, &str); 6] = [
        (&["start", "--geometry", "1x1"], 2, "WIDTHxHEIGHT"),
        (&["start", "--longest", "5"], 2, "a time with its unit"),
        (&["start", "--", "no-such-program"], 1, "is not installed"),
        (&["start", "--user", "daemon"], 1, "sessions cannot run as `daemon` here"),
        (&["connect", "nobody"], 1, "no session `nobody`"),
        (&["terminate", "../.."], 2, "is not a session id"),
    ];
    for (arguments, code, says) in cases {
        let (status, text) = said(arguments);
        assert!(status == code && text.contains(says), "{arguments:?}: {status} {text}");
    }
    let started =
        json(&server.run(&["start", "--json", "--geometry", "320x240", "echo hello >&2; exec xterm -e cat"]));
    let id = text(&started, "id");
    assert_eq!(said(&["rename", id, "two"]), (0, "it is called two now\n".into()));
    assert_eq!(said(&["session", "resize", id, "640x400"]), (0, "its screen is 640x400 now\n".into()));
    until("its words are in the log", || said(&["session", "log", id]).1.contains("\nhello\n"));
    let file = server.local("picture.png");
    assert_eq!(said(&["session", "thumbnail", id, file.to_str().unwrap()]).0, 0);
    assert!(std::fs::read(file).unwrap().starts_with(b"\x89PNG"));
    let table = said(&["sessions"]).1;
    assert!(table.contains("two") && table.contains("running") && table.contains("640x400"), "{table}");
    assert_eq!(said(&["terminate", id]), (0, "it has ended\n".into()));
    assert!(said(&["sessions"]).1.contains("somebody ended it"));
}

/// Two people that only the service knows: in a mount namespace of its own it has another /etc. Not only another
/// /etc/passwd: a mount on that file is gone when another test adds an account, which puts a new file in its place.
const PEOPLE: &str =
    "root:x:0:0:root:/root:/bin/bash\nalice:x:64011:64011::/tmp:/bin/sh\nbob:x:64012:64012::/tmp:/bin/sh\n";

fn with_people() -> Stage {
    use std::os::unix::fs::PermissionsExt;
    let mut server = Server::new();
    let passwd = server.config("people");
    std::fs::write(&passwd, PEOPLE).unwrap();
    for path in [server.folder.path(), &server.local("")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    // Files that go while it copies are none that anybody needs.
    let script =
        "cp -a /etc \"$0.etc\"; cp \"$0\" \"$0.etc/passwd\" && mount --bind \"$0.etc\" /etc && exec \"$@\"";
    let passwd = passwd.to_str().unwrap();
    server.start_in(&["unshare", "--mount", "sh", "-c", script, passwd], &["node", "run"], "info");
    Stage(server)
}

/// Runs it as somebody who may be nobody to this machine.
fn tries(uid: u32, words: &[&str]) -> Output {
    let uid = uid.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).args(words);
    command.current_dir("/").stdin(Stdio::null()).output().unwrap()
}

/// curl's exit code 7: nobody takes the connection.
fn connects(uid: u32, socket: &Path) -> bool {
    let words = ["curl", "-s", "-m", "5", "--unix-socket", socket.to_str().unwrap(), "http://x/"];
    tries(uid, &words).status.code() != Some(7)
}

#[test]
fn a_service_of_root_starts_sessions_as_people_and_no_other_reaches_them() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let stage = with_people();
    let server = &stage.0;
    let (alice, bob) = (64_011, 64_012);
    let session = json(&server.run(&["start", "--json", "--user", "alice", "--", "xterm", "-e", "cat"]));
    assert_eq!((text(&session, "user"), text(&session, "login")), ("alice", "alice"));
    let (id, pid) = (text(&session, "id"), number(&session, "serverPid").to_string());
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Uid:\t64011\t64011\t64011\t64011"), "{status}");
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");

    let run = folder(server, id).join("run");
    let (socket, cookie) = (run.join("rfb.sock"), run.join("xauth"));
    assert!(connects(alice, &socket), "it is hers");
    assert!(!connects(bob, &socket) && !connects(bob, &server.local("node.sock")));
    let [run, cookie] = [&run, &cookie].map(|path| path.to_str().unwrap());
    let log = folder(server, id).join("log");
    let record = folder(server, id).join("session.json");
    let [log, record] = [&log, &record].map(|path| path.to_str().unwrap());
    let display = text(&session, "display");
    let sessions = server.local("sessions");
    let x = format!("DISPLAY={display}");
    let table: [&[&str]; 8] = [
        &["ls", run],
        &["cat", cookie],
        &["cat", log],
        &["cat", record],
        &["ls", sessions.to_str().unwrap()],
        &["kill", "-0", &pid],
        &["cat", &format!("/proc/{pid}/environ")],
        &["env", &x, "XAUTHORITY=/dev/null", "xterm", "-e", "true"],
    ];
    for words in table {
        assert!(!tries(bob, words).status.success(), "bob: {words:?}");
    }
    // Nor does she name other processes as hers, or read what the service alone may.
    for words in [&["sh", "-c", "echo x >> \"$0\"", record][..], &["rm", "-f", log], &["cat", record]] {
        assert!(!tries(alice, words).status.success(), "alice: {words:?}");
    }

    // A link in her folder does not lead us to somebody else's screen.
    let other = json(&server.run(&["start", "--json", "--", "xterm", "-e", "cat"]));
    let target = folder(server, text(&other, "id")).join("run/rfb.sock");
    let socket = socket.to_str().unwrap();
    assert!(tries(alice, &["ln", "-sf", target.to_str().unwrap(), socket]).status.success());
    let refused = server.run(&["session", "thumbnail", id, "/dev/null"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("its socket belongs to another account"), "{said}");

    for name in ["nobody", "root2", "$(id)", "0", "64011", "-"] {
        let user = format!("--user={name}");
        assert_eq!(
            server.run(&["start", &user, "--", "xterm", "-e", "cat"]).status.code(),
            Some(1),
            "{name}"
        );
    }
    assert!(server.run(&["terminate", id]).status.success());
    until("nothing of hers is left", || !runs(pid.parse().unwrap()));
}

/// Runs a verb that reads a line.
fn told(server: &Server, arguments: &[&str], line: &str) -> (i32, String) {
    use std::io::Write;
    let mut command = server.fastx(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that has refused already reads nothing.
    let _gone = child.stdin.take().unwrap().write_all(line.as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn people_are_added_changed_and_taken_out_and_no_password_is_shown() {
    let server = Server::new();
    let password = "a password of hers";
    assert_eq!(told(&server, &["person", "add", "alice"], &format!("{password}\n")), (0, String::new()));
    assert_eq!(told(&server, &["person", "role", "alice", "admin"], ""), (0, String::new()));
    let refused = [
        (&["person", "add", "bob"][..], "short\n", "at least 10 characters"),
        (&["person", "add", "b b"], "a password of his\n", "a name has"),
        (&["person", "role", "bob", "user"], "", "no person `bob`"),
        (&["person", "remove", "bob"], "", "no person `bob`"),
    ];
    for (arguments, line, says) in refused {
        let (code, said) = told(&server, arguments, line);
        assert!(code == 1 && said.contains(says), "{arguments:?}: {code} {said}");
    }
    let listed = json(&server.run(&["person", "list", "--json"]));
    assert_eq!(listed, serde_json::json!([{ "name": "alice", "role": "admin", "account": "alice" }]));
    let file = server.local("people.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("$argon2id$") && !text.contains(password), "{text}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(told(&server, &["person", "remove", "alice"], ""), (0, String::new()));
    assert_eq!(json(&server.run(&["person", "list", "--json"])), serde_json::json!([]));
}
