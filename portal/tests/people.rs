//! People who sign in by name and password: what they reach, and when they no longer do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "other tests use all of it")]
mod server;
#[path = "people/shares.rs"]
mod shares;
#[path = "people/tickets.rs"]
mod tickets;

use std::time::Duration;

use bytes::Bytes;
use cluster::session::Session;
use futures_util::StreamExt;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use node::session::Wanted;
use portal::people::{People, Role};
use serde_json::{Value, json};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tunnel::identity::Secret;

const PASSWORD: &str = "correct horse battery";
/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream whose other end the portal serves, as one client's.
fn stream(server: &Server, client: &str) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (portal, client) = (server.portal.clone(), format!("{client}:5000").parse().unwrap());
    tokio::spawn(async move { portal.serve(theirs, Some(client)).await });
    ours
}

async fn send(server: &Server, client: &str, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let io = TokioIo::new(stream(server, client));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

async fn ask(server: &Server, cookie: &str, method: &str, path: &str, body: &str) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(path).header("host", "fx.example");
    let request = request.header("origin", "https://fx.example").header("cookie", cookie);
    send(server, "192.0.2.7", request.body(Full::from(body.to_owned())).unwrap()).await
}

async fn sign_in(server: &Server, client: &str, name: &str, password: &str) -> Response<Bytes> {
    let body = json!({ "username": name, "password": password }).to_string();
    let request = Request::post("/api/login").header("host", "fx.example");
    send(server, client, request.body(Full::from(body)).unwrap()).await
}

