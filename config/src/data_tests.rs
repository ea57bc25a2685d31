use std::time::Duration;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{HostPort, OneOrMany};

#[derive(Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Gateway {
    host: String,
    port: u16,
    #[serde(default)]
    token: String,
    #[serde(default)]
    transport: Transport,
    #[serde(default, with = "crate::duration")]
    drain: Duration,
    connect: Option<HostPort>,
    #[serde(default)]
    reject_unauthorized: bool,
    nested: Option<Box<Self>>,
}

#[derive(Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Transport {
    #[default]
    Auto,
    Quic,
    Tls,
}

fn gateways(text: &str) -> Result<OneOrMany<Gateway>, Box<Fault>> {
    parse(Path::new("gateway.json"), text)
}

fn assert_fault(text: &str, line: usize, column: usize, says: &[&str]) {
    let fault = gateways(text).unwrap_err();
    let shown = fault.to_string();
    assert_eq!((fault.line(), fault.column()), (line, column), "{shown}");
    for says in says {
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn an_unknown_key_is_shown_with_the_one_that_was_meant() {
    let shown = gateways("{\n  \"hots\": \"gw\",\n  \"port\": 443\n}").unwrap_err().to_string();
    let expected = "gateway.json:2:3: unknown key `hots`\n   2 |   \"hots\": \"gw\",\n     |   ^^^^^^ did you mean `host`?";
    assert_eq!(shown, expected);
    assert_fault(
        r#"{"host":"a","port":1,"rejectunauthorised":true}"#,
        1,
        22,
        &["did you mean `rejectUnauthorized`?"],
    );
    assert_fault(r#"{"host":"a","port":1,"colour":1}"#, 1, 22, &["known here: host, port, token"]);
    assert_fault(r#"{"host":"a","port":1,"to–ken":1}"#, 1, 25, &["typographic dash"]);
}

#[test]
fn a_place_deep_inside_is_named_by_its_path() {
    let text = r#"[{"host":"a","port":1},
 {"host":"b","port":2,"nested":{"host":"c","prot":3}}]"#;
    assert_fault(text, 2, 44, &["unknown key `prot` (at [1].nested.prot)", "did you mean `port`?"]);
}

#[test]
fn a_wrong_value_is_pointed_at() {
    let with = |rest: &str| format!("{{\"host\":\"a\",\n\"port\":1,{rest}}}");
    assert_fault(
        r#"{"host":"a","port":"443"}"#,
        1,
        20,
        &["string \"443\" is not a whole number from 0 to 65535"],
    );
    assert_fault(r#"{"host":"a","port":70000}"#, 1, 20, &["`70000` is not a whole number from 0 to 65535"]);
    assert_fault(r#"{"host":["a"],"port":1}"#, 1, 9, &["sequence is not a \"string\""]);
    assert_fault(&with(r#""transport":"qiuc""#), 2, 22, &["`qiuc` is not one of", "did you mean `quic`?"]);
    assert_fault(&with(r#""transport":"http""#), 2, 22, &["known here: auto, quic, tls"]);
    assert_fault(&with(r#""drain":30"#), 2, 18, &["is not a time with its unit, such as \"30s\""]);
    assert_fault(&with(r#""drain":"30x""#), 2, 18, &["is not a time with its unit"]);
    assert_fault(&with(r#""connect":"gw""#), 2, 20, &["`gw` has no port"]);
    assert_fault(&with(r#""connect":"g–w:1""#), 2, 22, &["typographic dash – (U+2013)", "write - instead"]);
    assert_fault(&with(r#""rejectUnauthorized":"no""#), 2, 31, &["is not true or false (without quotes)"]);
    assert_fault("7", 1, 1, &["is not one object {…} or a list of objects"]);
}

#[test]
fn a_missing_or_doubled_key_is_named() {
    assert_fault("[\n {\"host\":\"a\"}]", 2, 2, &["the key `port` is missing"]);
    assert_fault(r#"{"host":"a","port":1,"host":"b"}"#, 1, 22, &["the key `host` stands here twice"]);
}

#[test]
fn a_secret_is_never_printed() {
    for text in [
        r#"{"host":"a","token":4711081547110815,"port":1}"#,
        r#"{"host":"a","token":"4711081547110815","prot":1}"#,
        r#"{"host":"a","token":["4711081547110815"],"port":1}"#,
    ] {
        let shown = gateways(text).unwrap_err().to_string();
        assert!(!shown.contains("47110815"), "{shown}");
    }
}

#[test]
fn one_object_and_a_list_are_the_same() {
    let one = gateways(r#"{"host":"a","port":1}"#).unwrap();
    let list = gateways(r#"[{"host":"a","port":1}]"#).unwrap();
    assert_eq!(one, list);
    assert_eq!(gateways("[]").unwrap().0, []);
}

proptest! {
    #[test]
    fn a_value_survives_being_written(host in "[a-z]{1,9}", port: u16, seconds in 0u64..100_000, secure: bool) {
        let gateway = Gateway {
            host, port, token: "t".into(), transport: Transport::Tls, drain: Duration::from_secs(seconds),
            connect: Some("[::1]:22".parse().unwrap()), reject_unauthorized: secure, nested: None,
        };
        let text = serde_json::to_string_pretty(&gateway).unwrap();
        prop_assert_eq!(gateways(&text).unwrap().0, vec![gateway]);
    }

    #[test]
    fn any_json_is_taken_or_explained(
        keys in proptest::collection::vec("(host|port|token|nested|drain|“|[a-zä]{0,5})", 0..6),
        values in proptest::collection::vec("(1|-3.5|null|true|\"a–b\"|\\[1, 2\\]|\\{\"host\": 1\\}|\\{\\})", 6..7),
    ) {
        let members: Vec<String> = keys.iter().zip(&values).map(|(k, v)| format!("\"{k}\": {v}")).collect();
        let text = format!("{{\n{}\n}}", members.join(",\n"));
        if let Err(fault) = gateways(&text) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}
