//! What the launcher, which is root, takes from the service, which is not; and what the service takes back.

use launcher::wire::{self, HEADER, Reply, Request};

use crate::{Target, as_it_is};

pub(super) const TARGET: Target = Target {
    name: "launcher",
    seeds,
    words: &["\"fastx\"", "\"converse\"", "\"answers\"", "\\u0000", "\\ud800", "[", "{", "null", "\0"],
    mend: as_it_is,
    check,
    memory: 1024 * 1024,
};

fn seeds() -> Vec<Vec<u8>> {
    let written = [
        r#"{"converse":{"service":"fastx","user":"alice","from":"2001:db8::7"}}"#,
        r#"{"converse":{"service":"fastx-2fa","user":"LAB\\a.b-c@x","from":null}}"#,
        r#"{"answers":["correct horse","755224"]}"#,
        r#"{"prompts":{"prompts":[{"text":"Password: ","echo":false}],"message":"a\nb"}}"#,
        r#"{"success":{"account":"alice"}}"#,
        r#"{"refused":{"why":"authentication: Authentication failure (7)"}}"#,
    ];
    let frame = |json: &str| {
        let length = u32::try_from(json.len()).expect("short texts");
        [&length.to_be_bytes()[..], json.as_bytes()].concat()
    };
    written.iter().map(|json| frame(json)).collect()
}

fn check(input: &[u8]) {
    if let Ok(request) = wire::read::<Request>(&mut &input[..]) {
        if let Request::Converse { service, user, .. } = &request {
            assert!(service.as_str().starts_with("fastx") && !service.as_str().contains(['/', '.']));
            assert!(!user.as_str().starts_with(['-', '/', '.']) && !user.as_str().contains([':', '/', ' ']));
        }
        again(&request);
    }
    if let Ok(reply) = wire::read::<Reply>(&mut &input[..]) {
        let frame = again(&reply);
        let read = wire::read::<Reply>(&mut &frame[..]);
        assert!(
            frame.is_empty() || read.is_ok_and(|read| read == reply),
            "another reply is read than was written"
        );
    }
}

/// What was taken can be said again, within the limits, unless JSON's escapes make it longer.
fn again(what: &impl serde::Serialize) -> Vec<u8> {
    let Ok(frame) = wire::encode(what) else { return Vec::new() };
    let header = frame[..HEADER].try_into().expect("a header");
    assert_eq!(wire::length(header).expect("within the limit"), frame.len() - HEADER);
    frame.to_vec()
}
