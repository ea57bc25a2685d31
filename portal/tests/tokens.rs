//! Tokens, as programs use them: made by a person who has signed in, shown as bearer, listed, revoked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "other tests use all of it")]
mod server;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use portal::people::{People, Role};
use serde_json::{Value, json};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tunnel::identity::Secret;

const PASSWORD: &str = "correct horse battery";
/// Only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn stream(server: &Server) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let portal = server.portal.clone();
    tokio::spawn(async move { portal.serve(theirs, Some("192.0.2.7:5000".parse().unwrap())).await });
    ours
}

/// `by`: a header and its value.
async fn ask(
    server: &Server,
    by: (&str, &str),
    method: &str,
    path: &str,
    body: Value,
) -> (u16, Value, Response<Bytes>) {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream(server))).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "fx.example").header(by.0, by.1);
    let request = request.body(Full::<Bytes>::from(body.to_string())).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let said = serde_json::from_slice(&body).unwrap_or_default();
    (parts.status.as_u16(), said, Response::from_parts(parts, body))
}

async fn cookie(server: &Server, name: &str) -> String {
    let body = json!({ "username": name, "password": PASSWORD });
    let (_, _, answer) = ask(server, ("x-none", ""), "POST", "/api/login", body).await;
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn with_people() -> Server {
    let server = Server::new();
    let mut people = People::default();
    for (name, role) in [("alice", Role::User), ("bob", Role::User), ("carol", Role::Admin)] {
        people.put(name, &Secret::new(PASSWORD), role, &format!("fx-no-{name}")).unwrap();
    }
    people.write(server.folder.path()).unwrap();
    server
}

async fn token(server: &Server, cookie: &str, label: &str) -> (String, Value) {
    let wanted = json!({ "label": label, "expires": 3600 });
    let (status, said, _) = ask(server, ("cookie", cookie), "POST", "/api/tokens", wanted).await;
    assert_eq!(status, 201, "{said}");
    let token = said["result"]["token"].as_str().unwrap();
    (format!("Bearer {token}"), said["result"]["claims"].clone())
}

#[tokio::test]
async fn a_token_is_as_good_as_a_cookie_and_makes_no_other() {
    let server = with_people();
    let alice = cookie(&server, "alice").await;
    let (bearer, claims) = token(&server, &alice, "laptop").await;
    assert_eq!(
        (&claims["sub"], &claims["iss"], &claims["aud"]),
        (&json!("alice"), &json!("n1"), &json!("api"))
    );
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert_eq!((&claims["fastx/daemon"], claims["jti"].as_str().unwrap().len()), (&json!(false), 32));

    let by = ("authorization", &bearer[..]);
    let (status, said, _) = ask(&server, by, "GET", "/api/sessions", Value::Null).await;
    assert_eq!(
        (status, &said["result"]["login"], &said["result"]["role"]),
        (200, &json!("alice"), &json!("user"))
    );
    let (_, said, _) = ask(&server, by, "GET", "/api/tokens", Value::Null).await;
    assert_eq!(said["result"], json!([{ "claims": claims, "label": "laptop" }]));
    assert_eq!(
        ask(&server, by, "POST", "/api/tokens", json!({})).await.0,
        400,
        "a stolen one would never end"
    );

    // The jti is no secret: it opens nothing by itself, as token or as cookie.
    let jti = claims["jti"].as_str().unwrap();
    let forged = [
        ("authorization", format!("Bearer {jti}")),
        ("authorization", bearer.replace("Bearer", "Basic")),
        ("authorization", bearer[..bearer.len() - 4].to_owned()),
        ("cookie", format!("__Host-fastx-portal-n1={jti}")),
    ];
    for (name, value) in &forged {
        assert_eq!(ask(&server, (name, value), "GET", "/api/sessions", Value::Null).await.0, 401, "{value}");
    }
    for bad in [
        json!({ "expires": 5 }),
        json!({ "expires": 1_000_000_000 }),
        json!({ "label": "a\nb" }),
        json!({ "x": 1 }),
    ] {
        assert_eq!(
            ask(&server, ("cookie", &alice), "POST", "/api/tokens", bad.clone()).await.0,
            400,
            "{bad}"
        );
    }
    assert_eq!(ask(&server, by, "POST", "/api/logout", Value::Null).await.0, 200);
    assert_eq!(ask(&server, by, "GET", "/api/sessions", Value::Null).await.0, 401, "it has revoked itself");
}

#[tokio::test]
async fn its_owner_and_admins_revoke_it_and_what_is_open_ends() {
    let server = with_people();
    let [alice, bob, carol] =
        [cookie(&server, "alice").await, cookie(&server, "bob").await, cookie(&server, "carol").await];
    let (first, claims) = token(&server, &alice, "first").await;
    let (second, _) = token(&server, &alice, "second").await;
    let path = format!("/api/tokens/{}", claims["jti"].as_str().unwrap());
    let listed = async |cookie: &str| {
        let (_, said, _) = ask(&server, ("cookie", cookie), "GET", "/api/tokens", Value::Null).await;
        said["result"].as_array().unwrap().len()
    };
    assert_eq!((listed(&alice).await, listed(&bob).await, listed(&carol).await), (2, 0, 2));
    assert_eq!(ask(&server, ("cookie", &bob), "DELETE", &path, Value::Null).await.0, 404);

    let mut events = stream(&server);
    let head = format!(
        "GET /api/sessions/events HTTP/1.1\r\nhost: fx.example\r\nauthorization: {first}\r\nconnection: close\r\n\r\n"
    );
    events.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    events.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");

    assert_eq!(ask(&server, ("cookie", &carol), "DELETE", &path, Value::Null).await.0, 200);
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, events.read_to_end(&mut rest)).await.expect("it ends").unwrap();
    for (bearer, status) in [(&first, 401), (&second, 200)] {
        assert_eq!(
            ask(&server, ("authorization", bearer), "GET", "/api/sessions", Value::Null).await.0,
            status
        );
    }
    // A new password ends the others, too.
    let mut people = People::read(server.folder.path()).unwrap();
    people.put("alice", &Secret::new("another password"), Role::User, "fx-no-alice").unwrap();
    people.write(server.folder.path()).unwrap();
    assert_eq!(ask(&server, ("authorization", &second), "GET", "/api/sessions", Value::Null).await.0, 401);
}
