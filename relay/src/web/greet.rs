//! The first bytes of a connection: a PROXY header, then a TLS ClientHello, which says what the rest is for.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};
use tunnel::tls::is_tunnel;

use super::certificates::ALPN_ACME;
use super::listen::{Door, Socket};
use super::patient::Patient;
use crate::guard::Turned;
use crate::proxied;

/// What a connection turned out to be.
#[derive(Debug)]
pub(super) enum Greeted {
    /// `client` is its own address, where a load balancer named it.
    Client { socket: Socket, client: SocketAddr },
    /// A client whose address has too many connections: it is told so and no more.
    TurnedAway { socket: Socket },
    /// A node; its handshake goes on elsewhere.
    Node { hello: StartHandshake<TcpStream> },
    /// Nothing is left to do.
    Done,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// It is a load balancer that begins with a PROXY header.
    pub(super) believed: bool,
}

/// Greets a connection.
pub(super) async fn greet(mut socket: TcpStream, peer: Peer, door: &Door) -> io::Result<Greeted> {
    let named = if peer.believed { proxied::read(&mut socket).await? } else { None };
    let client = named.unwrap_or(peer.address);
    let permit = match door.guard.connection(client.ip()) {
        Ok(permit) => Some(permit),
        Err(turned @ Turned::AddressFull) => {
            door.metrics.turned_away(turned);
            None
        }
        Err(turned) => {
            door.metrics.turned_away(turned);
            tracing::debug!(%client, %turned, "connection closed");
            return Ok(Greeted::Done);
        }
    };
    if speaks_plain_http(&socket).await? {
        refuse_plain(socket).await?;
        return Ok(Greeted::Done);
    }
    let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await?;
    if is_tunnel(&hello.client_hello()) {
        return Ok(Greeted::Node { hello });
    }
    if offers(&hello.client_hello(), ALPN_ACME) {
        // RFC 8737: the handshake is all there is.
        hello.into_stream(door.certificates.for_authority()).await?.shutdown().await?;
        return Ok(Greeted::Done);
    }
    let turned_away = permit.is_none();
    let hello =
        StartHandshake::from_parts(hello.accepted, Patient::new(hello.io, door.forwarder.write(), permit));
    let socket = hello.into_stream(door.certificates.for_clients()).await?;
    Ok(if turned_away { Greeted::TurnedAway { socket } } else { Greeted::Client { socket, client } })
}

fn offers(hello: &rustls::server::ClientHello<'_>, alpn: &[u8]) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.any(|name| name == alpn))
}

/// A TLS record begins with its type, which is no letter; a method is letters.
async fn speaks_plain_http(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(socket.peek(&mut first).await? > 0 && first[0].is_ascii_uppercase())
}

async fn refuse_plain(mut socket: TcpStream) -> io::Result<()> {
    let text = "This port speaks HTTPS: write https:// in front of the address.\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await?;
    // A close with unread bytes would be a reset, which could overtake the answer.
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if socket.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}
