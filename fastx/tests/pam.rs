//! Accounts of the machine sign in: a user that the test makes, the machine's PAM, a second factor of Debian's, and the
//! program as its own launcher. Needs root; anybody else has no account to make.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "another test uses all of it")]
mod machine;

use std::path::{Path, PathBuf};

use http::{StatusCode, header};
use machine::server::Server;
use machine::work::Office;
use machine::{Rules, User, is_root, tls};
use serde_json::{Value, json};

/// RFC 4226, appendix D: its secret in hexadecimal, and the first codes that it gives.
const HOTP_SECRET: &str = "3132333435363738393031323334353637383930";
const HOTP_CODES: [&str; 3] = ["755224", "287082", "359152"];

#[tokio::test]
async fn an_account_of_the_machine_signs_in_with_its_password() {
    if !is_root() {
        return;
    }
    let rules = Rules::new("auth required pam_unix.so nodelay\naccount required pam_unix.so\n");
    let alice = User::new("correct horse battery", Some(rules.name()));
    let server = Server::new(&logins(&rules));
    let ways = server.ways().await;
    assert_eq!(ways["result"]["ways"][1], json!({ "id": "pam", "label": "Linux", "kind": "form" }));

    let mut said = Vec::new();
    let long = "x".repeat(600);
    let refused = [
        (alice.name(), "wrong"),
        ("nobody-is-called-so", "correct horse battery"),
        ("-s", "x"),
        ("bin", ""),
        ("eve", &long),
    ];
    for (name, password) in refused {
        let (answer, _) = server.sign_in("pam", name, password).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
        said.push(answer.body().clone());
    }
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");

    let answer = machine::patiently(async || {
        let (answer, said) = server.sign_in("pam", alice.name(), "correct horse battery").await;
        (answer.status() != StatusCode::TOO_MANY_REQUESTS).then_some((answer, said))
    });
    let (answer, said) = answer.await;
    let expected = json!({ "state": "success", "server": "n1", "login": alice.name(), "role": "manager" });
    assert_eq!(said["result"], expected);
    assert_eq!(server.get("/api/sessions", &answer).await["result"]["login"], alice.name());

    // Who was disabled since is out at once, and does not come in again.
    let path = server.folder.path().join("logins.json");
    let mut logins: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    logins["roles"]["users"] = json!({ (alice.name()): "disabled" });
    std::fs::write(&path, logins.to_string()).unwrap();
    assert_eq!(server.get("/api/sessions", &answer).await["error"]["code"], "sign-in-wanted");
    let (answer, _) = server.sign_in("pam", alice.name(), "correct horse battery").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_second_factor_and_an_expired_password_are_further_questions() {
    if !is_root() {
        return;
    }
    let codes = tempfile::tempdir().unwrap();
    let file = codes.path().join("users.oath");
    let rules = Rules::new(&format!(
        "auth requisite pam_unix.so nodelay\n\
         auth requisite pam_oath.so usersfile={} window=2 digits=6\n\
         account required pam_unix.so\npassword required pam_unix.so yescrypt\n",
        file.display()
    ));
    let bob = User::new("correct horse battery", None);
    write_codes(&file, bob.name());
    let server = Server::new(&logins(&rules));

    let (_, question) = server.sign_in("pam", bob.name(), "correct horse battery").await;
    let (answer, said) = server.answer(&question, "One-time password", HOTP_CODES[0]).await;
    assert_eq!(said["result"]["state"], "success", "{said}");
    assert_eq!(said["result"]["role"], "user");
    assert!(answer.headers().contains_key(header::SET_COOKIE));

    // A code counts once; and the conversation is over.
    let (_, question) = server.sign_in("pam", bob.name(), "correct horse battery").await;
    let (answer, _) = server.answer(&question, "One-time password", HOTP_CODES[0]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let again = json!({ "conversation": question["result"]["conversation"], "answers": [HOTP_CODES[1]] });
    assert_ne!(server.post("/api/login/answer", again).await.0.status(), StatusCode::OK);

    // Without a password the machine asks for it, then for the code, then for another password.
    bob.expire();
    let question = machine::patiently(async || {
        let (_, said) = server.post("/api/login", json!({ "way": "pam", "username": bob.name() })).await;
        (said["error"]["code"] != "slow-down").then_some(said)
    });
    let (_, question) = server.answer(&question.await, "Password", "correct horse battery").await;
    let (_, question) = server.answer(&question, "One-time password", HOTP_CODES[1]).await;
    let message = question["result"]["message"].as_str().unwrap();
    assert!(message.contains("change your password"), "{question}");
    let (_, question) = server.answer(&question, "Current password", "correct horse battery").await;
    let (_, question) = server.answer(&question, "New password", "battery staple 42").await;
    let (_, said) = server.answer(&question, "Retype new password", "battery staple 42").await;
    assert_eq!(said["result"]["state"], "success", "{said}");

    let (_, question) = server.sign_in("pam", bob.name(), "battery staple 42").await;
    let (_, said) = server.answer(&question, "One-time password", HOTP_CODES[2]).await;
    assert_eq!(said["result"]["state"], "success", "{said}");
}

/// The same on the page, in Chromium.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_what_the_machine_asks() {
    if !is_root() {
        return;
    }
    let codes = tempfile::tempdir().unwrap();
    let file = codes.path().join("users.oath");
    let rules = Rules::new(&format!(
        "auth requisite pam_unix.so nodelay\n\
         auth requisite pam_oath.so usersfile={} window=2 digits=6\n\
         account required pam_unix.so\n",
        file.display()
    ));
    let eve = User::new("correct horse battery", None);
    write_codes(&file, eve.name());
    let server = Server::new(&logins(&rules));
    let url = tls::listen(server.portal.clone(), &codes.path().join("ca.pem")).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
    assert!(folder.join("node_modules").is_dir(), "first run `npm ci` in tests/browser (or `make ui`)");
    let shots = std::env::var_os("FX_SHOTS").map_or_else(|| codes.path().to_owned(), PathBuf::from);
    let shots = shots.join("sign-in");
    std::fs::create_dir_all(&shots).unwrap();
    let output = tokio::process::Command::new("node")
        .arg(folder.join("sign-in.mjs"))
        .args(["--url", &url, "--name", eve.name(), "--password", "correct horse battery"])
        .args(["--code", HOTP_CODES[0], "--shots"])
        .arg(shots)
        .kill_on_drop(true)
        .output();
    let output = output.await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(output.status.success(), "{report:#}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        (&report["errors"], &report["person"]),
        (&json!([]), &json!(format!("You are {}", eve.name())))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_the_machine_works_in_a_terminal() {
    if !is_root() {
        return;
    }
    let rules = Rules::new("auth required pam_unix.so nodelay\naccount required pam_unix.so\n");
    let password = "correct horse battery";
    let alice = User::new(password, None);
    let server = Server::new(&logins(&rules));
    Office::of(&server).await.works(&alice, password, &["--way", "Linux"]).await;
}

/// Where PAM's rules in `rules` count.
fn logins(rules: &Rules) -> Value {
    json!({
        "ways": [{ "type": "password" }, { "type": "pam", "service": rules.name(), "label": "Linux" }],
        "roles": { "groups": { (rules.name()): "manager" } },
    })
}

fn write_codes(file: &Path, name: &str) {
    std::fs::write(file, format!("HOTP\t{name}\t-\t{HOTP_SECRET}\n")).unwrap();
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}
