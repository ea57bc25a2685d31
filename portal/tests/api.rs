//! The portal over a byte stream: who may do what, what it answers, and its limits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod server;

use std::time::Duration;

use bytes::Bytes;
use cluster::session::{SessionId, State};
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::session::{Wanted, Who};
use portal::Portal;
use serde_json::{Value, json};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};

const ROOT: Who = Who::Administrator;

/// A stream whose other end the portal serves.
fn stream(portal: &Portal) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let portal = portal.clone();
    tokio::spawn(async move { portal.serve(theirs, Some("192.0.2.7:5000".parse().unwrap())).await });
    ours
}

async fn send(portal: &Portal, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream(portal))).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

async fn get(portal: &Portal, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::get(path).header("host", "fx.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(portal, request.body(Full::default()).unwrap()).await
}

async fn open(portal: &Portal, key: &str) -> Response<Bytes> {
    let body = json!({ "key": key }).to_string();
    let request = Request::post("/api/open").header("host", "fx.example");
    send(portal, request.body(Full::from(body)).unwrap()).await
}

async fn cookie(server: &Server) -> String {
    let answer = open(&server.portal, &server.key()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = set.split_once(';').unwrap();
    assert!(pair.starts_with("__Host-fastx-portal-n1="));
    assert_eq!(attributes, " Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict");
    pair.to_owned()
}

fn code(answer: &Response<Bytes>) -> (u16, String) {
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert!(body["error"]["name"].is_string() && body["error"]["message"].is_string(), "{body}");
    (answer.status().as_u16(), body["error"]["code"].as_str().unwrap().to_owned())
}

type Viewer = WebSocketStream<DuplexStream>;

async fn view(
    server: &Server,
    id: &SessionId,
    cookie: &str,
    origin: &str,
) -> Result<Viewer, Box<tungstenite::Error>> {
    let mut request = format!("ws://fx.example/api/sessions/{id}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    let viewer = tokio_tungstenite::client_async(request, stream(&server.portal)).await;
    viewer.map(|(viewer, _)| viewer).map_err(Box::new)
}

fn status(refused: Result<Viewer, Box<tungstenite::Error>>) -> u16 {
    match *refused.unwrap_err() {
        tungstenite::Error::Http(answer) => answer.status().as_u16(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn nothing_without_the_key_and_wrong_keys_have_to_wait() {
    let server = Server::new();
    let portal = &server.portal;
    for path in ["/api/sessions", "/api/sessions/x/socket", "/api/anything"] {
        assert_eq!(code(&get(portal, path, &[]).await), (401, "sign-in-wanted".into()), "{path}");
        let forged = [("cookie", "__Host-fastx-portal-n1=00")];
        assert_eq!(code(&get(portal, path, &forged).await), (401, "sign-in-wanted".into()), "{path}");
    }
    assert_eq!(get(portal, "/api/health", &[]).await.status(), StatusCode::OK);

    // Even the right key has to wait, so that nothing is learnt. A machine that stalls for longer than the wait tries again.
    let slowed = loop {
        assert_eq!(code(&open(portal, "wrong").await), (403, "wrong-key".into()));
        let answer = open(portal, &server.key()).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(code(&slowed), (429, "slow-down".into()));
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "1");
    tokio::time::sleep(Duration::from_millis(260)).await;

    let cookie = cookie(&server).await;
    let answer = get(portal, "/api/sessions", &[("cookie", &cookie)]).await;
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body, json!({ "result": { "server": "n1", "login": null, "role": "admin", "sessions": [] } }));
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let missing = get(portal, "/api/anything", &[("cookie", &cookie)]).await;
    assert_eq!(code(&missing), (404, "no-such-address".into()));

    // The same browser, after this process was started anew.
    let again =
        Portal::new("n1".to_owned().try_into().unwrap(), server.folder.path(), server.sessions.clone());
    let answer = get(&again.unwrap(), "/api/sessions", &[("cookie", &cookie)]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn requests_to_open_are_checked_before_the_key() {
    let server = Server::new();
    let post = |origin: &str, body: String| {
        let request = Request::post("/api/open").header("host", "fx.example").header("origin", origin);
        send(&server.portal, request.body(Full::from(body)).unwrap())
    };
    let right = json!({ "key": server.key() }).to_string();
    assert_eq!(code(&post("https://evil.example", right.clone()).await), (403, "other-site".into()));
    for bad in ["", "{}", "[]", r#"{"key":"x","more":1}"#] {
        assert_eq!(code(&post("https://fx.example", bad.into()).await), (400, "malformed".into()), "{bad}");
    }
    let large = json!({ "key": "x".repeat(5000) }).to_string();
    assert_eq!(code(&post("https://fx.example", large).await), (400, "malformed".into()));
    assert_eq!(post("https://fx.example", right).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn pages_are_cached_checked_compressed_and_locked_down() {
    let server = Server::new();
    let portal = &server.portal;
    let page = get(portal, "/", &[]).await;
    let headers = page.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");

    let tag = headers[header::ETAG].to_str().unwrap();
    let known = get(portal, "/", &[("if-none-match", tag)]).await;
    assert_eq!((known.status(), known.body().len()), (StatusCode::NOT_MODIFIED, 0));
    assert!(known.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    let small = get(portal, "/", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(small.headers()[header::CONTENT_ENCODING], "br");
    assert!(small.body().len() < page.body().len());
    assert_ne!(small.headers()[header::ETAG], tag);

    // Every link of a page is relative, and there.
    let mut first_visit = small.body().len();
    let html = String::from_utf8(page.body().to_vec()).unwrap();
    let links = html.split('"').filter(|part| part.starts_with("./") || part.starts_with("/"));
    for link in links.filter(|link| *link != "./") {
        let path = link.strip_prefix('.').unwrap_or_else(|| panic!("{link} is not relative"));
        let asset = get(portal, path, &[("accept-encoding", "br")]).await;
        assert_eq!(asset.status(), StatusCode::OK, "{path}");
        if path.starts_with("/assets/") {
            assert_eq!(asset.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        }
        first_visit += asset.body().len();
    }
    // Of that, React and Mantine are 130 kB.
    assert!(first_visit < 200_000, "the first page is {first_visit} bytes");
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("<script>"), "{html}");

    assert_eq!(
        get(portal, "/display?id=x", &[]).await.headers()[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    for missing in ["/nothing", "/../Cargo.toml", "/index.html.br", "/assets/"] {
        assert_eq!(get(portal, missing, &[]).await.status(), StatusCode::NOT_FOUND, "{missing}");
    }
    let post = Request::post("/").body(Full::default()).unwrap();
    assert_eq!(send(portal, post).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_viewer_gets_the_displays_own_bytes_until_it_ends() {
    let server = Server::with_terminal().await;
    let id = server.sessions.list(&ROOT).remove(0).id;
    let cookie = cookie(&server).await;

    assert_eq!(status(view(&server, &id, "a=b", "https://fx.example").await), 401);
    assert_eq!(status(view(&server, &id, &cookie, "https://evil.example").await), 403);
    let other = SessionId::new("nobody").unwrap();
    assert_eq!(status(view(&server, &other, &cookie, "https://fx.example").await), 404);

    let mut viewer = view(&server, &id, &cookie, "https://fx.example").await.unwrap();
    let mut greeting = Vec::new();
    while greeting.len() < 12 {
        if let Message::Binary(bytes) = viewer.next().await.unwrap().unwrap() {
            greeting.extend_from_slice(&bytes);
        }
    }
    assert_eq!(greeting, b"RFB 003.008\n");
    // In two messages: their borders mean nothing.
    viewer.send(Message::binary(&b"RFB 003"[..])).await.unwrap();
    viewer.send(Message::binary(&b".008\n"[..])).await.unwrap();
    let types = loop {
        match viewer.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => break bytes,
            _ping => {}
        }
    };
    assert_eq!(&types[..], [1, 1]);

    server.sessions.terminate(&ROOT, &id).await.unwrap();
    let close = loop {
        match viewer.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            _rest => {}
        }
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4410, "the display has ended"));
    assert_eq!(status(view(&server, &id, &cookie, "https://fx.example").await), 410);
    server.sessions.terminate(&ROOT, &id).await.unwrap();
    assert_eq!(status(view(&server, &id, &cookie, "https://fx.example").await), 404);
}

#[tokio::test]
async fn an_ended_display_is_told_apart_from_an_unknown_one() {
    let server = Server::new();
    let display = server.sessions.start(Wanted::program("short", "exec xterm -e cat")).await.unwrap();
    let pid = display.server_pid.unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let ended = async {
        while server.sessions.find(&ROOT, &display.id).unwrap().state != State::Ended {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the end is noticed");
    let cookie = cookie(&server).await;
    assert_eq!(status(view(&server, &display.id, &cookie, "https://fx.example").await), 410);
}

#[tokio::test]
async fn too_large_a_message_ends_the_viewer_and_dropping_the_stream_ends_it_too() {
    let server = Server::with_terminal().await;
    let id = server.sessions.list(&ROOT).remove(0).id;
    let cookie = cookie(&server).await;
    let mut viewer = view(&server, &id, &cookie, "https://fx.example").await.unwrap();
    // It may be cut off while we still send.
    let _cut_off = viewer.send(Message::binary(vec![0; (1 << 20) + 1])).await;
    let over = async { while let Some(Ok(_)) = viewer.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), over).await.expect("it is closed");

    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let portal = server.portal.clone();
    let serving = tokio::spawn(async move { portal.serve(theirs, None).await });
    let mut request = format!("ws://fx.example/api/sessions/{id}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let (mut viewer, _) = tokio_tungstenite::client_async(request, ours).await.unwrap();
    assert!(viewer.next().await.unwrap().is_ok());
    assert!(!serving.is_finished(), "it serves as long as the viewer looks");
    serving.abort();
    let over = async { while let Some(Ok(_)) = viewer.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), over).await.expect("the viewer ends with its stream");
}

#[tokio::test]
async fn a_request_that_dawdles_or_is_too_large_is_cut_off() {
    let server = Server::new();
    let mut slow = stream(&server.portal);
    slow.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
    let start = tokio::time::Instant::now();
    slow.read_to_end(&mut Vec::new()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(11), "{:?}", start.elapsed());

    let mut large = stream(&server.portal);
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "x".repeat(200_000));
    let _cut_off = large.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    large.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
}

async fn ask(server: &Server, cookie: &str, method: &str, path: &str, body: &str) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(path).header("host", "fx.example");
    let request = request.header("cookie", cookie).header("origin", "https://fx.example");
    send(&server.portal, request.body(Full::from(body.to_owned())).unwrap()).await
}

fn result(answer: &Response<Bytes>) -> Value {
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert!(answer.status().is_success(), "{body}");
    body["result"].clone()
}

/// What a page would run if it took a text for more.
const SCRIPT: &str = "<script>parent.pwned=1</script><img src=x onerror=pwned=1>";

#[tokio::test]
async fn a_session_is_started_changed_photographed_and_ended_from_a_page() {
    let server = Server::new();
    let cookie = cookie(&server).await;
    let wanted = json!({ "name": SCRIPT, "command": "echo '<b>log</b>' >&2; exec xterm -e cat", "geometry": "320x200",
        "profile": SCRIPT, "params": { "a": SCRIPT } });
    let started = ask(&server, &cookie, "POST", "/api/sessions", &wanted.to_string()).await;
    assert_eq!(started.status(), StatusCode::CREATED);
    let session = result(&started);
    assert_eq!((&session["name"], &session["state"]), (&json!(SCRIPT), &json!("running")));
    let path = format!("/api/sessions/{}", session["id"].as_str().unwrap());

    let changed = ask(&server, &cookie, "PATCH", &path, r#"{ "name": "two", "geometry": "400x300" }"#).await;
    assert_eq!(result(&changed)["geometry"], "400x300");
    assert_eq!(result(&ask(&server, &cookie, "GET", &path, "").await)["name"], "two");
    let picture = ask(&server, &cookie, "GET", &format!("{path}/thumbnail"), "").await;
    assert_eq!(picture.headers()[header::CONTENT_TYPE], "image/png");
    assert!(picture.body().starts_with(b"\x89PNG"));
    // The shell may not have come so far yet.
    let written = async {
        while !result(&ask(&server, &cookie, "GET", &format!("{path}/log"), "").await)
            .to_string()
            .contains("<b>log</b>")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), written).await.expect("what it wrote is in the log");
    result(&ask(&server, &cookie, "POST", &format!("{path}/disconnect"), "").await);
    result(&ask(&server, &cookie, "DELETE", &path, "").await);
    assert_eq!(result(&ask(&server, &cookie, "GET", &path, "").await)["state"], "ended");
    assert_eq!(code(&ask(&server, &cookie, "GET", &format!("{path}/thumbnail"), "").await).0, 410);
}

#[tokio::test]
async fn what_a_page_may_not_do_is_refused_with_a_code() {
    let server = Server::new();
    let cookie = cookie(&server).await;
    let cases = [
        ("POST", "/api/sessions", r#"{ "user": "root" }"#, 400, "malformed"),
        ("POST", "/api/sessions", r#"{ "login": "alice" }"#, 400, "malformed"),
        ("POST", "/api/sessions", r#"{ "geometry": "1x1" }"#, 400, "malformed"),
        ("POST", "/api/sessions", r#"{ "serverId": "n2" }"#, 422, "cannot-start"),
        ("POST", "/api/sessions", r#"{ "command": "no-such-program" }"#, 422, "cannot-start"),
        ("DELETE", "/api/sessions/nobody", "", 404, "no-such-session"),
        ("GET", "/api/sessions/..%2f..%2fetc", "", 404, "no-such-session"),
        ("GET", "/api/sessions/nobody/log", "", 404, "no-such-session"),
        ("GET", "/api/sessions/nobody/thumbnail", "", 404, "no-such-session"),
    ];
    for (method, path, body, status, said) in cases {
        let answer = ask(&server, &cookie, method, path, body).await;
        assert_eq!(code(&answer), (status, said.into()), "{method} {path} {body}");
        let stranger = ask(&server, "a=b", method, path, body).await;
        assert_eq!(code(&stranger), (401, "sign-in-wanted".into()), "{method} {path}");
        if method != "GET" {
            let request = Request::builder().method(method).uri(path).header("host", "fx.example");
            let request = request.header("cookie", &cookie).header("origin", "https://evil.example");
            let answer = send(&server.portal, request.body(Full::from(body.to_owned())).unwrap()).await;
            assert_eq!(code(&answer), (403, "other-site".into()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_listener_hears_what_there_is_and_then_each_change() {
    let server = Server::with_terminal().await;
    let cookie = cookie(&server).await;
    let id = server.sessions.list(&ROOT).remove(0).id;
    let mut events = stream(&server.portal);
    let head = format!("GET /api/sessions/events HTTP/1.1\r\nhost: fx.example\r\ncookie: {cookie}\r\n\r\n");
    events.write_all(head.as_bytes()).await.unwrap();
    let mut heard = String::new();
    let mut hears = async |what: &str| {
        let hear = async {
            while !heard.contains(what) {
                let mut bytes = [0; 4096];
                let length = events.read(&mut bytes).await.unwrap();
                assert!(length > 0, "it ended: {heard}");
                heard += &String::from_utf8_lossy(&bytes[..length]);
            }
            heard.clear();
        };
        tokio::time::timeout(Duration::from_secs(60), hear).await.unwrap_or_else(|_| panic!("no {what}"));
    };
    hears("event: ready").await;
    server.sessions.terminate(&ROOT, &id).await.unwrap();
    hears("\"state\":\"ended\"").await;
    server.sessions.terminate(&ROOT, &id).await.unwrap();
    hears(&format!("event: delete\ndata: {{\"id\":\"{id}\"}}")).await;
}
