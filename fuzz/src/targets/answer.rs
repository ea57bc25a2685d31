//! The first bytes that come back on a stream.

use bytes::BytesMut;
use tunnel::wire::{Answer, Status};

use crate::{Target, as_it_is};

pub(super) const TARGET: Target =
    Target { name: "answer", seeds, words: &["ü", "—"], mend: as_it_is, check, memory: 512 * 1024 };

fn seeds() -> Vec<Vec<u8>> {
    let refusals =
        Status::ALL.map(|status| Answer::refused(status, "is sshd running? — ü").encode().to_vec());
    refusals.into_iter().chain([Answer::refused(Status::Busy, "x".repeat(255)).encode().to_vec()]).collect()
}

fn check(input: &[u8]) {
    let mut rest = BytesMut::from(input);
    match Answer::decode(&mut rest) {
        Ok(Some(answer)) => {
            assert_eq!(
                [&answer.encode()[..], &rest].concat(),
                input,
                "what follows stays, what was read is the same"
            );
        }
        Ok(None) => assert!(rest == input && input.len() < 2 + 255),
        Err(_) => {}
    }
}
