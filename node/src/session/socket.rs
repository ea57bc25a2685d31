//! The way to a display: its unix socket, and the certainty that it is its own.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;

/// A display accepts within milliseconds, unless it hangs.
const WITHIN: Duration = Duration::from_secs(5);

/// Connects to the display of `uid`. The folder belongs to that account, which could have put a link to somebody else's
/// socket there: so the process that listens must be of the same account.
pub(super) async fn connect(path: &Path, uid: u32) -> io::Result<UnixStream> {
    let socket = tokio::time::timeout(WITHIN, UnixStream::connect(path)).await;
    let socket = socket.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let listener = socket.peer_cred()?.uid();
    if listener == uid {
        return Ok(socket);
    }
    let why = format!("its socket belongs to another account (uid {listener})");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn a_socket_of_another_account_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rfb.sock");
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        let own = crate::session::process::own_uid();
        assert!(super::connect(&path, own).await.is_ok());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let error = super::connect(&link, own + 1).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    }
}
