//! Sessions with the real Xtigervnc, openbox and xterm.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::session::{EndReason, Kind, Session, SessionId, State};
use node::session::{Change, SessionError, Sessions, Viewing, Wanted, Who};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROOT: Who = Who::Administrator;
/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends every session below the folder, also when the test fails.
struct Cleanup(tempfile::TempDir);

impl Drop for Cleanup {
    fn drop(&mut self) {
        let path = self.0.path().to_owned();
        let stop = async move {
            let Ok(sessions) = Sessions::open(&path, "n1") else { return };
            for session in sessions.list(&ROOT) {
                let _gone = sessions.terminate(&ROOT, &session.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

/// A window without a shell: what a shell reads at its start takes its time, and may not like to be killed in it.
fn still(name: &str) -> Wanted {
    Wanted::program(name, "exec xterm -e cat")
}

fn local_folder() -> (Cleanup, Sessions) {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(folder.path(), "n1").unwrap();
    (Cleanup(folder), sessions)
}

fn run(folder: &Cleanup, id: &SessionId) -> PathBuf {
    folder.0.path().join("sessions").join(id.as_str()).join("run")
}

/// The width, height and name that the X server tells a viewer (RFC 6143 7.1 to 7.3).
async fn look(viewing: &mut Viewing) -> (u16, u16, String) {
    let rfb = &mut viewing.socket;
    let mut version = [0; 12];
    rfb.read_exact(&mut version).await.unwrap();
    assert_eq!(&version, b"RFB 003.008\n", "{}", String::from_utf8_lossy(&version));
    rfb.write_all(b"RFB 003.008\n").await.unwrap();
    let types = rfb.read_u8().await.unwrap();
    assert_eq!((types, rfb.read_u8().await.unwrap()), (1, 1), "security type None and no other");
    rfb.write_all(&[1]).await.unwrap();
    assert_eq!(rfb.read_u32().await.unwrap(), 0);
    rfb.write_all(&[1]).await.unwrap();
    let (width, height) = (rfb.read_u16().await.unwrap(), rfb.read_u16().await.unwrap());
    rfb.read_exact(&mut [0; 16]).await.unwrap();
    let mut name = vec![0; rfb.read_u32().await.unwrap() as usize];
    rfb.read_exact(&mut name).await.unwrap();
    (width, height, String::from_utf8(name).unwrap())
}

async fn becomes(sessions: &Sessions, id: &SessionId, wanted: impl Fn(&Session) -> bool) -> Session {
    let mut changes = sessions.changes();
    let seen = async {
        loop {
            let session = sessions.find(&ROOT, id).unwrap();
            if wanted(&session) {
                return session;
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("{:#?}", sessions.find(&ROOT, id)))
}

async fn appears(file: &Path) -> String {
    let seen = async {
        loop {
            match std::fs::read_to_string(file) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("{} did not appear", file.display()))
}

fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn kill(pid: i32) {
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

fn listening_tcp_ports(pid: i32) -> usize {
    let sockets: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|fd| std::fs::read_link(fd.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let of_pid = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| sockets.iter().any(|s| s == inode))
    };
    let tables = ["tcp", "tcp6"].map(|table| std::fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    tables.iter().flatten().map(|table| table.lines().filter(of_pid).count()).sum()
}

#[tokio::test]
async fn a_session_runs_its_program_and_is_reached_by_its_socket_only() {
    let (folder, sessions) = local_folder();
    let proof = folder.0.path().join("proof");
    let script = format!("xterm -version > {0}.new && mv {0}.new {0}; exec xterm -e cat", proof.display());
    let wanted = Wanted { geometry: "800x600".parse().unwrap(), ..Wanted::program("simulation 7", script) };
    let session = sessions.start(wanted).await.unwrap();
    assert_eq!((session.state, session.name.as_str(), session.clients), (State::Running, "simulation 7", 0));
    assert!(appears(&proof).await.starts_with("XTerm"));

    let mut viewing = sessions.view(&ROOT, &session.id).await.unwrap();
    assert_eq!(look(&mut viewing).await, (800, 600, "simulation 7".into()));
    let seen = sessions.find(&ROOT, &session.id).unwrap();
    assert_eq!((seen.state, seen.clients, seen.last_input), (State::Connected, 1, None));
    viewing.watch.sent(b"RFB 003.008\n\x01\x01\x04\x01\0\0\0\0\0A");
    assert!(sessions.find(&ROOT, &session.id).unwrap().last_input.is_some(), "a key is input");
    drop(viewing);
    let left = sessions.find(&ROOT, &session.id).unwrap();
    assert_eq!((left.state, left.clients), (State::Disconnected, 0));
    assert!(left.last_disconnect >= left.last_connect);

    let private = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(private(run(&folder, &session.id)), 0o700);
    assert_eq!(private(run(&folder, &session.id).join("rfb.sock")), 0o600);
    assert_eq!(private(run(&folder, &session.id).join("xauth")), 0o600);
    assert_eq!(listening_tcp_ports(session.server_pid.unwrap()), 0);

    sessions.terminate(&ROOT, &session.id).await.unwrap();
    let ended = sessions.find(&ROOT, &session.id).unwrap();
    assert_eq!((ended.state, ended.ended.unwrap().reason), (State::Ended, EndReason::Terminated));
    assert!(!run(&folder, &session.id).exists() && !runs(session.server_pid.unwrap()));
    assert!(!runs(session.app_pid.unwrap()));
    assert!(matches!(sessions.view(&ROOT, &session.id).await, Err(SessionError::Ended(_))));
    sessions.terminate(&ROOT, &session.id).await.unwrap();
    assert!(matches!(sessions.find(&ROOT, &session.id), Err(SessionError::Unknown(_))), "it is forgotten");
}

#[tokio::test]
async fn without_the_cookie_the_x_server_refuses() {
    let (folder, sessions) = local_folder();
    let answers = folder.0.path().join("answers");
    // xterm ends at once with an error when it may not connect; with the cookie it runs the command.
    let script = format!(
        "XAUTHORITY=/dev/null xterm -e true; echo $? > {0}.new; xterm -e true; echo $? >> {0}.new; mv {0}.new {0}; sleep 600",
        answers.display()
    );
    sessions.start(Wanted::program("guarded", script)).await.unwrap();
    assert_eq!(appears(&answers).await, "1\n0\n");
}

#[tokio::test]
async fn how_it_ended_is_told_and_nothing_of_it_runs_on() {
    let (folder, sessions) = local_folder();
    // One that leaves its group, as a desktop's programs do.
    let pids = folder.0.path().join("pids");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600' & exec xterm -e cat",
        pids.display()
    );
    let finishes = sessions.start(Wanted::program("finishes", script)).await.unwrap();
    let dies = sessions.start(still("dies")).await.unwrap();
    let runaway: i32 = appears(&pids).await.trim().parse().unwrap();
    assert!(runs(runaway));
    kill(finishes.app_pid.unwrap());
    kill(dies.server_pid.unwrap());
    let reason = |session: Session| session.ended.unwrap().reason;
    let over = |session: &Session| session.state == State::Ended;
    assert_eq!(reason(becomes(&sessions, &finishes.id, over).await), EndReason::Finished);
    assert!(!runs(runaway) && !runs(finishes.server_pid.unwrap()));
    // Its terminal sees the end of its display, too; either may be noticed first.
    let why = reason(becomes(&sessions, &dies.id, over).await);
    assert!(matches!(why, EndReason::DisplayDied | EndReason::Finished), "{why:?}");
    let number = dies.display.unwrap().trim_start_matches(':').to_owned();
    assert!(!Path::new(&format!("/tmp/.X{number}-lock")).exists() || sessions.count() == 0);
}

#[tokio::test]
async fn sessions_are_found_again_and_ended_ones_are_told() {
    let (folder, sessions) = local_folder();
    let stays = sessions.start(still("stays")).await.unwrap();
    let dies = sessions.start(still("dies")).await.unwrap();
    drop(sessions);
    kill(dies.app_pid.unwrap());
    while runs(dies.app_pid.unwrap()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let again = Sessions::open(folder.0.path(), "n1").unwrap();
    let found = again.find(&ROOT, &stays.id).unwrap();
    assert_eq!((found.state, found.server_pid), (State::Running, stays.server_pid));
    look(&mut again.view(&ROOT, &stays.id).await.unwrap()).await;
    let ended = becomes(&again, &dies.id, |session| session.state == State::Ended).await;
    assert_eq!(ended.ended.unwrap().reason, EndReason::Finished);
    assert!(!runs(dies.server_pid.unwrap()));
}

#[tokio::test]
async fn a_session_outlives_the_process_that_started_it() {
    let folder = Cleanup(tempfile::tempdir().unwrap());
    let this_test = std::env::current_exe().unwrap();
    let starter = tokio::process::Command::new(this_test)
        .args(["--exact", "--ignored", "sessions::starts_a_session_and_ends"])
        .env("SESSIONS_OF", folder.0.path())
        .process_group(0)
        .output();
    let starter = starter.await.unwrap();
    assert!(starter.status.success(), "{}", String::from_utf8_lossy(&starter.stdout));
    let sessions = Sessions::open(folder.0.path(), "n1").unwrap();
    let found = sessions.list(&ROOT);
    assert_eq!(found.len(), 1);
    look(&mut sessions.view(&ROOT, &found[0].id).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "the other half of a_session_outlives_the_process_that_started_it"]
async fn starts_a_session_and_ends() {
    let folder = std::env::var_os("SESSIONS_OF").expect("set by the other half");
    let sessions = Sessions::open(Path::new(&folder), "n1").unwrap();
    sessions.start(still("left alone")).await.unwrap();
}

#[tokio::test]
async fn what_cannot_start_says_why_and_leaves_nothing() {
    let (folder, sessions) = local_folder();
    let error =
        sessions.start(Wanted::program("x", "no-such-program-here -v")).await.unwrap_err().to_string();
    assert_eq!(error, "`no-such-program-here` is not installed: apt install no-such-program-here");
    let failed = sessions.list(&ROOT).remove(0);
    assert_eq!((failed.state, failed.ended.unwrap().reason), (State::Ended, EndReason::Failed));
    assert!(!run(&folder, &failed.id).exists());

    let long = folder.0.path().join("x".repeat(90));
    let error = Sessions::open(&long, "n1").unwrap().start(still("x")).await.unwrap_err();
    assert!(matches!(error, SessionError::PathTooLong(_)), "{error}");

    sessions.admit(false);
    assert!(matches!(sessions.start(still("x")).await, Err(SessionError::NotTaken)));
}

#[tokio::test]
async fn nobody_reaches_what_is_not_theirs_by_any_verb() {
    let (_folder, sessions) = local_folder();
    let theirs = Wanted { login: Some("alice".into()), ..still("private") };
    let id = sessions.start(theirs).await.unwrap().id;
    let bob = Who::Login("bob".into());
    let unknown = |error: SessionError| assert!(matches!(error, SessionError::Unknown(_)), "{error}");
    assert!(sessions.list(&bob).is_empty());
    unknown(sessions.find(&bob, &id).unwrap_err());
    unknown(sessions.view(&bob, &id).await.unwrap_err());
    unknown(sessions.disconnect(&bob, &id).unwrap_err());
    unknown(sessions.change(&bob, &id, Change::default()).await.unwrap_err());
    let resize = Change { geometry: Some("640x480".parse().unwrap()), ..Change::default() };
    unknown(sessions.change(&bob, &id, resize).await.unwrap_err());
    unknown(sessions.log(&bob, &id).await.unwrap_err());
    unknown(sessions.thumbnail(&bob, &id, 100).await.unwrap_err());
    unknown(sessions.terminate(&bob, &id).await.unwrap_err());
    let alice = Who::Login("alice".into());
    assert_eq!(sessions.list(&alice).len(), 1);
    sessions.terminate(&alice, &id).await.unwrap();
}

#[tokio::test]
async fn a_screen_is_resized_renamed_photographed_and_its_viewers_sent_away() {
    let (_folder, sessions) = local_folder();
    let blue =
        Wanted::program("blue", "xterm -geometry 200x100+0+0 -bg blue -fg blue -e cat; exec sleep 600");
    let id = sessions.start(blue).await.unwrap().id;
    let change = Change {
        name: Some(" <b>new</b> ".into()),
        geometry: Some("640x480".parse().unwrap()),
        params: Some(serde_json::from_str(r#"{ "a": [1] }"#).unwrap()),
        ..Change::default()
    };
    let changed = sessions.change(&ROOT, &id, change).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.geometry.to_string()), ("<b>new</b>", "640x480".into()));
    let mut viewing = sessions.view(&ROOT, &id).await.unwrap();
    assert_eq!(look(&mut viewing).await.0, 640);

    let blue = async {
        loop {
            let png = sessions.thumbnail(&ROOT, &id, 160).await.unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (160, 120));
            // In the middle of the terminal.
            let at = (60 * 160 + 80) * 3;
            if pixels[at..at + 3] == [0, 0, 255] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, blue).await.expect("the terminal is seen");
    assert_eq!(sessions.find(&ROOT, &id).unwrap().clients, 1, "a photograph is no viewer");

    let ended = viewing.watch.ended();
    sessions.disconnect(&ROOT, &id).unwrap();
    assert!(ended.is_cancelled());
    assert!(!sessions.view(&ROOT, &id).await.unwrap().watch.ended().is_cancelled(), "the next one may stay");
}

#[tokio::test]
async fn a_rule_warns_on_the_screen_and_ends_it() {
    let (_folder, sessions) = local_folder();
    let policy = serde_json::from_str(r#"{ "longest": "10s" }"#).unwrap();
    let session = sessions.start(Wanted { policy, ..still("short") }).await.unwrap();
    let warned = becomes(&sessions, &session.id, |session| session.warning.is_some()).await;
    assert_eq!(warned.state, State::Running);
    assert!(warned.warning.unwrap().text.starts_with("This session ends at "));
    let ended = becomes(&sessions, &session.id, |session| session.state == State::Ended).await;
    assert_eq!(ended.ended.unwrap().reason, EndReason::Deadline);
    assert_eq!(sessions.count(), 0);
}

#[tokio::test]
async fn a_plain_command_is_a_session_too() {
    let (_folder, sessions) = local_folder();
    let script = "exec Xtigervnc -rfbunixpath \"$FX_RFB_SOCKET\" -rfbport -1 -SecurityTypes None -nolisten tcp \
                  -geometry $FX_GEOMETRY -desktop plain -displayfd 1";
    let wanted = Wanted {
        kind: Kind::Plain,
        geometry: "320x240".parse().unwrap(),
        ..Wanted::program("plain", script)
    };
    let session = sessions.start(wanted).await.unwrap();
    assert_eq!((session.display, session.server_pid), (None, session.app_pid));
    let mut viewing = sessions.view(&ROOT, &session.id).await.unwrap();
    assert_eq!(look(&mut viewing).await, (320, 240, "plain".into()));
    drop(viewing);

    let silent =
        Wanted { kind: Kind::Plain, ..Wanted::program("silent", "echo no display today >&2; exit 3") };
    let error = sessions.start(silent).await.unwrap_err().to_string();
    assert_eq!(error, "the session did not start: the command ended: no display today");
}
