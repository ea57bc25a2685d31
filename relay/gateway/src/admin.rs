//! The running gateway's admin socket, from the command line: one request, one answer.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use config::Dirs;
use relay::admin::{SOCKET, Said};

/// An answer needs no more than a lock or a file; a gateway that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a GET.
pub(crate) fn get(dirs: &Dirs, path: &str) -> anyhow::Result<String> {
    ask(dirs, "GET", path)
}

/// What the gateway says to a POST.
pub(crate) fn post(dirs: &Dirs, path: &str) -> anyhow::Result<String> {
    let said: Said = serde_json::from_str(&ask(dirs, "POST", path)?)?;
    Ok(said.message)
}

fn ask(dirs: &Dirs, method: &str, path: &str) -> anyhow::Result<String> {
    let socket = dirs.local(SOCKET);
    let mut stream = UnixStream::connect(&socket).map_err(|error| explain(&error, &socket))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the gateway did not answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the gateway's answer is no HTTP")?;
    let status = head.split(' ').nth(1).context("the gateway's answer is no HTTP")?;
    if !status.starts_with('2') {
        let said = serde_json::from_str::<Said>(body).map_or_else(|_| body.to_owned(), |said| said.message);
        bail!("{said}");
    }
    Ok(body.to_owned())
}

fn explain(error: &std::io::Error, socket: &Path) -> anyhow::Error {
    let socket = socket.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => anyhow!(
            "no gateway answers on {socket}; start it with `fastx-gateway run` or `systemctl start fastx-gateway`, or \
             name its --local-dir"
        ),
        ErrorKind::PermissionDenied => {
            anyhow!("{socket} belongs to another user; ask as root, or as the user that the gateway runs as")
        }
        _ => anyhow!("cannot reach the gateway on {socket}: {error}"),
    }
}
