//! `fastx connect`: a way for any VNC viewer to a session: a port, a socket or a pipe.

use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use cluster::session::SessionId;
use config::Dirs;
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use node::admin::Problem;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::ask::{self, NoAnswer};
use crate::cli::ConnectOptions;

/// Viewers at a time; a person has one or two.
const MOST_VIEWERS: usize = 16;

pub(crate) fn connect(options: &ConnectOptions) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = match runtime {
        Ok(runtime) => runtime.block_on(run(options)),
        Err(error) => Err(NoAnswer::Http(error.to_string())),
    };
    ran.map_or_else(|error| error.tell(), |()| ExitCode::SUCCESS)
}

async fn run(options: &ConnectOptions) -> Result<(), NoAnswer> {
    let dirs = options.folders.dirs();
    let id = &options.session;
    if options.pipe {
        let mut display = open(&dirs, id).await?;
        let mut pipe = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
        // Either side may go first.
        let _ended = copy_bidirectional(&mut pipe, &mut display).await;
        return Ok(());
    }
    // Said now, not when the viewer comes.
    drop(open(&dirs, id).await?);
    let ended = tokio::signal::ctrl_c();
    tokio::select! {
        biased;
        _ = ended => Ok(()),
        served = serve(options, &dirs) => served,
    }
}

async fn serve(options: &ConnectOptions, dirs: &Dirs) -> Result<(), NoAnswer> {
    let mut viewers = JoinSet::new();
    let id = &options.session;
    if let Some(path) = &options.socket {
        let listener = private(path)?;
        println!("{id} is at unix:{}; Ctrl-C ends this, and not the session", path.display());
        loop {
            let (socket, _) =
                listener.accept().await.map_err(|error| cannot_listen(path.display(), error))?;
            admit(&mut viewers, dirs, id, socket).await;
        }
    }
    let address = ("127.0.0.1", options.port);
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| cannot_listen(format!("127.0.0.1:{}", options.port), error))?;
    let port = listener.local_addr().map_or(options.port, |address| address.port());
    println!(
        "{id} is at 127.0.0.1:{port}, for example: vncviewer 127.0.0.1::{port}; Ctrl-C ends this, and not the session"
    );
    loop {
        let (socket, _) = listener.accept().await.map_err(|error| cannot_listen(port, error))?;
        // Keys are small, and must not wait for an acknowledgement.
        let _best_effort = socket.set_nodelay(true);
        admit(&mut viewers, dirs, id, socket).await;
    }
}

async fn admit<IO>(viewers: &mut JoinSet<()>, dirs: &Dirs, id: &SessionId, mut socket: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    while viewers.try_join_next().is_some() {}
    if viewers.len() >= MOST_VIEWERS {
        eprintln!("fastx: {MOST_VIEWERS} viewers look already; this one is turned away");
        return;
    }
    let (dirs, id) = (dirs.clone(), id.clone());
    viewers.spawn(async move {
        match open(&dirs, &id).await {
            Ok(mut display) => {
                // Either side may go first.
                let _ended = copy_bidirectional(&mut socket, &mut display).await;
            }
            Err(error) => drop(error.tell()),
        }
    });
}

/// Never there with a mode other than 0600.
fn private(path: &Path) -> Result<UnixListener, NoAnswer> {
    use std::os::unix::fs::PermissionsExt;
    let hidden = path.with_extension(format!("new-{}", std::process::id()));
    let made = UnixListener::bind(&hidden).and_then(|listener| {
        std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&hidden, path)?;
        Ok(listener)
    });
    made.map_err(|error| cannot_listen(path.display(), error))
}

fn cannot_listen(at: impl std::fmt::Display, error: std::io::Error) -> NoAnswer {
    NoAnswer::Refused(Problem::bad(
        format!("cannot listen on {at}: {error}"),
        "choose another with --port or --socket",
    ))
}

/// The display's bytes, through the service on this machine.
async fn open(dirs: &Dirs, id: &SessionId) -> Result<TokioIo<Upgraded>, NoAnswer> {
    let path = ask::socket(dirs);
    let connected = UnixStream::connect(&path).await;
    let io = connected.map_err(|source| NoAnswer::Connect { path, source })?;
    let broke = |error: hyper::Error| NoAnswer::Http(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(io)).await.map_err(broke)?;
    let request = http::Request::get(format!("/sessions/{id}/connect"))
        .header("host", "fastx")
        .header("connection", "upgrade")
        .header("upgrade", node::session::routes::UPGRADE)
        .body(Empty::new())
        .map_err(|error| NoAnswer::Http(error.to_string()))?;
    // It ends with the connection, which ends with the viewer.
    tokio::spawn(connection.with_upgrades());
    let response = sender.send_request(request).await.map_err(broke)?;
    if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        return Err(ask::refused_by(response).await);
    }
    Ok(TokioIo::new(hyper::upgrade::on(response).await.map_err(broke)?))
}
