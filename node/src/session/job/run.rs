//! `fastx session run`: begins a pending session inside its job, as its user, and stays until it has ended. Display and program are
//! children of the job: the batch system counts, limits and ends them.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use cluster::session::{Kind, Session, SessionId};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::SOCKET;
use super::register::{Begin, Begun, Process, Up};
use crate::admin::Failed;
use crate::session::account::Account;
use crate::session::display::{self, Stage};
use crate::session::launch::Launcher;
use crate::session::process::{Leader, Role};
use crate::session::{SessionError, applications, programs, start};

const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// From SIGTERM to SIGKILL; batch systems wait for 5 to 30 s.
const TIME_TO_END: Duration = Duration::from_secs(3);

/// Why a job has no session.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the fastx service of this machine is not reached at {}: {source}", path.display())]
    NoService { path: PathBuf, source: std::io::Error },
    #[error("the service of this machine refuses it: {0}")]
    Refused(String),
    #[error("the service's answer is not understood: {0}")]
    Answer(String),
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Returns when the session has ended.
pub async fn run(local_dir: &Path, id: &SessionId) -> Result<(), RunError> {
    let socket = local_dir.join(SOCKET);
    let begun: Begun = ask(&socket, "/begin", &Begin { id: id.clone() }).await?.ok_or_else(none)?;
    let processes = Mutex::default();
    let ended = started(&socket, begun, &processes).await;
    let leaders = std::mem::take(&mut *processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    end(&leaders).await;
    ended
}

fn none() -> RunError {
    RunError::Answer("it is empty".into())
}

/// Until its program, its display or the job is to end.
async fn started(socket: &Path, begun: Begun, processes: &Mutex<Vec<Leader>>) -> Result<(), RunError> {
    let mut ends = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
        .map(|kind| signal(kind).expect("a runtime with signals"));
    let [terminate, interrupt, hangup] = &mut ends;
    let began = |leader| processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(leader);
    let lasts = async {
        let id = begun.session.id.clone();
        let display = show(begun, &began).await?;
        let leaders = processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let pid = |leader: &Leader| u32::try_from(leader.pid).ok();
        let told = leaders
            .iter()
            .filter_map(|leader| Some(Process { role: leader.role, pid: pid(leader)? }))
            .collect();
        let _nothing: Option<()> = ask(socket, "/up", &Up { id, display, processes: told }).await?;
        while leaders.iter().filter(|leader| leader.role != Role::Aid).all(Leader::runs) {
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::select! {
        biased;
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
        ended = lasts => ended,
    }
}

async fn show(begun: Begun, began: &(dyn Fn(Leader) + Send + Sync)) -> Result<Option<String>, RunError> {
    let Begun { session: Session { id, name, command, params, geometry, kind, clipboard, .. }, folder, log } =
        begun;
    let offered = match command.trim().is_empty() {
        false => programs::Offered { is_desktop: applications::is_desktop(&command), command },
        true if kind == Kind::Xvnc => programs::offered().ok_or_else(start::no_desktop)?,
        true => return Err(SessionError::Start("a plain display needs a command".into()).into()),
    };
    let launcher = Launcher::new(Account::own().await, id, &params, log.clone());
    let (name, command, is_desktop) = (&*name, &*offered.command, offered.is_desktop);
    let stage = Stage { launcher, folder, log, name, command, is_desktop, geometry, clipboard, began };
    Ok(display::of(kind).start(stage).await?.name)
}

/// The program first, so that its screen does not go before it.
async fn end(leaders: &[Leader]) {
    for role in [Role::Program, Role::Aid, Role::Server] {
        leaders
            .iter()
            .filter(|leader| leader.role == role)
            .for_each(|leader| leader.signal_group(Signal::TERM));
        let ends = tokio::time::Instant::now() + TIME_TO_END;
        while leaders.iter().any(|leader| leader.role == role && leader.runs())
            && tokio::time::Instant::now() < ends
        {
            sleep(LOOK_EVERY / 10).await;
        }
    }
    leaders.iter().for_each(|leader| leader.signal_group(Signal::KILL));
}

/// None: there is no answer but that it is done.
async fn ask<T: DeserializeOwned>(
    socket: &Path,
    path: &str,
    body: &impl Serialize,
) -> Result<Option<T>, RunError> {
    let answer = |error: String| RunError::Answer(error);
    let body = serde_json::to_vec(body).map_err(|error| answer(error.to_string()))?;
    let asked = async {
        let no_service = |source| RunError::NoService { path: socket.to_owned(), source };
        let stream = UnixStream::connect(socket).await.map_err(no_service)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| answer(error.to_string()))?;
        let _connection = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        let request =
            http::Request::post(path).header("host", "node").header("content-type", "application/json");
        let request =
            request.body(Full::new(bytes::Bytes::from(body))).map_err(|error| answer(error.to_string()))?;
        let (head, body) =
            sender.send_request(request).await.map_err(|error| answer(error.to_string()))?.into_parts();
        let body = body.collect().await.map_err(|error| answer(error.to_string()))?.to_bytes();
        if !head.status.is_success() {
            let said = serde_json::from_slice::<Failed>(&body).map(|failed| failed.error.message);
            return Err(RunError::Refused(said.unwrap_or_else(|_| head.status.to_string())));
        }
        if body.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&body).map(Some).map_err(|error| answer(error.to_string()))
    };
    tokio::time::timeout(ANSWERS_WITHIN, asked)
        .await
        .unwrap_or_else(|_| Err(answer("it does not come".into())))
}
