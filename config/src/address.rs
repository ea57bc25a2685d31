//! Addresses as an administrator writes them.

use std::fmt::{Display, Formatter};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::typography::Lookalike;

/// Where to connect to: a name or an IP address, and a port. An IPv6 address stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    /// Without brackets.
    pub host: String,
    pub port: u16,
}

/// Where to listen: an IP address and a port, no name. `:443` is port 443 on every address, IPv6 and IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListenAddr(pub SocketAddr);

/// Why a text is not an address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadAddress {
    #[error("`{0}` has no port; write it as host:port")]
    NoPort(String),
    #[error("`{0}` is no port; use a number from 1 to 65535")]
    BadPort(String),
    #[error("`{0}` is no host name or IP address")]
    BadHost(String),
    #[error("`{0}` is a URL; write only host:port")]
    Url(String),
    #[error("`{0}`: put the IPv6 address in brackets, as in [::1]:22")]
    Brackets(String),
    #[error(
        "`{0}` is no IP address; to listen, name an address of this machine, such as 0.0.0.0 or 127.0.0.1"
    )]
    NotAnIp(String),
    #[error("{0}")]
    Typography(String),
}

/// Checks a host: an IP address without brackets, or a name of letters, digits, `-`, `_` and dots.
///
/// # Errors
/// Says what is wrong with it, also for typographic characters and URLs.
pub fn check_host(host: &str) -> Result<(), BadAddress> {
    if let Some((_, found)) = Lookalike::first_in(host) {
        return Err(BadAddress::Typography(found.what()));
    }
    if host.contains("://") {
        return Err(BadAddress::Url(host.into()));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name =
        !host.is_empty() && host.len() <= 253 && !host.starts_with(['-', '.']) && host.bytes().all(allowed);
    if is_name || host.parse::<IpAddr>().is_ok() { Ok(()) } else { Err(BadAddress::BadHost(host.into())) }
}

fn split(text: &str) -> Result<(&str, u16), BadAddress> {
    if let Some((_, found)) = Lookalike::first_in(text) {
        return Err(BadAddress::Typography(found.what()));
    }
    if text.contains("://") {
        return Err(BadAddress::Url(text.into()));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(BadAddress::Brackets(text.into()));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(|| BadAddress::NoPort(text.into()))?;
    // `u16::from_str` takes a leading plus sign.
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits).ok_or_else(|| BadAddress::BadPort(port.into()))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.contains(':') && bare.is_none() {
        return Err(BadAddress::Brackets(text.into()));
    }
    match bare {
        Some(bare) if bare.parse::<Ipv6Addr>().is_err() => Err(BadAddress::BadHost(bare.into())),
        Some(bare) => Ok((bare, port)),
        None => Ok((host, port)),
    }
}

impl FromStr for HostPort {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (host, port) = split(text)?;
        check_host(host)?;
        if port == 0 {
            return Err(BadAddress::BadPort("0".into()));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl Display for HostPort {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl FromStr for ListenAddr {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (host, port) = split(text)?;
        let ip = match host {
            "" => Ipv6Addr::UNSPECIFIED.into(),
            host => host.parse().map_err(|_| BadAddress::NotAnIp(host.into()))?,
        };
        Ok(Self(SocketAddr::new(ip, port)))
    }
}

impl Display for ListenAddr {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for HostPort {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl From<HostPort> for String {
    fn from(address: HostPort) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for ListenAddr {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl From<ListenAddr> for String {
    fn from(address: ListenAddr) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_as_written() {
        for text in ["127.0.0.1:22", "gw.example.org:443", "[::1]:22", "my_host:1"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:22".parse::<HostPort>().unwrap().host, "::1");
        assert_eq!("0.0.0.0:443".parse::<ListenAddr>().unwrap().to_string(), "0.0.0.0:443");
        assert_eq!(":443".parse::<ListenAddr>().unwrap().to_string(), "[::]:443");
        assert_eq!("127.0.0.1:0".parse::<ListenAddr>().unwrap().0.port(), 0);
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong() {
        let wrong = |text: &str| text.parse::<HostPort>().unwrap_err();
        assert_eq!(wrong("gw.example.org"), BadAddress::NoPort("gw.example.org".into()));
        assert_eq!(wrong("gw:99999"), BadAddress::BadPort("99999".into()));
        assert_eq!(wrong("gw:+22"), BadAddress::BadPort("+22".into()));
        assert_eq!(wrong("gw:0"), BadAddress::BadPort("0".into()));
        assert_eq!(wrong("a b:1"), BadAddress::BadHost("a b".into()));
        assert_eq!(wrong("https://gw:1"), BadAddress::Url("https://gw:1".into()));
        assert_eq!(wrong("::1"), BadAddress::Brackets("::1".into()));
        assert_eq!(wrong("fe80::1:22:x:1"), BadAddress::Brackets("fe80::1:22:x:1".into()));
        assert!(wrong("gw–1:22").to_string().contains("typographic dash – (U+2013)"));
        assert_eq!("gw:1".parse::<ListenAddr>(), Err(BadAddress::NotAnIp("gw".into())));
    }

    proptest! {
        #[test]
        fn what_is_read_is_printed_the_same(text in "[a-z0-9:.\\[\\]–/ -]{0,30}") {
            if let Ok(address) = text.parse::<HostPort>() {
                prop_assert_eq!(address.to_string().parse::<HostPort>(), Ok(address));
            }
            if let Ok(address) = text.parse::<ListenAddr>() {
                prop_assert_eq!(address.to_string().parse::<ListenAddr>(), Ok(address));
            }
        }
    }
}
