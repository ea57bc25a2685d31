//! gateway.json, which an administrator may have carried through a web page, an e-mail or a word processor.

use std::path::Path;
use std::sync::OnceLock;

use config::Document;
use node::gateways::from_document;
use tunnel::{NodeKey, ServerIdentity};

use crate::{Target, as_it_is};

pub(super) const TARGET: Target = Target {
    name: "gateway-json",
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
        "–",
        "\u{a0}",
        "\u{feff}",
        "\r",
        "\n",
        "\t",
        "//",
        "null",
        "-1",
        "65536",
        "1e400",
        "\"host\"",
        "\"prot\": 1,",
        "\"tokn\": 1,",
        "\u{1f600}",
        "\0",
        "\u{202e}",
    ],
    mend: as_it_is,
    check,
    // An error may show its line, which may be the whole file, and marks of the same length below it.
    memory: 8 * 1024 * 1024,
};

const TOKEN: &str = "3f9c1d7ab2e84506";

fn seeds() -> Vec<Vec<u8>> {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(written).clone()
}

fn written() -> Vec<Vec<u8>> {
    let (ca, _) = ServerIdentity::self_signed(vec!["gw".into()]).expect("a certificate can be made");
    let entry = |host: &str| {
        serde_json::json!({
            "host": host, "port": 443, "token": TOKEN, "namespace": "lab", "ca": ca, "transport": "auto",
            "rejectUnauthorized": true,
        })
    };
    let pretty = |value| serde_json::to_vec_pretty(&value).expect("a value can be written");
    let unchecked = br#"{ "host": "gw", "port": 1, "token": "3f9c1d7ab2e84506", "namespace": "", "rejectUnauthorized": false }"#;
    vec![
        unchecked.to_vec(),
        pretty(entry("gw.example.org")),
        pretty(serde_json::json!([entry("gw.example.org"), entry("192.0.2.7")])),
    ]
}

fn check(input: &[u8]) {
    static KEY: OnceLock<NodeKey> = OnceLock::new();
    let key = KEY.get_or_init(|| NodeKey::generate().expect("a key can be made"));
    let document = match Document::from_bytes(Path::new("gateway.json"), input.to_vec()) {
        Ok(document) => document,
        Err(fault) => return shown(input, &fault.to_string()),
    };
    match from_document(&document, key) {
        Ok(gateways) => assert!(gateways.iter().all(|gateway| gateway.port != 0)),
        Err(error) => shown(input, &error.to_string()),
    }
}

/// What the administrator sees: the place, and never the token, as long as it still stands behind its name.
fn shown(input: &[u8], error: &str) {
    assert!(error.starts_with("gateway.json"), "no place: {error}");
    let input = String::from_utf8_lossy(input);
    let named = input.matches(&format!("\"token\": \"{TOKEN}\"")).count();
    let at_all = input.matches(TOKEN).count();
    assert!(named < at_all || !error.contains(TOKEN), "the token is shown: {error}");
}
