//! The first bytes of a stream.

use std::time::Duration;

use bytes::BytesMut;
use tunnel::wire::preamble::MAX_PREAMBLE;
use tunnel::wire::{Life, Preamble, StreamId, TraceId};

use crate::Target;

pub(super) const TARGET: Target =
    Target { name: "preamble", seeds, words: &[], mend, check, memory: 8 * 1024 };

fn seeds() -> Vec<Vec<u8>> {
    let lives = [
        Life::Once,
        Life::Surviving(StreamId(9)),
        Life::Resumed { id: StreamId(u64::MAX), received: 1 << 40 },
    ];
    let clients = [None, "192.0.2.1:80".parse().ok(), "[2001:db8::1]:65535".parse().ok()];
    let preamble = |(life, client)| {
        let mut wire = BytesMut::new();
        let preamble = Preamble {
            destination: "node-a".to_owned().try_into().expect("a server id"),
            service: "ssh".into(),
            client,
            deadline: Duration::from_millis(4711),
            trace: TraceId([7; 16]),
            hops: 1,
            life,
        };
        preamble.encode(&mut wire);
        wire.to_vec()
    };
    lives.into_iter().zip(clients).map(preamble).collect()
}

fn mend(input: &mut [u8]) {
    if let Some(length) = input.len().checked_sub(3) {
        input[1..3].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    }
}

fn check(input: &[u8]) {
    match Preamble::expected_len(input) {
        Ok(None) => assert!(input.len() < 3),
        Ok(Some(length)) => assert!((3..=MAX_PREAMBLE).contains(&length)),
        Err(_) => assert!(Preamble::decode(input).is_err()),
    }
    // There is one way to write a preamble, so none of ours can be mistaken for another.
    if let Ok(preamble) = Preamble::decode(input) {
        let mut again = BytesMut::new();
        preamble.encode(&mut again);
        assert_eq!(&again[..], input);
    }
}
