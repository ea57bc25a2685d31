//! The client's address in a preamble: kind u8 (0 none, 4, 6), address, port u16.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf, BufMut, BytesMut};

use super::WireError;

pub(super) fn put_address(out: &mut BytesMut, address: Option<SocketAddr>) {
    match address {
        None => return out.put_u8(0),
        Some(SocketAddr::V4(v4)) => {
            out.put_u8(4);
            out.put_slice(&v4.ip().octets());
        }
        Some(SocketAddr::V6(v6)) => {
            out.put_u8(6);
            out.put_slice(&v6.ip().octets());
        }
    }
    out.put_u16(address.map_or(0, |address| address.port()));
}

pub(super) fn take_address(bytes: &mut &[u8]) -> Result<Option<SocketAddr>, WireError> {
    let short = WireError::Truncated("client address");
    let kind = bytes.try_get_u8().map_err(|_| short)?;
    let ip: IpAddr = match kind {
        0 => return Ok(None),
        4 => Ipv4Addr::from(bytes.try_get_u32().map_err(|_| WireError::Truncated("client address"))?).into(),
        6 => Ipv6Addr::from(bytes.try_get_u128().map_err(|_| WireError::Truncated("client address"))?).into(),
        _ => return Err(WireError::Malformed("client address")),
    };
    let port = bytes.try_get_u16().map_err(|_| WireError::Truncated("client port"))?;
    Ok(Some(SocketAddr::new(ip, port)))
}
