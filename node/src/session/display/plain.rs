//! A command that shows itself: it serves RFB on the socket that it is told, as `qemu-system-x86_64 -vnc
//! unix:$FX_RFB_SOCKET` or `wayvnc` do.

use cluster::session::Clipboard;
use futures_util::future::BoxFuture;
use tokio::time::{Duration, Instant, sleep};

use super::{Display, READY_WITHIN, SOCKET, Shown, Stage, last_line, program};
use crate::session::SessionError;
use crate::session::process::Role;
use crate::session::socket::connect;

const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Plain;

impl Display for Plain {
    fn start<'a>(&'a self, stage: Stage<'a>) -> BoxFuture<'a, Result<Shown, SessionError>> {
        Box::pin(start(stage))
    }
}

async fn start(mut stage: Stage<'_>) -> Result<Shown, SessionError> {
    if stage.clipboard != Clipboard::Both {
        // We do not know how to tell it.
        let why =
            "a plain display has a clipboard of its own, which the setting `clipboard` does not allow here";
        return Err(SessionError::Start(why.into()));
    }
    let socket = stage.folder.join(SOCKET);
    stage.launcher.set("FX_RFB_SOCKET", &socket);
    stage.launcher.set("FX_GEOMETRY", stage.geometry.to_string());
    let leader = stage.launcher.start(Role::Program, &program(stage.command))?;
    (stage.began)(leader);
    let ends = Instant::now() + READY_WITHIN;
    while connect(&socket, stage.launcher.account.uid).await.is_err() {
        if !leader.runs() {
            return Err(SessionError::Start(format!("the command ended: {}", last_line(&stage.log))));
        }
        if Instant::now() >= ends {
            let seconds = READY_WITHIN.as_secs();
            return Err(SessionError::Start(format!(
                "the command serves nothing on $FX_RFB_SOCKET after {seconds} s"
            )));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Shown::default())
}
