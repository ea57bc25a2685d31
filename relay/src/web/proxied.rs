//! A PROXY header (v1 or v2) in front of a connection, from a load balancer that is believed.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The first bytes of v2; v1 has at least 15 in all, so reading these never reads too much.
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// A v1 line never exceeds this.
const V1_MAX: usize = 107;
/// Addresses of two unix sockets are the longest; what follows is of no use here.
const V2_MAX: usize = 16 + 2048;

/// Reads exactly the header. `None`: the load balancer speaks for itself, such as in a health check.
///
/// # Errors
/// `InvalidData` if it is none; the connection is of no use then.
pub async fn read(socket: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut head = vec![0; V2.len()];
    socket.read_exact(&mut head).await?;
    if head == V2 {
        head.resize(16, 0);
        socket.read_exact(&mut head[12..]).await?;
        let length = 16 + usize::from(u16::from_be_bytes([head[14], head[15]]));
        if length > V2_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.resize(length, 0);
        socket.read_exact(&mut head[16..]).await?;
    } else {
        if !head.starts_with(b"PROXY ") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while !head.ends_with(b"\r\n") {
            if head.len() == V1_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            head.push(socket.read_u8().await?);
        }
    }
    let config = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };
    let (header, _) = ProxyHeader::parse(&head, config).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(header.proxied_address().map(|address| address.source))
}
