//! The PROXY header (v1, v2) of a load balancer that is believed.

use std::net::SocketAddr;

use futures_util::FutureExt;
use relay::proxied;

use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "proxy-header",
    seeds,
    words: &["PROXY ", "TCP4 ", "TCP6 ", "UNKNOWN", "\r\n", "255.255.255.255 ", "::1 ", "65536", V2],
    mend,
    check,
    memory: 64 * 1024,
};

const V2: &str = "\r\n\r\n\0\r\nQUIT\n";

fn seeds() -> Vec<Vec<u8>> {
    let v2 = |command: u8, family: u8, addresses: &[u8]| {
        let length = u16::try_from(addresses.len()).expect("short").to_be_bytes();
        [V2.as_bytes(), &[command, family], &length, addresses, b"SSH-2.0"].concat()
    };
    let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 22];
    let tlvs = [&v4[..], &[4, 0, 3, 1, 2, 3, 0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
    vec![
        b"PROXY TCP4 192.0.2.1 192.0.2.2 4660 22\r\nSSH-2.0".to_vec(),
        b"PROXY TCP6 2001:db8::1 2001:db8::2 4660 22\r\nSSH-2.0".to_vec(),
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(),
        v2(0x21, 0x11, &v4),
        v2(0x21, 0x11, &tlvs),
        v2(0x21, 0x21, &[9; 36]),
        v2(0x21, 0x31, &[b'/'; 216]),
        v2(0x20, 0x00, &[]),
    ]
}

/// The length of v2.
fn mend(input: &mut [u8]) {
    if input.starts_with(V2.as_bytes()) && input.len() >= 16 {
        let length = u16::try_from(input.len() - 16).unwrap_or(u16::MAX);
        input[14..16].copy_from_slice(&length.to_be_bytes());
    }
}

/// What the header says, and how many bytes it has; `None` if it is none.
fn read(mut input: &[u8]) -> Option<(Option<SocketAddr>, usize)> {
    let before = input.len();
    let said = proxied::read(&mut input).now_or_never().expect("a slice never waits").ok()?;
    Some((said, before - input.len()))
}

fn check(input: &[u8]) {
    let Some((said, length)) = read(input) else { return };
    assert!(length <= 16 + 2048, "{length} bytes were read");
    assert_eq!(read(&input[..length]), Some((said, length)), "what follows has no part in it");
    assert_eq!(read(&input[..length - 1]), None, "it ends where it says");
}
