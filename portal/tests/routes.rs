//! Every route beside its description and beside everybody who may ask: what the source routes, what `openapi.json`
//! describes and what the table below expects are the same routes, and a portal answers each as all three say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "other tests use all of it")]
mod server;

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::session::{Wanted, Who};
use portal::people::{People, Role};
use serde_json::{Value, json};
use server::Server;
use tunnel::identity::Secret;

const PASSWORD: &str = "correct horse battery";
const OURS: &str = "https://fx.example";
/// Who asks, in the order of the table's columns: a stranger, whom an admin disabled after they signed in, the owner of the
/// session and of the token, another user, a manager, an admin, and who holds the portal's key.
const COLUMNS: [&str; 7] = ["", "dave", "alice", "bob", "frank", "carol", "key"];

/// Method, route, body, and the status for each column; 0: not asked, as it would be the same or would slow a name down.
type Row = (&'static str, &'static str, &'static str, [u16; 7]);

const ANYBODY: [u16; 7] = [200; 7];
const VISITORS: [u16; 7] = [401, 401, 200, 200, 200, 200, 200];
const OWNER: [u16; 7] = [401, 401, 200, 404, 404, 200, 200];
const ADMINS: [u16; 7] = [401, 401, 403, 403, 403, 200, 200];
const MALFORMED: [u16; 7] = [400; 7];

/// `{id}` is a session of alice's, `{jti}` a token of hers; one that a request ended is made anew.
const TABLE: &[Row] = &[
    ("GET", "/api/health", "", ANYBODY),
    ("GET", "/api/openapi.json", "", ANYBODY),
    ("POST", "/api/open", r#"{"key":"KEY"}"#, ANYBODY),
    ("POST", "/api/open", "{}", MALFORMED),
    ("GET", "/api/login", "", ANYBODY),
    ("POST", "/api/login", r#"{"username":"alice","password":"PASSWORD"}"#, ANYBODY),
    ("POST", "/api/login", r#"{"username":"dave","password":"PASSWORD"}"#, [401, 0, 0, 0, 0, 0, 0]),
    ("POST", "/api/login", r#"{"username":"nobody","password":"PASSWORD"}"#, [401, 0, 0, 0, 0, 0, 0]),
    ("POST", "/api/login/answer", r#"{"conversation":"00","answers":[]}"#, [401; 7]),
    ("GET", "/api/login/oidc/{name}", "", [404; 7]),
    ("GET", "/api/login/oidc/{name}/callback", "", [401; 7]),
    ("POST", "/api/logout", "", VISITORS),
    ("GET", "/api/servers", "", VISITORS),
    ("GET", "/api/applications", "", VISITORS),
    ("GET", "/api/sessions", "", VISITORS),
    // Bodies of nobody's account: users' and managers' sessions run as theirs, admins' as anybody's that there is.
    ("POST", "/api/sessions", r#"{"command":"true"}"#, [401, 401, 422, 422, 422, 422, 0]),
    ("POST", "/api/sessions", r#"{"login":"alice"}"#, [401, 401, 400, 400, 400, 400, 400]),
    ("GET", "/api/sessions/events", "", VISITORS),
    ("GET", "/api/sessions/{id}", "", [401, 401, 200, 404, 200, 200, 200]),
    ("PATCH", "/api/sessions/{id}", r#"{"name":"new"}"#, OWNER),
    ("DELETE", "/api/sessions/{id}", "", [401, 401, 200, 404, 200, 200, 200]),
    ("POST", "/api/sessions/{id}/disconnect", "", OWNER),
    ("GET", "/api/sessions/{id}/log", "", OWNER),
    ("GET", "/api/sessions/{id}/thumbnail", "", OWNER),
    ("GET", "/api/sessions/{id}/socket", "", [401, 401, 101, 404, 404, 101, 101]),
    ("GET", "/api/sessions/{id}/shares", "", OWNER),
    (
        "POST",
        "/api/sessions/{id}/shares",
        r#"{"mode":"view","expires":60}"#,
        [401, 401, 201, 404, 404, 201, 201],
    ),
    ("DELETE", "/api/sessions/{id}/shares/{share}", "", [401, 401, 404, 404, 404, 404, 404]),
    ("POST", "/api/share", r#"{"token":"x"}"#, [404; 7]),
    ("GET", "/api/share/socket", "", [404; 7]),
    ("POST", "/api/sessions/{id}/ticket", "", OWNER),
    ("GET", "/api/sessions/{id}/ticket/socket", "", [404; 7]),
    ("GET", "/api/tokens", "", VISITORS),
    // The key opens the portal without a name, and tokens are of names.
    ("POST", "/api/tokens", "{}", [401, 401, 201, 201, 201, 201, 400]),
    ("DELETE", "/api/tokens/{jti}", "", OWNER),
    ("GET", "/api/balance", "", ADMINS),
    ("GET", "/api/balance/log", "", ADMINS),
    ("GET", "/api/balance/templates", "", ADMINS),
    ("POST", "/api/balance/test", "{}", ADMINS),
    ("POST", "/api/balance/choose", "{}", ADMINS),
    ("GET", "/api/balance/{action}", "", ADMINS),
    ("PUT", "/api/balance/{action}", "{}", ADMINS),
    ("POST", "/api/balance/{action}/rollback", "{}", ADMINS),
    ("PUT", "/api/balance/{action}/shadow", "{}", ADMINS),
    ("POST", "/api/balance/{action}/replay", "{}", ADMINS),
    ("GET", "/api/forms", "", VISITORS),
    ("GET", "/api/forms/{name}", "", VISITORS),
    ("PUT", "/api/forms/{name}", "{}", ADMINS),
    ("DELETE", "/api/forms/{name}", "", ADMINS),
    // Below /api there is nothing else, and strangers are not told so.
    ("GET", "/api/other", "", [401, 401, 404, 404, 404, 404, 404]),
    ("PUT", "/api/other", "", [401, 401, 404, 404, 404, 404, 404]),
];

/// `METHOD /path` of all `.route(…)` in a folder's sources, without those that take whatever is left.
fn routed(folder: &Path, before: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routed(&path, before, found);
        } else if path.extension().is_some_and(|is| is == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for piece in text.split(".route(").skip(1) {
                let Some((path, handlers)) = literal(piece) else { continue };
                if path.contains("{*") || handlers.contains("any(") {
                    continue;
                }
                let methods = ["get", "post", "put", "patch", "delete"].into_iter();
                for method in methods.filter(|method| calls(&handlers, method)) {
                    found.insert(format!("{} {before}{path}", method.to_uppercase()));
                }
            }
        }
    }
}

/// The path, and what stands behind it up to the end of the call.
fn literal(piece: &str) -> Option<(String, String)> {
    let (path, rest) = piece.trim_start().strip_prefix('"')?.split_once('"')?;
    let mut depth = 1;
    let end = rest.find(|is: char| {
        depth += i32::from(is == '(') - i32::from(is == ')');
        depth == 0
    })?;
    Some((path.to_owned(), rest[..end].to_owned()))
}

fn calls(handlers: &str, method: &str) -> bool {
    let call = format!("{method}(");
    let begins = |at: usize| !handlers[..at].ends_with(|is: char| is.is_alphanumeric() || is == '_');
    handlers.match_indices(&call).any(|(at, _)| begins(at))
}

fn all_routed() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    routed(&root.join("src"), "", &mut found);
    // What `fastx` adds for admins.
    routed(&root.join("../fastx/src/balancer"), "/api", &mut found);
    found
}

fn described(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |(path, item): (&String, &Value)| {
        let name = |method: &String| format!("{} {path}", method.to_uppercase());
        item.as_object().unwrap().keys().map(name).collect::<Vec<_>>()
    };
    paths.flat_map(methods).collect()
}

#[tokio::test]
async fn routes_and_description_and_table_are_the_same() {
    let document = document(&Server::new()).await;
    let (routed, described) = (all_routed(), described(&document));
    let expected = TABLE.iter().map(|(method, path, ..)| format!("{method} {path}"));
    let expected: BTreeSet<_> = expected.filter(|route| !route.ends_with("/other")).collect();
    let differ = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.symmetric_difference(other).cloned().collect::<Vec<_>>()
    };
    assert!(routed.len() > 20, "{routed:?}");
    assert_eq!(differ(&routed, &described), [""; 0], "what is routed, and what openapi.json describes");
    assert_eq!(differ(&routed, &expected), [""; 0], "what is routed, and what this test's table expects");
}

#[tokio::test]
async fn the_description_is_whole_and_has_the_session_object_of_the_docs() {
    let document = document(&Server::new()).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = Vec::new();
    each(&document, &mut |field, value| {
        if field == "$ref" {
            let target = value.as_str().unwrap();
            let found = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(found.is_some(), "{target} is not there");
        } else if field == "operationId" {
            names.push(value.clone());
        }
    });
    let different: BTreeSet<_> = names.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), names.len(), "an operationId twice");
    let docs = include_str!("../../docs/session-object.schema.json");
    let docs: Value = serde_json::from_str(docs).unwrap();
    let session = &document["components"]["schemas"]["Session"];
    let fields =
        |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(session), fields(&docs));
    for (name, schema) in docs["$defs"].as_object().unwrap() {
        assert_eq!(document["components"]["schemas"][name]["description"], schema["description"], "{name}");
    }
}

fn each(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            see(name, value);
            each(value, see);
        }),
        _ => {}
    }
}

