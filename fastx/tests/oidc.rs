//! People of an OpenID provider sign in: a real provider (oidc-provider of npm), curl as the browser there, and a user that the
//! test makes. Needs root to make the account.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "another test uses all of it")]
mod machine;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use machine::server::Server;
use machine::work::Office;
use machine::{User, is_root};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const SECRET: &str = "a secret of the client, which is long enough";
const PAGES: &str = "https://fx.example/@n1/";
/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

struct Provider {
    issuer: String,
    folder: tempfile::TempDir,
    _node: Child,
}

impl Provider {
    /// For a portal whose pages are there.
    async fn new(pages: &str) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
        assert!(
            scripts.join("node_modules").is_dir(),
            "first run `npm ci` in tests/browser (or `make test`)"
        );
        let callback = format!("{pages}api/login/oidc/corp/callback");
        let mut node = Command::new("node");
        node.arg(scripts.join("provider.mjs")).args([&callback, SECRET]).stdout(Stdio::piped());
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let stderr = std::fs::File::create(&log).unwrap();
        let mut node = node.stderr(stderr).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
        let issuer = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts in time");
        let issuer = issuer.unwrap();
        let issuer = issuer.unwrap_or_else(|| panic!("{}", std::fs::read_to_string(&log).unwrap()));
        // What it prints later has somewhere to go.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self { issuer, folder, _node: node }
    }

    fn logins(&self, pages: &str) -> Value {
        json!({ "ways": [{ "type": "password" }, {
            "type": "oidc", "name": "corp", "label": "Corp", "issuer": self.issuer, "clientId": "fastx",
            "clientSecretFile": self.folder.path().join("secret"), "url": pages, "scopes": ["profile"],
            "withoutSuffix": "@x.example",
        }] })
    }

    /// What a browser does at the provider: signs in as `name`, agrees, and is sent back; gives the path and query.
    async fn visit(&self, address: &str, name: &str) -> String {
        let jar = self.folder.path().join(format!("cookies-{name}"));
        let _of_an_earlier_visit = std::fs::remove_file(&jar);
        let mut at = address.to_owned();
        let mut form: Option<String> = None;
        let mut forms =
            [format!("prompt=login&login={name}&password=x"), "prompt=consent".to_owned()].into_iter();
        for _ in 0..20 {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "-o", "/dev/null", "-w", "%{redirect_url}", "-b"])
                .arg(&jar)
                .arg("-c")
                .arg(&jar);
            curl.args(form.take().iter().flat_map(|form| ["-d", form]));
            let output = curl.arg(&at).stdin(Stdio::null()).output().await.unwrap();
            assert!(output.status.success(), "{at}: {output:?}");
            let next = String::from_utf8(output.stdout).unwrap();
            if let Some(back) = next.strip_prefix(PAGES) {
                return format!("/{back}");
            }
            if next.is_empty() {
                form = Some(forms.next().expect("two forms"));
            } else {
                at = next;
            }
        }
        panic!("the provider sends the browser around: {at}");
    }
}

/// Where the portal sends a browser, and the cookie that it gives it.
async fn go(server: &Server) -> (String, String) {
    let request = Request::get("/api/login/oidc/corp").header("host", "fx.example").body(Full::default());
    let answer = server.send(request.unwrap()).await;
    assert_eq!(answer.status(), StatusCode::FOUND, "{answer:?}");
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly; Secure; SameSite=Lax") && cookie.starts_with("__Host-"), "{cookie}");
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    (location.to_owned(), cookie.split(';').next().unwrap().to_owned())
}

async fn back(server: &Server, path: &str, cookie: &str) -> Response<Bytes> {
    let request = Request::get(path).header("host", "fx.example").header("sec-fetch-site", "cross-site");
    server.send(request.header("cookie", cookie).body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn people_of_a_provider_come_in_and_nothing_else_that_comes_back_does() {
    if !is_root() {
        return;
    }
    let provider = Provider::new(PAGES).await;
    let server = Server::new(&provider.logins(PAGES));
    let alice = User::new("correct horse battery", None);
    let ways = server.ways().await;
    assert_eq!(ways["result"]["ways"][1], json!({ "id": "oidc:corp", "label": "Corp", "kind": "redirect" }));

    let (address, cookie) = go(&server).await;
    for part in ["code_challenge_method=S256", "nonce=", "state=", "response_type=code"] {
        assert!(address.contains(part), "{address}");
    }
    let path = provider.visit(&address, alice.name()).await;
    // What somebody was made to open, who did not begin here; twisted; from another provider.
    let (_, other) = go(&server).await;
    let state = path.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let twisted = path.replace(state, &"A".repeat(state.len()));
    for (path, cookie) in [(&path, ""), (&path, &other[..]), (&twisted, &cookie[..])] {
        assert_eq!(back(&server, path, cookie).await.status(), StatusCode::UNAUTHORIZED, "{path} {cookie}");
    }
    let answer = back(&server, &path, &cookie).await;
    assert_eq!(
        (answer.status(), &answer.headers()[header::LOCATION]),
        (StatusCode::FOUND, &PAGES.parse().unwrap())
    );
    assert_eq!(server.get("/api/sessions", &answer).await["result"]["login"], alice.name());
    assert_eq!(back(&server, &path, &cookie).await.status(), StatusCode::UNAUTHORIZED, "a code counts once");

    // A code that another browser got does not fit this one's verifier.
    let (first, _) = go(&server).await;
    let (second, cookie) = go(&server).await;
    let stolen = provider.visit(&first, alice.name()).await;
    let own = provider.visit(&second, alice.name()).await;
    let part =
        |path: &str, name: &str| path.split(name).nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mixed = own.replace(&part(&own, "code="), &part(&stolen, "code="));
    assert_eq!(back(&server, &mixed, &cookie).await.status(), StatusCode::UNAUTHORIZED);
    let (address, cookie) = go(&server).await;
    let path = provider.visit(&address, alice.name()).await;
    let elsewhere = path.replace(&part(&path, "iss="), "https%3A%2F%2Fevil.example");
    assert_eq!(back(&server, &elsewhere, &cookie).await.status(), StatusCode::UNAUTHORIZED);

    // The provider knows them, this machine does not; or only as one of the system's.
    for stranger in ["nobody-is-called-so", "root"] {
        let (address, cookie) = go(&server).await;
        let path = provider.visit(&address, stranger).await;
        let answer = back(&server, &path, &cookie).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{stranger}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
    }
}

/// In Chromium, from signing in to typing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_of_a_provider_works_in_a_terminal() {
    if !is_root() {
        return;
    }
    let alice = User::new("correct horse battery", None);
    // The provider wants to know where the pages are, and the pages where the provider is.
    let server = Server::new(&json!({ "ways": [{ "type": "password" }] }));
    let office = Office::of(&server).await;
    let provider = Provider::new(&office.url).await;
    let logins = provider.logins(&office.url).to_string();
    std::fs::write(server.folder.path().join("logins.json"), logins).unwrap();
    office.works(&alice, "of the provider", &["--at", "Corp"]).await;
}