/// The cookie of a person who is there.
async fn cookie(server: &Server, name: &str) -> String {
    let answer = sign_in(server, "192.0.2.7", name, PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
    let said: Value = serde_json::from_slice(answer.body()).unwrap();
    let role = people(server).iter().find(|(one, _)| *one == name).map(|(_, person)| person.role);
    assert_eq!(
        said,
        json!({ "result": { "state": "success", "server": "n1", "login": name, "role": role } })
    );
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = set.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict");
    pair.to_owned()
}

fn people(server: &Server) -> People {
    People::read(server.folder.path()).unwrap()
}

fn with_people() -> Server {
    let server = Server::new();
    let mut people = People::default();
    let all = [("alice", Role::User), ("bob", Role::User), ("carol", Role::Admin), ("dave", Role::Disabled)];
    let all = all.into_iter().chain([("frank", Role::Manager)]);
    for (name, role) in all {
        people.put(name, &Secret::new(PASSWORD), role, &format!("fx-no-{name}")).unwrap();
    }
    let own = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let own = String::from_utf8(own).unwrap();
    people.put("erin", &Secret::new(PASSWORD), Role::User, own.trim()).unwrap();
    people.write(server.folder.path()).unwrap();
    server
}

/// A session that belongs to alice, wherever it runs.
async fn hers(server: &Server) -> Session {
    let wanted = Wanted { login: Some("alice".into()), ..Wanted::program("hers", "exec xterm -e cat") };
    server.sessions.start(wanted).await.unwrap()
}

fn code(answer: &Response<Bytes>) -> (u16, String) {
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn refusals_are_all_the_same_and_wrong_tries_slow_the_name_down_from_everywhere() {
    let server = with_people();
    let tries =
        [("alice", "wrong password"), ("nobody", PASSWORD), ("dave", PASSWORD), ("", ""), ("x\n", "y")];
    let long = "x".repeat(100);
    let tries = tries.into_iter().chain([(long.as_str(), PASSWORD), ("carol", "")]);
    let mut said = Vec::new();
    for (number, (name, password)) in tries.enumerate() {
        let answer = sign_in(&server, &format!("192.0.2.{}", 20 + number), name, password).await;
        assert_eq!(code(&answer), (401, "wrong-password".into()), "{name:?}");
        assert!(answer.headers().get(header::SET_COOKIE).is_none());
        said.push(answer.body().clone());
    }
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");

    // A machine that stalls for longer than the wait tries again; each round the wait is twice as long.
    let slowed = async {
        for number in 0_u8.. {
            let client = format!("198.51.100.{number}");
            if code(&sign_in(&server, &client, "bob", "wrong password").await).0 != 429 {
                let other = format!("203.0.113.{number}");
                let right = sign_in(&server, &other, "bob", PASSWORD).await;
                if right.status() != StatusCode::OK {
                    return code(&right);
                }
            }
        }
        unreachable!("256 rounds")
    };
    assert_eq!(slowed.await, (429, "slow-down".into()), "the right password, from elsewhere");
    for bad in ["", "{}", r#"{"password":"alice"}"#, r#"{"username":"a","password":"b","more":1}"#] {
        let request = Request::post("/api/login").header("host", "fx.example");
        let answer = send(&server, "192.0.2.99", request.body(Full::from(bad)).unwrap()).await;
        assert_eq!(code(&answer), (400, "malformed".into()), "{bad}");
    }
    let request =
        Request::post("/api/login").header("host", "fx.example").header("origin", "https://evil.example");
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let answer = send(&server, "192.0.2.99", request.body(Full::from(body)).unwrap()).await;
    assert_eq!(code(&answer), (403, "other-site".into()));
}

#[tokio::test]
async fn nobody_but_their_owner_and_an_admin_reaches_a_session_by_any_route() {
    let server = with_people();
    let session = hers(&server).await;
    let path = format!("/api/sessions/{}", session.id);
    let [alice, bob, carol] =
        [cookie(&server, "alice").await, cookie(&server, "bob").await, cookie(&server, "carol").await];
    let seen = async |cookie: &str| {
        let answer = ask(&server, cookie, "GET", "/api/sessions", "").await;
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        body["result"]["sessions"].as_array().unwrap().len()
    };
    assert_eq!((seen(&alice).await, seen(&bob).await, seen(&carol).await), (1, 0, 1));
    let routes = [
        ("GET", "", ""),
        ("PATCH", "", r#"{ "name": "mine" }"#),
        ("PATCH", "", r#"{ "geometry": "640x480" }"#),
        ("DELETE", "", ""),
        ("POST", "/disconnect", ""),
        ("GET", "/log", ""),
        ("GET", "/thumbnail", ""),
    ];
    for (method, rest, body) in routes {
        let at = |id: &str| format!("/api/sessions/{id}{rest}");
        let of_hers = ask(&server, &bob, method, &at(session.id.as_str()), body).await;
        assert_eq!(code(&of_hers), (404, "no-such-session".into()), "bob: {method} {rest}");
        let of_none = ask(&server, &bob, method, &at("000000000000"), body).await;
        let text = String::from_utf8_lossy(of_none.body()).replace("000000000000", session.id.as_str());
        assert_eq!(
            text,
            String::from_utf8_lossy(of_hers.body()),
            "bob learns that it is there: {method} {rest}"
        );
        for nobody in ["", "a=b", "__Host-fastx-portal-n1=00"] {
            let answer = ask(&server, nobody, method, &at(session.id.as_str()), body).await;
            assert_eq!(code(&answer), (401, "sign-in-wanted".into()), "{nobody}: {method} {rest}");
        }
    }
    for (who, expected) in [(&bob, 404), (&"a=b".to_owned(), 401), (&alice, 101), (&carol, 101)] {
        assert_eq!(socket(&server, &path, who).await.map_or_else(|status| status, |_| 101), expected);
    }
    for who in [&alice, &carol] {
        for route in ["", "/log", "/thumbnail"] {
            assert_eq!(
                ask(&server, who, "GET", &format!("{path}{route}"), "").await.status(),
                200,
                "{route}"
            );
        }
    }
    // Nor do they start one as the service, or as somebody else.
    let cases = [
        ("{}", 422, "cannot-start"),
        (r#"{ "user": "bob" }"#, 400, "malformed"),
        (r#"{ "login": "alice" }"#, 400, "malformed"),
    ];
    for (body, status, said) in cases {
        assert_eq!(
            code(&ask(&server, &bob, "POST", "/api/sessions", body).await),
            (status, said.into()),
            "{body}"
        );
    }
    let erin = cookie(&server, "erin").await;
    let refused = ask(&server, &erin, "POST", "/api/sessions", r#"{ "command": "exec xterm" }"#).await;
    assert_eq!(code(&refused), (422, "cannot-start".into()));
    assert!(String::from_utf8_lossy(refused.body()).contains("the service itself runs as it"));
    assert_eq!(ask(&server, &alice, "DELETE", &path, "").await.status(), 200);
}

type Viewer = tokio_tungstenite::WebSocketStream<DuplexStream>;

async fn socket(server: &Server, path: &str, cookie: &str) -> Result<Viewer, u16> {
    let mut request = format!("ws://fx.example{path}/socket").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", "https://fx.example".parse().unwrap());
    let viewer = tokio_tungstenite::client_async(request, stream(server, "192.0.2.7")).await;
    viewer.map(|(viewer, _)| viewer).map_err(|error| match error {
        tokio_tungstenite::tungstenite::Error::Http(answer) => answer.status().as_u16(),
        other => panic!("{other}"),
    })
}

/// The close code of a viewer that waits.
async fn closed(mut viewer: Viewer) -> u16 {
    use tokio_tungstenite::tungstenite::Message;
    loop {
        if let Message::Close(frame) = viewer.next().await.unwrap().unwrap() {
            return frame.unwrap().code.into();
        }
    }
}

#[tokio::test]
async fn who_leaves_or_is_shut_out_loses_what_is_open_and_others_do_not() {
    let server = with_people();
    let session = hers(&server).await;
    let path = format!("/api/sessions/{}", session.id);
    let [alice, again, carol] =
        [cookie(&server, "alice").await, cookie(&server, "alice").await, cookie(&server, "carol").await];
    let [first, second, third] =
        [&alice, &again, &carol].map(async |who| socket(&server, &path, who).await.unwrap());
    let (first, second, third) = (first.await, second.await, third.await);
    let mut events = stream(&server, "192.0.2.7");
    let head = format!(
        "GET /api/sessions/events HTTP/1.1\r\nhost: fx.example\r\ncookie: {again}\r\nconnection: close\r\n\r\n"
    );
    events.write_all(head.as_bytes()).await.unwrap();

    let left = ask(&server, &alice, "POST", "/api/logout", "").await;
    assert_eq!(left.status(), StatusCode::OK);
    assert!(left.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(tokio::time::timeout(PATIENCE, closed(first)).await.expect("it stays open"), 4403);
    assert_eq!(code(&ask(&server, &alice, "GET", &path, "").await), (401, "sign-in-wanted".into()));
    assert_eq!(ask(&server, &again, "GET", &path, "").await.status(), 200, "the other browser stays");

    let mut all = people(&server);
    all.set_role("alice", Role::Disabled).unwrap();
    all.write(server.folder.path()).unwrap();
    assert_eq!(code(&ask(&server, &again, "GET", &path, "").await), (401, "sign-in-wanted".into()));
    assert_eq!(tokio::time::timeout(PATIENCE, closed(second)).await.expect("it stays open"), 4403);
    let mut heard = String::new();
    tokio::time::timeout(PATIENCE, events.read_to_string(&mut heard)).await.expect("it stays open").unwrap();
    assert!(heard.contains("event: update") && heard.contains("event: ready"), "{heard}");
    assert_eq!(ask(&server, &carol, "GET", &path, "").await.status(), 200, "others stay");
    assert_eq!(ask(&server, &carol, "DELETE", &path, "").await.status(), 200);
    // Hers was open until its display ended.
    let code = tokio::time::timeout(PATIENCE, closed(third)).await.expect("it stays open");
    assert!([4403, 4410].contains(&code), "{code}");
}

#[tokio::test]
async fn admins_reach_the_administration_in_their_name_and_nobody_else_does() {
    use axum::Json;
    use axum::extract::{Extension, Path};
    use axum::routing::get;
    use node::admin::{Person, Problem};
    let server = with_people();
    let echo =
        async |Path(name): Path<String>, person: Option<Extension<Person>>, Json(said): Json<Value>| {
            Json(json!({ "name": name, "by": person.map(|Extension(Person(name))| name), "said": said }))
        };
    let refuse = async || Problem::bad("no chain", "look again");
    let forms = get(async || Json(json!({ "type": "object" }))).put(async || StatusCode::NO_CONTENT);
    let routes = axum::Router::new().route("/balance/{name}", get(refuse).put(echo)).route("/forms/x", forms);
    server.portal.add_for_admins(routes);
    let (admin, user) = (cookie(&server, "carol").await, cookie(&server, "alice").await);
    let said = |answer: Response<Bytes>| {
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    let (status, answer) = said(put(&server, &admin, "/api/balance/x", r#"{"a":1}"#).await);
    assert_eq!(
        (status, &answer),
        (200, &json!({ "result": { "name": "x", "by": "carol", "said": { "a": 1 } } }))
    );
    let (status, answer) = said(ask(&server, &admin, "GET", "/api/balance/x", "").await);
    assert_eq!(
        (status, &answer["error"]["message"], &answer["error"]["next"]),
        (400, &json!("no chain"), &json!("look again"))
    );
    assert_eq!(said(ask(&server, &admin, "GET", "/api/balance", "").await).0, 404);
    let (status, answer) = said(ask(&server, &user, "GET", "/api/balance/x", "").await);
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("admins-only")));
    assert_eq!(said(ask(&server, "", "GET", "/api/balance/x", "").await).0, 401);
    // Everybody reads forms, and admins write them.
    let read = said(ask(&server, &user, "GET", "/api/forms/x", "").await);
    assert_eq!(read, (200, json!({ "result": { "type": "object" } })));
    assert_eq!(said(put(&server, &user, "/api/forms/x", "{}").await).0, 403);
    assert_eq!(said(put(&server, &admin, "/api/forms/x", "{}").await), (200, json!({ "result": null })));
}

async fn put(server: &Server, cookie: &str, path: &str, body: &str) -> Response<Bytes> {
    let request = Request::put(path).header("host", "fx.example").header("origin", "https://fx.example");
    let request = request.header("cookie", cookie).header("content-type", "application/json");
    send(server, "192.0.2.7", request.body(Full::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_password_may_be_asked_for_and_a_conversation_goes_on_once() {
    let server = with_people();
    // Each from another address: a conversation that is over counts as a wrong try.
    let asked = std::sync::atomic::AtomicU8::new(0);
    let post = async |path: &str, body: Value| {
        let request = Request::post(path).header("host", "fx.example");
        let client = format!("192.0.2.{}", asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let answer = send(&server, &client, request.body(Full::from(body.to_string())).unwrap()).await;
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        (answer, said)
    };
    let ways = send(&server, "192.0.2.7", Request::get("/api/login").body(Full::default()).unwrap()).await;
    let ways: Value = serde_json::from_slice(ways.body()).unwrap();
    assert_eq!(
        ways,
        json!({ "result": { "ways": [{ "id": "password", "label": "Password of this server", "kind": "form" }] } })
    );
    for name in ["alice", "nobody"] {
        let (answer, said) = post("/api/login", json!({ "way": "password", "username": name })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers().get(header::SET_COOKIE).is_none());
        let said = &said["result"];
        assert_eq!(said["state"], "keyboard-interactive");
        assert_eq!(said["prompts"], json!([{ "text": "Password: ", "echo": false }]));
        let answers = json!({ "conversation": said["conversation"], "answers": [PASSWORD] });
        let (answer, said) = post("/api/login/answer", answers.clone()).await;
        if name == "alice" {
            assert_eq!(said["result"]["state"], "success");
            assert!(answer.headers().contains_key(header::SET_COOKIE));
        } else {
            assert_eq!(code(&answer), (401, "wrong-password".into()));
        }
        assert_ne!(post("/api/login/answer", answers).await.0.status(), StatusCode::OK, "it is over");
    }
    let (answer, _) =
        post("/api/login", json!({ "way": "pam", "username": "bob", "password": PASSWORD })).await;
    assert_eq!(code(&answer), (400, "malformed".into()), "no such way");
}

#[tokio::test]
async fn a_manager_sees_everybodys_sessions_and_ends_them_and_no_more() {
    let server = with_people();
    let session = hers(&server).await;
    let path = format!("/api/sessions/{}", session.id);
    let frank = cookie(&server, "frank").await;
    let answer = ask(&server, &frank, "GET", "/api/sessions", "").await;
    let said: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(said["result"]["sessions"][0]["id"], session.id.as_str());
    assert_eq!(ask(&server, &frank, "GET", &path, "").await.status(), 200);
    for (method, rest, body) in [
        ("PATCH", "", r#"{ "name": "mine" }"#),
        ("POST", "/disconnect", ""),
        ("GET", "/log", ""),
        ("GET", "/thumbnail", ""),
    ] {
        let answer = ask(&server, &frank, method, &format!("{path}{rest}"), body).await;
        assert_eq!(code(&answer), (404, "no-such-session".into()), "{method} {rest}");
    }
    assert_eq!(socket(&server, &path, &frank).await.map_or_else(|status| status, |_| 101), 404);
    assert_eq!(ask(&server, &frank, "GET", "/api/balance/x", "").await.status(), 403);
    assert_eq!(ask(&server, &frank, "DELETE", &path, "").await.status(), 200);
}
