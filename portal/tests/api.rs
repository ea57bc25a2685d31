//! The portal over a byte stream: who may do what, what it answers, and its limits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod server;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::display::{DisplayId, NewDisplay, State};
use portal::Portal;
use serde_json::{Value, json};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};

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
    id: &DisplayId,
    cookie: &str,
    origin: &str,
) -> Result<Viewer, Box<tungstenite::Error>> {
    let mut request = format!("ws://fx.example/api/displays/{id}/socket").into_client_request().unwrap();
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
    for path in ["/api/displays", "/api/displays/x/socket", "/api/anything"] {
        assert_eq!(code(&get(portal, path, &[]).await), (401, "key-wanted".into()), "{path}");
        let forged = [("cookie", "__Host-fastx-portal-n1=00")];
        assert_eq!(code(&get(portal, path, &forged).await), (401, "key-wanted".into()), "{path}");
    }
    assert_eq!(get(portal, "/api/health", &[]).await.status(), StatusCode::OK);

    assert_eq!(code(&open(portal, "wrong").await), (403, "wrong-key".into()));
    let slowed = open(portal, &server.key()).await;
    assert_eq!(code(&slowed), (429, "slow-down".into()), "even the right key, so that nothing is learnt");
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "1");
    tokio::time::sleep(Duration::from_millis(260)).await;

    let cookie = cookie(&server).await;
    let answer = get(portal, "/api/displays", &[("cookie", &cookie)]).await;
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body, json!({ "result": { "server": "n1", "displays": [] } }));
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let missing = get(portal, "/api/anything", &[("cookie", &cookie)]).await;
    assert_eq!(code(&missing), (404, "no-such-address".into()));

    // The same browser, after this process was started anew.
    let again =
        Portal::new("n1".to_owned().try_into().unwrap(), server.folder.path(), server.displays.clone());
    let answer = get(&again.unwrap(), "/api/displays", &[("cookie", &cookie)]).await;
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
    assert!(first_visit < 10_000, "the first page is {first_visit} bytes");

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
    let id = server.displays.list().await.unwrap().remove(0).id;
    let cookie = cookie(&server).await;

    assert_eq!(status(view(&server, &id, "a=b", "https://fx.example").await), 401);
    assert_eq!(status(view(&server, &id, &cookie, "https://evil.example").await), 403);
    let other = DisplayId::new("nobody").unwrap();
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

    server.displays.stop(&id).await.unwrap();
    let close = loop {
        match viewer.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            _rest => {}
        }
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4410, "the display has ended"));
    assert_eq!(status(view(&server, &id, &cookie, "https://fx.example").await), 404);
}

#[tokio::test]
async fn an_ended_display_is_told_apart_from_an_unknown_one() {
    let server = Server::new();
    let display = server.displays.start(NewDisplay::terminal("short")).await.unwrap();
    let record = server.folder.path().join("displays").join(display.id.as_str()).join("display.json");
    let record: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    let pid = record["processes"][0]["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let ended = async {
        while server.displays.find(&display.id).await.unwrap().state == State::Running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the end is noticed");
    let cookie = cookie(&server).await;
    assert_eq!(status(view(&server, &display.id, &cookie, "https://fx.example").await), 410);
}

#[tokio::test]
async fn too_large_a_message_ends_the_viewer_and_dropping_the_stream_ends_it_too() {
    let server = Server::with_terminal().await;
    let id = server.displays.list().await.unwrap().remove(0).id;
    let cookie = cookie(&server).await;
    let mut viewer = view(&server, &id, &cookie, "https://fx.example").await.unwrap();
    // It may be cut off while we still send.
    let _cut_off = viewer.send(Message::binary(vec![0; (1 << 20) + 1])).await;
    let over = async { while let Some(Ok(_)) = viewer.next().await {} };
    tokio::time::timeout(Duration::from_secs(5), over).await.expect("it is closed");

    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let portal = server.portal.clone();
    let serving = tokio::spawn(async move { portal.serve(theirs, None).await });
    let mut request = format!("ws://fx.example/api/displays/{id}/socket").into_client_request().unwrap();
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
