//! Who asks, when a proxy that speaks HTTP stands in front: what it says is believed only if it is a known one. Pure.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use super::headers::{FORWARDED_FOR, FORWARDED_PROTO};
use crate::settings::Cidr;

/// What a client is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    /// Port 0 if a proxy named the address.
    pub client: SocketAddr,
    pub proto: &'static str,
}

/// Goes back from `peer` over the hops of `X-Forwarded-For`, from the right, while they are `trusted`. The first that is
/// not is the client; so is the last one before an entry that is no address.
pub(super) fn asker(peer: SocketAddr, headers: &HeaderMap, trusted: &[Cidr]) -> Asker {
    let known = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut asker = Asker { client: peer, proto: "https" };
    if !known(peer.ip()) {
        return asker;
    }
    let hops: Option<Vec<&str>> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().ok()).collect();
    let hops = hops.unwrap_or_default();
    for hop in hops.iter().flat_map(|line| line.split(',')).rev() {
        let Some(ip) = address(hop.trim()) else { break };
        asker.client = SocketAddr::new(ip, 0);
        if !known(ip) {
            break;
        }
    }
    let mut protos = headers.get_all(FORWARDED_PROTO).iter();
    if protos.next().is_some_and(|proto| proto == "http") && protos.next().is_none() {
        asker.proto = "http";
    }
    asker
}

/// Some proxies add a port, and brackets with it.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_most_hop_that_is_not_trusted_asks() {
        let trusted: Vec<Cidr> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().expect("a network")).into();
        let table: &[(&str, &[&str], &str)] = &[
            ("10.0.0.1:5", &["198.51.100.7"], "198.51.100.7:0"),
            ("10.0.0.1:5", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], "198.51.100.7:0"),
            ("10.0.0.1:5", &["6.6.6.6", "198.51.100.7", "10.0.0.2"], "198.51.100.7:0"),
            ("[fd00::1]:5", &["[2001:db8::7]:4711,10.0.0.2"], "[2001:db8::7]:0"),
            ("10.0.0.1:5", &["198.51.100.7:4711"], "198.51.100.7:0"),
            ("10.0.0.1:5", &["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            ("10.0.0.1:5", &["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2:0"),
            ("10.0.0.1:5", &[""], "10.0.0.1:5"),
            ("10.0.0.1:5", &[], "10.0.0.1:5"),
            ("[::ffff:10.0.0.1]:5", &["198.51.100.7"], "198.51.100.7:0"),
            ("192.0.2.1:5", &["198.51.100.7"], "192.0.2.1:5"),
        ];
        for (peer, lines, client) in table {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append(FORWARDED_FOR, line.parse().expect("a value"));
            }
            let asker = asker(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(asker.client.to_string(), *client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_that_a_client_came_without_tls() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        for (peer, lines, proto) in [
            ("10.0.0.1:5", &["http"][..], "http"),
            ("10.0.0.1:5", &["https"], "https"),
            ("10.0.0.1:5", &["gopher"], "https"),
            ("10.0.0.1:5", &["http", "https"], "https"),
            ("192.0.2.1:5", &["http"], "https"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_PROTO, line.parse().expect("a value"));
            }
            let asker = asker(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(asker.proto, proto, "{peer} {lines:?}");
        }
    }
}
