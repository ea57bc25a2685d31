//! Displays with the real Xtigervnc, openbox and xterm.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use node::display::{DisplayError, DisplayId, Displays, NewDisplay, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Stops every display below the folder, also when the test fails.
struct Cleanup(tempfile::TempDir);

impl Drop for Cleanup {
    fn drop(&mut self) {
        let (path, ended) = (self.0.path().to_owned(), "the runtime of the clean-up");
        let stop = async move {
            let Ok(displays) = Displays::open(&path) else { return };
            for display in displays.list().await.unwrap_or_default() {
                let _gone = displays.stop(&display.id).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect(ended);
        let _joined = std::thread::spawn(move || runtime().block_on(stop)).join();
    }
}

fn local_folder() -> (Cleanup, Displays) {
    let folder = tempfile::tempdir().unwrap();
    let displays = Displays::open(folder.path()).unwrap();
    (Cleanup(folder), displays)
}

/// The width, height and name that the X server tells a viewer (RFC 6143 7.1 to 7.3).
async fn look_at(socket: &Path) -> (u16, u16, String) {
    let mut rfb = UnixStream::connect(socket).await.unwrap();
    let mut version = [0; 12];
    rfb.read_exact(&mut version).await.unwrap();
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

async fn appears(file: &Path) -> String {
    for _ in 0..200 {
        match std::fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("{} did not appear within 10 s", file.display());
}

fn listening_tcp_ports(pid: i64) -> usize {
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

fn server_pid(folder: &Path, id: &DisplayId) -> i64 {
    let json = std::fs::read(folder.join("displays").join(id.as_str()).join("display.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    json["processes"][0]["pid"].as_i64().unwrap()
}

#[tokio::test]
async fn a_display_runs_its_program_and_is_reached_by_its_socket_only() {
    let (folder, displays) = local_folder();
    let proof = folder.0.path().join("proof");
    let script = format!("xterm -version > {0}.new && mv {0}.new {0}; exec xterm", proof.display());
    let program = ["sh", "-c", &script].map(String::from).to_vec();
    let new = NewDisplay { name: "simulation 7".into(), geometry: "800x600".parse().unwrap(), program };
    let display = displays.start(new).await.unwrap();

    let socket = displays.socket(&display.id).await.unwrap();
    assert_eq!(look_at(&socket).await, (800, 600, "simulation 7".into()));
    assert!(appears(&proof).await.starts_with("XTerm"));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(listening_tcp_ports(server_pid(folder.0.path(), &display.id)), 0);

    displays.stop(&display.id).await.unwrap();
    assert!(!socket.exists());
    assert!(displays.list().await.unwrap().is_empty());
    assert!(matches!(displays.socket(&display.id).await, Err(DisplayError::Unknown(_))));
}

#[tokio::test]
async fn without_the_cookie_the_x_server_refuses() {
    let (folder, displays) = local_folder();
    let answers = folder.0.path().join("answers");
    // xterm ends at once with an error when it may not connect; with the cookie it runs the command.
    let script = format!(
        "XAUTHORITY=/dev/null xterm -e true; echo $? > {0}.new; xterm -e true; echo $? >> {0}.new; mv {0}.new {0}",
        answers.display()
    );
    let program = ["sh", "-c", &script].map(String::from).to_vec();
    let new = NewDisplay { program, ..NewDisplay::terminal("guarded") };
    displays.start(new).await.unwrap();
    assert_eq!(appears(&answers).await, "1\n0\n");
}

#[tokio::test]
async fn displays_are_found_again_and_ended_ones_are_told_then_cleared() {
    let (folder, displays) = local_folder();
    let stays = displays.start(NewDisplay::terminal("stays")).await.unwrap();
    let dies = displays.start(NewDisplay::terminal("dies")).await.unwrap();
    drop(displays);

    let displays = Displays::open(folder.0.path()).unwrap();
    let pid = rustix::process::Pid::from_raw(server_pid(folder.0.path(), &dies.id) as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let ended = async {
        while displays.find(&dies.id).await.unwrap().state == State::Running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the end is noticed");
    let names = |displays: &[node::display::Display]| -> Vec<_> {
        displays.iter().map(|display| (display.name.clone(), display.state)).collect()
    };
    let seen = displays.list().await.unwrap();
    assert_eq!(names(&seen), [("stays".into(), State::Running), ("dies".into(), State::Ended)]);
    assert!(seen[1].changed > dies.changed);
    assert!(matches!(displays.socket(&dies.id).await, Err(DisplayError::Ended(_))));

    let again = Displays::open(folder.0.path()).unwrap();
    assert_eq!(names(&again.list().await.unwrap()), [("stays".into(), State::Running)]);
    look_at(&again.socket(&stays.id).await.unwrap()).await;
}

#[tokio::test]
async fn a_display_outlives_the_process_that_started_it() {
    let folder = Cleanup(tempfile::tempdir().unwrap());
    let this_test = std::env::current_exe().unwrap();
    let starter = tokio::process::Command::new(this_test)
        .args(["--exact", "--ignored", "displays::starts_a_display_and_ends"])
        .env("DISPLAYS_OF", folder.0.path())
        .process_group(0)
        .output();
    let starter = starter.await.unwrap();
    assert!(starter.status.success(), "{}", String::from_utf8_lossy(&starter.stdout));
    let displays = Displays::open(folder.0.path()).unwrap();
    let found = displays.list().await.unwrap();
    assert_eq!(found.len(), 1);
    look_at(&displays.socket(&found[0].id).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "the other half of a_display_outlives_the_process_that_started_it"]
async fn starts_a_display_and_ends() {
    let folder = std::env::var_os("DISPLAYS_OF").expect("set by the other half");
    Displays::open(Path::new(&folder)).unwrap().start(NewDisplay::terminal("left alone")).await.unwrap();
}

#[tokio::test]
async fn what_cannot_start_says_why_and_leaves_nothing() {
    let (folder, displays) = local_folder();
    let new = NewDisplay { program: vec!["no-such-program-here".into()], ..NewDisplay::terminal("x") };
    let error = displays.start(new).await.unwrap_err().to_string();
    assert_eq!(error, "`no-such-program-here` is not installed: apt install no-such-program-here");

    let long = folder.0.path().join("x".repeat(90));
    let error = Displays::open(&long).unwrap().start(NewDisplay::terminal("x")).await.unwrap_err();
    assert!(matches!(error, DisplayError::PathTooLong(_)), "{error}");

    // Dropped half-way.
    let half =
        tokio::time::timeout(Duration::from_millis(5), displays.start(NewDisplay::terminal("x"))).await;
    assert!(half.is_err());
    assert!(displays.list().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(folder.0.path().join("displays")).unwrap().count(), 0);
}
