//! broker.json, as gateway.json: it goes by hand from machine to machine.

use std::path::Path;

use cluster::broker::from_document;
use config::Document;
use serde_json::json;

use crate::{Target, as_it_is};

pub(super) const TARGET: Target = Target {
    name: "broker-json",
    seeds,
    words: &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "“",
        "”",
        "\u{feff}",
        "\n",
        "//",
        "null",
        "65536",
        "\"hots\": 1,",
        "\"redis\"",
        "\"servers\": [],",
        "\"nkey\": \"SU\",",
        "\"ca\": \"x\",",
        "\0",
        "\u{202e}",
    ],
    mend: as_it_is,
    check,
    // An error may show its line, which may be the whole file, and marks of the same length below it.
    memory: 8 * 1024 * 1024,
};

const PASSWORD: &str = "3f9c1d7ab2e84506";

fn seeds() -> Vec<Vec<u8>> {
    let pretty = |value| serde_json::to_vec_pretty(&value).expect("a value can be written");
    let server = |host: &str| json!({ "host": host, "port": 4222 });
    vec![
        pretty(json!({ "transporterType": "nats", "host": "m1", "port": 4222, "password": PASSWORD,
            "rejectUnauthorized": true, "namespace": "fastx-cluster" })),
        pretty(json!({ "transporterType": "redis", "host": "192.0.2.7", "port": 6379, "password": PASSWORD,
            "rejectUnauthorized": false, "namespace": "lab" })),
        pretty(json!({ "transporterType": "nats", "servers": [server("m1"), server("m2")], "user": "fastx",
            "password": PASSWORD, "namespace": "lab" })),
    ]
}

fn check(input: &[u8]) {
    let error = match Document::from_bytes(Path::new("broker.json"), input.to_vec()) {
        Ok(document) => match from_document(&document) {
            Ok(broker) => return assert!(broker.servers.iter().all(|server| server.port != 0)),
            Err(error) => error.to_string(),
        },
        Err(fault) => fault.to_string(),
    };
    assert!(error.starts_with("broker.json"), "no place: {error}");
    let input = String::from_utf8_lossy(input);
    let named = input.matches(&format!("\"password\": \"{PASSWORD}\"")).count();
    assert!(
        named < input.matches(PASSWORD).count() || !error.contains(PASSWORD),
        "the password is shown: {error}"
    );
}
