//! A PROXY header (v1 or v2) in front of a connection, from a load balancer that is believed.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first bytes of v2; v1 has at least 15 in all, so reading these never reads too much.
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// A v1 line never exceeds this.
const V1_MAX: usize = 107;
/// Addresses of two unix sockets take 216 bytes; what follows is of no use here.
const V2_MAX: usize = 16 + 2048;

/// Reads exactly the header. `None`: the load balancer speaks for itself, such as in a health check.
///
/// # Errors
/// `InvalidData` if it is none; the connection is of no use then.
pub async fn read(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_header::ProxiedAddress;

    async fn both(mut bytes: &[u8]) -> (io::Result<Option<SocketAddr>>, &[u8]) {
        let read = read(&mut bytes).await;
        (read, bytes)
    }

    #[tokio::test]
    async fn headers_of_both_versions_are_read_exactly() {
        let source: SocketAddr = "[2001:db8::1]:4711".parse().unwrap();
        let header =
            ProxyHeader::with_address(ProxiedAddress::stream(source, "[2001:db8::2]:22".parse().unwrap()));
        let (mut one, mut two) = (Vec::new(), Vec::new());
        header.encode_v1(&mut one).unwrap();
        header.encode_v2(&mut two).unwrap();
        for mut bytes in [one, two] {
            bytes.extend_from_slice(b"SSH-2.0-x");
            let (read, rest) = both(&bytes).await;
            assert_eq!((read.unwrap(), rest), (Some(source), &b"SSH-2.0-x"[..]));
        }
        let (read, rest) = both(b"PROXY UNKNOWN\r\nrest").await;
        assert_eq!((read.unwrap(), rest), (None, &b"rest"[..]));
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused_and_never_read_without_end() {
        let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        let huge = [V2.as_slice(), &[0x21, 0x11, 0xff, 0xff], &[0; 70_000]].concat();
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &long, &huge, b"PROXY nonsense here\r\n"] {
            let (read, _) = both(bytes).await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