async fn document(server: &Server) -> Value {
    let answer = send(server, "", "GET", "/api/openapi.json", "", (OURS, "192.0.2.1")).await;
    serde_json::from_slice(&body(answer).await).unwrap()
}

type Answer = Response<hyper::body::Incoming>;

async fn body(answer: Answer) -> Bytes {
    answer.into_body().collect().await.unwrap().to_bytes()
}

/// Each from another address, so that nobody waits for somebody else's wrong tries.
async fn send(
    server: &Server,
    cookie: &str,
    method: &str,
    path: &str,
    body: &str,
    (origin, client): (&str, &str),
) -> Answer {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (portal, client) = (server.portal.clone(), format!("{client}:5000").parse().unwrap());
    tokio::spawn(async move { portal.serve(theirs, Some(client)).await });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::builder().method(method).uri(path).header("host", "fx.example");
    request = request.header("origin", origin).header("cookie", cookie);
    if path.ends_with("/socket") {
        request = request.header("connection", "upgrade").header("upgrade", "websocket");
        request = request.header("sec-websocket-version", "13");
        request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    }
    sender.send_request(request.body(Full::<Bytes>::from(body.to_owned())).unwrap()).await.unwrap()
}

fn filled(route: &str, session: &str, jti: &str) -> String {
    route
        .replace("{id}", session)
        .replace("{jti}", jti)
        .replace("{action}", "session-start")
        .replace("{name}", "nobody")
        .replace("{share}", "none")
}

