//! Ports: one listening socket for each shard, so that accepting needs no lock, and an error that names what is in
//! the way.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections that wait to be accepted; the kernel cuts it to `net.core.somaxconn`, 4,096 by default.
const BACKLOG: i32 = 4096;

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "{protocol} {address} ({what}) is taken by another program; `ss -lnp 'sport = :{}'` says which. \
         Is another gateway running?",
        address.port()
    )]
    Taken { what: String, protocol: &'static str, address: SocketAddr },
    #[error(
        "{protocol} {address} ({what}) is for the superuser only; use a port from 1024 on, or start through systemd \
         with AmbientCapabilities=CAP_NET_BIND_SERVICE"
    )]
    Privileged { what: String, protocol: &'static str, address: SocketAddr },
    #[error("{address} ({what}) is no address of this machine; `ip address` lists them")]
    NotOurs { what: String, address: SocketAddr },
    #[error("cannot listen on {protocol} {address} ({what}): {source}")]
    Other { what: String, protocol: &'static str, address: SocketAddr, source: io::Error },
}

impl BindError {
    pub(crate) fn new(what: &str, protocol: &'static str, address: SocketAddr, source: io::Error) -> Self {
        let what = what.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { what, protocol, address },
            io::ErrorKind::PermissionDenied => Self::Privileged { what, protocol, address },
            io::ErrorKind::AddrNotAvailable => Self::NotOurs { what, address },
            _ => Self::Other { what, protocol, address, source },
        }
    }
}

/// Binds `address` once for each of `count` shards; all have the same port. `[::]` takes IPv4 too.
pub fn tcp(what: &str, address: SocketAddr, count: usize) -> Result<Vec<TcpListener>, BindError> {
    let address = usable(address);
    let failed = |source| BindError::new(what, "TCP", address, source);
    // Sockets that share a port would share it with another gateway of the same user, without a word.
    let probe = tcp_socket(address, false).map_err(failed)?;
    probe.listen(1).map_err(failed)?;
    let bound = TcpListener::from(probe).local_addr().map_err(failed)?;
    (0..count)
        .map(|_| {
            let socket = tcp_socket(bound, true)?;
            socket.listen(BACKLOG)?;
            // Accepted sockets inherit it, which saves a system call for each.
            socket.set_tcp_nodelay(true)?;
            Ok(socket.into())
        })
        .collect::<io::Result<_>>()
        .map_err(failed)
}

fn tcp_socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Connections of an earlier start that linger do not keep the port.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The UDP addresses that belong to a `listen`: an IPv6 socket of a tunnel takes no IPv4.
pub fn udp_addresses(listen: SocketAddr) -> Vec<SocketAddr> {
    match usable(listen) {
        any @ SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            vec![any, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), any.port())]
        }
        one => vec![one],
    }
}

/// Fails if another program has the UDP port; the tunnels' sockets share theirs and would not notice.
pub fn probe_udp(what: &str, address: SocketAddr) -> Result<(), BindError> {
    let bind = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    bind().map(drop).map_err(|source| BindError::new(what, "UDP", address, source))
}

/// `[::]` on a machine without IPv6 means every address that it has.
fn usable(address: SocketAddr) -> SocketAddr {
    let v6 = Socket::new(Domain::IPV6, Type::DGRAM, None).and_then(|socket| socket.bind(&localhost().into()));
    if address.ip() == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED) && v6.is_err() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
    }
    address
}

fn localhost() -> SocketAddr {
    SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0)
}

/// A close of `socket` becomes a reset (RFC 9293 §3.10.7): the client learns that this was no orderly end.
pub(crate) fn reset_on_close(socket: &impl std::os::fd::AsFd) {
    // A socket that is gone cannot take it, and need not.
    let _gone = SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO)).is_err();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_gets_a_socket_on_the_same_port_and_nobody_else_does() {
        let sockets = tcp("test", "127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        let error = tcp("`listen`", address, 1).unwrap_err();
        assert!(matches!(error, BindError::Taken { .. }));
        assert!(error.to_string().contains(&format!("sport = :{}", address.port())), "{error}");
    }

    #[test]
    fn a_taken_udp_port_is_noticed_though_it_is_shared() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        assert!(matches!(probe_udp("x", address), Err(BindError::Taken { .. })));
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let error = tcp("`listen`", "192.0.2.1:4433".parse().unwrap(), 1).unwrap_err();
        assert!(error.to_string().contains("no address of this machine"), "{error}");
    }
}
