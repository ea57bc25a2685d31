//! The first exchange of a tunnel.

use tunnel::wire::control::{Hello, HelloAnswer, PROTOCOL, RefusalCode, Welcome};
use tunnel::{Secret, ServerId};

use super::control::{MEMORY, WORDS, mend, round_trip, wire};
use crate::Target;

pub(super) const TARGET: Target =
    Target { name: "hello", seeds, words: WORDS, mend, check: round_trip::<Hello>, memory: MEMORY };

pub(super) const ANSWER: Target = Target {
    name: "hello-answer",
    seeds: answers,
    words: WORDS,
    mend,
    check: round_trip::<HelloAnswer>,
    memory: MEMORY,
};

fn seeds() -> Vec<Vec<u8>> {
    let hello = |reach: usize| Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new("node-a").expect("a server id"),
        token: Secret::new("t0ken"),
        namespace: "lab".into(),
        generation: 7,
        version: "0.1.0".into(),
        services: vec!["portal".into(), "ssh".into()],
        reach: (0..reach).map(|n| ServerId::new(&format!("n{n}")).expect("a server id")).collect(),
    };
    [0, 2, 1000].map(|reach| wire(&hello(reach))).into()
}

fn answers() -> Vec<Vec<u8>> {
    let welcome = HelloAnswer::Welcome(Welcome {
        tunnel_id: "ab".repeat(16),
        gateway: "gw".into(),
        version: "0.1.0".into(),
        process: None,
    });
    let refused = HelloAnswer::Refused { code: RefusalCode::BadToken, reason: "no".into() };
    [welcome, refused].iter().map(wire).collect()
}
