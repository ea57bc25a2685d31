//! Messages on a control stream after the hello.

use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tunnel::ServerId;
use tunnel::wire::StreamId;
use tunnel::wire::control::{Control, MAX_MESSAGE, read, write};

use crate::Target;

pub(super) const TARGET: Target =
    Target { name: "control", seeds, words: WORDS, mend, check: round_trip::<Control>, memory: MEMORY };

/// A list of 64 KiB of two-byte numbers is the worst: 32 bytes for each, and twice that while it grows; and the test
/// holds it twice, and its text.
pub(super) const MEMORY: usize = 8 * 1024 * 1024;

pub(super) const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-1",
    "1e400",
    "18446744073709551616",
    "\"type\":\"ping\"",
    "\"streams\":[[1,2]]",
    "\"answer\":\"refused\"",
    "\"n\":",
    "[[1,1]",
    "\u{feff}",
];

fn seeds() -> Vec<Vec<u8>> {
    let id = |name: &str| ServerId::new(name).expect("a server id");
    let all = [
        Control::Ping { n: 1 },
        Control::Pong { n: u64::MAX },
        Control::Drain { deadline_ms: 30_000, reason: "the gateway stops".into() },
        Control::Received { streams: vec![(StreamId(1), 2), (StreamId(u64::MAX), u64::MAX)] },
        Control::More { count: 8 },
        Control::Close { code: 3, reason: "ü".into() },
        Control::Update {
            services: vec!["ssh".into(), "x0".into()],
            reach: vec![id("a"), id("node-b.7")],
            resting: true,
        },
    ];
    all.iter().map(wire).collect()
}

/// A message as it goes over the wire.
pub(super) fn wire(message: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, message).now_or_never().expect("a vector never waits").expect("a short message");
    out
}

/// Makes the length in front true.
pub(super) fn mend(input: &mut [u8]) {
    if let Some(length) = input.len().checked_sub(4) {
        input[..4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

/// What was understood says the same when it is written and read again, and nothing behind it was touched.
pub(super) fn round_trip<M: Serialize + DeserializeOwned>(input: &[u8]) {
    let mut rest = input;
    let read_one = |from: &mut &[u8]| read::<M>(from).now_or_never().expect("a slice never waits");
    let Ok(message) = read_one(&mut rest) else { return };
    let taken = input.len() - rest.len();
    assert!(taken <= 4 + MAX_MESSAGE);
    let text = serde_json::to_string(&message).expect("what was read can be written");
    let again: M = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(text, serde_json::to_string(&again).expect("and written again"));
}
