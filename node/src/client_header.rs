//! The PROXY protocol header (haproxy's proxy-protocol.txt, versions 1 and 2) that tells a service who its client is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proxy_header::{ProxiedAddress, ProxyHeader};

use crate::services::ProxyVersion;

/// The header for a client; without a known one it says so (`UNKNOWN`, `LOCAL`). `destination` is the service's
/// address, and is left unspecified for a unix socket.
pub(crate) fn encode(
    version: ProxyVersion,
    client: Option<SocketAddr>,
    destination: Option<SocketAddr>,
) -> Vec<u8> {
    let header = match client {
        None => ProxyHeader::with_local(),
        Some(client) => {
            let (client, destination) = same_family(client, destination);
            ProxyHeader::with_address(ProxiedAddress::stream(client, destination))
        }
    };
    let mut bytes = Vec::with_capacity(128);
    let encoded = match version {
        ProxyVersion::V1 => header.encode_v1(&mut bytes),
        ProxyVersion::V2 => header.encode_v2(&mut bytes),
    };
    encoded.expect("a vector takes all bytes, and there are no TLVs to be too long");
    bytes
}

/// Both addresses must be of one family: an IPv4 one beside an IPv6 one is written as mapped.
fn same_family(client: SocketAddr, destination: Option<SocketAddr>) -> (SocketAddr, SocketAddr) {
    let unspecified: IpAddr =
        if client.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let destination = destination.unwrap_or(SocketAddr::new(unspecified, 0));
    if client.is_ipv4() == destination.is_ipv4() {
        return (client, destination);
    }
    let mapped = |address: SocketAddr| match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    (mapped(client), mapped(destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn version_1_is_a_line() {
        let v1 = |client: Option<&str>, to: Option<&str>| {
            String::from_utf8(encode(ProxyVersion::V1, client.map(address), to.map(address))).unwrap()
        };
        assert_eq!(
            v1(Some("192.0.2.1:5000"), Some("127.0.0.1:22")),
            "PROXY TCP4 192.0.2.1 127.0.0.1 5000 22\r\n"
        );
        assert_eq!(v1(Some("192.0.2.1:5000"), None), "PROXY TCP4 192.0.2.1 0.0.0.0 5000 0\r\n");
        assert!(
            v1(Some("[2001:db8::1]:5000"), Some("127.0.0.1:22"))
                .starts_with("PROXY TCP6 2001:db8::1 ::ffff:")
        );
        assert_eq!(v1(None, Some("127.0.0.1:22")), "PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_is_read_back() {
        for (client, to) in [("192.0.2.1:5000", "127.0.0.1:22"), ("[2001:db8::1]:1", "127.0.0.1:22")] {
            let bytes = encode(ProxyVersion::V2, Some(address(client)), Some(address(to)));
            let (header, length) = ProxyHeader::parse(&bytes, proxy_header::ParseConfig::default()).unwrap();
            assert_eq!(length, bytes.len());
            assert_eq!(header.proxied_address().unwrap().source, address(client));
        }
        let bytes = encode(ProxyVersion::V2, None, None);
        assert_eq!(bytes[12], 0x20, "version 2, LOCAL");
    }
}
