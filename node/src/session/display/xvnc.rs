//! Xvnc of TigerVNC: an X server that shows itself on a unix socket and on nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cluster::session::Clipboard;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, sleep};

use super::{Display, READY_WITHIN, SOCKET, Shown, Stage, last_line, program};
use crate::session::SessionError;
use crate::session::process::Role;
use crate::session::programs::find;

const PACKAGE: &str = "tigervnc-standalone-server";
/// Looks after the windows of a single program; without any of them the windows have no frames.
const WINDOW_MANAGERS: [&str; 4] = ["openbox", "icewm", "metacity", "twm"];
/// For a window manager to say that it is ready.
const MANAGED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Xvnc;

impl Display for Xvnc {
    fn start<'a>(&'a self, stage: Stage<'a>) -> BoxFuture<'a, Result<Shown, SessionError>> {
        Box::pin(start(stage))
    }
}

async fn start(mut stage: Stage<'_>) -> Result<Shown, SessionError> {
    let server = find("Xtigervnc")
        .ok_or_else(|| SessionError::NotInstalled { program: "Xtigervnc".into(), package: PACKAGE.into() })?;
    let name = format!(":{}", serve(server, &stage).await?);
    stage.launcher.set("DISPLAY", &name);
    stage.launcher.set("XAUTHORITY", stage.folder.join("xauth"));
    if !stage.is_desktop {
        manage(&stage).await?;
    }
    (stage.began)(stage.launcher.start(Role::Program, &program(stage.command))?);
    Ok(Shown { name: Some(name) })
}

/// Starts a window manager. A window that appears while openbox begins, and the screen changes its size, may never be
/// shown: so it is waited for.
async fn manage(stage: &Stage<'_>) -> Result<(), SessionError> {
    let Some(manager) = WINDOW_MANAGERS.iter().find_map(|name| find(name)) else { return Ok(()) };
    let ready = stage.folder.join("managed");
    let mut words = vec![OsString::from(&manager)];
    let tells = manager.ends_with("openbox");
    if tells {
        // It runs this when it begins to look after windows.
        let touch = format!("touch '{}'", ready.display());
        words.extend(["--sm-disable".into(), "--startup".into(), touch.into()]);
    }
    (stage.began)(stage.launcher.start(Role::Aid, &words)?);
    let ends = Instant::now() + MANAGED_WITHIN;
    while tells && !ready.exists() && Instant::now() < ends {
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Starts the X server and waits until it takes connections. Returns its number.
async fn serve(server: PathBuf, stage: &Stage<'_>) -> Result<u32, SessionError> {
    let words = arguments(server, stage);
    let (leader, output) = stage.launcher.start_heard(Role::Server, &words)?;
    (stage.began)(leader);
    let mut line = String::new();
    let ready = tokio::time::timeout(READY_WITHIN, BufReader::new(output).read_line(&mut line)).await;
    match (ready, line.trim().parse()) {
        (Ok(Ok(_)), Ok(number)) => Ok(number),
        (Err(_), _) => {
            Err(SessionError::Start(format!("Xtigervnc is not ready after {} s", READY_WITHIN.as_secs())))
        }
        _ => Err(SessionError::Start(format!("Xtigervnc: {}", last_line(&stage.log)))),
    }
}

fn arguments(server: PathBuf, stage: &Stage<'_>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![server.into()];
    words.extend(["-rfbunixpath".into(), stage.folder.join(SOCKET).into()]);
    words.extend(["-rfbunixmode", "0600", "-rfbport", "-1", "-nolisten", "tcp"].map(OsString::from));
    // Who may open the socket may look: it is private, and the service lets people in.
    words.extend(["-SecurityTypes", "None", "-AlwaysShared", "-AcceptSetDesktopSize"].map(OsString::from));
    // Errors and changes of state (10); at its usual 30 the log would grow with every viewer.
    words.extend(["-Log", "*:stderr:10"].map(OsString::from));
    words.extend(clipboard(stage.clipboard).map(OsString::from));
    words.extend(["-auth".into(), stage.folder.join("xauth").into()]);
    let geometry = stage.geometry.to_string();
    words.extend(["-desktop", stage.name, "-geometry", &geometry, "-depth", "24"].map(OsString::from));
    // It writes the display number that it found free to its standard output, once it is ready.
    words.extend(["-displayfd", "1"].map(OsString::from));
    words
}

/// The X server holds to it itself, whoever looks by whatever way. Programs in it cannot set it free: of what `vncconfig`
/// changes at run time only the display's name is left, and whether the pointer counts.
fn clipboard(policy: Clipboard) -> [&'static str; 5] {
    let (takes, gives) = (policy.takes(), policy.gives());
    [
        if takes { "-AcceptCutText=1" } else { "-AcceptCutText=0" },
        if takes { "-SetPrimary=1" } else { "-SetPrimary=0" },
        if gives { "-SendCutText=1" } else { "-SendCutText=0" },
        if gives { "-SendPrimary=1" } else { "-SendPrimary=0" },
        if takes && gives {
            "-AllowOverride=desktop,AcceptPointerEvents,SendCutText,AcceptCutText,SendPrimary,SetPrimary"
        } else {
            "-AllowOverride=desktop,AcceptPointerEvents"
        },
    ]
}
