use super::*;
use std::os::unix::fs::PermissionsExt;

/// The guide's example, as it is once its typographic quotes are mended.
const GUIDE: &str = r#"{
"transporterType": "redis",
"password": "s4j5D4RGwm2zrbit93SAobvxgikGEZkP259ivD6RPrkvWEYA5VP5WAFeITLJn4EO",
"host": "hostname.example.com",
"port": 6379,
"rejectUnauthorized": false,
"namespace": "fastx-cluster"
}"#;

fn parse(text: &str) -> Result<Broker, ConfigError> {
    from_document(&Document::from_bytes(Path::new("/etc/fastx/broker.json"), text.into())?)
}

fn nats(rest: &str) -> String {
    format!(r#"{{ "transporterType": "nats", "namespace": "lab", {rest} }}"#)
}

#[test]
fn the_guides_example_is_read_as_it_stands() {
    let broker = parse(GUIDE).unwrap();
    assert_eq!(broker.kind, Kind::Redis);
    assert_eq!(broker.servers[0].to_string(), "hostname.example.com:6379");
    assert!(matches!(broker.trust, Trust::Anybody));
    assert!(
        matches!(&broker.login, Login::Password { user: None, password } if password.expose().len() == 64)
    );
    assert_eq!(broker.namespace.as_str(), "fastx-cluster");
    assert!(!format!("{broker:?}").contains("s4j5"), "{broker:?}");
    assert!(format!("{broker:?}").contains("[redacted]"), "{broker:?}");
}

#[test]
fn the_guides_example_as_a_browser_copies_it_is_named_as_such() {
    let pasted = GUIDE.replacen("\"transporterType\"", "“transporterType”", 1);
    let error = parse(&pasted).unwrap_err().to_string();
    assert!(error.contains("broker.json:2:1: typographic quote “ (U+201C)"), "{error}");
    assert!(!error.contains("s4j5"), "{error}");
}

#[test]
fn nats_takes_several_servers_and_every_login() {
    let broker = parse(&nats(r#""servers": ["a:4222", "b:4223"], "user": "u", "password": "p""#)).unwrap();
    assert_eq!(broker.servers.len(), 2);
    assert!(matches!(broker.trust, Trust::System));
    assert!(matches!(broker.login, Login::Password { user: Some(_), .. }));
    let broker = parse(&nats(r#""host": "a", "nkey": "SUAXYZ""#)).unwrap();
    assert_eq!(broker.servers[0].port, 4222);
    assert!(matches!(broker.login, Login::Nkey(_)));
}

#[test]
fn what_cannot_work_is_refused_at_its_place_without_the_secret() {
    let cases = [
        (nats(r#""hots": "a", "password": "hunter2""#), "did you mean `host`?"),
        (nats(r#""password": "hunter2""#), "the key `host` is missing"),
        (nats(r#""host": "a""#), "anybody who reaches the broker would own the cluster"),
        (nats(r#""host": "a:4222", "password": "hunter2""#), "is no host name"),
        (nats(r#""host": "a", "port": 0, "password": "hunter2""#), "0 is no port"),
        (nats(r#""host": "a", "port": "4222", "password": "hunter2""#), "is not a whole number"),
        (nats(r#""host": "a", "servers": ["b:1"], "password": "hunter2""#), "both `host` and `servers`"),
        (nats(r#""servers": ["b:1"], "port": 1, "password": "hunter2""#), "`port` belongs to `host`"),
        (nats(r#""host": "a", "nkey": "SU1", "password": "hunter2""#), "more than one login"),
        (nats(r#""host": "a", "nkey": "hunter2""#), "begins with SU"),
        (nats(r#""host": "a", "user": "u", "nkey": "SUhunter2""#), "`user` needs a `password`"),
        (nats(r#""host": "a", "password": "hunter2", "ca": "x""#), "no -----BEGIN CERTIFICATE-----"),
        (
            nats(r#""host": "a", "password": "hunter2", "rejectUnauthorised": false"#),
            "did you mean `rejectUnauthorized`?",
        ),
        (GUIDE.replace("redis", "mqtt"), "known here: nats, redis"),
        (
            GUIDE.replace("\"host\": \"hostname.example.com\",\n\"port\": 6379", "\"servers\": [\"a:1\"]"),
            "Redis has one server",
        ),
        (GUIDE.replace("\"port\": 6379", "\"nkey\": \"SUhunter2\""), "Redis knows no `nkey`"),
        (GUIDE.replace(",\n\"namespace\": \"fastx-cluster\"", ""), "the key `namespace` is missing"),
        (GUIDE.replace("fastx-cluster", "fastx cluster"), "is no name"),
    ];
    for (text, says) in cases {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("s4j5"), "{error}");
    }
}

#[test]
fn a_broker_json_that_others_can_read_is_refused_and_none_is_stand_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.json");
    assert!(read(&path).unwrap().is_none());
    std::fs::write(&path, GUIDE).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains(&format!("chmod 600 '{}'", path.display())), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(read(&path).unwrap().is_some());
}

#[test]
fn credentials_are_read_from_beside_broker_json_and_kept_to_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, creds) = (folder.path().join("broker.json"), folder.path().join("node.creds"));
    let text = nats(r#""host": "a", "credentials": "node.creds""#);
    config::write_bytes(&broker, text.as_bytes(), Secrecy::OwnerOnly).unwrap();
    config::write_bytes(&creds, b"-----BEGIN NATS USER JWT-----", Secrecy::Public).unwrap();
    assert!(read(&broker).unwrap_err().to_string().contains("chmod 600"));
    config::write_bytes(&creds, b"hunter2", Secrecy::OwnerOnly).unwrap();
    let error = read(&broker).unwrap_err().to_string();
    assert!(error.contains("is no credentials file of NATS") && !error.contains("hunter2"), "{error}");
    config::write_bytes(&creds, b"-----BEGIN NATS USER JWT-----", Secrecy::OwnerOnly).unwrap();
    assert!(matches!(read(&broker).unwrap().unwrap().login, Login::Credentials(_)));
}

#[test]
fn credentials_are_a_path_or_the_text_itself() {
    let text = "-----BEGIN NATS USER JWT-----\\neyJ\\n------END NATS USER JWT------";
    let broker = parse(&nats(&format!(r#""host": "a", "credentials": "{text}""#))).unwrap();
    assert!(matches!(broker.login, Login::Credentials(_)));
    assert!(!format!("{broker:?}").contains("eyJ"));
}