/// A portal with everybody of the columns.
struct Table {
    server: Server,
    document: Value,
    requests: std::sync::atomic::AtomicU16,
}

impl Table {
    async fn new() -> Self {
        let server = Server::new();
        let mut people = People::default();
        let users = ["alice", "bob", "dave"].map(|name| (name, Role::User));
        for (name, role) in users.into_iter().chain([("frank", Role::Manager), ("carol", Role::Admin)]) {
            people.put(name, &Secret::new(PASSWORD), role, &format!("fx-no-{name}")).unwrap();
        }
        people.write(server.folder.path()).unwrap();
        let ok = axum::routing::any(async || axum::Json(json!({})));
        let added = axum::Router::new().route("/balance", ok.clone()).route("/balance/{*rest}", ok.clone());
        let added = added.route("/forms", ok.clone()).route("/forms/{name}", ok);
        server.portal.add_for_admins(added);
        let document = document(&server).await;
        Self { server, document, requests: std::sync::atomic::AtomicU16::new(0) }
    }

    /// An address that nobody asked from yet.
    fn client(&self) -> String {
        let [high, low] = self.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
        format!("10.1.{high}.{low}")
    }

    async fn ask(&self, cookie: &str, method: &str, path: &str, body: &str, origin: &str) -> Answer {
        let body = body.replace("KEY", &self.server.key()).replace("PASSWORD", PASSWORD);
        send(&self.server, cookie, method, path, &body, (origin, &self.client())).await
    }

