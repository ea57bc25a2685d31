//! Tells systemd how the service is (sd_notify(3)): one datagram to the socket that it named.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends `state`, such as `READY=1`; does nothing when nobody asked. A service goes on when its manager is deaf.
pub(crate) fn notify(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let send = || {
        // A name that begins with @ is in the abstract namespace.
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(rest) => SocketAddr::from_abstract_name(rest)?,
            None => SocketAddr::from_pathname(&name)?,
        };
        UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)
    };
    if let Err(error) = send() {
        tracing::warn!(%error, "systemd does not hear");
    }
}
