//! Starting and stopping the processes of a display.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::process::Leader;
use super::record::{self, Record};
use super::{Display, DisplayError, DisplayId, LONGEST_SOCKET_PATH, NewDisplay, State, xauth};

/// An X server is up in some 100 ms; a machine that swaps takes longer.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// From SIGTERM to SIGKILL.
const TIME_TO_END: Duration = Duration::from_secs(2);
const PACKAGES: &str = "tigervnc-standalone-server openbox xterm";

/// Processes and folder of a display that is not ready yet; dropped, it takes them away again.
struct Unfinished {
    folder: PathBuf,
    processes: Vec<Leader>,
    kept: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            self.processes.iter().for_each(|leader| leader.signal_group(Signal::KILL));
            // What is left of it is swept away at the next start of this program.
            let _swept_later = std::fs::remove_dir_all(&self.folder);
        }
    }
}

pub(super) async fn start(root: &Path, new: NewDisplay) -> Result<Display, DisplayError> {
    let (program, arguments) = new.program.split_first().ok_or(DisplayError::NoProgram)?;
    let server = installed("Xtigervnc")?;
    let window_manager = installed("openbox")?;
    let program = installed(program)?;

    let id = DisplayId::random();
    let folder = root.join(id.as_str());
    let socket = folder.join("rfb.sock");
    if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(DisplayError::PathTooLong(socket));
    }
    record::make_folder(&folder)?;
    let mut unfinished = Unfinished { folder: folder.clone(), processes: Vec::new(), kept: false };
    xauth::write(&folder.join("xauth"))?;

    let number = start_server(&server, &new, &mut unfinished).await?;
    unfinished.processes.push(spawn(in_display(&window_manager, &folder, number)?.arg("--sm-disable"))?);
    unfinished.processes.push(spawn(in_display(&program, &folder, number)?.args(arguments))?);

    let now = Timestamp::now();
    let NewDisplay { name, geometry, program: command } = new;
    let display = Display { id, name, geometry, command, state: State::Running, started: now, changed: now };
    let record = Record { display, processes: unfinished.processes.clone() };
    record.write(&folder)?;
    unfinished.kept = true;
    tracing::info!(display = %record.display.id, number, "display started");
    Ok(record.display)
}

/// Starts the X server and waits until it takes connections. Returns its X display number.
async fn start_server(
    program: &Path,
    new: &NewDisplay,
    unfinished: &mut Unfinished,
) -> Result<u32, DisplayError> {
    let folder = &unfinished.folder;
    let mut command = detached(program, folder)?;
    command.arg("-rfbunixpath").arg(folder.join("rfb.sock")).args(["-rfbunixmode", "0600", "-rfbport", "-1"]);
    command.args(["-SecurityTypes", "None", "-AlwaysShared", "-nolisten", "tcp"]);
    // Errors and changes of state (10); at its usual 30 the log would grow with every viewer.
    command.args(["-Log", "*:stderr:10"]);
    command.arg("-auth").arg(folder.join("xauth"));
    command.args(["-desktop", &new.name, "-geometry", &new.geometry.to_string(), "-depth", "24"]);
    // It writes the display number that it found free to its standard output, once it is ready.
    command.args(["-displayfd", "1"]).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(DisplayError::file("start", program))?;
    let leader = child.id().and_then(Leader::of);
    unfinished.processes.extend(leader);

    let output = child.stdout.take().expect("its standard output is a pipe");
    let mut line = String::new();
    let ready = tokio::time::timeout(READY_WITHIN, BufReader::new(output).read_line(&mut line)).await;
    match (ready, line.trim().parse(), leader) {
        (Ok(Ok(_)), Ok(number), Some(_)) => Ok(number),
        (Err(_), ..) => Err(DisplayError::Server(format!("not ready after {} s", READY_WITHIN.as_secs()))),
        _ => Err(DisplayError::Server(last_line(&unfinished.folder.join("log")))),
    }
}

/// `program` in the display's X session, with the folder's cookie.
fn in_display(program: &Path, folder: &Path, number: u32) -> Result<Command, DisplayError> {
    let mut command = detached(program, folder)?;
    command.env("DISPLAY", format!(":{number}")).env("XAUTHORITY", folder.join("xauth"));
    command.env_remove("WAYLAND_DISPLAY").stdout(Stdio::null());
    // A terminal opens where its user is at home, not where this program was started.
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir());
    command.current_dir(home.unwrap_or_else(|| "/".into()));
    Ok(command)
}

/// `program` in a session and process group of its own, its errors in the display's log.
fn detached(program: &Path, folder: &Path) -> Result<Command, DisplayError> {
    let path = folder.join("log");
    let log = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    // setsid(1) calls setsid(2) and then becomes the program: same pid, no code of ours between fork and exec.
    let mut command = Command::new("setsid");
    command.arg(program).stdin(Stdio::null()).stderr(log.map_err(DisplayError::file("write", &path))?);
    Ok(command)
}

fn spawn(command: &mut Command) -> Result<Leader, DisplayError> {
    let program = || PathBuf::from(command.as_std().get_args().next().unwrap_or_default());
    let path = program();
    let child = command.spawn().map_err(DisplayError::file("start", &path))?;
    let gone = || DisplayError::file("start", &path)(std::io::Error::other("it ended at once"));
    child.id().and_then(Leader::of).ok_or_else(gone)
}

/// Where `program` is: itself if it is a path, else looked up in PATH.
fn installed(program: &str) -> Result<PathBuf, DisplayError> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    places.find(|place| place.is_file()).ok_or_else(|| DisplayError::NotInstalled {
        program: program.to_owned(),
        package: if ["Xtigervnc", "openbox", "xterm"].contains(&program) { PACKAGES } else { program }
            .to_owned(),
    })
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "it ended without a word".to_owned(), |line| line.chars().take(300).collect())
}

pub(super) async fn stop(root: &Path, id: &DisplayId) -> Result<(), DisplayError> {
    let folder = root.join(id.as_str());
    let record = Record::read(&folder)?.ok_or_else(|| DisplayError::Unknown(id.clone()))?;
    // The program first, the X server last: so that programs end before their screen goes.
    record.processes.iter().rev().for_each(|leader| leader.signal_group(Signal::TERM));
    let ended = async {
        while record.processes.iter().any(Leader::runs) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(TIME_TO_END, ended).await.is_err() {
        record.processes.iter().for_each(|leader| leader.signal_group(Signal::KILL));
    }
    std::fs::remove_dir_all(&folder).map_err(DisplayError::file("remove", &folder))
}