    async fn cookie(&self, name: &str) -> String {
        let login = json!({ "username": name, "password": PASSWORD }).to_string();
        let (path, body) = match name {
            "" => return "a=b".to_owned(),
            "key" => ("/api/open", r#"{"key":"KEY"}"#.to_owned()),
            _ => ("/api/login", login),
        };
        let answer = self.ask("", "POST", path, &body, OURS).await;
        let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    fn disable(&self, name: &str) {
        let mut people = People::read(self.server.folder.path()).unwrap();
        people.set_role(name, Role::Disabled).unwrap();
        people.write(self.server.folder.path()).unwrap();
    }

    async fn session(&self) -> String {
        let wanted = Wanted { login: Some("alice".into()), ..Wanted::program("hers", "exec xterm -e cat") };
        self.server.sessions.start(wanted).await.unwrap().id.to_string()
    }

    async fn token(&self, alice: &str) -> String {
        let answer = self.ask(alice, "POST", "/api/tokens", "{}", OURS).await;
        let said: Value = serde_json::from_slice(&body(answer).await).unwrap();
        said["result"]["claims"]["jti"].as_str().unwrap().to_owned()
    }

    /// Whether the description knows the answer.
    fn describes(&self, method: &str, route: &str, status: u16) -> bool {
        let answers = &self.document["paths"][route][method.to_lowercase()]["responses"];
        answers.get(status.to_string()).is_some() || route.ends_with("/other")
    }
}

#[tokio::test]
async fn everybody_reaches_what_the_table_says_and_nothing_else() {
    let table = Table::new().await;
    let mut session = table.session().await;
    let mut cookies = Vec::new();
    for name in COLUMNS {
        cookies.push(table.cookie(name).await);
    }
    table.disable("dave");
    let alice = table.cookie("alice").await;
    let mut wrong = Vec::new();
    for (method, route, sent, expected) in TABLE {
        for (column, expected) in expected.iter().enumerate().filter(|(_, expected)| **expected != 0) {
            let jti = if route.contains("{jti}") { table.token(&alice).await } else { String::new() };
            let path = filled(route, &session, &jti);
            let answer = table.ask(&cookies[column], method, &path, sent, OURS).await;
            let status = answer.status().as_u16();
            if status != *expected {
                let name = COLUMNS[column];
                wrong.push(format!("{method} {route} {sent} as {name:?}: {status}, not {expected}"));
            }
            if !table.describes(method, route, status) {
                wrong.push(format!("openapi.json does not know {status} of {method} {route}"));
            }
            if status >= 400 {
                let said = String::from_utf8(body(answer).await.to_vec()).unwrap();
                let error = &serde_json::from_str::<Value>(&said).unwrap()["error"];
                assert!(error["code"].is_string() && error["message"].is_string(), "{path}: {said}");
                assert!(!said.contains("hers"), "a refusal that tells: {said}");
            }
            if (*method, *route, status) == ("DELETE", "/api/sessions/{id}", 200) {
                session = table.session().await;
            }
            if (*route, status) == ("/api/logout", 200) {
                cookies[column] = table.cookie(COLUMNS[column]).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn no_other_sites_page_changes_or_shows_anything_in_anybodys_name() {
    let table = Table::new().await;
    let session = table.session().await;
    let carol = table.cookie("carol").await;
    let jti = table.token(&table.cookie("alice").await).await;
    for origin in ["https://evil.example", "null", "https://fx.example.evil.example"] {
        let all = TABLE.iter().filter(|(method, path, ..)| *method != "GET" || path.ends_with("/socket"));
        for (method, route, sent, _) in all {
            let path = filled(route, &session, &jti);
            let answer = table.ask(&carol, method, &path, sent, origin).await;
            assert_eq!(answer.status().as_u16(), 403, "{method} {route} from {origin}");
            assert!(table.describes(method, route, 403), "openapi.json does not know it: {method} {route}");
            assert!(answer.headers().get(header::SET_COOKIE).is_none());
            let said: Value = serde_json::from_slice(&body(answer).await).unwrap();
            assert_eq!(said["error"]["code"], "other-site", "{method} {route} from {origin}");
        }
    }
    let all = table.server.sessions.list(&Who::Administrator);
    assert_eq!(
        all.iter().map(|one| (one.id.to_string(), &one.name[..])).collect::<Vec<_>>(),
        [(session, "hers")]
    );
    let answer = table.ask(&carol, "GET", "/api/tokens", "", OURS).await;
    assert!(String::from_utf8_lossy(&body(answer).await).contains(&jti), "it was revoked");
}
