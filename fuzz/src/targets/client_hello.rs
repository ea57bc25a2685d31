//! The ClientHello that the gateway looks into to tell browsers from nodes.

use std::sync::{Arc, OnceLock};

use rustls::ClientConnection;
use rustls::server::Acceptor;
use rustls_pki_types::ServerName;
use tunnel::identity::{ALPN_DATA, ALPN_TUNNEL, client_config};
use tunnel::{NodeKey, Trust};

use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "client-hello",
    seeds,
    words: &["fastx-tunnel/1", "fastx-data/1", "h2", "http/1.1", "acme-tls/1", "\u{16}\u{3}\u{1}"],
    mend,
    check,
    // A handshake message of 64 KiB and what rustls keeps of it.
    memory: 1024 * 1024,
};

fn seeds() -> Vec<Vec<u8>> {
    // The key shares are random; one set for the life of the process keeps a run the same from end to end.
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS
        .get_or_init(|| [&[ALPN_TUNNEL][..], &[ALPN_DATA], &[b"h2", b"http/1.1"], &[]].map(hello).into())
        .clone()
}

fn hello(alpn: &[&[u8]]) -> Vec<u8> {
    let key = NodeKey::generate().expect("a key can be made");
    let mut config = client_config(&key, &Trust::Anybody, ALPN_TUNNEL).expect("a configuration for nodes");
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("gw.example.org").expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut wire = Vec::new();
    client.write_tls(&mut wire).expect("a vector takes all bytes");
    wire
}

/// One record with one handshake message: both lengths.
fn mend(input: &mut [u8]) {
    let Some(record) = input.len().checked_sub(5) else { return };
    input[3..5].copy_from_slice(&u16::try_from(record).unwrap_or(u16::MAX).to_be_bytes());
    if let Some(message) = record.checked_sub(4) {
        let length = u32::try_from(message).unwrap_or(u32::MAX).to_be_bytes();
        input[6..9].copy_from_slice(&length[1..]);
    }
}

fn check(input: &[u8]) {
    let mut acceptor = Acceptor::default();
    let mut rest = input;
    while !rest.is_empty() {
        // A full buffer is an error too; the connection would be closed.
        if acceptor.read_tls(&mut rest).is_err() {
            return;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                let named =
                    |wanted: &[u8]| hello.alpn().is_some_and(|mut all| all.any(|name| name == wanted));
                assert_eq!(tunnel::tls::is_tunnel(&hello), named(ALPN_TUNNEL) || named(ALPN_DATA));
                assert!(hello.server_name().is_none_or(|name| name.len() <= 253));
                return;
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}
