use super::*;
use std::path::Path;

fn read(text: &str) -> Result<Settings, String> {
    let document = Document::from_bytes(Path::new("g.json"), text.into()).map_err(|e| e.to_string())?;
    let settings = document.parse().map_err(|e| e.to_string())?;
    check(&settings, &document).map(|()| settings).map_err(|e| e.to_string())
}

fn with(more: &str) -> Result<Settings, String> {
    let comma = if more.is_empty() { "" } else { "," };
    read(&format!(
        r#"{{"listen": ":443", "host": "gw.example.org", "token": "0123456789abcdef"{comma} {more}}}"#
    ))
}

#[test]
fn a_short_file_is_enough() {
    let settings = with("").unwrap();
    assert_eq!(settings.drain.as_secs(), 30);
    assert!(settings.services.is_empty());
}

#[test]
fn contradictions_are_named_with_the_way_out() {
    let table = [
        (r#""certificate": "c.pem""#, "`certificate` needs its `key`"),
        (r#""key": "k.pem""#, "`key` needs its `certificate`"),
        (r#""certificate": "c", "key": "k", "acme": {"domains": ["a"]}"#, "exclude each other"),
        (r#""acme": {"domains": []}"#, "no domain"),
        (r#""services": [{"listen": ":22"}]"#, "leads nowhere"),
        (r#""services": [{"listen": ":22", "service": "ssh", "connect": "a:1"}]"#, "exclude each other"),
        (r#""services": [{"listen": ":22", "connect": "a:1", "server": "any"}]"#, "no server"),
        (r#""services": [{"listen": ":22", "service": "a", "proxyProtocol": true}]"#, "nobody is believed"),
        (r#""services": [{"listen": "10.0.0.1:443", "service": "a"}]"#, "443 is taken by `listen`"),
        (
            r#""services": [{"listen": ":22", "service": "a"}, {"listen": "1.1.1.1:22", "service": "b"}]"#,
            "22 is taken by `services` entry 1",
        ),
        (r#""metrics": "0.0.0.0:9180""#, "loopback only"),
        (r#""limits": {"conections": 5}"#, "did you mean `connections`"),
        (r#""drain": 30"#, "with its unit"),
        (r#""proxyProtocolFrom": ["10.0.0.0/33"]"#, "no network"),
    ];
    for (more, expected) in table {
        let error = with(more).unwrap_err();
        assert!(error.contains(expected), "{more}: {error}");
    }
}

#[test]
fn a_weak_token_is_refused_and_not_shown() {
    let error = read(r#"{"listen": ":443", "host": "gw", "token": "hunter2"}"#).unwrap_err();
    assert!(error.contains("too short") && !error.contains("hunter2"), "{error}");
}

#[test]
fn addresses_overlap_as_the_kernel_sees_it() {
    let table = [
        ("[::]:1", "1.1.1.1:1", true),
        ("0.0.0.0:1", "1.1.1.1:1", true),
        ("0.0.0.0:1", "[::1]:1", false),
        ("1.1.1.1:1", "1.1.1.2:1", false),
        ("1.1.1.1:1", "1.1.1.1:2", false),
    ];
    for (a, b, expected) in table {
        assert_eq!(overlap(a.parse().unwrap(), b.parse().unwrap()), expected, "{a} {b}");
    }
}
